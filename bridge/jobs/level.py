"""How loud the motion in the picture is: a curve from what was seen, and what onsets make of it and of the controls.

Convention: a level is linear amplitude 0..1. The curve is as high as the strength times the activation at each peak,
the greatest of the item being 1, and falls after it (``bridge.dsp.following``); peaks below the threshold are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bridge.domain.clip import Clip
from bridge.domain.controls import Controls
from bridge.domain.onsets import Onset
from bridge.dsp.following import follow
from bridge.host.base import PointView
from bridge.jobs.seen import Seen

FADER_BEND = 2.0766
"""About so a gain goes as a fader's position to this power; REAPER draws lines between points on the fader's scale."""


class Motion:
    """The level curve of an item.

    Args:
        seen: what was seen in it. clip: the item.
    """

    def __init__(self, seen: Seen, clip: Clip) -> None:
        every = tuple(seen.onsets(clip, 0.0, clip.length_s).values())
        peaks = tuple(peak for peak in every if peak.confidence >= seen.threshold) or every
        levels = [peak.confidence * peak.strength for peak in peaks]
        most = max(levels, default=0.0) or 1.0
        self._curve = follow([p.time_s for p in peaks], [one / most for one in levels], length_s=clip.length_s)

    def at(self, times_s: Sequence[float]) -> NDArray[np.float64]:
        """Level at clip times, shape (times,)."""
        return self._curve.at(times_s)

    def points(self, start_s: float, end_s: float) -> list[tuple[float, float]]:
        """(clip time, level) of the curve's corners between two times, both ends among them."""
        inside = [time_s for time_s in self._curve.times_s.tolist() if start_s < time_s < end_s]
        times = [start_s, *inside, end_s]
        return list(zip(times, self.at(times).tolist(), strict=True))


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
