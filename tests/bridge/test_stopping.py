"""The daemon as a process: it listens before its libraries are loaded, and a signal ends it whatever it is doing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from bridge.jobs.journal import JOURNAL_FILE, Journal, Stage
from bridge.jobs.runner import QUEUE_LENGTH
from bridge.osc import client
from tests.packs import tiny_pack
from tests.reaper_sim.client import SimReaper
from tests.story import SCRIPTS, daemon, free_udp_port

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a program cannot ask another one to stop there")

PATIENCE_S = 5.0
"""Within two seconds is what is promised, on a machine that has time; this is for one that has none."""

STUCK = """
import ctypes, sys
import onnxruntime
real = onnxruntime.InferenceSession

class Session(real):
    def __init__(self, *args, **kwargs):
        self.stay("open")
        super().__init__(*args, **kwargs)

    def run(self, names, *args, **kwargs):
        self.stay("run")
        return super().run(names, *args, **kwargs)

    def stay(self, where):
        if where == sys.argv[1]:
            print("stays in native code", file=sys.stderr, flush=True)
            ctypes.CDLL(None).sleep(60)

onnxruntime.InferenceSession = Session
from bridge.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
"""A daemon whose first graph stays for a minute where nothing can end it: while it is opened, or while it runs."""

TERMINAL = """
import os, sys
os.setsid()
os.dup2(os.open(sys.argv[1], os.O_RDWR), 1)
from bridge.__main__ import main
sys.exit(main(sys.argv[2:]))
"""
"""A daemon that was started in a terminal of its own, and prints there."""

NOHUP = """
import signal, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
from bridge.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@dataclass(frozen=True, kw_only=True)
class Served:
    """A daemon's process. log_at: where its part of the log begins."""

    process: subprocess.Popen[bytes]
    folder: Path
    log_at: int

    @property
    def announced(self) -> Path:
        return self.folder / "endpoint" / "daemon.json"

    def log(self) -> str:
        return (self.folder / "daemon.log").read_bytes()[self.log_at :].decode("utf-8", "replace")

    def until(self, seen: Callable[[], object], *, seconds: float = 60.0) -> None:
        ends = time.monotonic() + seconds
        while not seen():
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < ends, self.log()
            time.sleep(0.005)

    def ask(self, verb: str, *, seconds: float = 5.0) -> client.Answer:
        about = json.loads(self.announced.read_text())
        answer = client.ask(about["port"], verb, token=about["token"], timeout_s=seconds)
        assert answer is not None, self.log()
        return answer

    def stops(self, *numbers: signal.Signals, by: Callable[[], None] = lambda: None) -> None:
        """Sends signals, or does what sends one; the daemon ends in time, as it should, and is not announced then."""
        began = time.monotonic()
        by()
        for number in numbers:
            self.process.send_signal(number)
            time.sleep(0.05)
        code = self.process.wait(60)
        seconds = time.monotonic() - began
        print(f"stopped after {seconds:.2f} s", file=sys.stderr)
        assert code == 0, self.log()
        assert seconds < PATIENCE_S
        assert not self.announced.exists()
        assert "Traceback" not in self.log()


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pack(tmp_path_factory.mktemp("packs"))


@contextmanager
def served(
    folder: Path,
    pack: Path,
    *,
    stuck: str = "",
    program: Sequence[str] = ("-m", "bridge"),
    wait: bool = True,
    settings: Mapping[str, object] = MappingProxyType({}),
) -> Iterator[Served]:
    """A daemon, announced if it is waited for; ``stuck`` is "open" or "run"."""
    named = {"endpoint": folder / "endpoint", "osc_port": free_udp_port(), **settings}
    env = {f"FOLEY_BRIDGE_{name.upper()}": str(value) for name, value in named.items()}
    log = folder / "daemon.log"
    log_at = log.stat().st_size if log.exists() else 0
    flags = ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]
    with daemon(folder, *flags, env=env, program=("-c", STUCK, stuck) if stuck else program) as process:
        it = Served(process=process, folder=folder, log_at=log_at)
        if wait:
            it.until(it.announced.exists)
        yield it


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only there a process says which signals it hears")
def test_stop_when_the_process_has_hardly_begun_then_it_ends_as_if_it_had(tmp_path: Path, pack: Path) -> None:
    def hears() -> bool:
        status = Path(f"/proc/{it.process.pid}/status").read_text()
        heard = int(next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16)
        return bool(heard >> (signal.SIGTERM - 1) & 1)

    with served(tmp_path, pack, wait=False) as it:
        it.until(hears)
        assert not it.announced.exists()
        it.stops(signal.SIGTERM)


