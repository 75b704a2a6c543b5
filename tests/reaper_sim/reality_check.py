"""A ReaScript for a real REAPER: tries what the simulator assumes and writes what it saw.

How to use: load this file as a ReaScript (Actions, New action, Load ReaScript) and run it. It works in a project tab of
its own, which it closes again; the projects that are open are not touched. It writes ``foley-reality-check.json`` into
REAPER's resource path. Keys are the names in ``assumptions.py`` in lower case: where a value differs from the constant,
the constant is wrong. "by hand" names what no script can settle and why; "failed" holds probes that raised.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import sys
import traceback
import wave
from typing import Any

api: Any = importlib.import_module("reaper_python")
host: Any = sys.modules["__main__"]
PROBE = "foley_reality_probe"
NAME = "foley reality check"
FOLDER: str = api.RPR_GetResourcePath()
NEW_TAB, CLOSE_TAB, VOLUME_ENVELOPE, DELETE_TAKE = 40859, 40860, 40406, 40129
BIG = 1 << 20
TYPES = ("ReaProject*", "MediaTrack*", "MediaItem*", "MediaItem_Take*", "TrackEnvelope*", "PCM_source*")
OTHER_TYPES = ("ProjectMarker*", "AudioAccessor*")
BY_HAND = {
    "null_pointer_crashes": "trying it may end REAPER",
    "video_suffixes": "needs a file of each kind: drag them in, look at the source type in Item properties",
    "script_error_ends_script": "an error opens a window: run a script that defers after raising in a deferred call",
    "action_list_is_rewritten_on_exit": "add a KEY line to reaper-kb.ini while REAPER runs, quit, see whether it stays",
    "surfaces_beyond_the_count_are_ignored": "set csurf_cnt lower in reaper.ini and start REAPER",
    "marker_drag_moves_the_marker": "needs the mouse: drag a marker while a script prints its position",
    "marker_drag_is_notified": "needs the mouse: drag a marker and watch OSC messages arrive",
    "osc_edit_is_notified_at_once": "needs an OSC device: send /marker_id/1/time and watch for an echo",
    "osc_edits_are_one_undo_step": "needs an OSC device: send several edits, look at the undo history",
    "refresh_clears_osc_cache": "needs an OSC device: run action 41743 and count the messages",
}


def own(name: str) -> str:
    """Path of a scratch file of ours."""
    return os.path.join(FOLDER, "foley-reality-" + name)


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


def changed(count: int) -> bool:
    """Whether the change count has moved since it was ``count``."""
    return api.RPR_GetProjectStateChangeCount(0) != count


def marker(position: float, name: str, *, end: float | None = None) -> int:
    """Adds a marker or region and returns its number."""
    return api.RPR_AddProjectMarker2(0, end is not None, position, end or 0.0, name, -1, 0)


def new_track() -> str:
    """A track of ours at the top."""
    api.RPR_InsertTrackAtIndex(0, False)
    return api.RPR_GetTrack(0, 0)


def new_item(takes: int = 1) -> str:
    """An item with empty takes on a new track."""
    item = api.RPR_AddMediaItemToTrack(new_track())
    for _ in range(takes):
        api.RPR_AddTakeToMediaItem(item)
    return item


# -- probes: each returns what it saw ----------------------------------------------------------------------------------


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
    found["same_position_tolerance_s"] = 0.0
    for decade in range(12, 2, -1):
        marker(0.0, f"near {decade}")
        before = api.RPR_CountProjectMarkers(0, 0, 0)[0]
        marker(float(f"1e-{decade}"), f"near {decade}")
        if api.RPR_CountProjectMarkers(0, 0, 0)[0] == before:
            found["same_position_tolerance_s"] = float(f"1e-{decade}")
    return found


def states() -> dict[str, Any]:
    """Project ext state, colours, folders."""
    dirty = api.RPR_IsProjectDirty(0)
    api.RPR_SetProjExtState(0, NAME, "Key", "value")
    marks_dirty = not dirty and bool(api.RPR_IsProjectDirty(0))
    api.RPR_SetExtState(NAME, "kept", "value", True)
    at_once = NAME in read(os.path.join(FOLDER, "reaper-extstate.ini"))
    api.RPR_DeleteExtState(NAME, "kept", True)
    return {
        "project_ext_state_marks_dirty": marks_dirty,
        "project_ext_state_keys_ignore_case": api.RPR_GetProjExtState(0, NAME, "kEY", "", 64)[4] == "value",
        "persistent_ext_state_is_written_on_exit": not at_once,
        "colour_red_is_high_byte": api.RPR_ColorToNative(255, 0, 0) == 0xFF0000,
        "default_record_path": api.RPR_GetSetProjectInfo_String(0, "RECORD_PATH", "", False)[3],
        "unsaved_media_folder": os.path.basename(api.RPR_GetProjectPathEx(0, "", 4096)[1]),
    }


def missing_sources() -> dict[str, Any]:
    """A file that does not exist."""
    source = api.RPR_PCM_Source_CreateFromFile(os.path.join(FOLDER, "no such file.mp4"))
    missing = source.endswith("0x0000000000000000")
    found: dict[str, Any] = {"missing_file_gives_offline_source": not missing}
    if not missing:
        found["offline_source_length_s"] = api.RPR_GetMediaSourceLength(source, False)[0]
        found["offline_source_type"] = api.RPR_GetMediaSourceType(source, "", 64)[1]
        found["offline_type_prefix"] = found["offline_source_type"].replace("VIDEO", "")
        api.RPR_PCM_Source_Destroy(source)
    return found


def sections() -> dict[str, Any]:
    """What the bits of MODE in a section's block mean."""
    found: dict[str, Any] = {}
    with wave.open(own("check.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    item = new_item()
    for mode in (1, 2, 4):
        block = (
            f'<SOURCE SECTION\nLENGTH 0.5\nMODE {mode}\nSTARTPOS 0.25\n<SOURCE WAVE\nFILE "{own("check.wav")}"\n>\n>'
        )
        api.RPR_SetItemStateChunk(item, f"<ITEM\nPOSITION 0\nLENGTH 1\nNAME x\n{block}\n>", False)
        source = api.RPR_GetMediaItemTake_Source(api.RPR_GetActiveTake(item))
        _, _, _, length, reverse = api.RPR_PCM_Source_GetSectionInfo(source, 0.0, 0.0, 0)
        if length != 0.5:
            found.setdefault("section_mode_whole", mode)
        if reverse:
            found.setdefault("section_mode_reverse", mode)
    return found


def item_chunks() -> dict[str, Any]:
    """Numbers and private texts of items and takes."""
    item = new_item()
    take = api.RPR_GetActiveTake(item)
    api.RPR_SetMediaItemInfo_Value(item, "D_POSITION", 10 + 1 / 3)
    api.RPR_SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", -0.5)
    api.RPR_GetSetMediaItemTakeInfo_String(take, "P_EXT:foley_probe", "first\nsecond", True)
    chunk = api.RPR_GetItemStateChunk(item, "", BIG, False)[2]
    lines = [line.strip() for line in chunk.splitlines()]
    place = next(index for index, line in enumerate(lines) if line.startswith("foley_probe"))
    decimals = next(line for line in lines if line.startswith("POSITION ")).split(".")[1]
    return {
        "start_offset_may_be_negative": api.RPR_GetMediaItemTakeInfo_Value(take, "D_STARTOFFS") == -0.5,
        "position_decimals": len(decimals),
        "take_extension_block": next(line for line in reversed(lines[:place]) if line.startswith("<"))[1:],
        "files_lose_line_breaks": "second" not in chunk,
    }


def takes() -> dict[str, Any]:
    """Deleting the active take."""
    item = new_item(takes=3)
    api.RPR_SelectAllMediaItems(0, False)
    api.RPR_SetMediaItemSelected(item, True)
    api.RPR_SetMediaItemInfo_Value(item, "I_CURTAKE", 1)
    api.RPR_Main_OnCommand(DELETE_TAKE, 0)
    after = "before" if api.RPR_GetMediaItemInfo_Value(item, "I_CURTAKE") == 0 else "after"
    for _ in range(2):
        if valid(item, "MediaItem*"):
            api.RPR_Main_OnCommand(DELETE_TAKE, 0)
    gone = not valid(item, "MediaItem*") or api.RPR_CountTakes(item) == 0
    return {"active_after_deleting_a_take": after, "only_take_can_be_deleted": gone}


def new_envelope() -> tuple[str, str]:
    """A new track with its volume envelope."""
    track = new_track()
    api.RPR_SetOnlyTrackSelected(track)
    api.RPR_Main_OnCommand(VOLUME_ENVELOPE, 0)
    return track, api.RPR_GetTrackEnvelopeByChunkName(track, "<VOLENV2")


def envelopes() -> dict[str, Any]:
    """Scaling, limits, ranges."""
    _, envelope = new_envelope()
    mode = api.RPR_GetEnvelopeScalingMode(envelope)
    api.RPR_InsertEnvelopePoint(envelope, 1.0, api.RPR_ScaleToEnvelopeMode(mode, 1e6), 0, 0.0, False, False)
    top = api.RPR_ScaleFromEnvelopeMode(mode, api.RPR_GetEnvelopePoint(envelope, 1, 0, 0, 0, 0, 0)[4])
    api.RPR_InsertEnvelopePoint(envelope, 2.0, api.RPR_ScaleToEnvelopeMode(mode, 1 / 3), 0, 0.0, False, False)
    chunk = api.RPR_GetEnvelopeStateChunk(envelope, "", BIG, False)[2]
    written = re.search(r"^\s*PT 2 \d*\.(\d+)", chunk, re.MULTILINE)
    api.RPR_InsertEnvelopePoint(envelope, 3.0, 0.0, 0, 0.0, False, False)
    api.RPR_DeleteEnvelopePointRange(envelope, 2.0, 3.0)
    left = [
        api.RPR_GetEnvelopePoint(envelope, i, 0, 0, 0, 0, 0)[3] for i in range(api.RPR_CountEnvelopePoints(envelope))
    ]
    return {
        "new_volume_envelope_has_fader_scaling": mode == 1,
        "volume_envelope_top_gain": round(top, 6),
        "fader_of_unity_gain": api.RPR_ScaleToEnvelopeMode(1, 1.0),
        "fader_top": api.RPR_ScaleToEnvelopeMode(1, 2.0),
        "fader_curve": [[gain, api.RPR_ScaleToEnvelopeMode(1, gain)] for gain in (0.0, 0.001, 0.01, 0.1, 0.25, 0.5)],
        "envelope_value_decimals": len(written.group(1)) if written else None,
        "envelope_range_has_its_end": 3.0 not in left,
        "envelope_range_has_its_start": 2.0 not in left,
    }


def hidden_envelope() -> dict[str, Any]:
    """Whether a saved copy of the project has an envelope that is active but hidden."""
    track, envelope = new_envelope()
    api.RPR_InsertEnvelopePoint(envelope, 77.0, 0.0, 0, 0.0, False, False)
    api.RPR_SetOnlyTrackSelected(track)
    api.RPR_Main_OnCommand(VOLUME_ENVELOPE, 0)
    api.RPR_Main_SaveProjectEx(0, own("copy.rpp"), 0)
    return {"hidden_active_envelopes_are_saved": "PT 77 " in read(own("copy.rpp"))}


def pointers() -> dict[str, Any]:
    """What undo does to pointers, and which types are looked at."""
    found: dict[str, Any] = {}
    titled("empty", lambda: None)
    found["empty_blocks_add_no_undo_point"] = last_title() != "empty"
    titled("make", new_item)
    track, item = api.RPR_GetTrack(0, 0), api.RPR_GetMediaItem(0, 0)
    titled("select", lambda: api.RPR_SetMediaItemSelected(item, True))
    found["selection_alone_is_no_undo_point"] = last_title() != "select"
    count = api.RPR_GetProjectStateChangeCount(0)
    titled(
        "change", lambda: found.update(counted=api.RPR_SetMediaItemInfo_Value(item, "D_LENGTH", 2.0) and changed(count))
    )
    found["changes_without_undo_point_are_counted"] = found.pop("counted")
    api.RPR_Undo_DoUndo2(0)
    found["undo_keeps_track_pointers"] = valid(track, "MediaTrack*")
    found["undo_keeps_item_pointers"] = valid(item, "MediaItem*")
    found["unknown_types_are_valid"] = bool(api.RPR_ValidatePtr(1234, "ProjectMarker*"))
    found["validated_types"] = [kind for kind in TYPES + OTHER_TYPES if not api.RPR_ValidatePtr(1234, kind)]
    return found


def lone_script() -> dict[str, Any]:
    """Another script that changes the project without any undo call."""
    with open(own("helper.py"), "w", encoding="utf-8") as file:
        file.write("from reaper_python import *\nRPR_AddProjectMarker2(0, False, 30.0, 0.0, 'alone', -1, 0)\n")
    titled("before the helper", lambda: marker(29.0, "before the helper"))
    command = api.RPR_AddRemoveReaScript(True, 0, own("helper.py"), False)
    api.RPR_Main_OnCommand(command, 0)
    api.RPR_AddRemoveReaScript(False, 0, own("helper.py"), False)
    return {"script_without_block_adds_undo_point": last_title() != "before the helper"}


def registration() -> dict[str, Any]:
    """With which flags REAPER registered this script, if its line is in the file yet."""
    lines = read(os.path.join(FOLDER, "reaper-kb.ini")).splitlines()
    flags = [line.split()[1] for line in lines if line.startswith("SCR ") and "reality_check.py" in line]
    if not flags:
        BY_HAND["new_reascript_flags"] = "quit REAPER and look at the SCR line of this script in reaper-kb.ini"
    return {"new_reascript_flags": int(flags[0])} if flags else {}


def read(path: str) -> str:
    """A file's text; "" if it is not there."""
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


# -- the run: everything in the first cycle, the block left open is looked at in the second ----------------------------


def probe(work: Any) -> None:
    """Takes a probe's findings into the report."""
    try:
        report.update(work())
    except Exception:
        report["failed"][work.__name__] = traceback.format_exc().splitlines()[-1]


def finish() -> None:
    """Second cycle: how REAPER closed the block, and what a late end does; then the tab is closed."""
    if api.RPR_EnumProjects(-1, "", 4096)[0] != tab:
        api.RPR_ShowConsoleMsg(f"{NAME}: another tab was chosen while it ran; close its tab by hand and run it again\n")
        return
    report["auto_closed_block_title"] = last_title()
    api.RPR_Undo_EndBlock2(0, "late end", -1)
    report["late_end_of_block_is_ignored"] = last_title() != "late end"
    with open(own("empty.rpp"), "w", encoding="utf-8") as file:
        file.write("<REAPER_PROJECT 0.1\n>\n")
    api.RPR_Main_openProject("noprompt:" + own("empty.rpp"))  # an unchanged project closes without a question
    api.RPR_Main_OnCommand(CLOSE_TAB, 0)
    for name in ("check.wav", "check.wav.reapeaks", "copy.rpp", "copy.rpp-bak", "empty.rpp", "helper.py"):
        with contextlib.suppress(OSError):
            os.remove(own(name))
    report["by hand"] = BY_HAND
    path = os.path.join(FOLDER, "foley-reality-check.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, sort_keys=True)
    api.RPR_ShowConsoleMsg(f"Written: {path}\n")


report: dict[str, Any] = {
    "version": api.RPR_GetAppVersion(),
    "python": sys.version,
    "failed": {},
    "scripts_import_afresh": PROBE not in sys.modules,
    "script_folder_is_on_sys_path": any(os.path.isfile(os.path.join(path, "reality_check.py")) for path in sys.path),
    "script_knows_its_file": os.path.isfile(globals().get("__file__", "")),
    "marker_pointer_functions": hasattr(api, "RPR_GetRegionOrMarker"),
}
sys.modules[PROBE] = sys.modules["__main__"]
user_tab = api.RPR_EnumProjects(-1, "", 4096)[0]
api.RPR_Main_OnCommand(NEW_TAB, 0)
tab = api.RPR_EnumProjects(-1, "", 4096)[0]
if tab == user_tab or api.RPR_CountTracks(0) or api.RPR_CountProjectMarkers(0, 0, 0)[0]:
    api.RPR_ShowConsoleMsg(f"{NAME}: no empty project tab opened (a template?); nothing was tried, close the tab\n")
else:
    for inside in (states, markers, sections, item_chunks, takes, envelopes, hidden_envelope):
        titled(inside.__name__, lambda inside=inside: probe(inside))
    for alone in (missing_sources, pointers, lone_script, registration):
        probe(alone)
    api.RPR_Undo_BeginBlock2(0)
    marker(20.0, "open block")
    host.RPR_defer("finish()")
