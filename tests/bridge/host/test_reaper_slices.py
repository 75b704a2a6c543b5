"""The designer, and the daemon's end, between two slices of a read or write: driven step by step in the real scripts.

REAPER's server script is stopped after so many slices, each as short as can be; then something happens to the project
or to the daemon, and the script goes on. A pointer that is stale and used ends the simulated REAPER.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import HostError
from bridge.host.base import Change, NewMarker, NewTake, ProjectView
from bridge.host.reaper import ReaperHost
from tests.bridge.host.changes import Sounds, new_item
from tests.bridge.host.conftest import SCRIPTS, TICK_S
from tests.reaper_sim.client import SimReaper

ROOT = Path(__file__).resolve().parents[3]
STEPWISE = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
import reaper_python as rp
import reapy
from foley_inside import loop, slices, steady

steady.LAST_S = LAST_TRY_S
go_on = slices.Task.go_on

def step_by_step(task, turn):
    left = rp.RPR_GetExtState("test", "steps")
    slices.BUDGET_S = 0.0 if left else 0.015
    if left == "0":
        rp.RPR_SetExtState("test", "held", "1", False)
        return False
    if left:
        rp.RPR_SetExtState("test", "steps", str(int(left) - 1), False)
    return go_on(task, turn)

slices.Task.go_on = step_by_step
loop.start()
"""
Gesture = Callable[[SimReaper, "Show"], Any]


class Show:
    """A project with two videos, a foley item with an envelope, markers; and its parts' GUIDs."""

    def __init__(self, reaper: SimReaper, host: ReaperHost, video: Path, sound: Path) -> None:
        self.reaper, self.host = reaper, host
        reaper.add_track("drums")
        self.video = reaper.place_video(video, 10.0, 2.0)
        reaper.place_video(video, 10.2, 2.0)
        for at_s in (10.5, 11.0, 11.5):
            reaper.add_marker(at_s, "foley")
        reaper.add_marker(9.0, "a scene", end_s=12.0)
        view = host.read(cursor_s=10.1)
        host.write(Change(token=view.token, undo_title="Foley", new_items=(new_item(view.items[0], sound),)))
        view = self.look()
        self.token, self.item, self.foley = view.token, view.items[0], view.foley_items[0]
        self.sound = sound

    def look(self) -> ProjectView:
        return self.host.read(cursor_s=10.1)

    def change(self) -> Change:
        return Change(
            token=self.token,
            undo_title="Foley: more",
            delete_markers=tuple(marker["guid"] for marker in self.reaper.markers()[:2] if not marker["is_region"]),
            add_markers=tuple(NewMarker(position_s=10.3 + 0.1 * k, name="foley") for k in range(5)),
            new_takes=(NewTake(item_guid=self.foley.guid, audio_path=str(self.sound), take_name="two", recipe="{}"),),
            expect_item=self.item,
        )

    def after(self, steps: int, ask: Callable[[], Any], happens: Callable[[], Any]) -> tuple[bool, Any]:
        """(whether it was stopped after so many steps so that it could happen, its answer or the error) of a call."""
        found: list[Any] = []
        stopped = False

        def call() -> None:
            try:
                found.append(ask())
            except HostError as error:
                found.append(error)

        self.reaper.set_ext_state("test", "held", "")
        self.reaper.set_ext_state("test", "steps", str(steps))
        caller = threading.Thread(target=call)
        caller.start()
        while caller.is_alive() and not (stopped := bool(self.reaper.ext_state("test", "held"))):
            time.sleep(TICK_S)
        if stopped:
            happens()
        self.reaper.set_ext_state("test", "steps", "")
        caller.join(10.0)
        return stopped, found[0]


@pytest.fixture
def assume() -> dict[str, Any]:
    return {}


@pytest.fixture
def last_try_s() -> float:
    return 0.04


@pytest.fixture
def reaper(tmp_path: Path, profile: str, assume: dict[str, Any], last_try_s: float) -> Iterator[SimReaper]:
    script = tmp_path / "stepwise_server.py"
    script.write_text(STEPWISE.replace("LAST_TRY_S", repr(last_try_s)))
    with SimReaper.start(
        tmp_path / "reaper", profile=profile, tick_s=0.001, web_port=None, startup_scripts=[script], assume=assume
    ) as reaper:
        yield reaper


