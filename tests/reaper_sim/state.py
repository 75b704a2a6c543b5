"""States of a project: parts of it as JSON, for undo, for comparing and for what tests read.

Convention: a snapshot has four parts, named after REAPER's undo flags: ``tracks`` (1), ``items`` (4), ``misc`` (8:
markers, loop points and time selection, project ext state) and ``envelopes`` (32: of tracks). ``describe`` is the
friendlier view that tests get.
"""

from __future__ import annotations

from typing import Any

from . import assumptions
from .envelopes import Envelope
from .handles import Handles
from .model import Item, Marker, Project, Take, Track

PARTS = {1: "tracks", 4: "items", 8: "misc", 32: "envelopes"}
Snapshot = dict[str, Any]
_SELECTION = ("I_SELECTED", "B_UISEL", "time_selection")


def snapshot(project: Project) -> Snapshot:
    """Everything of the project that undo can bring back."""
    return {
        "tracks": [
            {"guid": track.guid, "values": dict(track.values), "texts": dict(track.texts)} for track in project.tracks
        ],
        "items": {track.guid: [item.to_state() for item in track.items] for track in project.tracks},
        "envelopes": {track.guid: [one.to_state() for one in track.envelopes] for track in project.tracks},
        "misc": {
            "markers": [_marker_state(marker) for marker in project.markers],
            "ext": {name: dict(keys) for name, keys in project.ext.items()},
            "time_selection": list(project.time_selection),
            "loop_points": list(project.loop_points),
        },
    }


def differ(one: Snapshot, other: Snapshot) -> bool:
    """Whether two snapshots differ in more than what is selected."""
    if not assumptions.SELECTION_ALONE_IS_NO_UNDO_POINT:
        return one != other
    return _differ(one, other)


def _differ(one: Any, other: Any) -> bool:
    if one == other:
        return False
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return any(_differ(one[key], other[key]) for key in one if key not in _SELECTION)
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return any(map(_differ, one, other))
    return True


def restore(project: Project, wanted: Snapshot, flags: int, handles: Handles | None) -> None:
    """Brings back the parts that ``flags`` names; the others stay as they are."""
    old = {track.guid: track for track in project.tracks}
    if flags & 1:
        project.tracks = [_restored_track(project, state, old.get(state["guid"])) for state in wanted["tracks"]]
        if handles is not None and assumptions.UNDO_KEEPS_TRACK_POINTERS:
            for track in project.tracks:
                if track.guid in old and old[track.guid] is not track:
                    handles.replace(old[track.guid], track)
    if flags & 4:
        for track in project.tracks:
            track.items = [Item.from_state(state, track) for state in wanted["items"].get(track.guid, [])]
    if flags & 32:
        for track in project.tracks:
            states = wanted["envelopes"].get(track.guid, [])
            track.envelopes = [Envelope.from_state(state, track) for state in states]
    if flags & 8:
        misc = wanted["misc"]
        project.markers = [_marker_from_state(project, state) for state in misc["markers"]]
        project.ext = {name: dict(keys) for name, keys in misc["ext"].items()}
        project.time_selection = (misc["time_selection"][0], misc["time_selection"][1])
        project.loop_points = (misc["loop_points"][0], misc["loop_points"][1])
    project.step_recorded()


def _restored_track(project: Project, state: dict[str, Any], old: Track | None) -> Track:
    track = Track(project, state["guid"], [], dict(state["values"]), dict(state["texts"]))
    if old is not None:
        track.items, track.envelopes = old.items, old.envelopes
        for part in (*track.items, *track.envelopes):
            part.track = track
    return track


def _marker_state(marker: Marker) -> dict[str, Any]:
    names = ("position_s", "end_s", "is_region", "name", "number", "color", "guid")
    return {**{name: getattr(marker, name) for name in names}, "values": dict(marker.values)}


def _marker_from_state(project: Project, state: dict[str, Any]) -> Marker:
    return Marker(project, **{**state, "values": dict(state["values"])})


def describe(project: Project) -> dict[str, Any]:
    """The project as tests see it; says nothing about undo, dirty flag or change count."""
    return {
        "path": project.path,
        "cursor_s": project.cursor_s,
        "tracks": [_describe_track(track) for track in project.tracks],
        "markers": [_marker_state(marker) for marker in project.markers],
        "ext": {name: dict(keys) for name, keys in project.ext.items()},
        "time_selection": list(project.time_selection),
        "loop_points": list(project.loop_points),
    }


def _describe_track(track: Track) -> dict[str, Any]:
    return {
        **{"guid": track.guid, "name": track.texts.get("P_NAME", ""), "mute": bool(track.values["B_MUTE"])},
        **{"solo": int(track.values["I_SOLO"]), "selected": bool(track.values["I_SELECTED"])},
        **{"folder_depth": int(track.values["I_FOLDERDEPTH"]), "ext": _ext(track.texts), "values": dict(track.values)},
        "envelopes": [_describe_envelope(envelope) for envelope in track.envelopes],
        "items": [_describe_item(item) for item in track.items],
    }


def _describe_envelope(envelope: Envelope) -> dict[str, Any]:
    switches = ("ACTIVE", "VISIBLE", "ARM", "SHOWLANE")
    return {
        **{"guid": envelope.guid, "name": envelope.name, "ext": _ext(envelope.texts)},
        **{name.lower(): envelope.attribute(name) for name in switches},
        "points": [[p.time_s, p.value, p.shape, p.tension, p.selected] for p in envelope.points],
    }


def _describe_item(item: Item) -> dict[str, Any]:
    values = item.values
    return {
        **{"guid": item.guid, "position_s": values["D_POSITION"], "length_s": values["D_LENGTH"]},
        **{"loop": bool(values["B_LOOPSRC"]), "muted": bool(values["B_MUTE"]), "selected": bool(values["B_UISEL"])},
        **{"active_take": int(values["I_CURTAKE"]), "notes": item.texts.get("P_NOTES", ""), "ext": _ext(item.texts)},
        "values": dict(values),
        "takes": [None if take is None else _describe_take(take) for take in item.takes],
    }


def _describe_take(take: Take) -> dict[str, Any]:
    return {
        **{"guid": take.guid, "name": take.texts.get("P_NAME", ""), "start_offset_s": take.values["D_STARTOFFS"]},
        **{"play_rate": take.values["D_PLAYRATE"], "ext": _ext(take.texts), "values": dict(take.values)},
        **{"markers": [list(m) for m in take.markers], "stretch_markers": [list(m) for m in take.stretch]},
        "source": None if take.source is None else take.source.to_state(),
    }


def _ext(texts: dict[str, str]) -> dict[str, str]:
    return {name.removeprefix("P_EXT:"): text for name, text in texts.items() if name.startswith("P_EXT:")}
