"""The main loop: control pipe, web interface, control surfaces, deferred scripts, all on one thread.

Convention: about thirty rounds a second, each: web interface, control surfaces, then every deferred script. The
designer's commands are served at once between rounds. While a dialog is open rounds go by without any of the three; a
dialog that a script opened blocks that script inside its call, as in REAPER.
"""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Callable
from typing import Any

from . import startup_lua
from .app import App, Dialog
from .functions_app import NATIVE, run_command
from .gestures import Gestures
from .scripts import Scripts
from .web import Web


class Loop:
    """The main loop of one process. ``read_fd`` and ``write_fd`` are the control pipe."""

    def __init__(
        self, app: App, scripts: Scripts, web: Web | None, *, tick_s: float, read_fd: int, write_fd: int
    ) -> None:
        self._app, self._scripts, self._web, self._tick_s = app, scripts, web, tick_s
        self._read_fd, self._write_fd = read_fd, write_fd
        self._gestures = Gestures(app)
        self._pending = b""
        self._waiting: list[tuple[int, int]] = []
        self._ticks = 0
        self._next_tick = time.monotonic()
        self._busy: Callable[[str], None] | None = None
        self._quit = False
        app.ask = self._ask_designer
        app.run_action = self._run_action

    def run(self, startup: list[str]) -> None:
        """Runs until ``quit``."""
        self._run_reporting(lambda: self._start_all(startup), self._hello)
        while not self._quit:
            self._serve_until_next_tick()
            self._tick()
        self._scripts.end_all()
        self._app.ext_state.write()
        self._app.actions.write()
        if self._web is not None:
            self._web.close()
        for surface in self._app.surfaces:
            surface.close()

    def _start_all(self, startup: list[str]) -> None:
        startup_lua.run(self._app)
        for path in startup:
            self._scripts.start(path)

    def _hello(self, state: str) -> None:
        self._send({"web_port": 0 if self._web is None else self._web.port})

    def _run_action(self, command: int) -> None:
        action = self._app.actions.by_command(command)
        if action is not None:
            self._scripts.start(action.path, when_running=action.when_running)

    # -- rounds ----------------------------------------------------------------------------------------------------

    def _serve_until_next_tick(self) -> None:
        while not self._quit:
            left = self._next_tick - time.monotonic()
            ready, _, _ = select.select([self._read_fd], [], [], max(0.0, left))
            if ready:
                self._serve()
            if left <= 0:
                break
        self._next_tick = max(self._next_tick + self._tick_s, time.monotonic())

    def _tick(self) -> None:
        if self._app.dialog is None:
            if self._web is not None:
                self._web.tick()
            for surface in self._app.surfaces:
                surface.run()
            self._scripts.run_deferred()
        self._count_tick()

    def _count_tick(self) -> None:
        self._ticks += 1
        for serial, due in list(self._waiting):
            if self._ticks >= due:
                self._waiting.remove((serial, due))
                self._send({"id": serial, "value": None})

    def _ask_designer(self, dialog: Dialog) -> None:
        """Blocks the script that called until the dialog is answered; only the designer and the clock go on."""
        if self._busy is not None:
            report, self._busy = self._busy, None
            report("modal")
        while dialog.open:
            self._serve_until_next_tick()
            if self._quit:
                self._app.ext_state.write()
                self._app.actions.write()
                os._exit(0)
            self._count_tick()

    def _run_reporting(self, work: Callable[[], None], report: Callable[[str], None]) -> None:
        """Does work, then reports "ran"; or "modal" at the moment that the work opens a dialog."""
        self._busy = report
        try:
            work()
        finally:
            if self._busy is report:
                self._busy = None
                report("ran")

    # -- control pipe ----------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        data = os.read(self._read_fd, 1 << 20)
        if not data:
            os._exit(1)
        self._pending += data
        while b"\n" in self._pending:
            line, self._pending = self._pending.split(b"\n", 1)
            self._handle(json.loads(line))

    def _handle(self, message: dict[str, Any]) -> None:
        serial, command, arguments = message["id"], message["command"], message["arguments"]
        try:
            if command == "wait_ticks":
                self._waiting.append((serial, self._ticks + arguments["count"]))
            elif command == "run_script":
                self._run_script(serial, **arguments)
            elif command == "press_key":
                self._press_key(serial, **arguments)
            else:
                special = {"quit": self._do_quit, "open_modal": self._do_open_modal}
                special.update(
                    terminate_scripts=self._scripts.end_all, running_scripts=self._running, turns=self._scripts.turns
                )
                function = special.get(command) or getattr(self._gestures, "do_" + command)
                self._send({"id": serial, "value": function(**arguments)})
        except Exception as error:  # reported to the test, which raises it there
            self._send({"id": serial, "error": f"{type(error).__name__}: {error}"})

    def _run_script(self, serial: int, path: str, when_running: str) -> None:
        if self._app.dialog is not None:
            raise RuntimeError("a dialog is open: keys do not reach REAPER's main window")
        self._run_reporting(
            lambda: self._scripts.start(path, when_running=when_running),
            lambda state: self._send({"id": serial, "value": state}),
        )

    def _press_key(self, serial: int, modifier: int, key: int) -> None:
        if self._app.dialog is not None:
            raise RuntimeError("a dialog is open: keys do not reach REAPER's main window")
        command = self._app.actions.of_key(modifier, key)
        if self._app.actions.by_command(command) is None and command not in NATIVE:
            raise LookupError(f"the key {modifier} {key} runs REAPER's own action {command}, which is not simulated")
        self._run_reporting(
            lambda: run_command(self._app, command), lambda state: self._send({"id": serial, "value": state})
        )

    def _running(self) -> list[str]:
        return [script.path for script in self._scripts.alive]

    def _do_quit(self) -> None:
        self._quit = True

    def _do_open_modal(self, title: str) -> None:
        self._app.dialogs.append(Dialog("reaper", title))

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(self._write_fd, data) :]
