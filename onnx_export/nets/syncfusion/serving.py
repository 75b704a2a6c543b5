"""SyncFusion's denoiser, made for serving: the same answers, with all that does not depend on the noisy signal outside.

Convention: the nets here are made of an official ``UNet`` that has its weights, and compute what it computes. Four
graphs replace one: the UNet itself, and three that prepare what it takes (see ``preparing``). A *walk* visits the
items of the UNet in the order in which they run; tables and contexts are in this order.
"""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor, nn

from onnx_export.nets.syncfusion import layout
from onnx_export.nets.syncfusion.serving_pieces import Down, Item, Manner, Steering, TurnedItem, Up, UprightItem
from onnx_export.nets.syncfusion.unet import Level, UNet

TURNED_FROM = 128
"""Channels from which a depth is turned (see ``serving_pieces``); one with self attention always is."""
BLOCK = 256


class Depth:
    """One official level, taken apart.

    Attributes:
        depth: 0 is the outermost. channels: of x here. down, up, before, after: pieces around the level below.
        inner: the level below, None at the bottom. turned: whether x is (batch, frames, channels) here.
    """

    def __init__(self, level: Level, depth: int) -> None:
        down, *middle, up = level.block.blocks
        inner = next((number for number, piece in enumerate(middle) if isinstance(piece, Level)), len(middle))
        self.depth = depth
        self.down: layout.Down = down  # type: ignore[assignment]
        self.up: layout.Up = up  # type: ignore[assignment]
        self.skip: nn.Linear = level.skip.get_submodule("blocks.0.1")  # type: ignore[assignment]
        self.before = _items(middle[:inner])
        self.after = _items(middle[inner + 1 :])
        self.channels: int = self.down.block.out_channels  # type: ignore[assignment]
        attends = any(item.attention is not None for item in self.before)
        self.turned = attends or self.channels >= TURNED_FROM
        self.inner = Depth(middle[inner], depth + 1) if inner < len(middle) else None  # type: ignore[arg-type]

    def walk(self) -> Iterator[tuple[Depth, Item | None]]:
        """This depth with None, for its skip; then its items and the depths below, as they run."""
        yield self, None
        for item in self.before:
            yield self, item
        if self.inner is not None:
            yield from self.inner.walk()
        for item in self.after:
            yield self, item


def outermost(unet: UNet) -> Depth:
    """A UNet taken apart."""
    level: Level = unet.get_submodule("blocks.2.blocks.1.net")  # type: ignore[assignment]
    return Depth(level, 0)


class ServingUNet(nn.Module):
    """(noisy, modulation, added, contexts) -> v.

    Args:
        unet: the official net with its weights.
        manner: how it computes.
    """

    def __init__(self, unet: UNet, manner: Manner | None = None) -> None:
        super().__init__()
        top = outermost(unet)
        self.shape = unet.shape
        self.sizes = modulation_sizes(top)
        self.added_sizes = [depth.channels for depth, item in top.walk() if item is not None]
        self.net = ServingLevel(top, manner or Manner(), above=None, units=unet.shape.align)

    def forward(self, noisy: Tensor, modulation: Tensor, added: Tensor, *contexts: Tensor) -> Tensor:
        """Predicts v.

        Args:
            noisy: (batch, 1, frames). modulation: the time encoder's answer. added: the embedding encoder's.
            contexts: the onset encoder's, in the order of the walk.
        """
        steering = Steerings(iter(modulation.split(self.sizes, 1)), iter(added.split(self.added_sizes, 1)), contexts)
        return self.net(noisy, steering)


class Steerings:
    """Hands out what the pieces are told, in the order of the walk."""

    def __init__(self, modulation: Iterator[Tensor], added: Iterator[Tensor], contexts: tuple[Tensor, ...]) -> None:
        self._modulation, self._added, self._contexts = modulation, added, iter(contexts)

    def skip(self) -> Tensor:
        """(batch, channels above)."""
        return next(self._modulation)

    def item(self) -> Steering:
        """The next item's."""
        scale, shift = next(self._modulation), next(self._modulation)
        return Steering(scale, shift, next(self._added), next(self._contexts))


class ServingLevel(nn.Module):
    """One depth and all below it."""

    def __init__(self, depth: Depth, manner: Manner, *, above: Depth | None, units: int) -> None:
        super().__init__()
        turned, self.turned_above = depth.turned, above is not None and above.turned
        turn = turned and not self.turned_above
        self.down = Down(depth.down, turn=turn, turned=turned)
        self.up = Up(depth.up, turn=turn, turned=turned)
        units //= self.down.factor

        def made(items: list[Item]) -> nn.ModuleList:
            if turned:
                return nn.ModuleList([TurnedItem(item, manner, even=units % 2 == 0) for item in items])
            return nn.ModuleList([UprightItem(item, manner, block=min(units, BLOCK)) for item in items])

        self.before, self.after = made(depth.before), made(depth.after)
        self.inner = None
        if depth.inner is not None:
            self.inner = ServingLevel(depth.inner, manner, above=depth, units=units)

    def forward(self, x: Tensor, steering: Steerings) -> Tensor:
        """In the layout of the depth above -> the same shape."""
        strength = steering.skip()
        strength = strength[:, None] if self.turned_above else strength[:, :, None]
        y = self.down(x)
        for item in self.before:
            y = item(y, steering.item())
        if self.inner is not None:
            y = self.inner(y, steering)
        for item in self.after:
            y = item(y, steering.item())
        return x + strength * self.up(y)


def modulation_sizes(top: Depth) -> list[int]:
    """Widths of the parts of the time encoder's answer: of a skip one, of an item two (scale and shift)."""
    sizes = []
    for depth, item in top.walk():
        if item is None:
            sizes.append(depth.skip.out_features)
        else:
            sizes += [depth.channels, depth.channels]
    return sizes


def _items(pieces: list[nn.Module]) -> list[Item]:
    """Official pieces by item; each begins with a residual block."""
    starts = [number for number, piece in enumerate(pieces) if isinstance(piece, layout.Resnet)]
    items = []
    for start, end in zip(starts, [*starts, len(pieces)][1:], strict=True):
        resnet, modulation, inject, *attentions = pieces[start:end]
        items.append(Item(resnet, modulation, inject, attentions[0] if len(attentions) == 2 else None, attentions[-1]))  # type: ignore[arg-type]
    return items
