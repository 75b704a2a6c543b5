"""The test's hand on a simulated REAPER: starts it as a separate process and acts as the designer.

Typical use, in a test::

    with SimReaper.start(tmp_path / "reaper", startup_scripts=[server_script]) as reaper:
        item = reaper.place_video(clip, position_s=10.0, length_s=2.0)     # a GUID, as everything here
        reaper.set_cursor(10.5)
        reaper.run_script(script)                # the key bound to that script
        reaper.wait_ticks(3)
        assert [m["name"] for m in reaper.markers()] == ["foley"]
        before = reaper.state()
        reaper.undo()
        assert reaper.undo_labels() == [...]     # oldest first

Convention: every object is a GUID string; times are project time in seconds; each gesture that changes the project is
one undo step, as a designer's is. Reading methods (``state``, ``items``, ``markers``) change nothing. Leaving the
``with`` block ends the process and raises AssertionError when faults were recorded (``faults()``; ``forgive_faults()``
empties the list when a test expects them).

Dialogs: ``answer_next_inputs(["wood", None])`` queues the answers of the next GetUserInputs (one string per call,
comma separated as REAPER returns them; None = Cancel), ``answer_next_boxes([6])`` the buttons of message boxes.
Without a queued answer the dialog stays open and, as in REAPER, no script, no web request is served until
``answer_modal(...)`` or ``close_modal()``. ``open_modal()`` opens some dialog of REAPER's own.

``start(osc=[device.config()])`` gives REAPER an OSC control surface, of which an ``osc_device.OscDevice`` is the other
end; ``drag_marker`` drags with the mouse, step by step, heard by surfaces during the drag or on release.

A ``run_script`` returns when the script's top level has run, or has opened a dialog. A script's uncaught exception ends
it and is in ``console()``.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from . import osc_config
from .designer import Designer
from .osc_config import OscConfig

ROOT = Path(__file__).resolve().parents[2]


class SimReaperError(RuntimeError):
    """The simulated REAPER refused a command, or is gone."""


class SimReaper(Designer):
    """One simulated REAPER process. ``web_port`` is the web interface's port (0 = none), ``pid`` the process."""

    def __init__(self, resource_dir: Path, arguments: Sequence[str], env: Mapping[str, str] | None) -> None:
        self.resource_dir = Path(resource_dir)
        self._arguments = list(arguments)
        self._env = dict(env or {})
        self._serial = 0
        self._pending = b""
        self._process: subprocess.Popen[bytes] | None = None
        self.web_port = 0

    # -- life cycle ------------------------------------------------------------------------------------------------

    @classmethod
    def start(
        cls,
        resource_dir: str | os.PathLike[str],
        *,
        profile: str = "7.78",
        tick_s: float = 1 / 30,
        env: Mapping[str, str] | None = None,
        web_port: int | None = 0,
        startup_scripts: Sequence[str | os.PathLike[str]] = (),
        with_reapy: bool = True,
        osc: Sequence[OscConfig] = (),
        assume: Mapping[str, Any] | None = None,
        arguments: Sequence[str] = (),
    ) -> SimReaper:
        """A running REAPER with one empty, unsaved project.

        Args:
            resource_dir: REAPER's resource path; made if missing; survives ``restart``.
            profile: the version that is simulated: "7.78", "7.30" (no marker pointer API) or "6.80".
            tick_s: seconds between two rounds of the main loop.
            env: variables added to the process's environment.
            web_port: port of the web interface; 0 = any free one (then ``.web_port``), None = not enabled.
            startup_scripts: ReaScripts that run, in this order, when REAPER has started (also after ``restart``).
            with_reapy: whether REAPER's own Python has python-reapy installed.
            osc: OSC control surfaces, added to ``reaper.ini`` as the preferences would.
            assume: assumptions to replace, by their names in ``assumptions.py``.
            arguments: further command line arguments of ``python -m tests.reaper_sim``.
        """
        folder = Path(resource_dir)
        folder.mkdir(parents=True, exist_ok=True)
        options = ["--resource", str(folder), "--profile", profile, "--tick", repr(tick_s)]
        options += ["--web-port", "off" if web_port is None else str(web_port)]
        for script in startup_scripts:
            options += ["--startup", os.fspath(script)]
        if not with_reapy:
            options.append("--without-reapy")
        for name, value in (assume or {}).items():
            options += ["--assume", f"{name}={json.dumps(value)}"]
        osc_config.write(folder, osc)
        reaper = cls(folder, [*options, *arguments], env)
        try:
            reaper._launch()
        except BaseException:
            reaper._forget_process()
            raise
        return reaper

    def _launch(self) -> None:
        env = {**os.environ, **self._env}
        env.setdefault("OMP_NUM_THREADS", "1")
        command = [sys.executable, "-m", "tests.reaper_sim", *self._arguments]
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT, env=env, bufsize=0
            )
        self._pending = b""
        hello = self._read(60.0)
        self.web_port = int(hello["web_port"])

    def __enter__(self) -> SimReaper:
        return self

    def __exit__(self, kind: Any, value: Any, trace: Any) -> None:
        self.close(check=kind is None)

    def close(self, *, check: bool = True) -> None:
        """Ends the process if it still runs; with ``check`` raises AssertionError when faults were recorded."""
        if self.alive():
            try:
                self.quit()
            except (SimReaperError, TimeoutError):
                self.kill()
        self._forget_process()
        found = self.faults()
        if check and found:
            raise AssertionError("the simulated REAPER recorded faults:\n" + "\n".join(map(str, found)))

    @property
    def pid(self) -> int:
        """Process id of the simulated REAPER."""
        assert self._process is not None
        return self._process.pid

    @property
    def log_path(self) -> Path:
        """Where the process's standard error goes."""
        return self.resource_dir / "sim.log"

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9: nothing is saved, no atexit runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)
        self._forget_process()

    def quit(self) -> None:
        """A clean exit: scripts' atexit runs, persistent ext state is written."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        self._ask("quit")
        process.wait(30)
        self._forget_process()

    def restart(self, *, clean: bool = True) -> None:
        """Ends (``clean``) or kills the process and starts it again on the same resource path; all pointers are new."""
        self.quit() if clean else self.kill()
        self._launch()

    def _forget_process(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait(30)
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process = None

    # -- faults and output -----------------------------------------------------------------------------------------

    def faults(self) -> list[dict[str, Any]]:
        """What went wrong in ways that only a real REAPER would show; also readable after a crash.

        Each has kind, function, message, fatal. Kinds: "crash" (stale, wrong or NULL pointer; ends the process),
        "ui_refresh", "unimplemented" and "internal" (a bug of the simulator).
        """
        path = self.resource_dir / "sim-faults.jsonl"
        if not path.exists():
            return []
        return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]

    def forgive_faults(self) -> list[dict[str, Any]]:
        """Returns the recorded faults and empties the list."""
        found = self.faults()
        (self.resource_dir / "sim-faults.jsonl").unlink(missing_ok=True)
        return found

    def log_text(self) -> str:
        """Standard error of the process so far."""
        return self.log_path.read_text("utf-8", "replace") if self.log_path.exists() else ""

    # -- the control pipe ------------------------------------------------------------------------------------------

    def _ask(self, command: str, *, timeout_s: float = 30.0, **arguments: Any) -> Any:
        if not self.alive():
            raise SimReaperError(f"{command}: the simulated REAPER does not run\n{self._why()}")
        assert self._process is not None
        assert self._process.stdin is not None
        self._serial += 1
        line = json.dumps({"id": self._serial, "command": command, "arguments": arguments}) + "\n"
        try:
            self._process.stdin.write(line.encode())
        except BrokenPipeError as error:
            raise SimReaperError(f"{command}: the simulated REAPER has gone\n{self._why()}") from error
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self._read(deadline - time.monotonic())
            if answer.get("id") == self._serial:
                break
        if "error" in answer:
            raise SimReaperError(f"{command}: {answer['error']}")
        return answer["value"]

    def _read(self, timeout_s: float) -> dict[str, Any]:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout_s
        while b"\n" not in self._pending:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError(f"the simulated REAPER did not answer within {timeout_s:.0f} s\n{self._why()}")
            data = os.read(self._process.stdout.fileno(), 1 << 20)
            if not data:
                self._process.wait(30)
                raise SimReaperError(f"the simulated REAPER ended, code {self._process.returncode}\n{self._why()}")
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        return json.loads(line)

    def _why(self) -> str:
        return "\n".join([*map(str, self.faults()), self.log_text()[-2000:]])
