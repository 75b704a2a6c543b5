"""Markers as the score: which markers are onsets of an item, what each asks for, and the markers of new onsets.

A marker counts if its name carries the bridge's label (``label`` tells the grammar). One that the bridge made keeps
counting after the designer renamed it: its whole name, but for a level, is then the prompt ("metal plate"). The score
may also be the markers of the video's take (``TakeScore``); they are read as if they were the project's. A region with
the label gives its words to the onsets in it that have none of their own.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.host.base import (
    SAME_S,
    ItemView,
    MarkerView,
    NewMarker,
    ProjectView,
    RegionView,
    TakeMarkers,
    TakeMarkerView,
)
from bridge.jobs import label

_TAKE = "take:"


def markers_of(view: ProjectView, item: ItemView, clip: Clip, *, in_take: bool) -> tuple[MarkerView, ...]:
    """The markers among which an item's score is: the project's, or its take's as if they were the project's."""
    if not in_take:
        return view.markers
    found = [
        MarkerView(guid=f"{_TAKE}{index}", position_s=float(project_s), name=marker.name, ours=marker.ours)
        for index, marker in enumerate(item.take_markers)
        for project_s in clip.shown_at(marker.played_s)
    ]
    return tuple(sorted(found, key=lambda marker: marker.position_s))


def edit(
    item: ItemView, clip: Clip, delete: Iterable[MarkerView], add: Iterable[NewMarker], *, in_take: bool
) -> dict[str, Any]:
    """The fields of a Change that delete and add markers of a score."""
    if not in_take:
        return {"delete_markers": tuple(marker.guid for marker in delete), "add_markers": tuple(add)}
    gone = dict.fromkeys(int(marker.guid.removeprefix(_TAKE)) for marker in delete)
    new = dict.fromkeys((round(clip.played_time(one.position_s), 9), one.name) for one in add)
    change = TakeMarkers(
        item_guid=item.guid,
        delete=tuple(item.take_markers[index] for index in gone),
        add=tuple(TakeMarkerView(played_s=played_s, name=name, ours=True) for played_s, name in new),
    )
    return {"take_markers": (change,) if change.delete or change.add else ()}


def is_onset(marker: MarkerView) -> bool:
    """Whether a marker belongs to the bridge's score: made by it, or labelled."""
    return marker.ours or label.read(marker.name).labelled


def is_plain(marker: MarkerView) -> bool:
    """Whether the bridge made a marker and nobody gave it words."""
    return marker.ours and not label.read(marker.name).prompt


def markers_in(
    clip: Clip, markers: Iterable[MarkerView], within: tuple[float, float] | None = None
) -> tuple[MarkerView, ...]:
    """The score's markers inside an item, or in a part of it (clip time), half-open, in time order."""
    start_s, end_s = within or (0.0, clip.length_s)
    inside = (m for m in markers if is_onset(m) and start_s - SAME_S <= m.position_s - clip.position_s < end_s)
    return tuple(sorted(inside, key=lambda m: m.position_s))


def onsets_in(clip: Clip, markers: Iterable[MarkerView], regions: Iterable[RegionView] = ()) -> tuple[Onset, ...]:
    """The onsets (clip time) that an item's markers stand for, with their levels and words."""
    named = [(region, label.read(region.name)) for region in regions]
    wording = [(region, said.prompt) for region, said in named if said.labelled and said.prompt]

    def onset(marker: MarkerView) -> Onset:
        said = label.read(marker.name)
        time_s = max(0.0, marker.position_s - clip.position_s)
        around = (words for region, words in wording if region.start_s - SAME_S <= marker.position_s < region.end_s)
        return Onset(time_s=time_s, strength=said.strength, prompt=said.prompt or next(around, ""))

    return tuple(onset(marker) for marker in markers_in(clip, markers))


def unread_levels(clip: Clip, markers: Iterable[MarkerView]) -> tuple[tuple[str, float], ...]:
    """Levels of an item's markers that cannot be understood: as typed, with the marker's project time."""
    levels = ((label.read(marker.name).unread, marker.position_s) for marker in markers_in(clip, markers))
    return tuple((level, position_s) for level, position_s in levels if level)


def left_alone(clip: Clip, markers: Iterable[MarkerView]) -> tuple[tuple[str, float], ...]:
    """Names inside an item that lack nothing but a colon to be onsets, with their project times."""
    inside = (m for m in markers if not m.ours and -SAME_S <= m.position_s - clip.position_s < clip.length_s)
    return tuple((m.name, m.position_s) for m in inside if label.read(m.name).almost)


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


def new_marker(clip: Clip, onset: Onset, origin: str = "") -> NewMarker:
    """The marker to write for an onset that was found; its name carries the level."""
    return NewMarker(position_s=clip.position_s + onset.time_s, name=label.name_of(onset.strength), origin=origin)


def layers(onsets: Iterable[Onset], prompt: str, there: Collection[str | None] = ()) -> dict[str, tuple[Onset, ...]]:
    """The onsets by their layer (see ``layer_of``), each without words."""
    found: dict[str, list[Onset]] = {}
    for onset in onsets:
        found.setdefault(layer_of(onset, prompt, there), []).append(replace(onset, prompt=""))
    return {words: tuple(found[words]) for words in sorted(found, key=lambda words: (words != "", words))}


def layer_of(onset: Onset, prompt: str, there: Collection[str | None] = ()) -> str:
    """The layer that an onset belongs to: its own words, in small letters; "" if they are none or the prompt's.

    A layer that is there already keeps the onsets of its words, whatever the prompt has become.
    """
    words = " ".join(onset.prompt.lower().split())
    return "" if words == " ".join(prompt.lower().split()) and words not in there else words
