"""A key press whose answer is late: REAPER goes on, the server script shows the answer; over real UDP."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pythonosc.osc_message import OscMessage

from bridge.host import endpoint
from bridge.host.reaper import ReaperHost
from bridge.osc import messages
from bridge.osc.messages import Answer
from bridge.osc.server import OscServer, pack_answer
from tests.reaper_sim.client import SimReaper
from tests.tokens import TOKEN

SCRIPTS = Path(__file__).resolve().parents[2] / "reaper_scripts"
ALIVE = """
from reaper_python import *
RPR_SetExtState("FOLEY", "server", "mark", False)
RPR_SetExtState("FOLEY", "server_seen", repr(RPR_time_precise()), False)
"""


class Deaf:
    """A daemon that hears everything and answers only what comes a second time, and that only if it ``answers``."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.answers = self.answered = False
        self.before: Callable[[], object] = lambda: None
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.bind(("127.0.0.1", 0))
        self.port = self._line.getsockname()[1]
        endpoint.announce_daemon(self.port, TOKEN)
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            data, sender = self._line.recvfrom(65536)
            if data == b"stop":
                return
            message = OscMessage(data)
            address, _, token, press = messages.opened(message.address, list(message.params))
            assert token == TOKEN
            known = (address, press) in self.heard
            self.heard.append((address, press))
            if known and self.answers:
                self.before()
                self.answered = True
                self._line.sendto(pack_answer("detect", Answer(ok=True, sentence="Taken at last.")), sender)

    def close(self) -> None:
        if self._thread.is_alive():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
                line.sendto(b"stop", ("127.0.0.1", self.port))
            self._thread.join()
            self._line.close()


@pytest.fixture
def daemon() -> Iterator[Deaf]:
    daemon = Deaf()
    yield daemon
    daemon.close()


@pytest.fixture
def reaper(tmp_path: Path) -> Iterator[SimReaper]:
    """REAPER with the server script."""
    with SimReaper.start(
        tmp_path / "reaper", tick_s=0.005, web_port=None, startup_scripts=[SCRIPTS / "foley_server.py"]
    ) as reaper:
        yield reaper


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[SimReaper]:
    """REAPER without it."""
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, with_reapy=False) as reaper:
        yield reaper


def press(reaper: SimReaper, action: str = "find_onsets") -> None:
    assert reaper.run_script(SCRIPTS / f"foley_{action}.py") == "ran"


def until(what: Callable[[], object]) -> None:
    end_s = time.monotonic() + 5.0
    while not what():
        assert time.monotonic() < end_s, "it never came"
        time.sleep(0.01)


def test_answer_when_it_comes_late_then_the_key_is_over_and_the_server_script_shows_it(
    reaper: SimReaper, daemon: Deaf
) -> None:
    daemon.answers = True
    press(reaper)
    until(lambda: reaper.help_text() == "Taken at last.")
    reaper.wait_ticks(100)
    assert reaper.console() == ""
    assert len(daemon.heard) == 2
    assert len(set(daemon.heard)) == 1, "the same key press, so that the daemon does nothing twice"


PATIENT = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
import reaper_python
import reapy
from foley_inside import answers, loop
answers.ALL_S = 20.0
loop.start()
"""


def test_answer_when_the_job_has_spoken_before_it_then_it_does_not_cover_that(tmp_path: Path, daemon: Deaf) -> None:
    script, seen = tmp_path / "patient_server.py", threading.Event()
    script.write_text(PATIENT)
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, startup_scripts=[script]) as reaper:
        host = ReaperHost()

        def job() -> None:
            host.tell("Live mode is off.")
            seen.wait(10.0)

        daemon.answers, daemon.before = True, job
        press(reaper)
        until(lambda: reaper.help_text() == "Live mode is off.")
        seen.set()
        until(lambda: daemon.answered)
        reaper.wait_ticks(20)
        assert reaper.help_text() == "Live mode is off."
        host.close()


def test_daemon_when_it_is_stopped_then_the_key_is_over_and_the_designer_is_told_soon_and_once(
    reaper: SimReaper, daemon: Deaf
) -> None:
    press(reaper)
    until(reaper.console)
    reaper.wait_ticks(20)
    assert reaper.console().count("does not answer") == 1
    assert len(daemon.heard) == 2, "the server script looked for the answer too"


def test_keys_when_several_are_left_then_each_has_its_answer(reaper: SimReaper, daemon: Deaf) -> None:
    for action in ("find_onsets", "cancel", "free_memory"):
        press(reaper, action)
    until(lambda: reaper.console().count("does not answer") == 3)
    assert list(Counter(daemon.heard).values()) == [2, 2, 2]


def test_key_when_it_is_left_then_the_daemons_token_is_in_no_ext_state(
    alone: SimReaper, daemon: Deaf, tmp_path: Path
) -> None:
    script = tmp_path / "alive.py"
    script.write_text(ALIVE)
    alone.run_script(script)
    for _ in range(8):
        press(alone)
    left = alone.ext_state("FOLEY", "presses")
    assert [sorted(json.loads(line)) for line in left.split("\n")] == [["mark", "said"]] * 8
    assert TOKEN not in left
    assert alone.console() == ""
    press(alone)
    assert "does not answer" in alone.console(), "nobody takes them up, so no more are left"
    assert alone.ext_state("FOLEY", "presses") == left


def forged(text: str) -> str:
    return json.dumps({"said": text, "mark": "0" * 64})


@pytest.mark.parametrize(
    "text",
    [
        forged('["/foley/generate", ["", "", "", "", "press"]]'),
        json.dumps({"said": '["/foley/generate", ["", "", "", "", "press"]]'}),
        json.dumps({"said": 7, "mark": None}),
        "not json",
        "[" * 5000,
        "null\n7\n\n{}",
    ],
)
def test_key_when_somebody_else_leaves_one_then_nothing_is_sent_and_the_server_goes_on(
    reaper: SimReaper, daemon: Deaf, text: str
) -> None:
    """REAPER's web interface lets a web page write ext states, if the user has switched it on."""
    reaper.set_ext_state("FOLEY", "presses", text)
    until(lambda: reaper.ext_state("FOLEY", "presses") == "")
    reaper.wait_ticks(20)
    assert daemon.heard == []
    assert reaper.console() == ""
    press(reaper)
    until(reaper.console)


def test_daemon_when_it_dies_while_a_key_waits_then_that_is_said_once(reaper: SimReaper, daemon: Deaf) -> None:
    press(reaper)
    daemon.close()
    until(reaper.console)
    reaper.wait_ticks(100)
    assert reaper.console().count("does not answer") == 1


def test_key_when_no_server_script_runs_then_both_are_named(alone: SimReaper, daemon: Deaf) -> None:
    press(alone)
    assert "foley_server.py" in alone.console()
    assert "foley-bridge serve" in alone.console()
    assert alone.ext_state("FOLEY", "presses") == ""


def test_key_when_the_daemon_has_taken_its_announcement_away_then_the_way_to_start_it_is_told(alone: SimReaper) -> None:
    with OscServer(lambda verb: Answer(ok=True), token=TOKEN, port=0) as stopping:
        path = endpoint.announce_daemon(stopping.port, TOKEN)
        path.write_text(json.dumps({"port": stopping.port}))
        press(alone)
        assert "does not answer" in alone.console()
        assert "foley-bridge serve" in alone.console()
        assert stopping.refused == 1
