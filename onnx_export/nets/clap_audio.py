"""CLAP's ear: HTS-AT, a Swin transformer over the log-mel picture.

Convention: modules and weights are named as LAION-CLAP's ``audio_branch`` names them (github.com/LAION-AI/CLAP,
``laion_clap/clap_module/htsat.py``), for the model without feature fusion. The architecture is HTS-AT's (Chen et al.,
ICASSP 2022, section 2), its blocks Swin's (Liu et al., ICCV 2021, section 3). Pictures are (batch, rows, columns,
channels). What only training or AudioSet's labels need (drop-out, masking, token-semantic head) is left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional

from onnx_export.nets.clap_mel import LogMel, MelShape

APART = -100.0
"""Added to the attention of places that are neighbours only because the picture was rolled."""


@dataclass(frozen=True, kw_only=True)
class AudioShape:
    """Sizes of the net; the defaults are HTSAT-tiny's.

    Attributes:
        mel: the picture before it is folded.
        side: rows and columns of the folded picture, a multiple of ``mel.bands``.
        patch: pixels that become one place. window: places that attend to each other.
        width: channels at first; every level but the first doubles them and halves the picture.
        depths, heads: blocks and heads by level.
    """

    mel: MelShape = field(default_factory=MelShape)
    side: int = 256
    patch: int = 4
    window: int = 8
    width: int = 96
    depths: tuple[int, ...] = (2, 2, 6, 2)
    heads: tuple[int, ...] = (4, 8, 16, 32)

    @property
    def features(self) -> int:
        """Values that the net gives for a waveform."""
        return self.width * 2 ** (len(self.depths) - 1)


class AudioBranch(nn.Module):
    """Waveform (batch, clip) -> features (batch, features)."""

    def __init__(self, shape: AudioShape) -> None:
        super().__init__()
        self.shape = shape
        self.mel = LogMel(shape.mel)
        self.bn0 = nn.BatchNorm2d(shape.mel.bands)
        self.patch_embed = PatchEmbed(shape.width, shape.patch)
        self.layers = nn.ModuleList()
        for level, (depth, heads) in enumerate(zip(shape.depths, shape.heads, strict=True)):
            self.layers.append(
                Level(
                    shape.width * 2**level,
                    side=shape.side // shape.patch // 2**level,
                    depth=depth,
                    heads=heads,
                    window=shape.window,
                    last=level == len(shape.depths) - 1,
                )
            )
        self.norm = nn.LayerNorm(shape.features)

    def forward(self, waveform: Tensor) -> Tensor:
        """The mean over all places of the last level."""
        x = self.mel(waveform)
        x = self.bn0(x.transpose(1, 3)).transpose(1, 3)
        x = self.patch_embed(self._folded(x))
        for level in self.layers:
            x = level(x)
        return self.norm(x).mean(dim=(1, 2))

    def _folded(self, picture: Tensor) -> Tensor:
        """(batch, 1, frames, bands) -> (batch, 1, side, side): time cut into pieces that are stacked along frequency.

        Time is first stretched to fill the square (cubic; both ends stay).
        """
        side, bands = self.shape.side, self.shape.mel.bands
        pieces = side // bands
        if self.shape.mel.frames != side * pieces:
            size = (side * pieces, bands)
            picture = functional.interpolate(picture, size, mode="bicubic", align_corners=True)
        folded = picture.reshape(-1, pieces, side, bands).transpose(2, 3)
        return folded.reshape(-1, 1, side, side)


class PatchEmbed(nn.Module):
    """Picture (batch, 1, side, side) -> places (batch, side / patch, side / patch, width)."""

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(1, width, patch, stride=patch)
        self.norm = nn.LayerNorm(width)

    def forward(self, picture: Tensor) -> Tensor:
        """One place for every square of pixels."""
        return self.norm(self.proj(picture).permute(0, 2, 3, 1))


class Level(nn.Module):
    """Blocks at one resolution; every second one sees the picture rolled by half a window. Then halves the picture."""

    def __init__(self, width: int, *, side: int, depth: int, heads: int, window: int, last: bool) -> None:
        super().__init__()
        window, roll = (window, window // 2) if side > window else (side, 0)
        self.blocks = nn.ModuleList(
            [Block(width, side=side, heads=heads, window=window, roll=roll * (index % 2)) for index in range(depth)]
        )
        self.downsample = None if last else Downsample(width)

    def forward(self, x: Tensor) -> Tensor:
        """Places in, places out."""
        for block in self.blocks:
            x = block(x)
        return x if self.downsample is None else self.downsample(x)


class Block(nn.Module):
    """x + attention within windows, then x + MLP."""

    apart: Tensor | None

    def __init__(self, width: int, *, side: int, heads: int, window: int, roll: int) -> None:
        super().__init__()
        self.side, self.window, self.roll = side, window, roll
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, heads, window)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)
        self.register_buffer("apart", rolled_apart(side, window, roll) if roll else None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Places (batch, side, side, width) in and out."""
        side, window = self.side, self.window
        along, width = side // window, x.shape[-1]
        y = self.norm1(x)
        if self.roll:
            y = torch.roll(y, (-self.roll, -self.roll), dims=(1, 2))
        y = y.reshape(-1, along, window, along, window, width).transpose(2, 3)
        y = self.attn(y.reshape(-1, along * along, window * window, width), self.apart)
        y = y.reshape(-1, along, along, window, window, width).transpose(2, 3)
        y = y.reshape(-1, side, side, width)
        if self.roll:
            y = torch.roll(y, (self.roll, self.roll), dims=(1, 2))
        x = x + y
        return x + self.mlp(self.norm2(x))


