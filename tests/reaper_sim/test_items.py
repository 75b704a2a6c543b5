"""Items, takes and sources."""

from __future__ import annotations

from pathlib import Path

import pytest

from .client import SimReaper
from .conftest import Answer


def test_items_when_one_is_moved_by_a_script_then_sorted_again(reaper: SimReaper, answer: Answer, video: Path) -> None:
    first = reaper.place_video(video, 1.0)
    track = reaper.items()[0]["track"]
    second = reaper.place_video(video, 2.0, track=track)
    answer('RPR_SetMediaItemInfo_Value(RPR_GetMediaItem(0, 0), "D_POSITION", 5.0); out = 1')
    assert [item["guid"] for item in reaper.items()] == [second, first]


def test_new_item_when_added_then_empty_and_first(reaper: SimReaper, answer: Answer, video: Path) -> None:
    reaper.place_video(video, 1.0)
    out = answer("""
        item = RPR_AddMediaItemToTrack(RPR_GetTrack(0, 0))
        out = [RPR_GetMediaItemInfo_Value(item, name) for name in ("D_LENGTH", "IP_ITEMNUMBER")]
        out += [RPR_CountTakes(item), RPR_GetActiveTake(item)]
        """)
    assert out == [0.0, 0.0, 0, "(MediaItem_Take*)0x0000000000000000"]


def test_source_when_given_to_two_takes_then_duplicated(reaper: SimReaper, answer: Answer, sound: Path) -> None:
    out = answer(f"""
        RPR_InsertTrackAtIndex(0, 0)
        source = RPR_PCM_Source_CreateFromFile({str(sound)!r})
        out = []
        for _ in range(2):
            item = RPR_AddMediaItemToTrack(RPR_GetTrack(0, 0))
            take = RPR_AddTakeToMediaItem(item)
            RPR_SetMediaItemTake_Source(take, source)
            out.append(RPR_GetMediaItemTake_Source(take) == source)
        out.append(RPR_GetMediaSourceLength(source, 0)[0])
        out.append(RPR_GetMediaSourceSampleRate(source))
        """)
    assert out == [True, False, 0.5, 8000]


def test_source_when_never_used_then_a_leak_is_reported(reaper: SimReaper, answer: Answer, sound: Path) -> None:
    answer(f"out = RPR_PCM_Source_CreateFromFile({str(sound)!r})")
    assert any("never used" in warning for warning in reaper.warnings())


