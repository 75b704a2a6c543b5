"""Takes that are cropped and deleted, take markers and stretch markers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from .client import SimReaper
from .conftest import Answer

ADD = """
item = RPR_GetMediaItem(0, 0)
for name in ("second", "third"):
    RPR_GetSetMediaItemTakeInfo_String(RPR_AddTakeToMediaItem(item), "P_NAME", name, 1)
"""


def _takes(reaper: SimReaper) -> list[list[str]]:
    return [[take["name"] for take in item["takes"]] for item in reaper.items()]


@pytest.fixture
def three(reaper: SimReaper, answer: Answer, sound: Path) -> str:
    """A selected item with three takes, the second one active, and beside it one that is not selected."""
    first = reaper.place_video(sound, 0.0)
    answer(ADD)
    other = reaper.copy_item(first, 5.0)
    for guid in (first, other):
        reaper.set_item(guid, active_take=1)
    reaper.select(first)
    return first


def test_crop_when_run_then_only_the_active_take_of_selected_items_stays(
    reaper: SimReaper, answer: Answer, three: str
) -> None:
    names = _takes(reaper)
    steps = len(reaper.undo_labels())
    answer("RPR_Main_OnCommand(40131, 0)\nout = 1")
    assert _takes(reaper) == [["second"], names[1]]
    assert reaper.items()[0]["active_take"] == 0
    assert reaper.undo_labels()[steps:] == ["Crop to active take in items"]
    reaper.undo()
    assert _takes(reaper) == names
    assert reaper.items()[0]["active_take"] == 1


def test_delete_when_run_until_nothing_is_left_then_the_one_before_becomes_active(
    reaper: SimReaper, answer: Answer, three: str
) -> None:
    seen = []
    for _ in range(4):
        answer("RPR_Main_OnCommand(40129, 0)\nout = 1")
        item = reaper.items()[0]
        seen.append((len(item["takes"]), item["active_take"]))
    assert seen == [(2, 0), (1, 0), (0, 0), (0, 0)]
    assert reaper.undo_labels().count("Delete active take from items") == 3
    assert len(reaper.items()[1]["takes"]) == 3


def test_delete_when_inside_a_block_then_one_step_of_the_script(reaper: SimReaper, answer: Answer, three: str) -> None:
    steps = len(reaper.undo_labels())
    answer("""
        RPR_Undo_BeginBlock2(0)
        RPR_Main_OnCommand(40129, 0)
        RPR_Main_OnCommand(40129, 0)
        RPR_Undo_EndBlock2(0, "Keep", -1)
        out = 1
        """)
    assert reaper.undo_labels()[steps:] == ["Keep"]


def test_take_pointer_when_the_take_is_deleted_then_using_it_is_a_crash(
    reaper: SimReaper, three: str, script: Callable[[str, str], Path]
) -> None:
    body = """
        take = RPR_GetActiveTake(RPR_GetMediaItem(0, 0))
        RPR_Main_OnCommand(40129, 0)
        RPR_GetTakeName(take)
        """
    reaper.run_script(script("x.py", body))
    assert "AttributeError" in reaper.console(), "reaper_python made a NULL of the stale pointer"


def test_api_when_asked_for_deleting_a_take_then_it_has_no_such_function(answer: Answer) -> None:
    assert answer("out = [name for name in globals() if 'DeleteTakeFrom' in name]") == []


@pytest.mark.parametrize("profile", ["6.80", "7.30", "7.78"])
def test_take_markers_when_made_by_a_script_then_sorted_undone_saved_and_loaded(
    tmp_path: Path, sound: Path, script: Callable[[str, str], Path], profile: str
) -> None:
    body = """
        take = RPR_GetActiveTake(RPR_GetMediaItem(0, 0))
        RPR_Undo_BeginBlock2(0)
        for position, name in ((0.3, "foley: wood @0.8"), (0.1, "foley")):
            RPR_SetTakeMarker(take, -1, name, position, 0x1FF0000)
        index = RPR_SetTakeMarker(take, 0, "later", 0.4, 0)[0]
        RPR_Undo_EndBlock2(0, "Take markers", -1)
        RPR_ShowConsoleMsg(repr([index, RPR_GetNumTakeMarkers(take), RPR_GetTakeMarker(take, 0, "", 99, 0)[3]]))
        """
    with SimReaper.start(tmp_path / "reaper", profile=profile, tick_s=0.01) as reaper:
        reaper.place_video(sound, 1.0)
        before = reaper.state()
        reaper.run_script(script("x.py", body))
        assert reaper.console() == "[1, 2, 'foley: wood @0.8']"
        wanted = [[0.3, "foley: wood @0.8", 0x1FF0000], [0.4, "later", 0]]
        assert reaper.items()[0]["takes"][0]["markers"] == wanted
        assert reaper.undo() == "Take markers"
        assert reaper.state() == before
        reaper.redo()
        reaper.save(tmp_path / "film.rpp")
        reaper.open(tmp_path / "film.rpp")
        assert reaper.items()[0]["takes"][0]["markers"] == wanted


def test_take_markers_when_edited_by_hand_then_one_step_each(reaper: SimReaper, sound: Path) -> None:
    item = reaper.place_video(sound, 1.0)
    before = reaper.state()
    assert [reaper.add_take_marker(item, position, "foley") for position in (0.2, 0.1)] == [0, 0]
    assert reaper.move_take_marker(item, 0, 0.3) == 1
    assert reaper.rename_take_marker(item, 1, "foley: glass") == 1
    assert reaper.items()[0]["takes"][0]["markers"] == [[0.2, "foley", 0], [0.3, "foley: glass", 0]]
    reaper.delete_take_marker(item, 0)
    assert len(reaper.items()[0]["takes"][0]["markers"]) == 1
    for _ in range(5):
        reaper.undo()
    assert reaper.state() == before


def test_take_markers_when_the_item_is_split_then_both_parts_have_all(reaper: SimReaper, sound: Path) -> None:
    item = reaper.place_video(sound, 0.0)
    reaper.add_take_marker(item, 0.1, "foley")
    reaper.split_item(item, 0.25)
    assert [len(part["takes"][0]["markers"]) for part in reaper.items()] == [1, 1]


def test_stretch_markers_when_set_and_deleted_by_a_script_then_as_asked_saved_and_undone(
    reaper: SimReaper, answer: Answer, sound: Path, tmp_path: Path
) -> None:
    reaper.place_video(sound, 0.0)
    out = answer("""
        take = RPR_GetActiveTake(RPR_GetMediaItem(0, 0))
        places = ((0.0, 0.0), (0.4, 0.5), (0.2, 0.1), (0.2, 0.3))
        out = [RPR_SetTakeStretchMarker(take, -1, place, source)[0] for place, source in places]
        out.append(RPR_SetTakeStretchMarkerSlope(take, 1, 0.25))
        """)
    assert out == [0, 1, 1, -1, 1]
    wanted = [[0.0, 0.0, 0.0], [0.2, 0.1, 0.25], [0.4, 0.5, 0.0]]
    assert reaper.items()[0]["takes"][0]["stretch_markers"] == wanted
    reaper.save(tmp_path / "film.rpp")
    assert "SM 0 0 + 0.2 0.1 0.25 + 0.4 0.5\n" in (tmp_path / "film.rpp").read_text()
    reaper.open(tmp_path / "film.rpp")
    assert reaper.items()[0]["takes"][0]["stretch_markers"] == wanted
    deleted = answer(
        "take = RPR_GetActiveTake(RPR_GetMediaItem(0, 0))\n"
        "out = [RPR_DeleteTakeStretchMarkers(take, i, 2)[0] for i in (1, 1, 0)]"
    )
    assert deleted == [2, 0, 1]
    reaper.undo()
    assert reaper.items()[0]["takes"][0]["stretch_markers"] == wanted