@pytest.fixture
def show(reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds) -> Show:
    return Show(reaper, host, video, sounds("x"))


GESTURES: dict[str, Gesture] = {
    "track deleted": lambda reaper, show: reaper.delete_track(show.item.track_guid),
    "item deleted": lambda reaper, show: reaper.delete_item(show.foley.guid),
    "marker deleted": lambda reaper, show: reaper.delete_marker(reaper.markers()[1]["guid"]),
    "marker moved": lambda reaper, show: reaper.move_marker(reaper.markers()[1]["guid"], 11.9),
    "undone": lambda reaper, show: reaper.undo(),
}


@pytest.mark.parametrize("gesture", GESTURES)
def test_read_when_the_designer_does_something_between_two_slices_then_it_is_of_one_state(
    reaper: SimReaper, show: Show, gesture: str
) -> None:
    steps, stopped = 1, True
    while stopped:
        before = show.look()
        stopped, seen = show.after(steps, show.look, lambda: GESTURES[gesture](reaper, show))
        assert seen == (show.look() if stopped else before), f"after {steps} slices"
        if stopped:
            reaper.redo() if gesture == "undone" else reaper.undo()
        steps += 5
    assert steps > 20
    assert reaper.alive()


@pytest.mark.parametrize("gesture", GESTURES)
def test_write_when_the_designer_does_something_between_two_slices_then_all_of_it_or_nothing_and_a_sentence(
    reaper: SimReaper, show: Show, gesture: str
) -> None:
    steps, stopped = 1, True
    while stopped:
        happened: list[Any] = []

        def happens(happened: list[Any] = happened) -> None:
            GESTURES[gesture](reaper, show)
            happened.append((reaper.state(), reaper.undo_labels()))

        change = show.change()
        stopped, answer = show.after(steps, lambda change=change: show.host.write(change), happens)
        if stopped and not gesture.startswith("marker"):
            assert isinstance(answer, HostError)
            assert answer.hint
            assert (reaper.state(), reaper.undo_labels()) == happened[0], f"after {steps} slices"
        else:
            assert reaper.undo_labels().count("Foley: more") == 1
            assert len([m for m in reaper.markers() if 10.25 < m["position_s"] < 10.75]) == 5
            assert [take["name"] for item in reaper.items() for take in item["takes"]].count("two") == 1
            reaper.undo()
        if stopped:
            reaper.redo() if gesture == "undone" else reaper.undo()
        steps += 5
    assert steps > 15
    assert not [warning for warning in reaper.warnings() if "source" in warning], "no sound file is held open"


@pytest.mark.parametrize("ask", ["read", "write", "watch"])
def test_tab_when_closed_or_filled_with_another_project_between_two_slices_then_one_sentence(
    reaper: SimReaper, show: Show, tmp_path: Path, ask: str
) -> None:

    def asked() -> Callable[[], Any]:
        change = show.change()
        return {
            "read": lambda: show.host.read(project=show.token),
            "write": lambda: show.host.write(change),
            "watch": lambda: show.host.watch(show.token, on=True),
        }[ask]

    reaper.save(tmp_path / "copy.rpp")
    reaper.save(tmp_path / "show.rpp")
    for steps in (1, 9, 13):
        show.token = show.look().token
        stopped, answer = show.after(steps, asked(), lambda: reaper.open(tmp_path / "copy.rpp"))
        assert stopped
        assert "now holds" in str(answer)
        reaper.open(tmp_path / "show.rpp")
        show.token = show.look().token
        front = show.token
        reaper.new_tab()
        reaper.switch_tab(0)
        _, answer = show.after(steps, asked(), reaper.close_tab)
        assert "not open any more" in str(answer)
        assert show.host.read().token != front
        reaper.open(tmp_path / "show.rpp")