@pytest.mark.parametrize("content", [None, b"not a video"])
def test_source_when_its_file_cannot_be_read_then_offline_and_empty(
    answer: Answer, tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "broken.mp4"
    if content is not None:
        path.write_bytes(content)
    out = answer(f"""
        source = RPR_PCM_Source_CreateFromFile({str(path)!r})
        out = [RPR_GetMediaSourceLength(source, 0)[0], RPR_GetMediaSourceType(source, "", 64)[1]]
        """)
    assert out == [0.0, "_OFFLINE_VIDEO"]


def test_item_when_set_offline_then_source_says_so_until_online(reaper: SimReaper, video: Path) -> None:
    item = reaper.place_video(video, 0.0)
    reaper.set_offline(item)
    source = reaper.items()[0]["takes"][0]["source"]
    assert (source["offline"], source["length_s"]) == (True, 0.0)
    reaper.set_offline(item, False)
    assert reaper.items()[0]["takes"][0]["source"]["length_s"] == 1.0


def test_peaks_when_built_in_steps_then_there(reaper: SimReaper, answer: Answer, sound: Path) -> None:
    out = answer(f"""
        RPR_InsertTrackAtIndex(0, 0)
        take = RPR_AddTakeToMediaItem(RPR_AddMediaItemToTrack(RPR_GetTrack(0, 0)))
        RPR_SetMediaItemTake_Source(take, RPR_PCM_Source_CreateFromFile({str(sound)!r}))
        source = RPR_GetMediaItemTake_Source(take)
        out = [RPR_PCM_Source_BuildPeaks(source, 0)]
        while out[-1]:
            out.append(RPR_PCM_Source_BuildPeaks(source, 1))
        RPR_PCM_Source_BuildPeaks(source, 2)
        """)
    assert len(out) > 2
    assert out[-1] == 0
    assert reaper.peaks_built(reaper.items()[0]["takes"][0]["guid"])


def test_section_when_placed_then_file_is_in_the_parent(reaper: SimReaper, answer: Answer, video: Path) -> None:
    reaper.place_video(video, 0.0, section=(0.25, 0.5), reverse=True)
    out = answer("""
        source = RPR_GetMediaItemTake_Source(RPR_GetActiveTake(RPR_GetMediaItem(0, 0)))
        parent = RPR_GetMediaSourceParent(source)
        out = [RPR_GetMediaSourceType(source, "", 64)[1], RPR_GetMediaSourceFileName(source, "", 999)[1]]
        out += [RPR_PCM_Source_GetSectionInfo(source, 0, 0, 0)[2:], RPR_GetMediaSourceLength(source, 0)[0]]
        out += [RPR_GetMediaSourceType(parent, "", 64)[1], RPR_GetMediaSourceFileName(parent, "", 999)[1]]
        out += [RPR_GetMediaSourceParent(parent), RPR_PCM_Source_GetSectionInfo(parent, 0, 0, 0)[0]]
        """)
    assert out[:4] == ["SECTION", "", [0.25, 0.5, 1], 0.5]
    assert out[4:] == ["VIDEO", str(video), "(PCM_source*)0x0000000000000000", 0]


def test_private_text_when_item_is_copied_then_copied_but_guid_is_new(
    reaper: SimReaper, answer: Answer, video: Path
) -> None:
    guid = reaper.place_video(video, 0.0)
    answer('RPR_GetSetMediaItemInfo_String(RPR_GetMediaItem(0, 0), "P_EXT:mine", "job 7", 1); out = 1')
    twin = reaper.copy_item(guid, 4.0)
    assert twin != guid
    assert [item["ext"] for item in reaper.items()] == [{"mine": "job 7"}, {"mine": "job 7"}]


def test_split_when_play_rate_is_two_then_right_part_starts_later_in_the_source(reaper: SimReaper, video: Path) -> None:
    guid = reaper.place_video(video, 10.0, length_s=0.5, play_rate=2.0)
    reaper.split_item(guid, 10.2)
    left, right = reaper.items()
    assert left["length_s"] == pytest.approx(0.2)
    assert right["takes"][0]["start_offset_s"] == pytest.approx(0.4)
    assert right["position_s"] + right["length_s"] == pytest.approx(10.5)


def test_take_when_item_has_no_take_then_name_is_an_attribute_error(answer: Answer) -> None:
    out = answer("""
        RPR_InsertTrackAtIndex(0, 0)
        item = RPR_AddMediaItemToTrack(RPR_GetTrack(0, 0))
        try:
            RPR_GetTakeName(RPR_GetActiveTake(item))
        except AttributeError:
            out = "AttributeError"
        """)
    assert out == "AttributeError"


def test_folder_when_tracks_are_nested_then_depth_and_parent_follow(reaper: SimReaper, answer: Answer) -> None:
    for name, depth in (("folder", 1), ("child", 0), ("last", -1), ("outside", 0)):
        reaper.set_track(reaper.add_track(name), folder_depth=depth)
    out = answer("""
        tracks = [RPR_GetTrack(0, i) for i in range(4)]
        out = [[RPR_GetTrackDepth(t) for t in tracks], [RPR_GetParentTrack(t) == tracks[0] for t in tracks]]
        """)
    assert out == [[0, 1, 1, 0], [False, True, True, False]]


def test_mouse_when_over_a_track_then_scripts_find_it(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("one")
    second = reaper.add_track("two")
    body = """
        x, y = RPR_GetMousePosition(0, 0)
        track = RPR_GetTrackFromPoint(x, y, 0)[0]
        out = "" if track.endswith("0x0000000000000000") else RPR_GetSetMediaTrackInfo_String(track, "GUID", "", 0)[3]
        """
    assert answer(body) == ""
    reaper.set_mouse_track(second)
    assert answer(body) == second
