"""The network of the *what* stage: a small U-Net of convolutions and attention that predicts v over pictures.

In the spirit of SyncFusion (section 2.3): VP diffusion with the v-objective, an onset encoder whose features join the
U-Net at every resolution, an embedding of words or of a sound. What is noisy is not a waveform but the picture of
``onnx_export.nets.picture``: partials are level lines in it, which a small net can draw.

The picture is cut into patches of ``PATCH_ROWS`` by ``PATCH_COLUMNS`` cells. What the net finds is added to the best
linear guess for data that spreads by ``SPREAD`` (Karras et al. 2022, "Elucidating the design space of diffusion-based
generative models", section 5, written for the angle). The rows below the picture are noise and stay as they are, but
for their size: for data that are white the exact v is 0.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from onnx_export.nets.picture import COLUMNS, ROWS, SPREAD

PATCH_ROWS, PATCH_COLUMNS = 8, 4
ALIGN_COLUMNS = 4 * PATCH_COLUMNS
"""A picture's columns are a multiple of this."""
LOOKAHEAD_COLUMNS = 2
KERNEL = 5
LEAST = 1e-3
TOLD = 96


@dataclass(frozen=True, kw_only=True)
class DenoiserShape:
    """Sizes of the net.

    Attributes:
        embedding: values of a prompt.
        widths: channels at full, half and quarter resolution. blocks: at each of them, the first two twice.
        heads: of the attention at half and quarter resolution.
        condition: values that noise level and prompt become. bumps: of the onset encoder.
    """

    embedding: int = 128
    widths: Sequence[int] = (160, 240, 288)
    blocks: Sequence[int] = (2, 2, 3)
    heads: int = 4
    condition: int = 160
    bumps: int = 16


class OnsetEncoder(nn.Module):
    """Onset track (batch, 1, columns) -> features (batch, 2 * bumps, columns): how long ago onsets were, and how hard.

    Fixed causal kernels, raised cosines on a logarithmic axis of delay from -LOOKAHEAD to COLUMNS. The first half
    follows the root of the strength, the second only says that there was an onset.
    """

    kernel: Tensor

    def __init__(self, bumps: int) -> None:
        super().__init__()
        delay = torch.arange(-LOOKAHEAD_COLUMNS, COLUMNS, dtype=torch.float64)
        axis = torch.asinh(delay)
        centres = torch.linspace(float(axis[0]), float(axis[-1]), bumps, dtype=torch.float64)
        spread = float(centres[1] - centres[0]) * 2.0
        offset = ((axis[None, :] - centres[:, None]) / spread).clamp(-1.0, 1.0)
        kernel = 0.5 * (1.0 + torch.cos(math.pi * offset))
        self.register_buffer("kernel", kernel.flip(1)[:, None, :].float())

    def forward(self, onset_track: Tensor) -> Tensor:
        """Correlate the track with every bump; same length."""
        padded = functional.pad(onset_track, (COLUMNS - 1, LOOKAHEAD_COLUMNS))
        hard = functional.conv1d(torch.sqrt(padded), self.kernel)
        return torch.cat([hard, functional.conv1d(torch.sign(padded), self.kernel)], dim=1)


