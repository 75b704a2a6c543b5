"""SyncFusion's denoiser: a one-dimensional UNet on the waveform, steered by sigma, onset track and embedding.

Convention: v-objective, x = cos(phi) x0 + sin(phi) noise, v = cos(phi) noise - sin(phi) x0, phi = pi sigma / 2
(Comunità et al. 2023, section 2.3). Names and shapes of the weights are the official checkpoint's; defaults are the
official sizes: 213,051,434 weights, 842 names. Group norm and attention see the whole length, so a part of a
run is not a run of the part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from onnx_export.nets.syncfusion.layout import (
    Chain,
    CrossAttention,
    Down,
    Fourier,
    Given,
    Inject,
    Listed,
    Modulation,
    Resnet,
    SelfAttention,
    Up,
    modulator,
)


@dataclass(frozen=True, kw_only=True)
class UNetShape:
    """Sizes of the UNet; the sequences have one entry a depth.

    Attributes:
        channels: of x at the depth.
        factors: how many frames of the depth above become one.
        items: how often the pieces repeat on the way down, and again on the way up.
        attentions: whether frames look at each other there.
        contexts: channels that the onset encoder gives at the depth.
        heads, head_features: of self attention and cross attention.
        embedding: length of the sound's embedding.
        features: length of what is known of sigma.
        frequencies: at which sigma is looked at.
        groups: of group norm.
    """

    channels: tuple[int, ...] = (8, 32, 64, 128, 256, 512, 1024, 1024)
    factors: tuple[int, ...] = (1, 4, 4, 4, 2, 2, 2, 2)
    items: tuple[int, ...] = (1, 2, 2, 2, 2, 2, 2, 4)
    attentions: tuple[bool, ...] = (False, False, False, False, True, True, True, True)
    contexts: tuple[int, ...] = (2, 8, 16, 32, 64, 128, 256, 256)
    heads: int = 8
    head_features: int = 64
    embedding: int = 512
    features: int = 1024
    frequencies: int = 128
    groups: int = 8

    def __post_init__(self) -> None:
        depths = len(self.channels)
        if not depths or any(len(row) != depths for row in (self.factors, self.items, self.attentions, self.contexts)):
            raise ValueError("channels, factors, items, attentions and contexts name a different number of depths")

    @property
    def align(self) -> int:
        """Samples of which a length must be a multiple."""
        return math.prod(self.factors)


class UNet(nn.Module):
    """(x, sigma, contexts, embedding) -> v."""

    def __init__(self, shape: UNetShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or UNetShape()
        shared = nn.Linear(shape.features, shape.features)
        self.blocks = nn.ModuleList(
            [
                Fourier(shape.features, shape.frequencies),
                Chain(nn.Sequential(shared, nn.GELU()), nn.Sequential(shared, nn.GELU())),
                Guidable(nn.Embedding(1, shape.embedding), Level(shape, 0)),
            ]
        )

    @property
    def null_embedding(self) -> Tensor:
        """(1, embedding): stands for none in guidance. The official training never moved it from its random start."""
        return self.get_parameter("blocks.2.blocks.0.blocks.0.weight")

    def time_features(self, sigma: Tensor) -> Tensor:
        """What is known of sigma: (batch,) -> (batch, features). One linear layer is run twice."""
        return self.blocks[1](functional.gelu(self.blocks[0](sigma)))

    def forward(self, x: Tensor, sigma: Tensor, contexts: Sequence[Tensor], embedding: Tensor | None = None) -> Tensor:
        """Predicts v.

        Args:
            x: (batch, 1, samples), samples a multiple of ``shape.align``.
            sigma: (batch,), 1 is noise, 0 is sound.
            contexts: the onset encoder's answer, one tensor a depth.
            embedding: (batch, embedding) or (batch, 1, embedding); None takes ``null_embedding``.

        Returns:
            v of x's shape.
        """
        wanted = self.null_embedding.expand(x.shape[0], -1) if embedding is None else embedding
        wanted = wanted[:, None, :] if wanted.dim() == 2 else wanted
        given = Given(self.time_features(sigma), wanted, contexts)
        return self.blocks[2](x, given)


class Guidable(Listed):
    """The embedding that stands for none, and the levels."""

    def __init__(self, null: nn.Embedding, net: Level) -> None:
        super().__init__(Chain(null), Body(net))

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """The levels' answer."""
        return self.blocks[1](x, given)


class Body(nn.Module):
    """The levels, under the name ``net``."""

    def __init__(self, net: Level) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """The levels' answer."""
        return self.net(x, given)


class Level(nn.Module):
    """One depth: down, pieces, the depth below, pieces, up; added to x as strongly as sigma says."""

    def __init__(self, shape: UNetShape, depth: int) -> None:
        super().__init__()
        before = shape.channels[depth - 1] if depth else 1
        after, factor = shape.channels[depth], shape.factors[depth]
        inner = [Level(shape, depth + 1)] if depth + 1 < len(shape.channels) else []
        self.block = Listed(
            Down(before, after, factor),
            *_pieces(shape, depth),
            *inner,
            *_pieces(shape, depth),
            Up(after, before, factor),
        )
        self.skip = Chain(modulator(shape.features, before))

    def forward(self, x: Tensor, given: Given) -> Tensor:
        """(batch, channels above, frames above) -> the same shape."""
        y = x
        for piece in self.block.blocks:
            y = piece(y, given)
        return x + self.skip(given.features)[:, :, None] * y


def _pieces(shape: UNetShape, depth: int) -> list[nn.Module]:
    channels = shape.channels[depth]
    pieces: list[nn.Module] = []
    for _ in range(shape.items[depth]):
        pieces += [
            Resnet(channels, shape.groups),
            Modulation(channels, shape.features),
            Inject(channels, shape.contexts[depth], depth),
        ]
        if shape.attentions[depth]:
            pieces.append(SelfAttention(channels, heads=shape.heads, head_features=shape.head_features))
        pieces.append(CrossAttention(channels, shape.embedding, heads=shape.heads, head_features=shape.head_features))
    return pieces
