"""Reading a project through real reapy, the real server script and a simulated REAPER."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host.reaper import ReaperHost
from tests.reaper_sim.client import SimReaper

both = pytest.mark.parametrize("profile", ["7.78", "7.30"])


def names(reaper: SimReaper) -> dict[str, str]:
    return {track["guid"]: track["name"] for track in reaper.tracks()}


def test_item_when_the_cursor_is_at_its_edges_then_the_left_one_counts_and_the_right_one_not(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    item = reaper.place_video(video, position_s=10.0, length_s=2.0)
    for cursor_s, there in [(9.999, False), (10.0, True), (11.999, True), (12.0, False)]:
        view = host.read(cursor_s=cursor_s)
        assert [found.guid for found in view.items] == ([item] if there else [])
        assert view.chosen == ("topmost" if there else "")
        assert view.cursor_s == cursor_s


def test_item_when_trimmed_slowed_and_looped_then_every_number_arrives(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    item = reaper.place_video(video, 1 / 3, 0.7, start_offset_s=0.123456789, play_rate=0.5, loop=True)
    reaper.set_stretch_markers(item, [(0.1, 0.1), (0.2, 0.25)])
    reaper.set_cursor(0.5)
    (seen,) = host.read().items
    assert (seen.guid, seen.name) == (item, "knock on wood.mp4")
    assert seen.source_path == str(video)
    assert seen.source_type == "VIDEO"
    assert seen.source_length_s == pytest.approx(4.0, abs=0.2)
    assert (seen.position_s, seen.length_s, seen.start_offset_s) == (1 / 3, 0.7, 0.123456789)
    assert (seen.play_rate, seen.loop, seen.stretch_markers) == (0.5, True, 2)
    assert (seen.section_offset_s, seen.section_length_s, seen.reverse, seen.offline) == (0.0, None, False, False)
    assert seen.track_guid == reaper.items()[0]["track"]


def test_item_when_a_section_is_reversed_then_the_section_of_the_file_is_told(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    reaper.place_video(video, 0.0, 1.0, section=(0.5, 2.0), reverse=True)
    (seen,) = host.read(cursor_s=0.5).items
    assert (seen.section_offset_s, seen.section_length_s, seen.reverse) == (0.5, 2.0, True)
    assert seen.source_path == str(video)


def test_item_when_its_file_is_offline_then_it_is_listed_as_offline(
    reaper: SimReaper, host: ReaperHost, video: Path, tmp_path: Path
) -> None:
    reaper.set_offline(reaper.place_video(video, 0.0, 1.0))
    reaper.place_video(tmp_path / "gone.mov", 5.0, 1.0)
    assert [seen.offline for seen in host.read(cursor_s=0.5).items] == [True]
    (gone,) = host.read(cursor_s=5.5).items
    assert gone.offline
    assert gone.name == "gone.mov"


def test_items_when_several_lie_under_the_cursor_then_the_topmost_is_first_and_all_are_listed(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    upper = reaper.place_video(video, 0.0, 2.0)
    lower = reaper.place_video(video, 1.0, 2.0)
    view = host.read(cursor_s=1.5)
    assert [seen.guid for seen in view.items] == [upper, lower]
    assert view.chosen == "topmost"
    assert [seen.track_index for seen in view.items] == [0, 1]


def test_items_when_one_is_selected_then_it_wins(reaper: SimReaper, host: ReaperHost, video: Path) -> None:
    upper = reaper.place_video(video, 0.0, 2.0)
    lower = reaper.place_video(video, 0.0, 2.0)
    reaper.select(lower)
    view = host.read(cursor_s=1.0, mouse_track_guid=reaper.tracks()[0]["guid"])
    assert [seen.guid for seen in view.items] == [lower, upper]
    assert view.chosen == "selected"
    reaper.select(lower, upper)
    assert host.read(cursor_s=1.0).chosen == "topmost"


def test_items_when_the_mouse_is_over_a_track_then_its_item_wins(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    reaper.place_video(video, 0.0, 2.0)
    lower = reaper.place_video(video, 0.0, 2.0)
    view = host.read(cursor_s=1.0, mouse_track_guid=reaper.tracks()[1]["guid"])
    assert view.items[0].guid == lower
    assert view.chosen == "track"
    assert host.read(cursor_s=1.0, mouse_track_guid="{NOT-THERE}").chosen == "topmost"


def test_items_when_a_track_is_selected_then_its_item_wins(reaper: SimReaper, host: ReaperHost, video: Path) -> None:
    reaper.place_video(video, 0.0, 2.0)
    lower = reaper.place_video(video, 0.0, 2.0)
    reaper.select(reaper.tracks()[1]["guid"])
    view = host.read(cursor_s=1.0)
    assert (view.items[0].guid, view.chosen) == (lower, "track")


def test_items_when_item_or_track_is_muted_then_it_does_not_count_unless_selected(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    muted = reaper.place_video(video, 0.0, 2.0, muted=True)
    on_muted_track = reaper.place_video(video, 0.0, 2.0)
    reaper.set_track(reaper.tracks()[1]["guid"], mute=True)
    loud = reaper.place_video(video, 0.0, 2.0)
    view = host.read(cursor_s=1.0)
    assert [seen.guid for seen in view.items] == [loud]
    assert view.muted == ("knock on wood.mp4",) * 2
    assert host.read(cursor_s=3.0).muted == ()
    reaper.select(muted)
    view = host.read(cursor_s=1.0)
    assert view.muted == ("knock on wood.mp4",)
    assert (view.items[0].guid, view.items[0].muted, view.chosen) == (muted, True, "selected")
    reaper.select(on_muted_track)
    assert host.read(cursor_s=1.0).items[0].guid == on_muted_track


def test_items_when_they_are_sounds_then_they_do_not_count(
    reaper: SimReaper, host: ReaperHost, sounds: Callable[[str], Path]
) -> None:
    reaper.place_video(sounds("dialogue"), 0.0, 1.0)
    assert host.read(cursor_s=0.5).items == ()


@both
def test_markers_when_read_then_names_and_times_are_exact_and_regions_are_told_apart(
    reaper: SimReaper, host: ReaperHost
) -> None:
    late = reaper.add_marker(7.25, "foley: Glas ä 木")
    reaper.add_marker(2.0, "scene", end_s=9.0)
    early = reaper.add_marker(1 / 3, "")
    view = host.read()
    assert [(m.guid, m.position_s, m.name, m.ours) for m in view.markers] == [
        (early, 1 / 3, "", False),
        (late, 7.25, "foley: Glas ä 木", False),
    ]
    assert [(r.start_s, r.end_s, r.name) for r in view.regions] == [(2.0, 9.0, "scene")]


def test_project_when_unsaved_then_the_path_is_empty_and_the_media_folder_is_reapers(
    reaper: SimReaper, host: ReaperHost, tmp_path: Path
) -> None:
    view = host.read()
    assert view.path == ""
    assert view.media_dir
    assert (view.items, view.markers, view.foley_items, view.prompt, view.chosen) == ((), (), (), "", "")
    assert view.sample_rate_hz > 0
    reaper.save(tmp_path / "show" / "show.rpp")
    saved = host.read()
    assert saved.path == str(tmp_path / "show" / "show.rpp")
    assert saved.media_dir.startswith(str(tmp_path / "show"))


def test_project_when_it_changes_then_the_change_count_grows(reaper: SimReaper, host: ReaperHost) -> None:
    before = host.read().change_count
    reaper.add_marker(1.0)
    assert host.read().change_count > before


def test_tab_when_another_came_to_the_front_then_the_one_of_the_key_press_is_read(
    reaper: SimReaper, host: ReaperHost, video: Path, tmp_path: Path
) -> None:
    meant = reaper.place_video(video, 0.0, 2.0)
    pressed = host.read().token
    reaper.new_tab()
    reaper.place_video(video, 0.0, 2.0)
    view = host.read(cursor_s=1.0, project=pressed)
    assert [seen.guid for seen in view.items] == [meant]
    assert view.token == pressed
    assert [seen.guid for seen in host.read(cursor_s=1.0).items] != [meant]


def test_tab_when_saved_since_the_key_press_then_it_is_read_under_its_new_name(
    reaper: SimReaper, host: ReaperHost, tmp_path: Path
) -> None:
    pressed = host.read().token
    reaper.save(tmp_path / "show.rpp")
    reaper.new_tab()
    view = host.read(project=pressed)
    assert view.path == str(tmp_path / "show.rpp")
    assert host.read(project=view.token).token == view.token


@pytest.mark.parametrize("how", ["closed", "opened another", "restarted"])
def test_tab_when_it_is_gone_then_the_read_is_refused(
    reaper: SimReaper, host: ReaperHost, tmp_path: Path, how: str
) -> None:
    reaper.save(tmp_path / "b.rpp")
    reaper.new_tab()
    reaper.save(tmp_path / "a.rpp")
    pressed = host.read().token
    {
        "closed": lambda: reaper.close_tab(1),
        "opened another": lambda: reaper.open(tmp_path / "b.rpp"),
        "restarted": reaper.restart,
    }[how]()
    with pytest.raises(HostError, match="project in which the key was pressed was closed"):
        host.read(project=pressed)


def test_read_when_done_then_nothing_in_the_project_changed(reaper: SimReaper, host: ReaperHost, video: Path) -> None:
    reaper.place_video(video, 0.0, 2.0)
    reaper.add_marker(1.0, "mine")
    state, count, labels = reaper.state(), reaper.change_count(), reaper.undo_labels()
    for _ in range(3):
        host.read(cursor_s=0.5)
    assert (reaper.state(), reaper.change_count(), reaper.undo_labels()) == (state, count, labels)
