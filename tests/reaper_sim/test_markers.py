"""Markers: order of enumeration, numbers, identity."""

from __future__ import annotations

from .client import SimReaper
from .conftest import Answer


def test_enumeration_when_markers_and_regions_mix_then_time_order_over_both(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_marker(3.0, "c")
    reaper.add_marker(1.0, "r", end_s=4.0)
    reaper.add_marker(2.0, "b")
    out = answer("""
        out = [RPR_EnumProjectMarkers3(0, i, 0, 0, 0, "", 0, 0) for i in range(4)]
        out = [[row[0], row[3], row[4], row[7]] for row in out]
        """)
    assert out == [[1, 1, 1.0, 1], [2, 0, 2.0, 2], [3, 0, 3.0, 1], [0, 0, 0.0, 0]]


def test_marker_when_dragged_past_another_then_index_changes_and_guid_stays(reaper: SimReaper, answer: Answer) -> None:
    first, second = reaper.add_marker(1.0, "a"), reaper.add_marker(2.0, "b")
    reaper.move_marker(first, 3.0)
    assert [marker["guid"] for marker in reaper.markers()] == [second, first]
    out = answer(f"""
        marker = RPR_GetRegionOrMarker(0, -1, "{first}")
        out = [RPR_GetRegionOrMarkerInfo_Value(0, marker, name) for name in ("I_INDEX", "D_STARTPOS", "I_NUMBER")]
        """)
    assert out == [1.0, 3.0, 1.0]


def test_numbers_when_wanted_one_is_taken_then_another_is_given(reaper: SimReaper, answer: Answer) -> None:
    out = answer("""
        out = [RPR_AddProjectMarker2(0, False, s, 0.0, "m", n, 0) for s, n in ((1.0, 5), (2.0, 5), (3.0, -1))]
        out.append(RPR_AddProjectMarker2(0, True, 9.0, 8.0, "region", 5, 0))
        """)
    assert out == [5, 1, 2, 5]
    region = reaper.markers()[-1]
    assert (region["position_s"], region["end_s"]) == (8.0, 9.0), "start and end were swapped"


def test_marker_when_added_twice_at_one_place_then_one(reaper: SimReaper, answer: Answer) -> None:
    assert answer("""
        first = RPR_AddRegionOrMarker(0, False, 1.0, 0.0, "same", -1, 0)
        out = first == RPR_AddRegionOrMarker(0, False, 1.0, 0.0, "same", -1, 0)
        """)
    assert len(reaper.markers()) == 1


def test_marker_when_set_with_empty_name_and_no_colour_then_both_stay(reaper: SimReaper, answer: Answer) -> None:
    out = answer("""
        color = RPR_ColorToNative(255, 128, 0) | 0x1000000
        number = RPR_AddProjectMarker2(0, False, 1.0, 0.0, "kept", -1, color)
        RPR_SetProjectMarker4(0, number, False, 2.0, 0.0, "", 0, 0)
        out = [color, RPR_ColorFromNative(color, 0, 0, 0)[1:]]
        """)
    assert out == [0x1FF8000, [255, 128, 0]]
    marker = reaper.markers()[0]
    assert (marker["position_s"], marker["name"], marker["color"]) == (2.0, "kept", 0x1FF8000)
    answer('RPR_SetProjectMarker4(0, 1, False, 2.0, 0.0, "", 0, 1); out = 1')
    assert reaper.markers()[0]["name"] == ""


def test_marker_when_deleted_by_index_then_guid_is_not_found(reaper: SimReaper, answer: Answer) -> None:
    guid = reaper.add_marker(1.0, "a")
    out = answer(f"""
        marker = RPR_GetRegionOrMarker(0, -1, "{guid}")
        RPR_DeleteProjectMarkerByIndex(0, int(RPR_GetRegionOrMarkerInfo_Value(0, marker, "I_INDEX")))
        out = RPR_GetRegionOrMarker(0, -1, "{guid}")
        """)
    assert out == "(ProjectMarker*)0x0000000000000000"


def test_guid_when_asked_the_old_way_then_the_same(reaper: SimReaper, answer: Answer) -> None:
    guid = reaper.add_marker(1.0, "a")
    out = answer(f"""
        out = [RPR_GetSetProjectInfo_String(0, "MARKER_GUID:0", "", 0)[3],
               RPR_GetSetProjectInfo_String(0, "MARKER_INDEX_FROM_GUID:{guid}", "", 0)[3]]
        """)
    assert out == [guid, "0"]