@pytest.mark.parametrize("assume", [{"CHANGES_WITHOUT_UNDO_POINT_ARE_COUNTED": False}])
@pytest.mark.parametrize("ask", ["read", "write"])
def test_pointers_when_another_script_deletes_tracks_unseen_between_two_slices_then_none_is_used(
    reaper: SimReaper, show: Show, tmp_path: Path, ask: str
) -> None:
    """REAPER's change count may not move for a script that makes no undo point."""
    script = tmp_path / "deletes.py"
    script.write_text("from reaper_python import *\nRPR_DeleteTrack(RPR_GetTrack(0, 1))\nRPR_defer('0')\n")
    for steps in range(1, 26, 4):
        labels, change = reaper.undo_labels(), show.change()
        asked = {"read": show.look, "write": lambda change=change: show.host.write(change)}[ask]
        _, answer = show.after(steps, asked, lambda: reaper.run_script(script))
        assert reaper.alive(), f"after {steps} slices"
        assert isinstance(answer, HostError) or ask == "read" or reaper.undo_labels() != labels
        reaper.wait_ticks(3)
        reaper.add_marker(1.0 + steps, "a step, so that there is something to undo")
        reaper.undo()
        if len(reaper.tracks()) < 4:
            reaper.undo()
            reaper.redo()
            show.__init__(reaper, show.host, Path(show.item.source_path), show.sound)


class Hand:
    """Moves a marker all the time, as fast as REAPER takes it."""

    def __init__(self, reaper: SimReaper, guid: str) -> None:
        self._reaper, self._guid = reaper, guid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._move)

    def _move(self) -> None:
        place_s = 10.5
        while not self._stop.is_set():
            place_s = 10.5 if place_s > 11.0 else place_s + 0.001
            self._reaper.move_marker(self._guid, place_s)

    def __enter__(self) -> None:
        self._reaper.set_ext_state("test", "steps", "1000000")
        self._thread.start()

    def __exit__(self, *failure: object) -> None:
        self._stop.set()
        self._thread.join()
        self._reaper.set_ext_state("test", "steps", "")


@pytest.mark.parametrize("last_try_s", [0.0])
def test_project_when_it_moves_at_every_turn_then_reading_ends_with_a_sentence_and_live_mode_goes_on(
    reaper: SimReaper, show: Show
) -> None:
    show.host.watch(show.token, on=True)
    with Hand(reaper, reaper.markers()[1]["guid"]):
        for _ in range(2):
            with pytest.raises(HostError, match="kept changing"):
                show.look()
    assert [seen.position_s for seen in show.look().markers] == sorted(
        seen["position_s"] for seen in reaper.markers() if not seen["is_region"]
    )
    assert reaper.console() == ""


@pytest.mark.parametrize("last_try_s", [1.0])
def test_project_when_it_moves_at_every_turn_and_one_turn_is_enough_then_it_is_read(
    reaper: SimReaper, show: Show
) -> None:
    with Hand(reaper, reaper.markers()[1]["guid"]):
        assert len(show.look().markers) == 3


DAEMON = """
import sys
from bridge.host.base import Change, NewMarker
from bridge.host.reaper import ReaperHost
token, guid = sys.argv[1:]
add = tuple(NewMarker(position_s=20.0 + k, name="foley") for k in range(20))
print("asks", flush=True)
ReaperHost(write_timeout_s=60.0).write(Change(token=token, undo_title="Foley: find onsets", add_markers=add))
"""


def test_daemon_when_killed_between_two_slices_of_its_write_then_nothing_is_written_and_reaper_goes_on(
    reaper: SimReaper, show: Show
) -> None:
    before = reaper.state(), reaper.undo_labels()
    reaper.set_ext_state("test", "steps", "20")
    daemon = subprocess.Popen(
        [sys.executable, "-c", DAEMON, show.token, show.foley.guid], cwd=ROOT, env=dict(os.environ)
    )
    end_s = time.monotonic() + 20.0
    while not reaper.ext_state("test", "held"):
        assert time.monotonic() < end_s
        time.sleep(0.01)
    daemon.kill()
    daemon.wait(10.0)
    reaper.set_ext_state("test", "steps", "")
    reaper.wait_ticks(50)
    assert (reaper.state(), reaper.undo_labels()) == before
    assert show.look().items
    show.host.write(show.change())
    assert reaper.undo() == "Foley: more"