class Block(nn.Module):
    """Residual block on (batch, rows, columns, channels): look around, think; both modulated by the condition.

    Args:
        channels, condition: sizes. heads: of attention over the whole picture; 0 to look at neighbours alone.
        grow: channels inside, as a multiple.
    """

    def __init__(self, channels: int, condition: int, *, heads: int, grow: int) -> None:
        super().__init__()
        self.heads, self.channels = heads, channels
        self.norm = nn.LayerNorm(channels, elementwise_affine=False)
        self.near = nn.Conv2d(channels, channels, KERNEL, padding=KERNEL // 2, groups=channels)
        if heads:
            self.look = nn.Linear(channels, 3 * channels)
            self.tell = nn.Linear(channels, channels)
            nn.init.zeros_(self.tell.weight)
        self.modulate = nn.Linear(condition, 3 * channels)
        self.wide = nn.Linear(channels, grow * channels)
        self.back = nn.Linear(grow * channels, channels)
        for layer in (self.modulate, self.back):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x + f(x, condition)."""
        scale, shift, gate = self.modulate(condition)[:, None, None, :].chunk(3, dim=3)
        if self.heads:
            x = x + self.tell(self._attended(self.norm(x)))
        hidden = self.near(self.norm(x).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        hidden = self.norm(hidden) * (1.0 + scale) + shift
        return x + (1.0 + gate) * self.back(functional.gelu(self.wide(hidden), approximate="tanh"))

    def _attended(self, x: Tensor) -> Tensor:
        batch, rows, columns, channels = x.shape
        parts = self.look(x).reshape(batch, rows * columns, 3, self.heads, channels // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(query @ key.transpose(2, 3) * (channels // self.heads) ** -0.5, dim=3)
        return (weights @ value).permute(0, 2, 1, 3).reshape(batch, rows, columns, channels)


class Denoiser(nn.Module):
    """(noisy, sigma, onset_track, embedding) -> velocity: the pack's ``denoiser`` graph. Columns: see ALIGN_COLUMNS.

    Attributes:
        centre, spread: what embeddings lie around, and how far from it; given before training, (embedding,).
    """

    rates: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, shape: DenoiserShape) -> None:
        super().__init__()
        self.shape = shape
        widths, condition = shape.widths, shape.condition
        self.register_buffer("rates", 2.0 ** torch.arange(0, 8, dtype=torch.float32) * (math.pi / 16))
        self.register_buffer("centre", torch.zeros(shape.embedding))
        self.register_buffer("spread", torch.full((shape.embedding,), shape.embedding**-0.5))
        self.condition = nn.Sequential(
            nn.Linear(16 + shape.embedding, 384), nn.SiLU(), nn.Linear(384, condition), nn.SiLU()
        )
        self.onsets = OnsetEncoder(shape.bumps)
        steps = (PATCH_COLUMNS, 2, 2)
        given = (2 * shape.bumps, TOLD, TOLD)
        self.told = nn.ModuleList([nn.Conv1d(a, TOLD, step, stride=step) for a, step in zip(given, steps, strict=True)])
        self.joins = nn.ModuleList([nn.Linear(TOLD, width) for width in widths])
        self.rows = nn.ParameterList(
            [
                nn.Parameter(torch.randn(ROWS // PATCH_ROWS // 2**level, 1, width) * 0.2)
                for level, width in enumerate(widths)
            ]
        )
        self.enter = nn.Linear(PATCH_ROWS * PATCH_COLUMNS, widths[0])
        heads = (0, shape.heads, shape.heads)
        grows = (3, 3, 2)
        self.down = nn.ModuleList([_blocks(shape, level, heads[level], grows[level]) for level in range(2)])
        self.shrink = nn.ModuleList([nn.Linear(4 * a, b) for a, b in itertools.pairwise(widths)])
        self.middle = _blocks(shape, 2, heads[2], grows[2])
        self.grow = nn.ModuleList([nn.Linear(b, 4 * a) for a, b in itertools.pairwise(widths)])
        self.up = nn.ModuleList([_blocks(shape, level, heads[level], grows[level]) for level in range(2)])
        self.norm = nn.LayerNorm(widths[0])
        self.leave = nn.Linear(widths[0], PATCH_ROWS * PATCH_COLUMNS)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, noisy: Tensor, sigma: Tensor, onset_track: Tensor, embedding: Tensor) -> Tensor:
        """Predict v = a eps - b x0 for x = a x0 + b eps, a = cos(pi sigma / 2), b = sin(pi sigma / 2)."""
        linear, size, _ = preconditioned(sigma)
        picture = noisy[:, :ROWS]
        velocity = linear * picture + size * self.answer(picture, sigma, onset_track, embedding)
        return torch.cat([velocity, torch.zeros_like(noisy[:, ROWS:])], dim=1)

    def answer(self, picture: Tensor, sigma: Tensor, onset_track: Tensor, embedding: Tensor) -> Tensor:
        """What is missing of v, at unit size: (batch, ROWS, columns)."""
        angle = sigma[:, None] * (math.pi / 2)
        ratio = torch.log(torch.sin(angle).clamp_min(LEAST)) - torch.log(torch.cos(angle).clamp_min(LEAST))
        phase = ratio * self.rates
        meaning = (embedding - self.centre) / self.spread
        condition = self.condition(torch.cat([torch.sin(phase), torch.cos(phase), meaning], dim=1))
        _, _, scale = preconditioned(sigma)
        onsets = self._told(self.onsets(onset_track))
        x = self.enter(_folded((picture * scale)[..., None], PATCH_ROWS, PATCH_COLUMNS)) + onsets[0]
        skips = []
        for level in range(2):
            x = _through(self.down[level], x, condition)
            skips.append(x)
            x = self.shrink[level](_folded(x, 2, 2)) + onsets[level + 1]
        x = _through(self.middle, x, condition)
        for level in (1, 0):
            x = _unfolded(self.grow[level](x), 2, 2) + skips[level]
            x = _through(self.up[level], x, condition)
        return _unfolded(self.leave(self.norm(x)), PATCH_ROWS, PATCH_COLUMNS)[..., 0].float()

    def _told(self, features: Tensor) -> list[Tensor]:
        """What onsets and the place in frequency say at every resolution: (batch, rows, columns, channels) each."""
        said = []
        for step, join, rows in zip(self.told, self.joins, self.rows, strict=True):
            features = functional.silu(step(features))
            said.append(join(features.transpose(1, 2))[:, None] + rows)
        return said


def preconditioned(sigma: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For noise levels (batch,): the best linear guess of v is the first times x, what it lacks has the second's size.

    The third brings x to unit size. All (batch, 1, 1).
    """
    angle = sigma[:, None, None] * (math.pi / 2)
    a, b = torch.cos(angle), torch.sin(angle)
    power = a * a * SPREAD**2 + b * b
    return a * b * (1.0 - SPREAD**2) / power, SPREAD / torch.sqrt(power), 1.0 / torch.sqrt(power)


def _blocks(shape: DenoiserShape, level: int, heads: int, grow: int) -> nn.ModuleList:
    return nn.ModuleList(
        [Block(shape.widths[level], shape.condition, heads=heads, grow=grow) for _ in range(shape.blocks[level])]
    )


def _through(blocks: nn.Module, x: Tensor, condition: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, condition)
    return x


def _folded(x: Tensor, rows: int, columns: int) -> Tensor:
    """(batch, r * rows, c * columns, channels) -> (batch, r, c, rows * columns * channels)."""
    batch, high, wide, channels = x.shape
    pieces = x.reshape(batch, high // rows, rows, wide // columns, columns, channels).permute(0, 1, 3, 2, 4, 5)
    return pieces.reshape(batch, high // rows, wide // columns, rows * columns * channels)


def _unfolded(x: Tensor, rows: int, columns: int) -> Tensor:
    """The inverse of ``_folded``."""
    batch, high, wide, values = x.shape
    pieces = x.reshape(batch, high, wide, rows, columns, values // (rows * columns)).permute(0, 1, 3, 2, 4, 5)
    return pieces.reshape(batch, high * rows, wide * columns, values // (rows * columns))
