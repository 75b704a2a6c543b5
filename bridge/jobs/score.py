"""Markers as the score: which markers are onsets of an item, and what their names ask for.

Label grammar: ``foley``, ``foley 3``, ``foley: metal plate``; case and spaces do not matter. A marker that the bridge
made keeps counting after the designer renamed it: its whole name is then the prompt ("metal plate").
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.host.base import LABEL, SAME_S, MarkerView, NewMarker

_LABEL = re.compile(rf"^\s*\[?{LABEL}\]?(?:\s*#?\d+)?\s*(?:[:\-]\s*(?P<prompt>.*?))?\s*$", re.IGNORECASE)


def is_onset(marker: MarkerView) -> bool:
    """Whether a marker belongs to the bridge's score: made by it, or labelled."""
    return marker.ours or _LABEL.match(marker.name) is not None


def prompt_of(marker: MarkerView) -> str:
    """The words a marker's name asks for; "" means the project's prompt."""
    found = _LABEL.match(marker.name)
    return (found["prompt"] or "") if found else marker.name.strip()


def markers_in(clip: Clip, markers: Iterable[MarkerView]) -> tuple[MarkerView, ...]:
    """The score's markers inside an item (half-open), in time order."""
    inside = (m for m in markers if is_onset(m) and -SAME_S <= m.position_s - clip.position_s < clip.length_s)
    return tuple(sorted(inside, key=lambda m: m.position_s))


def onsets_in(clip: Clip, markers: Iterable[MarkerView]) -> tuple[Onset, ...]:
    """The onsets (clip time) that an item's markers stand for."""
    return tuple(
        Onset(time_s=max(0.0, m.position_s - clip.position_s), prompt=prompt_of(m)) for m in markers_in(clip, markers)
    )


def settled(onsets: Iterable[Onset], before: Sequence[Onset]) -> tuple[Onset, ...]:
    """The onsets with the exact times of earlier ones that are the same but for rounding.

    A project file keeps fewer digits than memory does; what was only saved and loaded has not moved.
    """
    old_s = [onset.time_s for onset in before]

    def settle(onset: Onset) -> Onset:
        at = bisect.bisect_left(old_s, onset.time_s - SAME_S)
        same = at < len(old_s) and old_s[at] <= onset.time_s + SAME_S
        return replace(onset, time_s=old_s[at]) if same else onset

    return tuple(settle(onset) for onset in onsets)


def new_markers(clip: Clip, onsets: Iterable[Onset]) -> tuple[NewMarker, ...]:
    """Markers to write for onsets that were found."""
    return tuple(NewMarker(position_s=clip.position_s + onset.time_s, name=LABEL) for onset in onsets)
