"""Long latents in pieces: noise that belongs to a place, and windows that look far enough. Pure functions.

Convention: frames are counted from the start of the item and may be negative (a lead before the first onset). All
borders are multiples of the pack's ``align_frames``, the coarsest step of its net. A window gives only its core;
around it stands ``before`` and ``after`` context, so where a net looks no further the pieces equal one pass over
everything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.engine.spans import Span
from bridge.errors import PackError

ALIGN_FRAMES = 16
"""A pack's ``align_frames`` unless it says otherwise."""
_FIRST_BLOCK = 1 << 20

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Windowing:
    """How long sounds are cut.

    Attributes:
        core: frames that one window answers for.
        before, after: frames of context; sound depends on its past (tails) more than on its future.
    """

    core: int
    before: int
    after: int

    @classmethod
    def of(cls, *, window: int, overlap: int, align: int = ALIGN_FRAMES) -> Windowing:
        """From a pack's numbers: three quarters of the overlap look back, one quarter ahead.

        Raises:
            PackError: nothing is left between the two.
        """
        before = overlap * 3 // 4 // align * align
        after = overlap // 4 // align * align
        core = (window - before - after) // align * align
        if core < align or before < align:
            raise PackError(
                f"windows of {window} frames with an overlap of {overlap} leave nothing between, or no past to look at",
                hint="Get the pack again, or export it again with foley-export",
            )
        return cls(core=core, before=before, after=after)

    def pieces(self, span: Span) -> Iterator[tuple[Span, Span]]:
        """(core, window) spans that cover ``span``; cores lie on a grid that is fixed in time and follow one another.

        What fits into one window is one piece.
        """
        start, end = span
        if end - start <= self.core + self.before + self.after:
            yield span, span
            return
        at = start
        while at < end:
            stop = min(end, (at // self.core + 1) * self.core)
            yield (at, stop), (max(start, at - self.before), min(end, stop + self.after))
            at = stop


class Stream:
    """A function of windows over values that arrive bit by bit: every piece as soon as its window is there.

    What is needed no more is let go, so that memory does not grow with the span.

    Args:
        windowing: how the span is cut. span: frames that will arrive.
        function: (core, window, values of the window) -> values of the core; the last axis of values is frames.
    """

    def __init__(self, windowing: Windowing, span: Span, function: Callable[[Span, Span, Array], Array]) -> None:
        self._function = function
        self._pieces = windowing.pieces(span)
        self._next = next(self._pieces, None)
        self._first = span[0]
        self._held: Array | None = None

    def push(self, values: Array) -> list[Array]:
        """The values of every core that can be told once these values, the next ones of the span, are there."""
        held = values if self._held is None else np.concatenate([self._held, values], axis=-1)
        ready = []
        while self._next is not None and self._next[1][1] <= self._first + held.shape[-1]:
            core, window = self._next
            here = held[..., window[0] - self._first : window[1] - self._first]
            ready.append(self._function(core, window, here))
            self._next = next(self._pieces, None)
            if self._next is not None:
                held = held[..., self._next[1][0] - self._first :].copy()
                self._first = self._next[1][0]
        self._held = held if self._next is not None else None
        return ready


def noise(span: Span, *, seed: int, channels: int, block: int = ALIGN_FRAMES) -> Array:
    """White noise for a span, shape (channels, frames): a function of seed, place and ``block`` alone.

    Any two spans agree where they overlap, so a sound made again over another span starts from the same noise. It is
    drawn in blocks of that many frames.
    """
    blocks = []
    first, last = span[0] // block, -(-span[1] // block)
    for number in range(first, last):
        generator = np.random.default_rng([seed, number + _FIRST_BLOCK])
        blocks.append(generator.standard_normal((channels, block), dtype=np.float32))
    start = first * block
    return np.concatenate(blocks, axis=1)[:, span[0] - start : span[1] - start]


def mixed(noise_of: Callable[[int], Array], seed: int, mix: Sequence[tuple[int, float]] = ()) -> Array:
    """The noise of a seed with that of others mixed in; as white as each of them.

    Args:
        noise_of: gives a seed's noise. mix: (seed, amount 0..1), one after the other; each turns what was so far
            towards its own noise by a quarter turn times the amount. 0 changes no bit, 1 leaves nothing of what was.
    """
    so_far = noise_of(seed)
    for other, amount in mix:
        if amount >= 1.0:
            so_far = noise_of(other)
        elif amount > 0.0:
            turn = amount * math.pi / 2
            so_far = np.float32(math.cos(turn)) * so_far + np.float32(math.sin(turn)) * noise_of(other)
    return so_far
