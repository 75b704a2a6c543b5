"""Writing into a project: one undo step or nothing, through real reapy, the real scripts and a simulated REAPER."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bridge.host.base import Change, NewMarker, NewTake
from bridge.host.reaper import ReaperHost
from tests.bridge.host.changes import Sounds, look, markers, new_item
from tests.reaper_sim.client import SimReaper

both = pytest.mark.parametrize("profile", ["7.78", "7.30"])


@both
def test_change_when_written_then_it_is_one_undo_step_and_undo_restores_exactly(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds
) -> None:
    view = look(reaper, host, video)
    theirs = reaper.add_marker(11.0, "their own")
    doomed = reaper.add_marker(10.25, "foley")
    before, labels = reaper.state(), reaper.undo_labels()
    report = host.write(
        Change(
            token=view.token,
            undo_title="Foley: generate",
            delete_markers=(doomed,),
            add_markers=(NewMarker(position_s=10.5, name="foley"), NewMarker(position_s=11.0, name="foley: glass")),
            new_items=(new_item(view.items[0], sounds("one")),),
            prompt="wood",
            expect_item=view.items[0],
        )
    )
    after = reaper.state()
    assert reaper.undo_labels() == [*labels, "Foley: generate"]
    assert sorted(markers(reaper)) == [(10.5, "foley"), (11.0, "foley: glass"), (11.0, "their own")]
    assert len(report.marker_guids) == 2
    assert len(report.item_guids) == 1
    seen = host.read(cursor_s=10.5)
    assert {m.guid for m in seen.markers if m.ours} == set(report.marker_guids)
    assert next(m for m in seen.markers if m.guid == theirs).ours is False
    assert seen.prompt == "wood"
    assert reaper.undo() == "Foley: generate"
    assert reaper.state() == before
    assert reaper.redo() == "Foley: generate"
    assert reaper.state() == after


def test_item_when_made_then_it_lies_directly_below_the_video_and_fits_it_exactly(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds
) -> None:
    reaper.place_video(video, 1 / 3, 0.7654321)
    reaper.add_track("below")
    view = host.read(cursor_s=0.5)
    sound = sounds("exact")
    report = host.write(Change(token=view.token, undo_title="Foley", new_items=(new_item(view.items[0], sound),)))
    tracks = reaper.tracks()
    assert [track["name"] for track in tracks] == ["Video", "Foley: wood", "below"]
    (item,) = tracks[1]["items"]
    (take,) = item["takes"]
    assert (item["guid"], item["position_s"], item["length_s"], item["loop"]) == (
        report.item_guids[0],
        1 / 3,
        0.7654321,
        False,
    )
    assert (take["name"], take["source"]["path"], take["source"]["offline"]) == ("wood 1", str(sound), False)
    (foley,) = host.read(cursor_s=0.5).foley_items
    assert (foley.guid, foley.video_item_guid, foley.takes) == (item["guid"], view.items[0].guid, 1)
    assert (foley.recipe, foley.audio_path) == ('{"seed": 1}', str(sound))
    reaper.wait_ticks(20)
    assert reaper.peaks_built(take["guid"])


def test_items_when_two_are_made_for_one_video_then_their_tracks_keep_the_order(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds
) -> None:
    view = look(reaper, host, video)
    layers = tuple(
        new_item(view.items[0], sounds(name), track_name=name, take_name=name) for name in ("metal", "glass")
    )
    report = host.write(Change(token=view.token, undo_title="Foley", new_items=layers))
    assert [track["name"] for track in reaper.tracks()] == ["Video", "metal", "glass"]
    assert list(report.item_guids) == [track["items"][0]["guid"] for track in reaper.tracks()[1:]]


@pytest.mark.parametrize(
    ("before", "video_index", "after"),
    [
        ([1, -1, 0], 1, [1, 0, -1, 0]),
        ([1, 1, -2, 0], 2, [1, 1, 0, -2, 0]),
        ([1, 0, -1], 0, [1, 0, 0, -1]),
        ([1, 0, -1], 1, [1, 0, 0, -1]),
    ],
)
def test_track_when_the_video_is_in_a_folder_then_the_new_one_is_in_it_too(
    reaper: SimReaper,
    host: ReaperHost,
    video: Path,
    sounds: Sounds,
    before: Sequence[int],
    video_index: int,
    after: Sequence[int],
) -> None:
    guids = [reaper.add_track(f"track {index}") for index in range(len(before))]
    for guid, depth in zip(guids, before, strict=True):
        reaper.set_track(guid, folder_depth=depth)
    view = look(reaper, host, video, track=guids[video_index])
    host.write(Change(token=view.token, undo_title="Foley", new_items=(new_item(view.items[0], sounds("in")),)))
    tracks = reaper.tracks()
    assert [track["folder_depth"] for track in tracks] == list(after)
    assert tracks[video_index + 1]["name"] == "Foley: wood"


def test_take_when_added_then_it_is_active_and_the_old_one_stays(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds
) -> None:
    view = look(reaper, host, video)
    host.write(Change(token=view.token, undo_title="one", new_items=(new_item(view.items[0], sounds("first")),)))
    (foley,) = host.read(cursor_s=10.5).foley_items
    before = reaper.state()
    second = sounds("second")
    report = host.write(
        Change(
            token=view.token,
            undo_title="Foley: new variation",
            new_takes=(
                NewTake(item_guid=foley.guid, audio_path=str(second), take_name="wood 2", recipe='{"seed": 2}'),
            ),
        )
    )
    item = reaper.tracks()[1]["items"][0]
    assert [take["name"] for take in item["takes"]] == ["wood 1", "wood 2"]
    assert item["active_take"] == 1
    assert report.take_guids == (item["takes"][1]["guid"],)
    (foley,) = host.read(cursor_s=10.5).foley_items
    assert (foley.takes, foley.recipe, foley.audio_path) == (2, '{"seed": 2}', str(second))
    assert reaper.undo() == "Foley: new variation"
    assert reaper.state() == before


@pytest.mark.parametrize(
    ("gesture", "offset_s"),
    [
        ({}, 0.0),
        ({"position_s": 10.25, "length_s": 1.0}, 0.25),
        ({"position_s": 9.5, "length_s": 2.5}, -0.5),
        ({"start_offset_s": 0.3, "play_rate": 2.0}, 0.0),
    ],
)
def test_take_when_the_item_was_moved_or_trimmed_then_its_sound_stays_where_it_belongs(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds, gesture: dict[str, float], offset_s: float
) -> None:
    view = look(reaper, host, video)
    host.write(Change(token=view.token, undo_title="one", new_items=(new_item(view.items[0], sounds("first")),)))
    (foley,) = host.read(cursor_s=10.5).foley_items
    reaper.set_item(foley.guid, **gesture)
    take = NewTake(
        item_guid=foley.guid, audio_path=str(sounds("second")), take_name="wood 2", recipe="{}", position_s=10.0
    )
    host.write(Change(token=view.token, undo_title="two", new_takes=(take,)))
    item = reaper.tracks()[1]["items"][0]
    assert item["active_take"] == 1
    assert item["takes"][1]["start_offset_s"] == pytest.approx(offset_s)
    assert item["takes"][1]["play_rate"] == 1.0


@both
def test_markers_when_found_again_at_the_same_place_then_they_stay_and_are_still_ours(
    reaper: SimReaper, host: ReaperHost
) -> None:
    """REAPER does not make the same marker twice: replacing one by its equal must not lose it."""
    token = host.read().token
    first = host.write(
        Change(
            token=token, undo_title="a", add_markers=tuple(NewMarker(position_s=t, name="foley") for t in (1.0, 2.0))
        )
    )
    second = host.write(
        Change(
            token=token,
            undo_title="b",
            delete_markers=first.marker_guids,
            add_markers=tuple(NewMarker(position_s=t, name="foley") for t in (2.0, 3.0)),
        )
    )
    assert markers(reaper) == [(2.0, "foley"), (3.0, "foley")]
    assert {m.guid for m in host.read().markers if m.ours} == set(second.marker_guids)
    reaper.undo()
    assert markers(reaper) == [(1.0, "foley"), (2.0, "foley")]
    assert {m.guid for m in host.read().markers if m.ours} == set(first.marker_guids)


@both
def test_marker_when_the_designers_own_stands_there_already_then_it_does_not_become_ours(
    reaper: SimReaper, host: ReaperHost
) -> None:
    theirs = reaper.add_marker(1.0, "foley")
    report = host.write(
        Change(token=host.read().token, undo_title="a", add_markers=(NewMarker(position_s=1.0, name="foley"),))
    )
    assert report.marker_guids == (theirs,)
    assert [marker.ours for marker in host.read().markers] == [False]


@both
def test_markers_when_deleted_then_regions_and_numbers_of_others_are_untouched(
    reaper: SimReaper, host: ReaperHost
) -> None:
    reaper.add_marker(0.5, "scene 1", end_s=5.0)
    doomed = [reaper.add_marker(1.0, "foley", number=7), reaper.add_marker(3.0, "foley", number=7)]
    reaper.add_marker(2.0, "mine", number=7)
    kept = [marker for marker in reaper.markers() if marker["guid"] not in doomed]
    host.write(Change(token=host.read().token, undo_title="a", delete_markers=tuple(doomed)))
    assert reaper.markers() == kept


def test_marker_when_it_is_already_gone_then_deleting_it_is_no_error(reaper: SimReaper, host: ReaperHost) -> None:
    gone = reaper.add_marker(1.0, "foley")
    reaper.delete_marker(gone)
    host.write(
        Change(
            token=host.read().token,
            undo_title="a",
            delete_markers=(gone,),
            add_markers=(NewMarker(position_s=2.0, name="foley"),),
        )
    )
    assert markers(reaper) == [(2.0, "foley")]


def test_marker_when_made_then_it_has_a_colour(reaper: SimReaper, host: ReaperHost) -> None:
    host.write(Change(token=host.read().token, undo_title="a", add_markers=(NewMarker(position_s=2.0, name="foley"),)))
    assert reaper.markers()[0]["color"] & 0x1000000


def test_prompt_when_set_then_it_is_remembered_with_the_project(
    reaper: SimReaper, host: ReaperHost, tmp_path: Path
) -> None:
    host.write(Change(token=host.read().token, undo_title="Foley: set prompt", prompt="heavy\n wood"))
    assert host.read().prompt == "heavy wood"
    reaper.save(tmp_path / "show.rpp")
    reaper.new_tab()
    assert host.read().prompt == ""
    reaper.open(tmp_path / "show.rpp")
    assert host.read().prompt == "heavy wood"


@pytest.mark.parametrize("profile", ["7.78", "6.80"])
def test_markers_when_others_stand_at_the_same_places_then_only_those_that_were_named_go(
    reaper: SimReaper, host: ReaperHost
) -> None:
    """New ones come to stand before, at and after old ones, the designer's and regions among them."""
    token = host.read().token
    first = tuple(NewMarker(position_s=1.0 + k, name="foley") for k in range(6))
    ours = host.write(Change(token=token, undo_title="Foley: find onsets", add_markers=first)).marker_guids
    for k in range(6):
        reaper.add_marker(1.0 + k, "mine")
        reaper.add_marker(1.0 + k, "a scene", end_s=1.5 + k)
    new = tuple(NewMarker(position_s=0.5 + 0.5 * k, name="foley: quiet") for k in range(14))
    host.write(Change(token=token, undo_title="Foley: more", delete_markers=(*ours[:4], ours[5]), add_markers=new))
    names = [(marker["position_s"], marker["name"]) for marker in reaper.markers()]
    assert [place for place, name in names if name == "mine"] == [1.0 + k for k in range(6)]
    assert [place for place, name in names if name == "a scene"] == [1.0 + k for k in range(6)]
    assert [place for place, name in names if name == "foley"] == [5.0]
    assert [place for place, name in names if name == "foley: quiet"] == [0.5 + 0.5 * k for k in range(14)]
