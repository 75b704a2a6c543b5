"""A level that follows events: it stands where each is, as high as that is strong, and falls until the next.

Convention: times are clip time, values linear amplitude. The curve holds the height of a peak for ``HOLD_S``, falls by
``FALL_DB_PER_S`` down to ``FLOOR_DB`` at most, and rises to the next peak within ``GAP_S``; where the ring of a peak is
above the next, softer one, it steps down to that one's height in the same time. Peaks closer than ``GAP_S`` are one, as
high as the higher.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.domain.envelope import GAP_S, Envelope

FLOOR_DB = -24.0
"""No lower: what sounds between events stays audible, and nobody searches for a lost track."""
HOLD_S = GAP_S
FALL_DB_PER_S = 40.0
TOLERANCE = 0.02
"""Amplitude by which a point may be off to be left out."""


def follow(times_s: Sequence[float], strengths: Sequence[float], *, length_s: float) -> Envelope:
    """The envelope of events.

    Args:
        times_s: ascending, 0 <= time <= ``length_s``. strengths: linear amplitude 0..1 of each.
        length_s: end of the clip.
    """
    floor = 10.0 ** (FLOOR_DB / 20.0)
    peaks: list[tuple[float, float]] = []
    for time_s, strength in zip(times_s, strengths, strict=True):
        height = max(floor, strength)
        if not 0.0 <= time_s <= length_s:
            continue
        if peaks and time_s - peaks[-1][0] < GAP_S:
            if height > peaks[-1][1]:
                peaks[-1] = (peaks[-1][0], height)
            continue
        peaks.append((time_s, height))
    if not peaks:
        ends = np.array([0.0, length_s]) if length_s > 0.0 else np.zeros(1)
        return Envelope(times_s=ends, values=np.full(len(ends), floor))
    parts = []
    if peaks[0][0] >= GAP_S:
        before = [(0.0, floor)]
        if peaks[0][0] >= 2.0 * GAP_S:
            before.append((peaks[0][0] - GAP_S, floor))
        parts += before
    for number, (time_s, height) in enumerate(peaks):
        end_s = peaks[number + 1][0] if number + 1 < len(peaks) else length_s + GAP_S
        parts += _ring(time_s, height, end_s - GAP_S, floor)
    return Envelope(times_s=np.array([t for t, _ in parts]), values=np.array([v for _, v in parts]))


def _ring(time_s: float, height: float, until_s: float, floor: float) -> list[tuple[float, float]]:
    """A peak's points up to a time: the peak, how it falls, and where it has come to."""
    points = [(time_s, height)]
    room_s = until_s - time_s
    if room_s < GAP_S:
        return points
    count = int(room_s / GAP_S + 1e-9)
    after_s = np.linspace(room_s / count, room_s, count)
    values = np.maximum(floor, height * 10.0 ** (-FALL_DB_PER_S * np.maximum(0.0, after_s - HOLD_S) / 20.0))
    ring = Envelope(times_s=time_s + np.r_[0.0, after_s], values=np.r_[height, values]).thinned(TOLERANCE)
    return list(zip(ring.times_s.tolist(), ring.values.tolist(), strict=True))
