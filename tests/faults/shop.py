"""Everything that a cell of the matrix needs: a simulated REAPER, a daemon that can be stopped, two saved projects.

Convention: one REAPER and one daemon serve many cells; what a cell killed is started again. A cell begins with a
project opened from disk, so that it has no undo history, and with nothing in the Foley folder but what the project
holds.
"""

from __future__ import annotations

import hashlib
import json
import os
import queue
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.hooks import INSIDE
from tests.faults.reaper import HeldReaper
from tests.packs import tiny_pack
from tests.reaper_sim.client import ROOT
from tests.story import SCRIPTS, free_udp_port

POSITION_S, LENGTH_S, OFFSET_S = 10.0, 2.5, 0.5
PATIENCE_S = 30.0
ACTIONS = {"generate": "generate", "variation": "new_variation", "detect": "find_onsets"}


@dataclass(frozen=True)
class Look:
    """What there is at one moment. ``project`` without what is of no account; ``steps``: titles of the undo steps."""

    project: dict[str, Any]
    steps: list[str]
    files: dict[str, str]


class Daemon:
    """One daemon process and the line to it."""

    def __init__(self, pid: int, listener: socket.socket) -> None:
        self.pid = pid
        listener.settimeout(PATIENCE_S)
        self._line, _ = listener.accept()
        self._replies: queue.Queue[dict[str, Any]] = queue.Queue()
        self.at: set[str] = set()
        threading.Thread(target=self._listen, daemon=True).start()

    def alive(self) -> bool:
        """Whether the process runs."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def order(self, **order: Any) -> dict[str, Any]:
        """Says something to it and gives its reply; {} from one that is dead or asleep."""
        try:
            self._line.sendall(json.dumps(order).encode() + b"\n")
            reply = self._replies.get(timeout=5.0)
        except (OSError, queue.Empty):
            return {}
        if "failed" in reply:
            raise AssertionError(reply["failed"])
        return reply

    def _listen(self) -> None:
        with suppress(OSError):
            for line in self._line.makefile("rb"):
                said = json.loads(line)
                if "at" in said:
                    self.at.add(said["at"])
                else:
                    self._replies.put(said["done"])
        self._replies.put({})

    def close(self) -> None:
        """Lets go of the line."""
        self._line.close()


class Shop:
    """The workshop; a context manager.

    Args:
        folder: for everything. film: the video.
    """

    def __init__(self, folder: Path, film: Path) -> None:
        self.folder, self.film = folder, film
        self._film_sum = hashlib.sha256(film.read_bytes()).hexdigest()
        pack = tiny_pack(folder / "packs")
        self.pack = pack
        shutil.copytree(pack, folder / "whole pack")
        self.endpoint = folder / "endpoint"
        home = {name: str(folder / "home") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
        self.env = {
            **home,
            "FOLEY_BRIDGE_ENDPOINT": str(self.endpoint),
            "FOLEY_BRIDGE_OSC_PORT": str(free_udp_port()),
            "FAULTS_SOCKET": str(folder / "driver.sock"),
        }
        self._arguments = ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1", "serve"]
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.env["FAULTS_SOCKET"])
        self._listener.listen(4)
        self.extra: dict[str, str] = {}
        self.daemon: Daemon | None = None
        self.project = "generate"
        self.said: list[str] = []
        self.before: list[str] = []
        self._heard_from = 0
        self.restarted = False

    def __enter__(self) -> Shop:
        env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with open(self.folder / "nursery.log", "ab") as log:
            self._nursery = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.daemon"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
                env=env,
            )
        self.reaper = HeldReaper.start(
            self.folder / "reaper",
            env={"FOLEY_BRIDGE_ENDPOINT": str(self.endpoint)},
            startup_scripts=[SCRIPTS / "foley_server.py"],
            web_port=None,
        )
        assert self._nursery.stdout is not None
        self._nursery.stdout.readline()
        self.start_daemon()
        self._prepare("generate", sound=False)
        self._prepare("variation", sound=True)
        return self

    def __exit__(self, *exc: object) -> None:
        with suppress(ProcessLookupError, AssertionError):
            os.kill(self.reaper.pid, signal.SIGCONT)
        self.reaper.let_go()
        self.reaper.close(check=False)
        if self._nursery.stdin is not None:
            self._nursery.stdin.close()
        self._nursery.wait(20)
        if self._nursery.stdout is not None:
            self._nursery.stdout.close()
        if self.daemon is not None:
            self.daemon.close()
        self._listener.close()

    # -- projects ------------------------------------------------------------------------------------------------------

    def path(self, verb: str) -> Path:
        """The project file that a verb is pressed in."""
        return self.folder / ("variation" if verb == "variation" else "generate") / "show.rpp"

    @property
    def foley(self) -> Path:
        """The folder of the open project in which sound goes."""
        return self.path(self.project).parent / "Media" / "Foley"

    def _prepare(self, verb: str, *, sound: bool) -> None:
        self.project = verb
        self.reaper.new_tab()
        self.reaper.close_tab(0)
        self.reaper.place_video(self.film, POSITION_S, length_s=LENGTH_S, start_offset_s=OFFSET_S)
        self.reaper.save(self.path(verb))
        self.reaper.set_cursor(POSITION_S + 0.1)
        self.reaper.answer_next_inputs(["wood"])
        self.press_to_the_end("set_prompt")
        if sound:
            self.press_to_the_end("generate")
        self.reaper.save()
        self.kept = self.path(verb).parent
        shutil.copytree(self.kept, self.folder / f"kept {verb}")

    def open(self, verb: str) -> None:
        """A cell begins: the verb's project as it was saved, everything running and idle."""
        self.project = verb
        kept = self.folder / f"kept {'variation' if verb == 'variation' else 'generate'}"
        shutil.rmtree(self.path(verb).parent, ignore_errors=True)
        shutil.copytree(kept, self.path(verb).parent)
        if not self.reaper.alive():
            self.start_reaper()
        dialog = self.reaper.modal()
        if dialog is not None and dialog["open"]:
            self.reaper.close_modal()
        self.show()
        if self.daemon is None or not self.daemon.alive():
            self.start_daemon()
        self.until_quiet()
        self.said, self.before, self.restarted = [], [], False
        self._heard_from = len(self.reaper.console())

    def show(self) -> None:
        """Opens the verb's project from disk, if it is there."""
        path = self.path(self.project)
        if path.exists():
            self.reaper.open(path)
        self.reaper.set_cursor(POSITION_S + 0.1)

    def look(self) -> Look:
        """How the project and its folder stand now."""
        state = self.reaper.state()
        project = {name: _plain(state[name]) for name in ("tracks", "markers", "ext")}
        project["ext"].get("FOLEY", {}).pop("changes", None)
        files = {path.name: _sum(path) for path in self.foley.glob("*")} if self.foley.is_dir() else {}
        return Look(project, self.reaper.undo_labels(), files)

    def film_is_whole(self) -> bool:
        """Whether nobody touched the source."""
        return hashlib.sha256(self.film.read_bytes()).hexdigest() == self._film_sum

    # -- the designer --------------------------------------------------------------------------------------------------

    def press(self, action: str) -> None:
        """The key of an action."""
        assert self.reaper.run_script(SCRIPTS / f"foley_{action}.py") == "ran"

    def accepted(self) -> int:
        """How many key presses the daemon has accepted; -1 if it does not say."""
        return int((self.daemon.order(ask="count") if self.daemon is not None else {}).get("accepted", -1))

    def press_to_the_end(self, action: str) -> None:
        """The key of an action that nothing disturbs, until its job is over and told."""
        before = self.accepted()
        self.press(action)
        self.until(lambda: self.accepted() > before, f"{action} is accepted")
        self.until_quiet()

    def listen(self) -> list[str]:
        """Sentences that REAPER's console got since the cell began, oldest first."""
        if self.reaper.alive():
            text = self.reaper.console()
            lines = [line.removeprefix("Foley Bridge: ") for line in text[self._heard_from :].splitlines()]
            self.said += [line for line in lines if line]
            self._heard_from = len(text)
        return self.said

    # -- processes -----------------------------------------------------------------------------------------------------

    def start_daemon(self, **extra: str) -> None:
        """A daemon, up and loaded; ``extra``: variables that stay until the next start."""
        if self.daemon is not None:
            self.daemon.close()
        self.extra = extra
        order = {"arguments": self._arguments, "env": {**self.env, **extra}, "log": str(self.folder / "daemon.log")}
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps(order).encode() + b"\n")
        self._nursery.stdin.flush()
        pid = json.loads(self._nursery.stdout.readline())["pid"]
        self.daemon = Daemon(pid, self._listener)
        announced = self.endpoint / "daemon.json"
        self.until(lambda: announced.exists() and json.loads(announced.read_text())["pid"] == pid, "the daemon starts")

    def kill_daemon(self) -> None:
        """kill -9."""
        assert self.daemon is not None
        os.kill(self.daemon.pid, signal.SIGKILL)
        self.until(lambda: self.daemon is None or not self.daemon.alive(), "the daemon dies")

    def start_reaper(self) -> None:
        """REAPER again, with the project opened from disk."""
        self.reaper.let_go()
        self.reaper.restart(clean=False)
        self._heard_from = 0
        self.restarted = True
        self.show()

    def kill_reaper(self, *, asleep: bool = False) -> None:
        """kill -9; what its console said is remembered unless it cannot be asked."""
        if not asleep and not any(self.reaper.held(step) for step in INSIDE):
            self.before = list(self.listen())
        self.reaper.kill()

    def arm(self, *steps: str) -> None:
        """Where to stop next."""
        assert self.daemon is not None
        self.daemon.at.clear()
        self.reaper.let_go()
        for step in steps:
            if step in INSIDE:
                self.reaper.hold(step)
        self.daemon.order(arm=[step for step in steps if step not in INSIDE])

    def wait_at(self, step: str) -> None:
        """Waits until that step is reached."""
        daemon = self.daemon
        assert daemon is not None
        self.until(
            lambda: self.reaper.held(step) if step in INSIDE else step in daemon.at, f"the step '{step}'", seconds=20
        )

    def go(self) -> None:
        """Everything that was stopped goes on."""
        self.reaper.let_go()
        if self.daemon is not None and self.daemon.alive():
            self.daemon.order(go="")

    # -- waiting -------------------------------------------------------------------------------------------------------

    def until(
        self, condition: Callable[[], object], what: str, more: Sequence[str] = (), *, seconds: float = PATIENCE_S
    ) -> None:
        """Waits for something, or fails with what everybody said last."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                log = self.folder / "daemon.log"
                tail = log.read_text(errors="replace")[-1500:] if log.exists() else ""
                raise AssertionError(f"waited in vain for: {what} {' '.join(more)}\n{tail}")
            time.sleep(0.01)

    def soon(self, condition: Callable[[], object], *, seconds: float = 3.0) -> bool:
        """Whether something becomes true in a moment."""
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    def until_quiet(self) -> None:
        """Waits until the daemon has nothing to do and nothing to tell."""
        last: list[str] = []

        def quiet() -> bool:
            last[:] = [str(self.daemon.order(ask="quiet") if self.daemon is not None else {})]
            return last == [str({"busy": ""})]

        self.until(quiet, "quiet", last)

    def pages(self) -> int:
        """Jobs in the journal's file; 0 where it cannot be read."""
        path = self.endpoint / "journal.sqlite"
        try:
            with closing(sqlite3.connect(path, timeout=1.0)) as line:
                return int(line.execute("SELECT COUNT(*) FROM jobs").fetchone()[0])
        except sqlite3.Error:
            return 0


def _plain(value: Any) -> Any:
    """A state without what changes by looking, selecting or drawing waveforms."""
    if isinstance(value, dict):
        left_out = ("peaks", "selected", "I_SELECTED", "B_UISEL")
        return {name: _plain(part) for name, part in value.items() if name not in left_out}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
