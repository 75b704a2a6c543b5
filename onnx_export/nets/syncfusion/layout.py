"""The pieces of which SyncFusion's UNet is put together, named as its checkpoint names them.

Convention: tensors are (batch, channels, frames); attention and modulation turn them to (batch, frames,
channels) inside. A piece takes x and what is ``Given``, and gives x of the same shape (only down and up change it).
The attributes ``block`` and ``blocks`` are there because the official names go through them (a-unet 0.0.16).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Given(NamedTuple):
    """What a piece may look at beside x.

    ``features`` (batch, features): of sigma. ``embedding`` (batch, 1, embedding): of the wanted sound. ``contexts``,
    one tensor (batch, context channels, frames) a depth: of the onset track.
    """

    features: Tensor
    embedding: Tensor
    contexts: Sequence[Tensor]


class Held(nn.Module):
    """One module under the name ``block``."""

    def __init__(self, block: nn.Module) -> None:
        super().__init__()
        self.block = block


class Inside(Held):
    """Hands everything on to the module it keeps."""

    def forward(self, *inputs: Tensor) -> Tensor:
        """The kept module's answer."""
        return self.block(*inputs)


class Listed(nn.Module):
    """Modules under the names ``blocks.0``, ``blocks.1``, ..."""

    def __init__(self, *blocks: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)


class Chain(Listed):
    """Listed modules that are run one after the other."""

    def forward(self, x: Tensor) -> Tensor:
        """The last one's answer."""
        for block in self.blocks:
            x = block(x)
        return x


class Down(Held):
    """Learned, without overlap: ``factor`` frames become one."""

    def __init__(self, before: int, after: int, factor: int) -> None:
        super().__init__(nn.Conv1d(before, after, factor, stride=factor))

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """(batch, before, frames) -> (batch, after, frames / factor)."""
        return self.block(x)


class Up(Held):
    """Every frame ``factor`` times, then a convolution over three."""

    def __init__(self, before: int, after: int, factor: int) -> None:
        super().__init__(nn.Sequential(nn.Upsample(scale_factor=factor), nn.Conv1d(before, after, 3, padding=1)))

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """(batch, before, frames) -> (batch, after, frames * factor)."""
        return self.block(x)


class Resnet(Held):
    """Residual block: group norm over the whole length, SiLU, convolution over three frames; all that twice."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(Chain(Chain(_half(channels, groups), _half(channels, groups))))

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """x + f(x)."""
        return x + self.block(x)


class Modulation(Listed):
    """Layer norm over channels, scaled and shifted by what is known of sigma; there is no residual."""

    def __init__(self, channels: int, features: int) -> None:
        super().__init__(Inside(Chain(modulator(features, 2 * channels))))
        self.channels = channels

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """norm(x) (1 + scale) + shift."""
        scale, shift = self.blocks[0](given.features)[:, None, :].chunk(2, dim=-1)
        normal = functional.layer_norm(x.transpose(1, 2), (self.channels,), eps=1e-6)
        return (normal * (1.0 + scale) + shift).transpose(1, 2)


class Inject(Held):
    """Joins the onset encoder's features of the same depth."""

    def __init__(self, channels: int, context: int, depth: int) -> None:
        super().__init__(Chain(nn.Conv1d(channels + context, channels, 1)))
        self.depth = depth

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """x + mix of x and its context."""
        return x + self.block(torch.cat([x, given.contexts[self.depth]], dim=1))


class SelfAttention(Listed):
    """Every frame looks at every frame; no positions."""

    def __init__(self, channels: int, *, heads: int, head_features: int) -> None:
        super().__init__(Inside(Heads(channels, channels, heads=heads, head_features=head_features)))

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """x + what the frames tell each other."""
        frames = x.transpose(1, 2)
        return self.blocks[0](frames, frames).transpose(1, 2)


class CrossAttention(Listed):
    """Every frame looks at the embedding. That is one key, so all frames take the same vector, whatever they ask."""

    def __init__(self, channels: int, embedding: int, *, heads: int, head_features: int) -> None:
        super().__init__(Inside(Heads(channels, embedding, heads=heads, head_features=head_features)))

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """x + what the embedding says."""
        return self.blocks[0](x.transpose(1, 2), given.embedding).transpose(1, 2)


class Heads(nn.Module):
    """Multi-head attention with residual; x and what it looks at have norms of their own, also where they are one."""

    def __init__(self, channels: int, seen: int, *, heads: int, head_features: int) -> None:
        super().__init__()
        inside = heads * head_features
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.norm_context = nn.LayerNorm(seen)
        self.to_q = nn.Linear(channels, inside, bias=False)
        self.to_kv = nn.Linear(seen, 2 * inside, bias=False)
        self.attention = Chain(nn.Linear(inside, channels, bias=False))

    def forward(self, x: Tensor, seen: Tensor) -> Tensor:
        """(batch, frames, channels) and (batch, keys, seen) -> (batch, frames, channels)."""
        key, value = self.to_kv(self.norm_context(seen)).chunk(2, dim=-1)
        query = self._split(self.to_q(self.norm(x)))
        answer = functional.scaled_dot_product_attention(query, self._split(key), self._split(value))
        return x + self.attention(answer.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        """(batch, frames, inside) -> (batch, heads, frames, features of a head)."""
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)


class Fourier(nn.Module):
    """Sigma (batch,) -> features (batch, features): itself and its sines and cosines at learned frequencies, mixed."""

    def __init__(self, features: int, frequencies: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(frequencies))
        self.to_out = nn.Linear(1 + 2 * frequencies, features)

    def forward(self, sigma: Tensor) -> Tensor:
        """Order of the parts: sigma, sines, cosines."""
        angles = 2.0 * torch.pi * sigma[:, None] * self.weights
        return self.to_out(torch.cat([sigma[:, None], angles.sin(), angles.cos()], dim=1))


def modulator(features: int, out: int) -> nn.Sequential:
    """Features of sigma (batch, features) -> numbers that steer a piece (batch, out)."""
    return nn.Sequential(nn.SiLU(), nn.Linear(features, out))


def _half(channels: int, groups: int) -> nn.Sequential:
    return nn.Sequential(nn.GroupNorm(groups, channels), nn.SiLU(), nn.Conv1d(channels, channels, 3, padding=1))
