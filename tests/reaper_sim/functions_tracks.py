"""API: tracks."""

from __future__ import annotations

from typing import Any

from .app import App
from .faults import Unsimulated
from .ft import Text, api
from .model import Project, Track
from .parameters import get_value, set_value, text_parameter


def _number(track: Track) -> int:
    project = track.project
    return -1 if track is project.master else project.tracks.index(track) + 1


COMPUTED: dict[str, Any] = {"IP_TRACKNUMBER": _number}


@api("CountTracks", "GetNumTracks")
def count_tracks(app: App, project: Project | None = None) -> int:
    return len((project or app.project).tracks)


@api("GetTrack")
def get_track(app: App, project: Project, index: int) -> Track | None:
    return project.tracks[index] if 0 <= index < len(project.tracks) else None


@api("GetMasterTrack")
def get_master_track(app: App, project: Project) -> Track:
    return project.master


def insert_track(project: Project, index: int, name: str = "") -> Track:
    """A new track; the index is clamped."""
    track = Track(project)
    if name:
        track.texts["P_NAME"] = name
    project.tracks.insert(max(0, min(index, len(project.tracks))), track)
    project.touch()
    return track


@api("InsertTrackAtIndex")
def insert_track_at_index(app: App, index: int, want_defaults: bool) -> None:
    insert_track(app.project, index)


@api("InsertTrackInProject")
def insert_track_in_project(app: App, project: Project, index: int, flags: int) -> None:
    insert_track(project, index)


@api("DeleteTrack")
def delete_track(app: App, track: Track) -> None:
    if track is not track.project.master:
        track.project.tracks.remove(track)
        track.project.touch()


@api("GetTrackName")
def get_track_name(app: App, track: Track, name: Text, size: int) -> bool:
    name.set(track.texts.get("P_NAME", "") or f"Track {_number(track)}")
    return True


@api("GetSetMediaTrackInfo_String")
def get_set_media_track_info_string(app: App, track: Track, name: str, value: Text, is_set: bool) -> bool:
    if is_set:
        track.project.touch()
    return text_parameter(track, name, value, is_set, ("P_NAME", "P_ICON"))


@api("GetMediaTrackInfo_Value")
def get_media_track_info_value(app: App, track: Track, name: str) -> float:
    return get_value(track, name, COMPUTED)


@api("SetMediaTrackInfo_Value")
def set_media_track_info_value(app: App, track: Track, name: str, value: float) -> bool:
    track.project.touch()
    return set_value(track, name, value, COMPUTED)


@api("GetTrackGUID")
def get_track_guid(app: App, track: Track) -> Track:
    raise Unsimulated(
        "GetTrackGUID gives Python the address of a temporary, never a GUID; use GetSetMediaTrackInfo_String"
    )


@api("GetTrackColor")
def get_track_color(app: App, track: Track) -> int:
    return int(track.values["I_CUSTOMCOLOR"])


@api("SetTrackColor")
def set_track_color(app: App, track: Track, color: int) -> None:
    track.values["I_CUSTOMCOLOR"] = color | 0x1000000
    track.project.touch()


@api("GetTrackDepth")
def get_track_depth(app: App, track: Track) -> int:
    project = track.project
    return int(sum(t.values["I_FOLDERDEPTH"] for t in project.tracks[: project.tracks.index(track)]))


@api("GetParentTrack")
def get_parent_track(app: App, track: Track) -> Track | None:
    parents: list[Track] = []
    for other in track.project.tracks:
        if other is track:
            break
        depth = int(other.values["I_FOLDERDEPTH"])
        if depth == 1:
            parents.append(other)
        elif depth < 0:
            del parents[depth:]
    return parents[-1] if parents else None


# -- selection ---------------------------------------------------------------------------------------------------------


def selected_tracks(project: Project) -> list[Track]:
    """The selected tracks from the top."""
    return [track for track in project.tracks if track.values["I_SELECTED"]]


@api("CountSelectedTracks", "CountSelectedTracks2")
def count_selected_tracks(app: App, project: Project, want_master: bool = False) -> int:
    return len(selected_tracks(project))


@api("GetSelectedTrack", "GetSelectedTrack2")
def get_selected_track(app: App, project: Project, index: int, want_master: bool = False) -> Track | None:
    found = selected_tracks(project)
    return found[index] if 0 <= index < len(found) else None


@api("IsTrackSelected")
def is_track_selected(app: App, track: Track) -> bool:
    return bool(track.values["I_SELECTED"])


@api("SetTrackSelected")
def set_track_selected(app: App, track: Track, selected: bool) -> None:
    track.values["I_SELECTED"] = int(selected)
    track.project.touch()


@api("SetOnlyTrackSelected", nullable=("MediaTrack*",))
def set_only_track_selected(app: App, track: Track | None) -> None:
    for other in app.project.tracks:
        other.values["I_SELECTED"] = int(other is track)
    app.project.touch()


@api("GetLastTouchedTrack")
def get_last_touched_track(app: App) -> Track | None:
    return next((track for track in app.project.tracks if track.guid == app.project.last_touched), None)
