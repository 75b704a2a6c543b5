"""How loud the motion in the picture is: a curve from what was seen, and what onsets make of it and of the controls.

Convention: a level is linear amplitude 0..1. The curve is as high as the strength times the activation at each peak,
the greatest of the item being 1, and falls by ``FALL_DB_PER_S`` after it, never below ``FLOOR``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridge.domain.clip import Clip
from bridge.domain.controls import Controls
from bridge.domain.onsets import Onset
from bridge.host.base import PointView
from bridge.jobs.seen import Seen

FLOOR = 0.06
"""The lowest level of the curve, about -24 dB: an envelope that follows the picture never mutes the track."""
FALL_DB_PER_S = 30.0
ATTACK_S = 0.02
"""The curve rises to a peak within this."""
GRID_S = 0.01
LEAST_DB = 0.5
"""Points that a straight line gives as well within this are left out."""
FADER_BEND = 2.0766
"""A gain is a fader position to this power, and REAPER draws its lines between points on the fader's scale."""

Times = NDArray[np.float64]


class Motion:
    """The level curve of an item.

    Args:
        seen: what was seen in it. clip: the item.
    """

    def __init__(self, seen: Seen, clip: Clip) -> None:
        peaks = seen.onsets(clip, 0.0, clip.length_s).values()
        self._times = np.array([peak.time_s for peak in peaks], np.float64)
        levels = np.array([peak.confidence * peak.strength for peak in peaks], np.float64)
        self._levels = levels / levels.max() if len(levels) and levels.max() > 0 else levels

    def at(self, times_s: Sequence[float] | Times) -> Times:
        """Level at clip times, shape (times,)."""
        asked = np.asarray(times_s, np.float64)
        level = np.full(len(asked), FLOOR)
        for time_s, height in zip(self._times, self._levels, strict=True):
            since = asked - time_s
            fallen = height * 10.0 ** (-FALL_DB_PER_S * np.maximum(since, 0.0) / 20.0)
            rising = np.clip(1.0 + since / ATTACK_S, 0.0, 1.0)
            level = np.maximum(level, fallen * rising)
        return np.clip(level, FLOOR, 1.0)

    def points(self, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """(clip time, level) of the curve's corners between two times, both ends among them."""
        grid = np.unique(
            np.concatenate([np.arange(start_s, end_s, GRID_S), [end_s], self._times, self._times - ATTACK_S])
        )
        grid = grid[(grid >= start_s) & (grid <= end_s)]
        level = self.at(grid)
        return [(float(grid[i]), float(level[i])) for i in _corners(grid, level)]


def sounding(
    onsets: Sequence[Onset], clip: Clip, controls: Controls, motion: Motion | None, envelope: Sequence[PointView]
) -> tuple[Onset, ...]:
    """Onsets as they are made: as strong as marker, controls and motion say, told the force that an envelope asks for.

    Args:
        clip: the onsets' item. motion: needed where the level follows it.
        envelope: the track's volume envelope (project time, linear gain): REAPER plays it, so here it only makes a hit
            softer in kind, not in level; empty for none.
    """
    times = [onset.time_s for onset in onsets]
    follow = controls.follow if motion is not None else 0.0
    curve = motion.at(times) if motion is not None else np.ones(len(times))
    gains = np.ones(len(times))
    if envelope:
        places, values = [point.time_s for point in envelope], [point.gain for point in envelope]
        faders = np.maximum(values, 0.0) ** (1.0 / FADER_BEND)
        gains = np.interp([clip.position_s + time for time in times], places, faders).clip(0.0, 1.0) ** FADER_BEND
    made = []
    for onset, level, gain in zip(onsets, curve, gains, strict=True):
        strength = min(1.0, onset.strength * controls.onset_strength * (1.0 - follow + follow * float(level)))
        force = strength * float(gain) if envelope else None
        made.append(replace(onset, strength=strength, force=force))
    return tuple(made)


def _corners(times: Times, level: Times) -> list[int]:
    """Indices of the points that lines on the fader's scale need (Ramer, Douglas and Peucker), ascending."""
    fader = level ** (1.0 / FADER_BEND)
    kept = {0, len(times) - 1}
    open_spans = [(0, len(times) - 1)]
    while open_spans:
        first, last = open_spans.pop()
        if last - first < 2:
            continue
        inner = slice(first + 1, last)
        line = np.interp(times[inner], [times[first], times[last]], [fader[first], fader[last]])
        away = np.abs(20.0 * FADER_BEND * np.log10(fader[inner] / line))
        worst = int(away.argmax())
        if away[worst] > LEAST_DB:
            kept.add(first + 1 + worst)
            open_spans += [(first, first + 1 + worst), (first + 1 + worst, last)]
    return sorted(kept)
