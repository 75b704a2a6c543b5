"""A ReaScript for a real REAPER: tries what the simulator assumes and writes what it saw.

How to use: in a new, empty, unsaved project, load this file as a ReaScript and run it twice. It writes
``foley-reality-check.json`` into REAPER's resource path and undoes what it did. Keys are the names in
``assumptions.py`` in lower case; where a value differs from the constant, the constant is wrong.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from typing import Any

api: Any = importlib.import_module("reaper_python")
host: Any = sys.modules["__main__"]
PROBE = "foley_reality_probe"
NAME = "foley reality check"


def titled(title: str, work: Any) -> Any:
    """Does work in an undo block of its own."""
    api.RPR_Undo_BeginBlock2(0)
    result = work()
    api.RPR_Undo_EndBlock2(0, title, -1)
    return result


def last_title() -> str:
    """Title of the last undo step."""
    try:
        return api.RPR_Undo_CanUndo2(0)
    except AttributeError:
        return ""


def valid(pointer: str, kind: str) -> bool:
    """Whether REAPER still knows a pointer."""
    return bool(api.RPR_ValidatePtr(int(pointer.split("0x")[1], 16), kind))


def marker(position: float, name: str, *, end: float | None = None) -> int:
    """Adds a marker or region and returns its number."""
    return api.RPR_AddProjectMarker2(0, end is not None, position, end or 0.0, name, -1, 0)


def markers() -> dict[str, Any]:
    """Numbers, duplicates and order."""
    found: dict[str, Any] = {}
    marker(1.0, "same")
    marker(1.0, "same")
    found["same_marker_twice_is_one"] = api.RPR_CountProjectMarkers(0, 0, 0)[0] == 1
    numbers = [marker(2.0, "b"), marker(3.0, "c")]
    api.RPR_DeleteProjectMarker(0, numbers[0], False)
    found["lowest_free_number_is_given"] = marker(4.0, "d") == numbers[0]
    marker(9.0, "marker")
    marker(9.0, "region", end=10.0)
    rows = [api.RPR_EnumProjectMarkers3(0, index, 0, 0, 0, "", 0, 0) for index in range(20)]
    both = [bool(row[3]) for row in rows if row[0] and row[4] == 9.0]
    found["order_at_same_position"] = "regions_first" if both[0] else "markers_first"
    return found


def states() -> dict[str, Any]:
    """Project ext state, colours, folders."""
    dirty = api.RPR_IsProjectDirty(0)
    api.RPR_SetProjExtState(0, NAME, "Key", "value")
    return {
        "project_ext_state_marks_dirty": not dirty and bool(api.RPR_IsProjectDirty(0)),
        "project_ext_state_keys_ignore_case": api.RPR_GetProjExtState(0, NAME, "kEY", "", 64)[4] == "value",
        "colour_red_is_high_byte": api.RPR_ColorToNative(255, 0, 0) == 0xFF0000,
        "default_record_path": api.RPR_GetSetProjectInfo_String(0, "RECORD_PATH", "", False)[3],
        "unsaved_media_folder": os.path.basename(api.RPR_GetProjectPathEx(0, "", 4096)[1]),
    }


def sources() -> dict[str, Any]:
    """A file that does not exist."""
    source = api.RPR_PCM_Source_CreateFromFile(os.path.join(api.RPR_GetResourcePath(), "no such file.mp4"))
    missing = source.endswith("0x0000000000000000")
    found: dict[str, Any] = {"missing_file_gives_offline_source": not missing}
    if not missing:
        found["offline_source_length_s"] = api.RPR_GetMediaSourceLength(source, False)[0]
        found["offline_source_type"] = api.RPR_GetMediaSourceType(source, "", 64)[1]
        api.RPR_PCM_Source_Destroy(source)
    return found


def undo() -> dict[str, Any]:
    """What pointers and titles do."""
    found: dict[str, Any] = {}
    titled("empty", lambda: None)
    found["empty_blocks_add_no_undo_point"] = last_title() != "empty"
    titled("make", lambda: api.RPR_AddMediaItemToTrack(_new_track()))
    track, item = api.RPR_GetTrack(0, 0), api.RPR_GetMediaItem(0, 0)
    take = api.RPR_AddTakeToMediaItem(item)
    api.RPR_SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", -0.5)
    found["start_offset_may_be_negative"] = api.RPR_GetMediaItemTakeInfo_Value(take, "D_STARTOFFS") == -0.5
    titled("select", lambda: api.RPR_SetMediaItemSelected(item, True))
    found["selection_alone_is_no_undo_point"] = last_title() != "select"
    titled("change", lambda: api.RPR_SetMediaItemInfo_Value(item, "D_LENGTH", 2.0))
    api.RPR_Undo_DoUndo2(0)
    found["undo_keeps_track_pointers"] = valid(track, "MediaTrack*")
    found["undo_keeps_item_pointers"] = valid(item, "MediaItem*")
    found["unknown_types_are_valid"] = bool(api.RPR_ValidatePtr(1234, "ProjectMarker*"))
    return found


def _new_track() -> str:
    api.RPR_InsertTrackAtIndex(0, False)
    return api.RPR_GetTrack(0, 0)


def open_block() -> None:
    """Leaves a block open; ``finish`` looks at it in the next cycle."""
    api.RPR_Undo_BeginBlock2(0)
    marker(20.0, "open block")


def finish() -> None:
    """Second cycle: how REAPER closed the block, and what a late end does."""
    report["auto_closed_block_title"] = last_title()
    api.RPR_Undo_EndBlock2(0, "late end", -1)
    report["late_end_of_block_is_ignored"] = last_title() != "late end"
    for _ in range(20):
        if last_title() == title_before or not api.RPR_Undo_DoUndo2(0):
            break
    path = os.path.join(api.RPR_GetResourcePath(), "foley-reality-check.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, sort_keys=True)
    api.RPR_ShowConsoleMsg(f"Written: {path}\n")


report: dict[str, Any] = {
    "version": api.RPR_GetAppVersion(),
    "python": sys.version,
    "scripts_import_afresh": PROBE not in sys.modules,
    "script_folder_is_on_sys_path": any(os.path.isfile(os.path.join(path, "reality_check.py")) for path in sys.path),
    "script_knows_its_file": os.path.isfile(globals().get("__file__", "")),
    "marker_pointer_functions": hasattr(api, "RPR_GetRegionOrMarker"),
}
title_before = last_title()
sys.modules[PROBE] = sys.modules["__main__"]
if api.RPR_CountTracks(0) or api.RPR_CountProjectMarkers(0, 0, 0)[0]:
    api.RPR_ShowConsoleMsg("Open a new, empty project first: this script makes and removes markers and tracks.\n")
else:
    report.update(titled("markers", markers), **titled("states", states), **sources(), **undo())
    open_block()
    host.RPR_defer("finish()")
