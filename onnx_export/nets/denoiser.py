"""The network of the *what* stage: a small convolutional U-Net that predicts v over MDCT frames.

In the spirit of SyncFusion (section 2.3): VP diffusion with the v-objective, an onset encoder whose features join the
U-Net at every resolution, an embedding of words or of a sound. Kept length-free: every operation is a convolution or
acts on one frame, so what happens at a frame depends on ``REACH_FRAMES`` neighbours only and long items can be cut
into tiles.

Three liberties. The onset encoder is a bank of bumps at logarithmically growing delays, so that every frame knows how
long ago the last onsets were, and how hard; what the net finds is multiplied by that. The output is a Wiener filter
plus a correction: with a local variance s2 that the net guesses, the exact v of Gaussian data is
``a b (1 - s2) / (a^2 s2 + b^2) x``; silence (s2 -> 0) then decodes to silence, and the net only has to find the shape
of the sound in time and frequency. And what rings turns its phase by the same angle from frame to frame: a bank of
short resonators along time, the same for every band, hears at which angle, and the net mixes their answers into its
own, which no stack of small kernels learns as fast.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

STEPS = (1, 2, 4, 8)
"""Frames per step at the four resolutions; a latent's length is a multiple of the last."""
REACH_FRAMES = 160
"""How far the U-Net looks to either side; the onset encoder looks MEMORY_FRAMES further back."""
POOL, RING_POOL = 4, 2
"""Bands whose levels are taken together; what lies between two bands is in one when it is not in the other."""
MEMORY_FRAMES = 384
LOOKAHEAD_FRAMES = 4
RING_FRAMES = 6
"""How far a resonator looks to either side."""
MIN_LOG_VARIANCE, MAX_LOG_VARIANCE = -9.0, 3.0


@dataclass(frozen=True, kw_only=True)
class DenoiserShape:
    """Sizes of the net.

    Attributes:
        bands: values of a frame. embedding: values of a prompt.
        widths: channels at 1, 2, 4 and 8 frames a step. blocks: at each of them, on the way down and again up.
        condition: values that noise level and prompt become. bumps: of the onset encoder.
        resonators: per band.
    """

    bands: int = 256
    embedding: int = 128
    widths: tuple[int, int, int, int] = (224, 256, 256, 256)
    blocks: tuple[int, int, int, int] = (1, 2, 2, 3)
    condition: int = 192
    bumps: int = 24
    resonators: int = 4


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
    """Onset track (batch, 1, frames) -> features (batch, 2 * bumps, frames): how long ago onsets were, and how hard.

    Fixed causal kernels, raised cosines on a logarithmic axis of delay from -LOOKAHEAD to MEMORY frames. The first half
    follows the latent's size (the root of the strength), the second only says that there was an onset.

    Attributes:
        power: of the level that the net's answer is multiplied by. The net follows strengths by itself as well; what is
            right for both together is measured after training (see ``onnx_export.train.what_level``).
    """

    kernel: Tensor
    recency: Tensor

    def __init__(self, bumps: int) -> None:
        super().__init__()
        delay = torch.arange(-LOOKAHEAD_FRAMES, MEMORY_FRAMES, dtype=torch.float64)
        axis = torch.asinh(delay)
        centres = torch.linspace(float(axis[0]), float(axis[-1]), bumps, dtype=torch.float64)
        spread = float(centres[1] - centres[0]) * 2.0
        offset = ((axis[None, :] - centres[:, None]) / spread).clamp(-1.0, 1.0)
        kernel = 0.5 * (1.0 + torch.cos(math.pi * offset))
        self.register_buffer("kernel", kernel.flip(1)[:, None, :].float())
        recency = torch.where(centres < -0.5, 2.0**-8, torch.exp2(-3.0 * centres.clamp(min=0.0)))
        self.register_buffer("recency", recency[None, :, None].float(), persistent=False)
        self.power = 1.0

    def forward(self, onset_track: Tensor) -> Tensor:
        """Correlate the track with every bump; same length."""
        padded = functional.pad(onset_track, (MEMORY_FRAMES - 1, LOOKAHEAD_FRAMES))
        hard = functional.conv1d(torch.sqrt(padded), self.kernel)
        return torch.cat([hard, functional.conv1d(torch.sign(padded), self.kernel)], dim=1)

    def level(self, features: Tensor) -> Tensor:
        """Root of the strength of the onset that sounds, mostly the last one: (batch, 1, frames); 1 where none does."""
        hard, there = features.float().chunk(2, dim=1)
        tiny = 1e-7
        last = ((hard * self.recency).sum(1, True) + tiny) / ((there * self.recency).sum(1, True) + tiny)
        return last**self.power


