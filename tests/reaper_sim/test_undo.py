"""Undo blocks, their flags, and what REAPER does with a block that a script leaves open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .client import SimReaper

Script = Callable[[str, str], Path]


def test_block_when_begun_and_ended_in_one_cycle_then_one_step_with_its_title(
    reaper: SimReaper, script: Script
) -> None:
    body = """
        RPR_Undo_BeginBlock2(0)
        for second in (1.0, 2.0):
            RPR_AddProjectMarker2(0, False, second, 0.0, "m", -1, 0)
        RPR_Undo_EndBlock2(0, "two markers", -1)
        """
    reaper.run_script(script("x.py", body))
    assert reaper.undo_labels() == ["two markers"]
    assert reaper.undo() == "two markers"
    assert reaper.markers() == []
    assert reaper.redo() == "two markers"
    assert [marker["position_s"] for marker in reaper.markers()] == [1.0, 2.0]


def test_block_when_ended_in_a_later_cycle_then_reaper_closed_it_already(reaper: SimReaper, script: Script) -> None:
    body = """
        RPR_Undo_BeginBlock2(0)
        RPR_AddProjectMarker2(0, False, 1.0, 0.0, "m", -1, 0)
        RPR_defer("later()")
        def later():
            RPR_Undo_EndBlock2(0, "my title", -1)
        """
    reaper.run_script(script("x.py", body))
    reaper.wait_ticks(3)
    assert reaper.undo_labels() == ["ReaScript: Run"]
    assert any("undo block closed" in warning for warning in reaper.warnings())


def test_block_when_nothing_changed_then_no_step(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(script("x.py", 'RPR_Undo_BeginBlock2(0)\nRPR_Undo_EndBlock2(0, "nothing", -1)\n'))
    assert reaper.undo_labels() == []


def test_block_when_its_flags_miss_items_then_undo_leaves_the_item(reaper: SimReaper, script: Script) -> None:
    reaper.add_track()
    body = """
RPR_Undo_BeginBlock2(0)
RPR_AddMediaItemToTrack(RPR_GetTrack(0, 0))
RPR_AddProjectMarker2(0, False, 1.0, 0.0, "m", -1, 0)
RPR_Undo_EndBlock2(0, "wrong flags", 8)
"""
    reaper.run_script(script("x.py", body))
    reaper.undo()
    assert reaper.markers() == []
    assert len(reaper.items()) == 1


def test_script_when_it_changes_without_a_block_then_one_automatic_step(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(script("x.py", "RPR_InsertTrackAtIndex(0, 1)\nRPR_InsertTrackAtIndex(0, 1)\n"))
    assert reaper.undo_labels() == ["ReaScript: Run"]
    reaper.undo()
    assert reaper.tracks() == []


def test_project_when_everything_is_undone_then_equal_to_before(reaper: SimReaper, video: Path) -> None:
    item = reaper.place_video(video, 1.0)
    marker = reaper.add_marker(1.5, "a")
    before = reaper.state()
    reaper.move_marker(marker, 1.7)
    reaper.set_item(item, length_s=0.5)
    reaper.add_track("extra", 0)
    assert reaper.state() != before
    assert [reaper.undo() for _ in range(3)] == ["Add track", "Change media item", "Move marker"]
    assert reaper.state() == before


def test_ui_refresh_when_blocked_at_the_end_of_a_cycle_then_fault(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(script("x.py", "RPR_PreventUIRefresh(1)\n1 / 0\nRPR_PreventUIRefresh(-1)\n"))
    assert [fault["kind"] for fault in reaper.forgive_faults()] == ["ui_refresh"]
    assert "ZeroDivisionError" in reaper.console()
