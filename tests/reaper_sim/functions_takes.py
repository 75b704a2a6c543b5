"""API: takes, their sources, take markers and stretch markers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import assumptions, media
from .app import App
from .faults import Crash
from .ft import Cell, Text, api
from .model import Item, Source, Take, Track
from .parameters import get_value, set_value, text_parameter

COMPUTED: dict[str, Any] = {"IP_TAKENUMBER": lambda take: take.item.takes.index(take)}


@api("SetActiveTake")
def set_active_take(app: App, take: Take) -> None:
    take.item.values["I_CURTAKE"] = take.item.takes.index(take)
    take.item.track.project.touch()


@api("GetTakeName", nullable=("MediaItem_Take*",))
def get_take_name(app: App, take: Take | None) -> str | None:
    return None if take is None else take.texts.get("P_NAME", "")


@api("TakeIsMIDI")
def take_is_midi(app: App, take: Take) -> bool:
    return take.source is not None and take.source.type == "MIDI"


@api("GetMediaItemTakeInfo_Value")
def get_media_item_take_info_value(app: App, take: Take, name: str) -> float:
    return get_value(take, name, COMPUTED)


@api("SetMediaItemTakeInfo_Value")
def set_media_item_take_info_value(app: App, take: Take, name: str, value: float) -> bool:
    take.item.track.project.touch()
    if name == "D_STARTOFFS" and not assumptions.START_OFFSET_MAY_BE_NEGATIVE:
        value = max(0.0, value)
    return set_value(take, name, value, COMPUTED)


@api("GetSetMediaItemTakeInfo_String")
def get_set_media_item_take_info_string(app: App, take: Take, name: str, value: Text, is_set: bool) -> bool:
    if is_set:
        take.item.track.project.touch()
    return text_parameter(take, name, value, is_set, ("P_NAME",))


@api("GetMediaItemTake_Source")
def get_media_item_take_source(app: App, take: Take) -> Source | None:
    return take.source


@api("GetMediaItemTake_Item")
def get_media_item_take_item(app: App, take: Take) -> Item:
    return take.item


@api("GetMediaItemTake_Track")
def get_media_item_take_track(app: App, take: Take) -> Track:
    return take.item.track


@api("SetMediaItemTake_Source", nullable=("PCM_source*",))
def set_media_item_take_source(app: App, take: Take, source: Source | None) -> bool:
    if source is None:
        return False
    if source is take.source:
        return True
    used = source.owner is not None
    if used:
        source = source.copy()
    else:
        app.free_sources.remove(source)
    old = take.source
    take.set_source(source)
    if old is not None:
        old.owner = None
        app.free_sources.append(old)
    take.item.track.project.touch()
    return True


# -- sources -----------------------------------------------------------------------------------------------------------


@api("PCM_Source_CreateFromFile", "PCM_Source_CreateFromFileEx")
def pcm_source_create_from_file(app: App, path: str, no_midi: bool = False) -> Source | None:
    source = media.open_source(path, app.outside)
    if source.offline and not assumptions.MISSING_FILE_GIVES_OFFLINE_SOURCE:
        return None
    app.free_sources.append(source)
    return source


@api("PCM_Source_Destroy", nullable=("PCM_source*",))
def pcm_source_destroy(app: App, source: Source | None) -> None:
    if source is None:
        return
    if source.owner is not None:
        raise Crash(f"PCM_Source_Destroy of a source in use: {source.root.path}")
    source.destroyed = True
    app.free_sources.remove(source)


@api("PCM_Source_BuildPeaks")
def pcm_source_build_peaks(app: App, source: Source, mode: int) -> int:
    path = source.root.path
    if mode == 0:
        if source.root.offline or path in app.peaks:
            return 0
        app.peaks_progress[path] = assumptions.PEAK_BUILD_CALLS
        return 1
    left = app.peaks_progress.get(path, 0)
    if mode == 1 and left:
        app.peaks_progress[path] = left - 1
        return 100 * (left - 1) // assumptions.PEAK_BUILD_CALLS
    if mode == 2 and path in app.peaks_progress and not app.peaks_progress.pop(path):
        app.peaks.add(path)
    return 0


@api("PCM_Source_GetSectionInfo")
def pcm_source_get_section_info(app: App, source: Source, offset: Cell, length: Cell, reverse: Cell) -> bool:
    if source.parent is None:
        return False
    offset.value, length.value, reverse.value = source.section_offset_s, source.section_length_s, source.reverse
    return True


@api("GetMediaSourceFileName")
def get_media_source_file_name(app: App, source: Source, path: Text, size: int) -> None:
    path.set("" if source.parent is not None else source.path)


@api("GetMediaSourceType")
def get_media_source_type(app: App, source: Source, kind: Text, size: int) -> None:
    kind.set((assumptions.OFFLINE_TYPE_PREFIX if source.offline else "") + source.type)


@api("GetMediaSourceLength")
def get_media_source_length(app: App, source: Source, is_quarter_notes: Cell) -> float:
    is_quarter_notes.value = source.type == "MIDI"
    return source.length_s


@api("GetMediaSourceParent")
def get_media_source_parent(app: App, source: Source) -> Source | None:
    return source.parent


@api("GetMediaSourceNumChannels")
def get_media_source_num_channels(app: App, source: Source) -> int:
    return source.root.channels


@api("GetMediaSourceSampleRate")
def get_media_source_sample_rate(app: App, source: Source) -> int:
    return source.root.sample_rate_hz


@api("GetPeakFileName")
def get_peak_file_name(app: App, path: str, peak_path: Text, size: int) -> None:
    peak_path.set(str(Path(path)) + ".reapeaks")


# -- take markers and stretch markers ----------------------------------------------------------------------------------


@api("GetNumTakeMarkers")
def get_num_take_markers(app: App, take: Take) -> int:
    return len(take.markers)


@api("GetTakeMarker")
def get_take_marker(app: App, take: Take, index: int, name: Text, size: int, color: Cell) -> float:
    if not 0 <= index < len(take.markers):
        return -1.0
    position, text, color.value = take.markers[index]
    name.set(text)
    return position


@api("SetTakeMarker")
def set_take_marker(app: App, take: Take, index: int, name: str, position: Cell, color: Cell) -> int:
    marker = (float(position.value), name, int(color.value))
    if 0 <= index < len(take.markers):
        take.markers[index] = marker
    else:
        take.markers.append(marker)
    take.markers.sort(key=lambda entry: entry[0])
    take.item.track.project.touch()
    return take.markers.index(marker)


@api("DeleteTakeMarker")
def delete_take_marker(app: App, take: Take, index: int) -> bool:
    if not 0 <= index < len(take.markers):
        return False
    del take.markers[index]
    take.item.track.project.touch()
    return True


@api("GetTakeNumStretchMarkers")
def get_take_num_stretch_markers(app: App, take: Take) -> int:
    return len(take.stretch)


@api("GetTakeStretchMarker")
def get_take_stretch_marker(app: App, take: Take, index: int, position: Cell, source_position: Cell) -> int:
    if not 0 <= index < len(take.stretch):
        return -1
    position.value, source_position.value, _ = take.stretch[index]
    return index


@api("GetTakeStretchMarkerSlope")
def get_take_stretch_marker_slope(app: App, take: Take, index: int) -> float:
    return take.stretch[index][2] if 0 <= index < len(take.stretch) else 0.0


@api("SetTakeStretchMarker")
def set_take_stretch_marker(app: App, take: Take, index: int, position: float, source_position: Cell) -> int:
    """Sets or adds one; -1 where another one is already. A Python script always gives the source position."""
    others = [entry for place, entry in enumerate(take.stretch) if place != index]
    if index >= len(take.stretch) or any(entry[0] == position for entry in others):
        return -1
    slope = take.stretch[index][2] if index >= 0 else 0.0
    marker = (position, float(source_position.value), slope)
    take.stretch = sorted([*others, marker])
    take.item.track.project.touch()
    return take.stretch.index(marker)


@api("SetTakeStretchMarkerSlope")
def set_take_stretch_marker_slope(app: App, take: Take, index: int, slope: float) -> bool:
    if not 0 <= index < len(take.stretch):
        return False
    position, source, _ = take.stretch[index]
    take.stretch[index] = (position, source, slope)
    take.item.track.project.touch()
    return True


@api("DeleteTakeStretchMarkers")
def delete_take_stretch_markers(app: App, take: Take, index: int, count: Cell) -> int:
    deleted = len(take.stretch[index : index + max(1, count.value)]) if index >= 0 else 0
    if deleted:
        del take.stretch[index : index + deleted]
        take.item.track.project.touch()
    return deleted
