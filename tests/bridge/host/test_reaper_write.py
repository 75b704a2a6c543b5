"""Writing into a project: one undo step or nothing, through real reapy, the real scripts and a simulated REAPER."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import HostError
from bridge.host.base import Change, ItemView, NewItem, NewMarker, NewTake, ProjectView
from bridge.host.reaper import ReaperHost
from tests.reaper_sim.client import SimReaper

both = pytest.mark.parametrize("profile", ["7.78", "7.30"])
Sounds = Callable[[str], Path]


def new_item(item: ItemView, sound: Path, **changes: Any) -> NewItem:
    made = NewItem(
        below_track_guid=item.track_guid,
        track_name="Foley: wood",
        video_item_guid=item.guid,
        position_s=item.position_s,
        length_s=item.length_s,
        audio_path=str(sound),
        take_name="wood 1",
        recipe='{"seed": 1}',
    )
    return replace(made, **changes)


def look(reaper: SimReaper, host: ReaperHost, video: Path, **placing: Any) -> ProjectView:
    """A project with one video item under the cursor, as the host sees it."""
    reaper.place_video(video, 10.0, 2.0, **placing)
    return host.read(cursor_s=10.5)


def markers(reaper: SimReaper) -> list[tuple[float, str]]:
    return [(marker["position_s"], marker["name"]) for marker in reaper.markers()]


def refused(reaper: SimReaper, host: ReaperHost, change: Change, says: str) -> HostError:
    """The refusal of a change, with the project and its undo history as they were."""
    state, labels = reaper.state(), reaper.undo_labels()
    with pytest.raises(HostError) as caught:
        host.write(change)
    assert says in caught.value.sentence
    assert caught.value.hint
    assert (reaper.state(), reaper.undo_labels()) == (state, labels)
    return caught.value


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


@pytest.mark.parametrize(
    ("gesture", "says"),
    [
        (lambda reaper, guid: reaper.set_item(guid, position_s=10.25), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, length_s=1.5), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, start_offset_s=0.1), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, play_rate=1.5), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, loop=True), "was changed"),
        (lambda reaper, guid: reaper.set_stretch_markers(guid, [(0.5, 0.6)]), "was changed"),
        (lambda reaper, guid: reaper.split_item(guid, 11.0), "was changed"),
        (lambda reaper, guid: reaper.delete_item(guid), "is gone"),
    ],
)
def test_item_when_changed_between_read_and_write_then_refused_and_unchanged(
    reaper: SimReaper,
    host: ReaperHost,
    video: Path,
    sounds: Sounds,
    gesture: Callable[[SimReaper, str], Any],
    says: str,
) -> None:
    view = look(reaper, host, video)
    item = view.items[0]
    gesture(reaper, item.guid)
    change = Change(
        token=view.token,
        undo_title="Foley",
        add_markers=(NewMarker(position_s=10.5, name="foley"),),
        new_items=(new_item(item, sounds("late")),),
        expect_item=item,
    )
    assert "knock on wood.mp4" in refused(reaper, host, change, says).sentence


def test_item_when_only_selected_or_muted_meanwhile_then_the_write_goes_on(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds
) -> None:
    view = look(reaper, host, video)
    reaper.select(view.items[0].guid)
    reaper.set_item(view.items[0].guid, muted=True)
    change = Change(
        token=view.token,
        undo_title="Foley",
        new_items=(new_item(view.items[0], sounds("on")),),
        expect_item=view.items[0],
    )
    assert host.write(change).item_guids


def test_track_when_it_is_gone_then_refused(reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds) -> None:
    view = look(reaper, host, video)
    reaper.delete_track(view.items[0].track_guid)
    change = Change(token=view.token, undo_title="F", new_items=(new_item(view.items[0], sounds("gone")),))
    refused(reaper, host, change, "track of the video is gone")


def test_foley_item_when_it_is_gone_then_a_take_is_refused(reaper: SimReaper, host: ReaperHost, sounds: Sounds) -> None:
    take = NewTake(item_guid="{GONE}", audio_path=str(sounds("t")), take_name="wood 9", recipe="{}")
    change = Change(token=host.read().token, undo_title="F", new_takes=(take,))
    refused(reaper, host, change, "wood 9")


@pytest.mark.parametrize("content", [None, b"", b"<html>not found</html>"])
def test_sound_when_missing_or_no_sound_then_refused_by_name(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds, tmp_path: Path, content: bytes | None
) -> None:
    view = look(reaper, host, video)
    bad = tmp_path / "bad.wav"
    if content is not None:
        bad.write_bytes(content)
    items = (new_item(view.items[0], sounds("good")), new_item(view.items[0], bad))
    refused(reaper, host, Change(token=view.token, undo_title="F", new_items=items), str(bad))


def test_time_when_it_is_no_time_then_refused(reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds) -> None:
    view = look(reaper, host, video)
    item = new_item(view.items[0], sounds("short"), length_s=0.0)
    refused(reaper, host, Change(token=view.token, undo_title="F", new_items=(item,)), "no length")


def test_token_when_its_tab_was_closed_then_refused(reaper: SimReaper, host: ReaperHost) -> None:
    reaper.new_tab()
    token = host.read().token
    reaper.close_tab()
    refused(reaper, host, Change(token=token, undo_title="F", prompt="wood"), "not open any more")


def test_token_when_another_project_was_opened_in_the_tab_then_refused(
    reaper: SimReaper, host: ReaperHost, tmp_path: Path
) -> None:
    reaper.save(tmp_path / "b.rpp")
    reaper.save(tmp_path / "a.rpp")
    token = host.read().token
    reaper.open(tmp_path / "b.rpp")
    with pytest.raises(HostError, match=r"not open any more|now holds"):
        host.write(Change(token=token, undo_title="F", prompt="wood"))
    assert host.read().prompt == ""


def test_token_when_the_project_was_saved_under_another_name_then_refused(
    reaper: SimReaper, host: ReaperHost, tmp_path: Path
) -> None:
    reaper.save(tmp_path / "a.rpp")
    token = host.read().token
    reaper.save(tmp_path / "b.rpp")
    refused(reaper, host, Change(token=token, undo_title="F", prompt="wood"), "now holds")


def test_token_when_the_unsaved_project_is_saved_meanwhile_then_the_write_goes_on(
    reaper: SimReaper, host: ReaperHost, tmp_path: Path
) -> None:
    token = host.read().token
    reaper.save(tmp_path / "first.rpp")
    host.write(Change(token=token, undo_title="F", prompt="wood"))
    assert host.read().prompt == "wood"


@pytest.mark.parametrize("token", ["", "x", "a\nb\nc", "\n\n"])
def test_token_when_it_is_none_of_ours_then_refused(reaper: SimReaper, host: ReaperHost, token: str) -> None:
    refused(reaper, host, Change(token=token, undo_title="F", prompt="wood"), "restarted")


def test_token_when_reaper_was_restarted_then_refused(reaper: SimReaper, host: ReaperHost) -> None:
    token = host.read().token
    reaper.restart()
    refused(reaper, host, Change(token=token, undo_title="F", prompt="wood"), "restarted")


def test_tab_when_another_is_in_front_then_the_change_still_goes_where_it_was_read(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds
) -> None:
    view = look(reaper, host, video)
    reaper.new_tab()
    front = reaper.state()
    change = Change(
        token=view.token,
        undo_title="Foley: generate",
        add_markers=(NewMarker(position_s=10.5, name="foley"),),
        new_items=(new_item(view.items[0], sounds("behind")),),
        expect_item=view.items[0],
    )
    host.write(change)
    assert reaper.state() == front
    reaper.switch_tab(0)
    assert [track["name"] for track in reaper.tracks()] == ["Video", "Foley: wood"]
    assert markers(reaper) == [(10.5, "foley")]
    assert reaper.undo() == "Foley: generate"


@pytest.mark.parametrize("function", ["SetMediaItemTake_Source", "DeleteProjectMarkerByIndex", "AddRegionOrMarker"])
def test_act_when_reaper_refuses_it_halfway_then_everything_done_so_far_is_taken_back(
    tmp_path: Path, video: Path, sounds: Sounds, function: str
) -> None:
    """REAPER's function does its work once and then no more; the change needs it twice."""
    scripts = Path(__file__).resolve().parents[3] / "reaper_scripts"
    broken = tmp_path / "broken_server.py"
    broken.write_text(
        f"import sys\nsys.path.insert(0, {str(scripts)!r})\n"
        "import reaper_python\nimport reapy\nfrom foley_inside import loop\n"
        f"real, calls = reaper_python.RPR_{function}, []\n"
        "def once(*args):\n    calls.append(args)\n    return real(*args) if len(calls) < 2 else 0\n"
        f"reaper_python.RPR_{function} = once\n"
        "loop.start()\n"
    )
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, startup_scripts=[broken]) as reaper:
        host = ReaperHost(read_timeout_s=3.0, write_timeout_s=3.0)
        view = look(reaper, host, video)
        reaper.set_track(view.items[0].track_guid, folder_depth=0)
        doomed = (reaper.add_marker(10.1, "foley"), reaper.add_marker(10.2, "foley"))
        change = Change(
            token=view.token,
            undo_title="Foley: generate",
            delete_markers=doomed,
            add_markers=tuple(NewMarker(position_s=t, name="foley: b") for t in (10.3, 10.4)),
            new_items=tuple(new_item(view.items[0], sounds(name)) for name in ("x", "y")),
            prompt="wood",
        )
        refused(reaper, host, change, "nothing was changed")
        host.close()
