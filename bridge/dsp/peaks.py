"""Peaks of a sampled curve, finer than its samples.

Convention: step ``k`` of a curve lies at ``start_s + k / rate_hz``. A peak is a sample above its left and not below its
right neighbour (a plateau peaks at its middle); its time and height are those of the parabola through three samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Peak:
    """One local maximum.

    Attributes:
        time_s: on the curve's own clock.
        height: value of the parabola at its top, never above 1 for a curve in 0..1.
    """

    time_s: float
    height: float


def pick(
    values: ArrayLike, *, rate_hz: float, start_s: float = 0.0, threshold: float = 0.0, min_distance_s: float = 0.0
) -> tuple[Peak, ...]:
    """Peaks at or above a threshold, ascending in time.

    Args:
        values: the curve, shape (steps,), in 0..1.
        rate_hz: steps per second.
        start_s: time of the first step.
        threshold: lowest height kept; 0 keeps every peak above zero.
        min_distance_s: of two peaks closer than this the lower goes, highest first; of equals the later.

    Raises:
        RequestError: the curve is not one-dimensional or not finite, or a number makes no sense.
    """
    curve = np.asarray(values, dtype=np.float64)
    if curve.ndim != 1 or not np.isfinite(curve).all():
        raise RequestError(f"peaks are picked from a finite curve of one dimension, got shape {curve.shape}")
    if not rate_hz > 0 or not min_distance_s >= 0:
        raise RequestError(f"peaks need a positive rate and no negative distance, got {rate_hz} and {min_distance_s}")
    found = [_refined(curve, *span, rate_hz=rate_hz, start_s=start_s) for span in _summits(curve)]
    found = [peak for peak in found if peak.height > 0 and peak.height >= threshold]
    return _apart(found, min_distance_s)


def _summits(curve: NDArray[np.float64]) -> list[tuple[int, int]]:
    """First and last sample of every local maximum; the ends count as lower outside."""
    if not len(curve):
        return []
    begins = np.flatnonzero(np.r_[True, np.diff(curve) != 0])
    ends = np.r_[begins[1:] - 1, len(curve) - 1]
    level = np.r_[-np.inf, curve[begins], -np.inf]
    tops = np.flatnonzero((level[1:-1] > level[:-2]) & (level[1:-1] > level[2:]))
    return [(int(begins[i]), int(ends[i])) for i in tops]


def _refined(curve: NDArray[np.float64], first: int, last: int, *, rate_hz: float, start_s: float) -> Peak:
    """The top of a summit, between samples where it is a single one with two neighbours."""
    at, height = (first + last) / 2, float(curve[first])
    if first == last and 0 < first < len(curve) - 1:
        left, right = float(curve[first - 1]), float(curve[first + 1])
        bend = left - 2 * height + right
        offset = 0.5 * (left - right) / bend if bend < 0 else 0.0
        at += offset
        height = min(max(1.0, height), height - 0.25 * (left - right) * offset)
    return Peak(time_s=start_s + at / rate_hz, height=height)


def _apart(found: list[Peak], min_distance_s: float) -> tuple[Peak, ...]:
    """The highest peaks that keep their distance."""
    kept: list[Peak] = []
    for peak in sorted(found, key=lambda p: (-p.height, p.time_s)):
        if all(abs(peak.time_s - other.time_s) >= min_distance_s for other in kept):
            kept.append(peak)
    return tuple(sorted(kept, key=lambda p: p.time_s))