class Resonators(nn.Module):
    """What each band does over a few frames: (batch, bands, frames) -> (batch, count, bands, frames).

    Fixed even kernels, windowed cosines of evenly spaced phase advances per frame, without the frame itself.
    """

    kernel: Tensor

    def __init__(self, count: int) -> None:
        super().__init__()
        offset = torch.arange(-RING_FRAMES, RING_FRAMES + 1, dtype=torch.float64)
        advance = math.pi * (torch.arange(count, dtype=torch.float64) + 0.5) / count
        window = torch.cos(math.pi / 2 * offset / (RING_FRAMES + 1)).square() * (offset != 0)
        kernel = window[None, :] * torch.cos(advance[:, None] * offset[None, :])
        kernel = kernel / kernel.square().sum(dim=1, keepdim=True).sqrt()
        self.register_buffer("kernel", kernel[:, None, None, :].float())

    def forward(self, x: Tensor) -> Tensor:
        """Correlate every band with every kernel; same length."""
        return functional.conv2d(x[:, None], self.kernel, padding=(0, RING_FRAMES))


class Denoiser(nn.Module):
    """(noisy, sigma, onset_track, embedding) -> velocity: the pack's ``denoiser`` graph. Frames: multiple of 8.

    Attributes:
        centre, spread: what embeddings lie around, and how far from it; given before training, (embedding,).
    """

    rates: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, shape: DenoiserShape) -> None:
        super().__init__()
        self.shape = shape
        w0, condition = shape.widths[0], shape.condition
        self.register_buffer("rates", 2.0 ** torch.arange(0, 8, dtype=torch.float32) * (math.pi / 4))
        self.register_buffer("centre", torch.zeros(shape.embedding))
        self.register_buffer("spread", torch.full((shape.embedding,), shape.embedding**-0.5))
        self.condition = nn.Sequential(
            nn.Linear(16 + shape.embedding, 384), nn.SiLU(), nn.Linear(384, condition), nn.SiLU()
        )
        self.onsets = OnsetEncoder(shape.bumps)
        self.onset_mix = nn.Conv2d(2 * shape.bumps, 64, 1)
        self.head = nn.Conv2d(shape.bands, w0, 1)
        self.energy = nn.Conv2d(shape.bands // POOL, w0, 1)
        self.ring = Resonators(shape.resonators)
        self.ring_energy = nn.Conv2d(shape.resonators * shape.bands // RING_POOL, w0, 1)
        for layer in (self.energy, self.ring_energy):
            for parameter in layer.parameters():
                nn.init.zeros_(parameter)
        self.joins = nn.ModuleList(
            [nn.Conv2d(64, width, (1, step), stride=(1, step)) for width, step in zip(shape.widths, STEPS, strict=True)]
        )
        steps = tuple(zip(shape.widths[:-1], shape.widths[1:], strict=True))
        self.down = nn.ModuleList([_blocks(shape, level, range(shape.blocks[level])) for level in range(3)])
        self.shrink = nn.ModuleList([nn.Conv2d(a, b, (1, 2), stride=(1, 2)) for a, b in steps])
        self.middle = _blocks(shape, 3, range(shape.blocks[3]))
        self.grow = nn.ModuleList([nn.Conv2d(b, 2 * a, 1) for a, b in steps])
        self.up = nn.ModuleList([_blocks(shape, level, reversed(range(shape.blocks[level]))) for level in range(3)])
        self.norm = FrameNorm(w0)
        self.tail = nn.Conv2d(w0, (2 + shape.resonators) * shape.bands, 1)
        for parameter in self.tail.parameters():
            nn.init.zeros_(parameter)

    def forward(self, noisy: Tensor, sigma: Tensor, onset_track: Tensor, embedding: Tensor) -> Tensor:
        """Predict v = a eps - b x0 for x = a x0 + b eps, a = cos(pi sigma / 2), b = sin(pi sigma / 2)."""
        return self.answer(noisy, sigma, onset_track, embedding)[0]

    def answer(self, noisy: Tensor, sigma: Tensor, onset_track: Tensor, embedding: Tensor) -> tuple[Tensor, Tensor]:
        """The velocity, and the logarithm of the local variance that the net guesses; both (batch, bands, frames)."""
        phase = sigma[:, None] * self.rates
        meaning = (embedding - self.centre) / self.spread
        condition = self.condition(torch.cat([torch.sin(phase), torch.cos(phase), meaning], dim=1))
        features = self.onsets(onset_track)
        loud = self.onsets.level(features)
        onsets = functional.silu(self.onset_mix(features[:, :, None, :]))
        x = self.head(noisy[:, :, None, :]) + self.energy(_log_energy(noisy, POOL)) + self.joins[0](onsets)
        ring = self.ring(noisy)
        x = x + self.ring_energy(_log_energy(ring.flatten(1, 2), RING_POOL))
        skips = []
        for level in range(3):
            x = _through(self.down[level], x, condition)
            skips.append(x)
            x = self.shrink[level](x) + self.joins[level + 1](onsets)
        x = _through(self.middle, x, condition)
        for level in (2, 1, 0):
            x = _unfold(self.grow[level](x)) + skips[level]
            x = _through(self.up[level], x, condition)
        guess = self.tail(functional.silu(self.norm(x)))[:, :, 0, :].float()
        bands, rest = self.shape.bands, self.shape.resonators * self.shape.bands
        correction, log_variance, mix = torch.split(guess, [bands, bands, rest], dim=1)
        log_variance = (log_variance + 2.0 * torch.log(loud)).clamp(MIN_LOG_VARIANCE, MAX_LOG_VARIANCE)
        variance = torch.exp(log_variance)
        angle = sigma[:, None, None] * (math.pi / 2)
        a, b = torch.cos(angle), torch.sin(angle)
        velocity = noisy * (a * b * (1.0 - variance) / (a * a * variance + b * b)) + correction * loud
        return velocity + (mix.reshape(ring.shape) * ring).sum(dim=1), log_variance


def _blocks(shape: DenoiserShape, level: int, turns: Iterable[int]) -> nn.ModuleList:
    """Blocks of one resolution; the n-th looks 2**n steps far, at the finest 1."""
    width = shape.widths[level]
    return nn.ModuleList([Block(width, shape.condition, dilation=2**turn if level else 1) for turn in turns])


def _through(blocks: nn.Module, x: Tensor, condition: Tensor) -> Tensor:
    for block in blocks.children():
        x = block(x, condition)
    return x


def _log_energy(x: Tensor, pool: int) -> Tensor:
    """Level of ``pool`` neighbouring bands: (batch, bands, frames) -> (batch, bands / pool, 1, frames).

    How loud a sound shall become shows only in the energy of the noise, which a convolution alone cannot see.
    """
    batch, bands, frames = x.shape
    power = x.square().reshape(batch, bands // pool, pool, frames).mean(dim=2)
    return torch.log(power + 0.01)[:, :, None, :]


def _unfold(x: Tensor) -> Tensor:
    """(batch, 2 * channels, 1, steps) -> (batch, channels, 1, 2 * steps): the two halves interleaved."""
    batch, channels, _, steps = x.shape
    pair = x.reshape(batch, 2, channels // 2, steps).permute(0, 2, 3, 1)
    return pair.reshape(batch, channels // 2, 1, 2 * steps)