def test_stop_when_libraries_are_being_imported_and_devices_are_away_then_it_ends(tmp_path: Path, pack: Path) -> None:
    door = {"controller_port": free_udp_port(), "controller_peers": f"127.0.0.1:{free_udp_port()}"}
    with served(tmp_path, pack, settings={**door, "reaper_osc_port": free_udp_port()}) as it:
        assert "(loading)" in it.ask("status").sentence
        it.stops(signal.SIGTERM)


def test_stop_when_its_terminal_is_closed_then_it_ends_as_if_it_had_been_asked(tmp_path: Path, pack: Path) -> None:
    window, inside = os.openpty()
    with served(tmp_path, pack, program=("-c", TERMINAL, os.ttyname(inside))) as it:
        os.close(inside)
        assert b"listens" in os.read(window, 1000)
        it.stops(by=lambda: os.close(window))


def test_stop_when_it_was_started_to_outlive_its_terminal_then_that_does_not_end_it(tmp_path: Path, pack: Path) -> None:
    with served(tmp_path, pack, program=("-c", NOHUP)) as it:
        it.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert it.ask("status").ok
        it.stops(signal.SIGTERM)


def test_start_when_libraries_and_pack_are_being_loaded_then_every_message_is_answered_and_the_terminal_says_when(
    tmp_path: Path, pack: Path
) -> None:
    taken = []
    with served(tmp_path, pack) as it:
        while True:
            began = time.perf_counter()
            said = it.ask("status", seconds=1.0).sentence
            taken.append(time.perf_counter() - began)
            if "(loading)" not in said:
                break
            time.sleep(0.02)
        assert said.startswith("Ready; pack tiny, foley-bridge")
        assert len(taken) > 5, "it was loaded before it listened"
        assert sorted(taken)[int(0.9 * len(taken))] < 0.3
        it.stops(signal.SIGTERM)
    lines = [line.partition("bridge.app: ")[2] for line in it.log().splitlines()]
    assert "Loading pack tiny" in lines
    assert any(line.startswith("pack tiny loaded and warm after ") for line in lines)


def test_stop_when_a_graph_is_being_opened_then_it_is_left_behind(tmp_path: Path, pack: Path) -> None:
    with served(tmp_path, pack, stuck="open") as it:
        it.until(lambda: "stays in native code" in it.log())
        it.stops(signal.SIGTERM)


@pytest.fixture(scope="module")
def reaper(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[SimReaper]:
    """A project with a video under the cursor, and the bridge's server; announced in ``reaper.folder``'s parent."""
    folder = tmp_path_factory.mktemp("studio")
    env = {"FOLEY_BRIDGE_ENDPOINT": str(folder / "endpoint")}
    with SimReaper.start(folder / "reaper", env=env, startup_scripts=[SCRIPTS / "foley_server.py"]) as reaper:
        reaper.place_video(film, 10.0, length_s=2.0, start_offset_s=0.5)
        reaper.save(folder / "project" / "show.rpp")
        reaper.set_cursor(10.1)
        yield reaper


def home(reaper: SimReaper) -> Path:
    return reaper.log_path.parents[1]


def test_stop_when_a_graph_runs_and_the_queue_is_full_then_one_signal_or_two_end_it_and_the_journal_has_the_jobs(
    reaper: SimReaper, pack: Path
) -> None:
    with served(home(reaper), pack, stuck="run") as it:
        assert it.ask("detect").ok
        it.until(lambda: "stays in native code" in it.log())
        while it.ask("detect").ok:
            pass
        it.stops(signal.SIGINT, signal.SIGINT)
    left = Journal(home(reaper) / "endpoint" / JOURNAL_FILE).left()
    assert [page.verb for page in left] == ["detect"] * (1 + QUEUE_LENGTH)
    assert [page.stage for page in left].count(Stage.RUNNING) == 1


def test_stop_when_reaper_does_not_answer_then_it_ends(reaper: SimReaper, pack: Path) -> None:
    reaper.open_modal()
    try:
        with served(home(reaper), pack) as it:
            it.until(lambda: "loaded and warm" in it.log())
            assert it.ask("detect").ok
            it.until(lambda: it.ask("status").sentence.startswith("Finding onsets"))
            it.stops(signal.SIGTERM)
    finally:
        reaper.close_modal()
