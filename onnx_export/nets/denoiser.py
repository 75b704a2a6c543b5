"""The network of the *what* stage: a small convolutional U-Net that predicts v over MDCT frames.

In the spirit of SyncFusion (section 2.3): VP diffusion with the v-objective, an onset encoder whose features join the
U-Net at every resolution, an embedding of the words. Kept length-free: every operation is a convolution or acts on one
frame, so what happens at a frame depends on ``REACH_FRAMES`` neighbours only and long items can be cut into tiles.

Two liberties. The onset encoder is a bank of bumps at logarithmically growing delays, so that every frame knows how
long ago the last onsets were. And the output is a Wiener filter plus a correction: with a local variance s2 that the
net guesses, the exact v of Gaussian data is ``a b (1 - s2) / (a^2 s2 + b^2) x``; silence (s2 -> 0) then decodes to
silence, and the net only has to find the shape of the sound in time and frequency.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STEPS = (2, 4, 8, 16)
"""Frames per step at the four resolutions; a latent's length is a multiple of the last."""
REACH_FRAMES = 312
"""How far the U-Net looks to either side; the onset encoder looks MEMORY_FRAMES further back."""
POOL = 4
MEMORY_FRAMES = 640
LOOKAHEAD_FRAMES = 8
MIN_LOG_VARIANCE, MAX_LOG_VARIANCE = -9.0, 3.0


@dataclass(frozen=True, kw_only=True)
class DenoiserShape:
    """Sizes of the net. Four widths: one for each of 2, 4, 8 and 16 frames a step."""

    bands: int = 128
    embedding: int = 64
    widths: tuple[int, int, int, int] = (160, 224, 256, 256)
    condition: int = 128
    bumps: int = 28


class FrameNorm(nn.Module):
    """Root-mean-square normalisation over channels, each frame for itself."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1, channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Unit mean square over axis 1."""
        return x * torch.rsqrt(x.square().mean(dim=1, keepdim=True) + 1e-5) * self.gain