class WindowAttention(nn.Module):
    """Attention among the places of each window, with a learned bias for every pair of directions and distances."""

    relative: Tensor

    def __init__(self, width: int, heads: int, window: int) -> None:
        super().__init__()
        self.heads = heads
        self.scale = (width // heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.register_buffer("relative", relative_places(window), persistent=False)

    def forward(self, x: Tensor, apart: Tensor | None) -> Tensor:
        """(batch, windows, places, width) in and out; ``apart`` (windows, places, places) is added to all heads."""
        windows, places, width = x.shape[1:]
        qkv = self.qkv(x).reshape(-1, windows, places, 3, self.heads, width // self.heads)
        query, key, value = qkv.permute(3, 0, 1, 4, 2, 5)
        bias = self.relative_position_bias_table[self.relative].permute(2, 0, 1)[None]
        if apart is not None:
            bias = bias + apart[:, None]
        scores = (query * self.scale) @ key.transpose(-2, -1) + bias
        mixed = scores.softmax(dim=-1) @ value
        return self.proj(mixed.transpose(2, 3).reshape(-1, windows, places, width))


class Mlp(nn.Module):
    """Two linear layers, four times as wide in between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Any shape that ends in width."""
        return self.fc2(functional.gelu(self.fc1(x)))


class Downsample(nn.Module):
    """Squares of 2 x 2 places become one of twice the width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * width)
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """The order within a square is down the first column, then down the second."""
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))


def relative_places(window: int) -> Tensor:
    """Row of the bias table for every pair of places in a window: (places, places), int64."""
    row, column = (
        place.flatten() for place in torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
    )
    down = row[:, None] - row[None, :] + window - 1
    right = column[:, None] - column[None, :] + window - 1
    return down * (2 * window - 1) + right


def rolled_apart(side: int, window: int, roll: int) -> Tensor:
    """What keeps apart places of a window that come from different edges: (windows, places, places), 0 or ``APART``."""
    place = torch.arange(side)
    strip = (place >= side - window).long() + (place >= side - roll).long()
    region = 3 * strip[:, None] + strip[None, :]
    along = side // window
    region = region.reshape(along, window, along, window).transpose(1, 2).reshape(along * along, window * window)
    return torch.where(region[:, :, None] == region[:, None, :], 0.0, APART)
