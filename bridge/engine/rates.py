"""From one sampling rate to another, any stretch by itself and block by block.

Convention: the numbers are those of ``scipy.signal.resample_poly`` over the whole sound: each sample of the answer
depends on a few around its place, so a stretch that knows these gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from bridge.engine.spans import Span

_ZEROS = 10
"""Half the filter's length, in zero crossings (SciPy's choice)."""
_TURN_SAMPLES = 1 << 15
"""As many are worked on at once, so that a long sound takes no more memory than a short one."""

Array = NDArray[np.float32]


class Rates:
    """Two rates.

    Args:
        from_hz: of what comes in. to_hz: of what goes out.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        common = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // common, from_hz // common
        half = _ZEROS * max(self._up, self._down)
        self._around = -(-(half // self._up + 2) // self._down) * self._down
        self._filter = np.ones(1, np.float32)
        if self._up != self._down:
            # as resample_poly designs it; given as numbers so that it is designed once
            band = 1.0 / max(self._up, self._down)
            window: Any = ("kaiser", 5.0)
            self._filter = np.asarray(signal.firwin(2 * half + 1, band, window=window), np.float32)

    def needed(self, span: Span) -> Span:
        """The samples that come in on which a span of those that go out depends; may begin below 0."""
        if self._up == self._down:
            return span
        start, stop = span
        return start // self._up * self._down - self._around, -(-stop // self._up) * self._down + self._around

    def converted(self, blocks: Iterable[Array], begin: int, span: Span) -> Iterator[Array]:
        """Samples of a span at the new rate, block by block.

        Args:
            blocks: float32 (n,), one after the other, from sample ``begin`` on; silence lies before and after them.
            begin: at most one after ``needed``'s start, or 0 where that is below. span: of samples that go out.
        """
        if self._up == self._down:
            yield from blocks
            return
        first, last = self.needed(span)
        out = span[0] // self._up * self._up
        held = np.zeros(begin - first, np.float32)
        turn = max(1, _TURN_SAMPLES // self._down) * self._down
        for block in _with_silence(blocks, last - begin):
            held = np.concatenate([held, block])
            while len(held) >= turn + 2 * self._around or (len(held) and first + len(held) == last):
                count = min(turn, len(held) - 2 * self._around)
                if count <= 0:
                    break
                turned = self._turned(held[: count + 2 * self._around], count)
                yield turned[max(0, span[0] - out) : max(0, span[1] - out)]
                out += len(turned)
                held, first = held[count:], first + count

    def _turned(self, samples: Array, count: int) -> Array:
        """What the ``count`` samples in the middle are at the new rate."""
        whole = signal.resample_poly(samples, self._up, self._down, window=self._filter).astype(np.float32)
        start = self._around // self._down * self._up
        return whole[start : start + count // self._down * self._up]


def _with_silence(blocks: Iterable[Array], length: int) -> Iterator[Array]:
    """The blocks, then silence up to a length."""
    for block in blocks:
        yield block
        length -= len(block)
    if length > 0:
        yield np.zeros(length, np.float32)