class Block(nn.Module):
    """Residual block: norm, modulate by condition, convolve, convolve (dilated). Shapes (batch, channels, 1, steps)."""

    def __init__(self, channels: int, condition: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.norm = FrameNorm(channels)
        self.modulate = nn.Linear(condition, 2 * channels)
        self.first = nn.Conv2d(channels, channels, (1, 3), padding=(0, dilation), dilation=(1, dilation))
        self.second = nn.Conv2d(channels, channels, (1, 3), padding=(0, 1))
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        """x + f(x, condition)."""
        scale, shift = self.modulate(condition)[:, :, None, None].chunk(2, dim=1)
        hidden = self.norm(x) * (1.0 + scale) + shift
        hidden = self.first(functional.silu(hidden))
        return x + self.second(functional.silu(hidden))


class OnsetEncoder(nn.Module):
    """Onset track (batch, 1, frames) -> features (batch, bumps, frames): how long ago, and how hard, onsets were.

    Fixed causal kernels, raised cosines on a logarithmic axis of delay from -LOOKAHEAD to MEMORY frames.
    """

    kernel: Tensor

    def __init__(self, bumps: int) -> None:
        super().__init__()
        delay = torch.arange(-LOOKAHEAD_FRAMES, MEMORY_FRAMES, dtype=torch.float64)
        axis = torch.asinh(delay / 2.0)
        centres = torch.linspace(float(axis[0]), float(axis[-1]), bumps, dtype=torch.float64)
        spread = float(centres[1] - centres[0]) * 2.0
        offset = ((axis[None, :] - centres[:, None]) / spread).clamp(-1.0, 1.0)
        kernel = 0.5 * (1.0 + torch.cos(math.pi * offset))
        self.register_buffer("kernel", kernel.flip(1)[:, None, :].float())

    def forward(self, onset_track: Tensor) -> Tensor:
        """Correlate the track with every bump; same length."""
        padded = functional.pad(onset_track, (MEMORY_FRAMES - 1, LOOKAHEAD_FRAMES))
        return functional.conv1d(padded, self.kernel)


class Denoiser(nn.Module):
    """(noisy, sigma, onset_track, embedding) -> velocity: the pack's ``denoiser`` graph. Frames: multiple of 16."""

    rates: Tensor

    def __init__(self, shape: DenoiserShape) -> None:
        super().__init__()
        self.shape = shape
        w0, w1, w2, w3 = shape.widths
        condition = shape.condition
        self.register_buffer("rates", 2.0 ** torch.arange(0, 8, dtype=torch.float32) * (math.pi / 4))
        self.condition = nn.Sequential(
            nn.Linear(16 + shape.embedding, 256), nn.SiLU(), nn.Linear(256, condition), nn.SiLU()
        )
        self.onsets = OnsetEncoder(shape.bumps)
        self.onset_mix = nn.Conv2d(shape.bumps, 48, 1)
        self.head = nn.Conv2d(2 * shape.bands, w0, 1)
        self.energy = nn.Conv2d(shape.bands // POOL, w0, 1)
        for parameter in self.energy.parameters():
            nn.init.zeros_(parameter)
        self.joins = nn.ModuleList(
            [nn.Conv2d(48, width, (1, step), stride=(1, step)) for width, step in zip(shape.widths, STEPS, strict=True)]
        )
        levels = ((w0, 1), (w1, 2), (w2, 2))
        steps = ((w0, w1), (w1, w2), (w2, w3))
        self.down = nn.ModuleList([_pair(Block(w, condition), Block(w, condition, dilation=d)) for w, d in levels])
        self.shrink = nn.ModuleList([nn.Conv2d(a, b, (1, 2), stride=(1, 2)) for a, b in steps])
        self.middle = nn.ModuleList([Block(w3, condition, dilation=d) for d in (1, 2, 4)])
        self.grow = nn.ModuleList([nn.Conv2d(b, 2 * a, 1) for a, b in steps])
        self.up = nn.ModuleList([_pair(Block(w, condition, dilation=d), Block(w, condition)) for w, d in levels])
        self.norm = FrameNorm(w0)
        self.tail = nn.Conv2d(w0, 4 * shape.bands, 1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)

    def forward(self, noisy: Tensor, sigma: Tensor, onset_track: Tensor, embedding: Tensor) -> Tensor:
        """Predict v = a eps - b x0 for x = a x0 + b eps, a = cos(pi sigma / 2), b = sin(pi sigma / 2)."""
        phase = sigma[:, None] * self.rates
        condition = self.condition(torch.cat([torch.sin(phase), torch.cos(phase), embedding], dim=1))
        onsets = functional.silu(self.onset_mix(self.onsets(onset_track)[:, :, None, :]))
        x = self.head(_fold(noisy)) + self.energy(_log_energy(noisy)) + self.joins[0](onsets)
        skips = []
        for level in range(3):
            x = _through(self.down[level], x, condition)
            skips.append(x)
            x = self.shrink[level](x) + self.joins[level + 1](onsets)
        x = _through(self.middle, x, condition)
        for level in (2, 1, 0):
            x = _unfold(self.grow[level](x)) + skips[level]
            x = _through(self.up[level], x, condition)
        guess = _unfold(self.tail(functional.silu(self.norm(x))))[:, :, 0, :].float()
        correction, log_variance = guess.chunk(2, dim=1)
        variance = torch.exp(log_variance.clamp(MIN_LOG_VARIANCE, MAX_LOG_VARIANCE))
        angle = sigma[:, None, None] * (math.pi / 2)
        a, b = torch.cos(angle), torch.sin(angle)
        return noisy * (a * b * (1.0 - variance) / (a * a * variance + b * b)) + correction


def _pair(first: Block, second: Block) -> nn.ModuleList:
    return nn.ModuleList([first, second])


def _through(blocks: nn.Module, x: Tensor, condition: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, condition)
    return x


def _fold(x: Tensor) -> Tensor:
    """(batch, bands, frames) -> (batch, 2 * bands, 1, frames / 2): two frames a step."""
    return torch.cat([x[:, :, 0::2], x[:, :, 1::2]], dim=1)[:, :, None, :]


def _log_energy(x: Tensor) -> Tensor:
    """Level of small patches, POOL bands by two frames: (batch, bands, frames) -> (batch, bands / POOL, 1, frames / 2).

    How loud a sound shall become shows only in the energy of the noise, which a convolution alone cannot see.
    """
    batch, bands, frames = x.shape
    patches = x.square().reshape(batch, bands // POOL, POOL, frames // 2, 2)
    return torch.log(patches.mean(dim=(2, 4)) + 0.01)[:, :, None, :]


def _unfold(x: Tensor) -> Tensor:
    """(batch, 2 * channels, 1, steps) -> (batch, channels, 1, 2 * steps): the two halves interleaved."""
    batch, channels, _, steps = x.shape
    pair = x.reshape(batch, 2, channels // 2, steps).permute(0, 2, 3, 1)
    return pair.reshape(batch, channels // 2, 1, 2 * steps)


class WordTable(nn.Module):
    """Multi-hot tags (batch, vocabulary) -> embedding (batch, dim): the pack's ``text`` graph."""

    def __init__(self, vocabulary: int, dim: int) -> None:
        super().__init__()
        self.table = nn.Linear(vocabulary, dim)
        nn.init.normal_(self.table.weight, std=1.0)
        nn.init.zeros_(self.table.bias)

    def forward(self, tags: Tensor) -> Tensor:
        """Sum of the tags' rows; no tag gives the unconditional embedding."""
        return self.table(tags)
