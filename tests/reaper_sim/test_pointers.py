"""Pointers: what a real REAPER would crash on is a fatal fault here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .client import SimReaper, SimReaperError
from .conftest import Answer

Script = Callable[[str, str], Path]
RAW = """
import reaper_python
def unchecked(kind, text, old=reaper_python.rpr_packp):
    return int(text.split("0x")[1], 16) if isinstance(text, str) else 0
reaper_python.rpr_packp = unchecked     # what reapy does: no ValidatePtr
"""


def _expect_crash(reaper: SimReaper, path: Path, *words: str) -> None:
    with pytest.raises(SimReaperError):
        reaper.run_script(path)
    assert not reaper.alive()
    fault = reaper.forgive_faults()[0]
    assert (fault["kind"], fault["fatal"]) == ("crash", True)
    assert all(word in fault["message"] for word in words), fault


def test_item_when_deleted_and_used_again_then_crash(reaper: SimReaper, script: Script, video: Path) -> None:
    reaper.place_video(video, 0.0)
    body = """
track, item = RPR_GetTrack(0, 0), RPR_GetMediaItem(0, 0)
RPR_DeleteTrackMediaItem(track, item)
RPR_GetMediaItemInfo_Value(item, "D_POSITION")
"""
    _expect_crash(reaper, script("x.py", RAW + body), "stale", "MediaItem*")


def test_stale_pointer_when_passed_through_plain_reaper_python_then_null(reaper: SimReaper, script: Script) -> None:
    reaper.add_track()
    path = script("x.py", 'track = RPR_GetTrack(0, 0)\nRPR_DeleteTrack(track)\nRPR_GetTrackName(track, "", 64)')
    _expect_crash(reaper, path, "NULL", "MediaTrack*")


def test_pointer_when_of_another_type_then_crash(reaper: SimReaper, script: Script) -> None:
    reaper.add_track()
    body = RAW + 'RPR_GetMediaItemInfo_Value(RPR_GetTrack(0, 0), "D_POSITION")'
    _expect_crash(reaper, script("x.py", body), "is a Track", "MediaItem*")


def test_item_pointers_when_undone_then_stale_but_tracks_stay(reaper: SimReaper, answer: Answer, video: Path) -> None:
    reaper.place_video(video, 0.0)
    out = answer("""
        import reaper_python
        def number(text):
            return int(text.split("0x")[1], 16)
        track, item = RPR_GetTrack(0, 0), RPR_GetMediaItem(0, 0)
        RPR_Undo_BeginBlock2(0)
        RPR_AddProjectMarker2(0, False, 1.0, 0.0, "a", -1, 0)
        RPR_Undo_EndBlock2(0, "marker", -1)
        RPR_Undo_DoUndo2(0)
        out = [RPR_ValidatePtr2(0, track, "MediaTrack*"), RPR_ValidatePtr2(0, item, "MediaItem*")]
        out.append(item == RPR_GetMediaItem(0, 0))
        """)
    assert out == [1, 0, False]


def test_pointers_when_restarted_then_all_new(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track()
    before = answer("out = RPR_GetTrack(0, 0)")
    reaper.restart()
    reaper.add_track()
    assert answer("out = RPR_GetTrack(0, 0)") != before


def test_project_pointer_when_its_tab_is_closed_then_invalid(reaper: SimReaper, answer: Answer) -> None:
    reaper.new_tab()
    out = answer("""
        import reaper_python
        here, there = RPR_EnumProjects(-1, "", 64)[0], RPR_EnumProjects(0, "", 64)[0]
        RPR_InsertTrackAtIndex(0, 0)
        out = [RPR_ValidatePtr2(here, RPR_GetTrack(0, 0), "MediaTrack*")]
        out.append(RPR_ValidatePtr2(there, RPR_GetTrack(0, 0), "MediaTrack*"))
        out.append(there)
        """)
    assert out[:2] == [1, 0]
    reaper.close_tab(0)
    number = int(out[2].split("0x")[1], 16)
    assert answer(f'out = RPR_ValidatePtr({number}, "ReaProject*")') == 0


def test_source_when_destroyed_while_in_use_then_crash(reaper: SimReaper, script: Script, video: Path) -> None:
    reaper.place_video(video, 0.0)
    body = "RPR_PCM_Source_Destroy(RPR_GetMediaItemTake_Source(RPR_GetActiveTake(RPR_GetMediaItem(0, 0))))"
    _expect_crash(reaper, script("x.py", body), "in use")


def test_context_when_a_fault_was_recorded_then_it_fails(tmp_path: Path, script: Script) -> None:
    path = script("x.py", "RPR_PreventUIRefresh(1)")
    with pytest.raises(AssertionError, match="PreventUIRefresh"), SimReaper.start(tmp_path / "reaper") as reaper:
        reaper.run_script(path)
