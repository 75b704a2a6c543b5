"""The daemon without its process: verbs come in over real UDP, jobs run, the host is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge import app
from bridge.config import Settings
from bridge.errors import PackError
from bridge.osc import client
from bridge.osc.server import OscServer
from tests.fakes import FakeEngine, FakeHost, project, video_item


class Daemon:
    """A bridge over a project in memory, reached over UDP."""

    def __init__(self, folder: Path) -> None:
        video = folder / "clip.mp4"
        video.write_bytes(b"picture")
        self.host = FakeHost(project(str(folder), video_item(str(video))))
        self.engine: FakeEngine | Exception = FakeEngine()
        self.bridge = app.Bridge(Settings(), self.host)
        self.bridge.engine = self._engine  # pyright: ignore[reportAttributeAccessIssue]
        self.bridge._desk = app.verbs.Desk(
            host=self.host,
            engine=self._engine,  # pyright: ignore[reportArgumentType]
            new_seed=lambda: 5,
        )
        self.server = OscServer(self.bridge.handle, port=0)
        self.server.start()

    def _engine(self) -> FakeEngine:
        if isinstance(self.engine, Exception):
            raise self.engine
        return self.engine

    def ask(self, verb: str, *arguments: str) -> client.Answer:
        began = time.monotonic()
        answer = client.ask(self.server.port, verb, arguments)
        assert answer is not None
        assert time.monotonic() - began < 0.3
        return answer

    def until(self, condition: Callable[[], object]) -> None:
        end = time.monotonic() + 5
        while not condition():
            assert time.monotonic() < end, self.host.told
            time.sleep(0.005)

    def close(self) -> None:
        self.server.close()
        self.bridge.close()


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    daemon = Daemon(tmp_path)
    yield daemon
    daemon.close()


def test_verb_when_accepted_then_answered_at_once_and_the_host_hears_how_it_ended(daemon: Daemon) -> None:
    answer = daemon.ask("detect", "10.5", "", "")
    assert answer.ok
    assert answer.job_id
    daemon.until(lambda: any(kind == "info" and "2 onsets found" in text for kind, text in daemon.host.told))
    assert daemon.host.undo_steps == ["Foley: find onsets"]
    assert not [text for kind, text in daemon.host.told if kind == "error"]


def test_verb_when_the_job_fails_then_one_error_sentence_reaches_the_host(daemon: Daemon) -> None:
    daemon.engine = PackError("there is no pack 'starter'", hint="Install again")
    daemon.ask("detect", "10.5", "", "")
    daemon.until(lambda: ("error", "there is no pack 'starter'. Install again.") in daemon.host.told)
    daemon.engine = FakeEngine()
    daemon.ask("detect", "10.5", "", "")
    daemon.until(lambda: daemon.host.undo_steps)


def test_cancel_when_a_job_runs_then_it_stops_and_the_project_is_unchanged(daemon: Daemon) -> None:
    began = threading.Event()

    class Slow(FakeEngine):
        def render(self, request, *, progress=lambda f: None, cancelled=lambda: False):
            began.set()
            while True:
                progress(0.5)
                time.sleep(0.002)

    daemon.engine = Slow()
    assert daemon.ask("cancel").sentence == "Nothing is being made."
    daemon.ask("generate", "10.5", "", "wood")
    assert began.wait(5)
    assert "%" in daemon.ask("status").sentence
    assert daemon.ask("cancel").sentence == "Cancelling."
    daemon.until(lambda: any("Cancelled" in text for _, text in daemon.host.told))
    assert daemon.host.undo_steps == []
    assert "Ready" in daemon.ask("status").sentence


def test_warm_up_when_the_pack_is_missing_then_the_daemon_lives_and_says_so_at_the_key(tmp_path: Path) -> None:
    host = FakeHost(project(str(tmp_path), video_item(__file__)))
    bridge = app.Bridge(Settings(pack="absent", packs_dir=str(tmp_path)), host)
    server = OscServer(bridge.handle, port=0)
    server.start()
    try:
        bridge.warm_up()
        answer = client.ask(server.port, "detect")
        assert answer is not None
        end = time.monotonic() + 5
        while not any(kind == "error" for kind, _ in host.told):
            assert time.monotonic() < end
            time.sleep(0.005)
        assert any("absent" in text for _, text in host.told)
        status = client.ask(server.port, "status")
        assert status is not None
        assert "Not ready" in status.sentence
    finally:
        server.close()
        bridge.close()
