"""Markers as the score: which markers are onsets of an item, what each asks for, and the markers of new onsets.

A marker counts if its name carries the bridge's label (``label`` tells the grammar). One that the bridge made keeps
counting after the designer renamed it: its whole name, but for a level, is then the prompt ("metal plate").
"""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.host.base import SAME_S, MarkerView, NewMarker
from bridge.jobs import label


def is_onset(marker: MarkerView) -> bool:
    """Whether a marker belongs to the bridge's score: made by it, or labelled."""
    return marker.ours or label.read(marker.name).labelled


def markers_in(clip: Clip, markers: Iterable[MarkerView]) -> tuple[MarkerView, ...]:
    """The score's markers inside an item (half-open), in time order."""
    inside = (m for m in markers if is_onset(m) and -SAME_S <= m.position_s - clip.position_s < clip.length_s)
    return tuple(sorted(inside, key=lambda m: m.position_s))


def onsets_in(clip: Clip, markers: Iterable[MarkerView]) -> tuple[Onset, ...]:
    """The onsets (clip time) that an item's markers stand for, with their levels and words."""

    def onset(marker: MarkerView) -> Onset:
        said = label.read(marker.name)
        time_s = max(0.0, marker.position_s - clip.position_s)
        return Onset(time_s=time_s, strength=said.strength, prompt=said.prompt)

    return tuple(onset(marker) for marker in markers_in(clip, markers))


def unread_levels(clip: Clip, markers: Iterable[MarkerView]) -> tuple[tuple[str, float], ...]:
    """Levels of an item's markers that cannot be understood: as typed, with the marker's project time."""
    levels = ((label.read(marker.name).unread, marker.position_s) for marker in markers_in(clip, markers))
    return tuple((level, position_s) for level, position_s in levels if level)


def left_alone(clip: Clip, markers: Iterable[MarkerView]) -> tuple[tuple[str, float], ...]:
    """Names inside an item that lack nothing but a colon to be onsets, with their project times."""
    inside = (m for m in markers if not m.ours and -SAME_S <= m.position_s - clip.position_s < clip.length_s)
    return tuple((m.name, m.position_s) for m in inside if label.read(m.name).almost)


def as_marked(onsets: Iterable[Onset]) -> tuple[Onset, ...]:
    """Onsets that were found, as they read back from their markers: a name keeps a level to two digits."""
    return tuple(replace(onset, strength=label.rounded(onset.strength)) for onset in onsets)


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
    """Markers to write for onsets that were found; their names carry the levels."""
    return tuple(
        NewMarker(position_s=clip.position_s + onset.time_s, name=label.name_of(onset.strength)) for onset in onsets
    )
