"""A level over time that a designer can see, draw on and edit.

Convention: ``times_s`` is clip time, as for onsets; values are linear amplitude, 1 is full level; straight between the
points, level before the first and after the last.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.errors import RequestError

GAP_S = 0.060
"""Points lie at least this far apart: a curve that a hand can edit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Envelope:
    """Points of a curve.

    Attributes:
        times_s: float64, shape (points,), strictly ascending, >= 0; at least one.
        values: float64 in 0..1, shape (points,).
    """

    times_s: NDArray[np.float64] = field(repr=False)
    values: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if self.times_s.ndim != 1 or self.times_s.shape != self.values.shape or not len(self.times_s):
            raise RequestError("an envelope needs as many times as values, and one of each at least")
        finite = np.isfinite(self.times_s).all() and np.isfinite(self.values).all()
        if not finite or self.times_s[0] < 0.0 or (np.diff(self.times_s) <= 0.0).any():
            raise RequestError("an envelope's points must be numbers and in ascending order of time")
        if self.values.min() < 0.0 or self.values.max() > 1.0:
            raise RequestError("an envelope's values must lie in 0..1")

    def at(self, times_s: ArrayLike) -> NDArray[np.float64]:
        """The level at each of some times, of their shape."""
        return np.interp(np.asarray(times_s, np.float64), self.times_s, self.values)

    def thinned(self, tolerance: float) -> Envelope:
        """The fewest points found that stay within a tolerance (amplitude) of this curve at each of its points."""
        kept = np.zeros(len(self.times_s), np.bool_)
        kept[[0, -1]] = True
        open_ends = [(0, len(self.times_s) - 1)]
        while open_ends:
            first, last = open_ends.pop()
            ends = [first, last]
            between = np.arange(first + 1, last)
            straight = np.interp(self.times_s[between], self.times_s[ends], self.values[ends])
            off = np.abs(self.values[between] - straight)
            if len(off) and off.max() > tolerance:
                middle = int(between[int(np.argmax(off))])
                kept[middle] = True
                open_ends += [(first, middle), (middle, last)]
        return Envelope(times_s=self.times_s[kept], values=self.values[kept])
