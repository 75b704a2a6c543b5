"""Time selection, loop points and regions: by hand and by script, in undo and in files."""

from __future__ import annotations

from pathlib import Path

from .client import SimReaper
from .conftest import Answer

READ = "out = [RPR_GetSet_LoopTimeRange2(0, 0, loop, 0.0, 0.0, 0)[3:5] for loop in (0, 1)]"


def test_time_selection_when_set_by_hand_then_read_and_no_undo_step(reaper: SimReaper, answer: Answer) -> None:
    count = reaper.change_count()
    reaper.set_time_selection(5.0, 2.5)
    assert answer(READ) == [[2.5, 5.0], [0.0, 0.0]]
    assert reaper.undo_labels() == []
    assert reaper.change_count() > count
    reaper.set_time_selection(0.0, 0.0)
    assert answer(READ)[0] == [0.0, 0.0]


def test_time_selection_when_a_script_sets_it_then_no_undo_step_and_the_block_counts_as_empty(
    reaper: SimReaper, answer: Answer
) -> None:
    answer("RPR_GetSet_LoopTimeRange2(0, 1, 0, 1.0, 3.0, 0)\nout = 1")
    answer('RPR_Undo_BeginBlock2(0)\nRPR_GetSet_LoopTimeRange2(0, 1, 0, 4.0, 6.0, 0)\nRPR_Undo_EndBlock2(0, "x", -1)')
    assert reaper.undo_labels() == []
    assert reaper.state()["time_selection"] == [4.0, 6.0]


def test_time_selection_when_saved_and_opened_then_the_same(reaper: SimReaper, tmp_path: Path) -> None:
    reaper.set_time_selection(1.25, 7.5)
    reaper.save(tmp_path / "film.rpp")
    assert "SELECTION 1.25 7.5\n" in (tmp_path / "film.rpp").read_text()
    reaper.set_time_selection(0.0, 0.0)
    reaper.open(tmp_path / "film.rpp")
    assert reaper.state()["time_selection"] == [1.25, 7.5]


def test_region_when_added_moved_resized_and_deleted_then_one_step_each(reaper: SimReaper) -> None:
    before = reaper.state()
    region = reaper.add_region(1.0, 3.0, "scene")
    reaper.move_marker(region, 2.0)
    assert [(m["position_s"], m["end_s"], m["name"]) for m in reaper.markers()] == [(2.0, 4.0, "scene")]
    reaper.resize_region(region, 5.0, 1.5)
    assert [(m["position_s"], m["end_s"]) for m in reaper.markers()] == [(1.5, 5.0)]
    reaper.delete_marker(region)
    assert reaper.markers() == []
    assert len(reaper.undo_labels()) == 4
    for _ in range(4):
        reaper.undo()
    assert reaper.state() == before


def test_envelope_when_drawn_by_hand_then_points_between_are_replaced(reaper: SimReaper) -> None:
    track = reaper.add_track("Foley")
    reaper.draw_envelope(track, [(2.0, 0.5), (1.0, 3.0)])
    reaper.draw_envelope(track, [(1.5, 0.25), (3.0, 1.0)])
    (envelope,) = reaper.tracks()[0]["envelopes"]
    assert [point[:2] for point in envelope["points"]] == [[0.0, 1.0], [1.0, 2.0], [1.5, 0.25], [3.0, 1.0]]
    reaper.show_envelope(track, False)
    assert not reaper.tracks()[0]["envelopes"][0]["visible"]
    for _ in range(3):
        reaper.undo()
    assert reaper.tracks()[0]["envelopes"] == []
