"""Running ReaScripts: top level, deferred code, exit, and what REAPER does at the end of each cycle.

Convention: one cycle is one stretch of script code without return to the main loop. At its end an open undo block is
closed, PreventUIRefresh has to be balanced, and a script with nothing deferred is over (its atexit code runs).
"""

from __future__ import annotations

import time
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import assumptions
from .apigen import Signature, make_module
from .app import App, Dialog
from .ft import Table
from .functions_envelopes import sort_forgotten
from .interpreter import Interpreter, Script


class Scripts:
    """The scripts of one REAPER process."""

    def __init__(self, app: App, signatures: dict[str, Signature], interpreter: Interpreter) -> None:
        self._app = app
        self._signatures = signatures
        app.functions = frozenset(signatures)
        self._table = Table(app, signatures)
        self._interpreter = interpreter
        self.alive: list[Script] = []
        self._turns: deque[dict[str, Any]] = deque(maxlen=20_000)

    def start(self, path: str, *, when_running: str = "") -> None:
        """Runs the top level of a script. ``when_running``: "ask", "terminate" or "new"; "" = what its flags say."""
        action = self._app.actions.add(path)
        policy = when_running or action.when_running
        old = [script for script in self.alive if script.path == action.path]
        if old and policy == "ask":
            title = f"ReaScript task control: {Path(path).name} is running"
            self._app.open_dialog(Dialog("task_control", title))
            return
        if old and policy == "terminate":
            for script in old:
                self.end(script)
        if Path(path).suffix != ".py" or not Path(path).is_file():
            self._cannot_run(path)
            return
        module = make_module(self._signatures, self._table.addresses, self._table.after)
        script = self._interpreter.script(action.path, action.command, module)
        self.alive.append(script)
        before = self._app.own_undo_points
        self._cycle(script, self._compiled(script, Path(path).read_text("utf-8"), path))
        alone = self._app.own_undo_points == before and not script.deferred
        if alone and assumptions.SCRIPT_WITHOUT_BLOCK_ADDS_UNDO_POINT and self._app.history.changed():
            self._app.history.add(assumptions.AUTO_CLOSED_BLOCK_TITLE)
        self._finish(script)

    def _cannot_run(self, path: str) -> None:
        if not Path(path).is_file():
            self._app.open_dialog(Dialog("box", "ReaScript error", f"The script {path} could not be loaded."))
            return
        self._app.faults.record("unimplemented", "ReaScript", f"{path}: only Python scripts are simulated")

    def run_deferred(self) -> None:
        """One round: every script runs what it deferred before this round."""
        for script in list(self.alive):
            codes, script.deferred = script.deferred, []
            for code in codes:
                if not script.ended:
                    self._cycle(script, self._compiled(script, code, f"<deferred by {Path(script.path).name}>"))
            if codes:
                self._finish(script)

    def end(self, script: Script) -> None:
        """Ends a script; its atexit code runs."""
        if script.ended:
            return
        script.ended = True
        script.deferred.clear()
        self.alive.remove(script)
        for code in script.at_exit:
            self._cycle(script, self._compiled(script, code, "<atexit>"))

    def end_all(self) -> None:
        """Ends every script."""
        for script in list(self.alive):
            self.end(script)

    def turns(self) -> list[dict[str, Any]]:
        """How long each cycle since the last question held the main thread, oldest first; see ``SimReaper.turns``."""
        found = list(self._turns)
        self._turns.clear()
        return found

    def _finish(self, script: Script) -> None:
        if not script.deferred:
            self.end(script)

    def _compiled(self, script: Script, text: str, name: str) -> Callable[[], None]:
        return lambda: self._interpreter.execute(script, compile(text, name, "exec"))

    def _cycle(self, script: Script, run: Callable[[], None]) -> None:
        began_s, worked_s = time.perf_counter(), time.thread_time()
        calls, inside_s = self._table.calls, self._table.inside_s
        try:
            run()
        except BaseException:  # also SystemExit: nothing that a script does ends REAPER
            self._app.console += traceback.format_exc()
            if assumptions.SCRIPT_ERROR_ENDS_SCRIPT:
                script.deferred.clear()
        self._turns.append(
            {
                **{"script": Path(script.path).name, "calls": self._table.calls - calls},
                **{"held_s": time.perf_counter() - began_s, "worked_s": time.thread_time() - worked_s},
                "inside_s": self._table.inside_s - inside_s,
            }
        )
        if self._interpreter.running is None:
            self._end_of_cycle(script)

    def _end_of_cycle(self, script: Script) -> None:
        for project in self._app.tabs:
            if self._app.history_of(project).end_of_cycle():
                self._app.faults.warn(f"{script.path}: undo block closed at the end of the cycle")
        for message in sort_forgotten(self._app):
            self._app.faults.warn(f"{script.path}: {message}")
        if self._app.ui_refresh_blocks:
            self._app.faults.record(
                "ui_refresh", "PreventUIRefresh", f"{script.path}: not released at the end of a cycle"
            )
            self._app.ui_refresh_blocks = 0
