"""What ``write`` refuses: a sentence that names the item or file, and the project and its undo history as they were."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import HostError
from bridge.host.base import Change, NewMarker, NewTake
from bridge.host.reaper import ReaperHost
from tests.bridge.host.changes import Sounds, look, markers, new_item, refused
from tests.reaper_sim.client import SimReaper


@pytest.mark.parametrize(
    ("gesture", "says"),
    [
        (lambda reaper, guid: reaper.set_item(guid, position_s=10.25), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, length_s=1.5), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, start_offset_s=0.1), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, play_rate=1.5), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, loop=True), "was changed"),
        (lambda reaper, guid: reaper.set_stretch_markers(guid, [(0.5, 0.6)]), "was changed"),
        (lambda reaper, guid: reaper.set_item(guid, track=reaper.add_track("other")), "was changed"),
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


def test_item_when_saved_and_loaded_since_then_its_rounded_place_is_the_same_place(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds, tmp_path: Path
) -> None:
    reaper.place_video(video, 10 + 1 / 3, 2 / 3, start_offset_s=1 / 3)
    before = host.read(cursor_s=10.5).items[0]
    reaper.save(tmp_path / "show.rpp")
    reaper.open(tmp_path / "show.rpp")
    view = host.read(cursor_s=10.5)
    assert view.items[0].position_s != before.position_s
    change = Change(
        token=view.token, undo_title="F", new_items=(new_item(before, sounds("rounded")),), expect_item=before
    )
    assert host.write(change).item_guids


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


def test_take_when_reaper_cannot_hold_back_its_sound_then_refused_and_unchanged(
    tmp_path: Path, video: Path, sounds: Sounds
) -> None:
    """A REAPER in which a take cannot begin before its sound does."""
    scripts = Path(__file__).resolve().parents[3] / "reaper_scripts"
    broken = tmp_path / "broken_server.py"
    broken.write_text(
        f"import sys\nsys.path.insert(0, {str(scripts)!r})\n"
        "import reaper_python\nimport reapy\nfrom foley_inside import loop\n"
        "real = reaper_python.RPR_SetMediaItemTakeInfo_Value\n"
        "reaper_python.RPR_SetMediaItemTakeInfo_Value = lambda take, key, value: real(take, key, max(0.0, value))\n"
        "loop.start()\n"
    )
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, startup_scripts=[broken]) as reaper:
        host = ReaperHost(read_timeout_s=3.0, write_timeout_s=3.0)
        view = look(reaper, host, video)
        host.write(Change(token=view.token, undo_title="one", new_items=(new_item(view.items[0], sounds("first")),)))
        (foley,) = host.read(cursor_s=10.5).foley_items
        take = NewTake(
            item_guid=foley.guid, audio_path=str(sounds("late")), take_name="wood 2", recipe="{}", position_s=10.5
        )
        refused(reaper, host, Change(token=view.token, undo_title="two", new_takes=(take,)), "begins before its sound")
        host.close()


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
