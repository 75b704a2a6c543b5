"""Live mode through the daemon: touches come in, and renders wait their turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.app import LIVE_ENDED
from bridge.domain.job import JobState
from bridge.errors import HostError
from bridge.jobs import verbs
from tests.bridge.test_app import Daemon


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    daemon.bridge.live._pause_s = 0.05
    yield daemon
    daemon.close()


def following(daemon: Daemon) -> list[JobState]:
    return [job.state for job in daemon.bridge._runner.jobs() if job.verb == verbs.LIVE]


def test_touched_when_a_daemon_before_had_switched_it_on_then_its_end_is_told_once_and_nothing_is_made(
    daemon: Daemon,
) -> None:
    for project in ("t1", "t1", "t2", "t1", ""):
        assert daemon.ask("touched", "", "", "", project).ok
    daemon.until(lambda: len(daemon.host.told) == 2)
    time.sleep(0.2)
    assert [text for _, text in daemon.host.told] == [LIVE_ENDED] * 2
    assert daemon.host.watched == [("t1", False), ("t2", False)]
    assert daemon.host.undo_steps == []


def test_touched_when_the_key_was_pressed_meanwhile_then_it_stays_on_and_nothing_is_told(daemon: Daemon) -> None:
    gate = threading.Event()
    daemon.bridge._runner.submit("detect", lambda context: str(gate.wait(5)))
    daemon.ask("live", "10.5", "", "", "t1")
    assert daemon.ask("touched", "", "", "", "t1").ok
    gate.set()
    daemon.until(lambda: daemon.host.told)
    daemon.until(lambda: all(state.final for state in following(daemon)))
    assert daemon.host.watched == [("t1", True)]
    assert LIVE_ENDED not in [text for _, text in daemon.host.told]


def test_touched_when_it_was_switched_off_just_before_then_nothing_is_told(daemon: Daemon) -> None:
    for said in ("Live mode is on", "Live mode is off"):
        daemon.ask("live", "10.5", "", "", "t1")
        daemon.until(lambda said=said: daemon.host.told and said in daemon.host.told[-1][1])
    daemon.ask("touched", "", "", "", "t1")
    time.sleep(0.2)
    assert following(daemon) == []


def test_touched_when_reaper_cannot_hear_of_the_end_then_the_next_touch_tells_it(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(project: str, *, on: bool) -> None:
        raise HostError("REAPER does not answer", hint="Close it")

    with monkeypatch.context() as patch:
        patch.setattr(daemon.host, "watch", busy)
        daemon.ask("touched", "", "", "", "t1")
        daemon.until(lambda: [state.final for state in following(daemon)] == [True])
    assert daemon.host.told == []
    daemon.ask("touched", "", "", "", "t1")
    daemon.until(lambda: daemon.host.told == [("info", LIVE_ENDED)])


def test_live_when_a_marker_moves_then_the_sound_follows_until_it_is_off_again(daemon: Daemon) -> None:
    daemon.ask("generate", "10.5", "", "wood")
    daemon.until(lambda: daemon.host.undo_steps)
    daemon.ask("live", "10.5", "", "")
    daemon.until(lambda: daemon.host.watched == [("t1", True)] and daemon.bridge.live.is_on("t1"))
    first, *rest = daemon.host.view.markers
    for step in range(30):
        moved = replace(first, position_s=first.position_s + 0.01 * step)
        daemon.host.view = replace(daemon.host.view, markers=(moved, *rest))
        assert daemon.ask("touched", "", "", "", "t1").ok
    daemon.until(lambda: "Foley: live" in daemon.host.undo_steps)
    time.sleep(0.2)
    assert daemon.host.undo_steps == ["Foley: generate", "Foley: live"]
    daemon.ask("live", "10.5", "", "")
    daemon.until(lambda: not daemon.bridge.live.is_on("t1"))
    daemon.ask("touched", "", "", "", "t1")
    time.sleep(0.2)
    assert len(following(daemon)) == 1


def test_follow_when_a_render_waits_then_no_other_of_that_project_is_asked_for(daemon: Daemon) -> None:
    gate = threading.Event()
    daemon.bridge._runner.submit("detect", lambda context: str(gate.wait(5)))
    for project in ("t1", "t1", "t2", "t1", "t2"):
        daemon.bridge._follow(project)
    assert len(following(daemon)) == 2
    daemon.ask("cancel")
    gate.set()
    daemon.until(lambda: all(state.final for state in following(daemon)))
    daemon.bridge._follow("t1")
    assert len(following(daemon)) == 3
