"""SyncFusion's onset encoder: onset track -> one context a depth of the UNet.

Convention: names and shapes of the weights are the official checkpoint's (Encoder1d of audio-encoders-pytorch 0.0.22);
defaults are the official sizes: 2,393,374 weights, 154 names. The contexts are what the official code calls
``xs[2:-1]``: the answer of every level, not the raw track and not its first convolutions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class OnsetEncoderShape:
    """Sizes of the encoder; ``widths``, ``factors`` and ``blocks`` have one entry a level.

    Attributes:
        first: channels before the first level.
        widths: channels of a level's context.
        factors: how many frames of the level above become one.
        blocks: residual blocks of the level.
        groups: of group norm.
    """

    first: int = 2
    widths: tuple[int, ...] = (2, 8, 16, 32, 64, 128, 256, 256)
    factors: tuple[int, ...] = (1, 4, 4, 4, 2, 2, 2, 2)
    blocks: tuple[int, ...] = (2, 2, 2, 2, 2, 2, 2, 2)
    groups: int = 2

    def __post_init__(self) -> None:
        if not self.widths or any(len(row) != len(self.widths) for row in (self.factors, self.blocks)):
            raise ValueError("widths, factors and blocks name a different number of levels")

    @property
    def align(self) -> int:
        """Samples of which a length must be a multiple."""
        return math.prod(self.factors)


class OnsetEncoder(nn.Module):
    """Onset track -> contexts."""

    def __init__(self, shape: OnsetEncoderShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or OnsetEncoderShape()
        self.to_in = Entrance(shape.first)
        above = (shape.first, *shape.widths)
        self.downsamples = nn.ModuleList(
            [
                EncoderLevel(above[level], width, shape.factors[level], shape.blocks[level], shape.groups)
                for level, width in enumerate(shape.widths)
            ]
        )

    def forward(self, onset_track: Tensor) -> list[Tensor]:
        """(batch, 1, samples), samples a multiple of ``shape.align`` -> one (batch, width, frames) a level."""
        x = self.to_in(onset_track)
        contexts = []
        for level in self.downsamples:
            x = level(x)
            contexts.append(x)
        return contexts


class Entrance(nn.Module):
    """Residual block on the raw track, under the name ``block``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block = Residual(1, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, 1, samples) -> (batch, channels, samples)."""
        return self.block(x)


class EncoderLevel(nn.Module):
    """Overlapping strided convolution, then residual blocks."""

    def __init__(self, before: int, after: int, factor: int, blocks: int, groups: int) -> None:
        super().__init__()
        self.downsample = nn.Conv1d(before, after, 2 * factor + 1, stride=factor, padding=factor)
        self.blocks = nn.ModuleList([Residual(after, after, groups) for _ in range(blocks)])

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, frames) -> (batch, after, frames / factor)."""
        x = self.downsample(x)
        for block in self.blocks:
            x = block(x)
        return x


class Residual(nn.Module):
    """Two convolutions behind group norm and SiLU; where the channels change, x goes through a convolution too."""

    def __init__(self, before: int, after: int, groups: int) -> None:
        super().__init__()
        self.block1 = NormedConv(before, after, groups)
        self.block2 = NormedConv(after, after, groups)
        self.to_out = nn.Conv1d(before, after, 1) if before != after else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, frames) -> (batch, after, frames)."""
        return self.to_out(x) + self.block2(self.block1(x))


class NormedConv(nn.Module):
    """Group norm over the whole length, SiLU, convolution over three frames."""

    def __init__(self, before: int, after: int, groups: int) -> None:
        super().__init__()
        self.groupnorm = nn.GroupNorm(groups, before)
        self.activation = nn.SiLU()
        self.project = nn.Conv1d(before, after, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, frames) -> (batch, after, frames)."""
        return self.project(self.activation(self.groupnorm(x)))
