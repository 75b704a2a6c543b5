"""The daemon under test: bridge's own ``serve``, with stops at the steps of a job and faults that can be switched on.

Convention: ``python -m tests.faults.daemon`` loads the libraries once and then forks one daemon for each line on its
standard input, so that a restart takes a moment; when its input ends, its daemons end. Each daemon dials the driver's
socket (``FAULTS_SOCKET``) and obeys lines of JSON: ``{"arm": [steps]}`` stop there, ``{"go": step}`` go on,
``{"break": fault}``, ``{"heal": true}``, ``{"ask": "quiet"}``. It says ``{"at": step}`` when it has stopped.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

HELD_S = 60.0
"""So long a step waits for the driver before it goes on by itself."""


class Control:
    """The driver's hand on one daemon."""

    def __init__(self, path: str) -> None:
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._line.connect(path)
        self._lock = threading.Lock()
        self._armed: dict[str, threading.Event] = {}
        self._held: dict[str, threading.Event] = {}
        self.prepare: Callable[[list[str]], None] = lambda steps: None
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda order: {}
        threading.Thread(target=self._listen, name="faults", daemon=True).start()

    def at(self, step: str) -> None:
        """Stops here if the driver wants it."""
        event = self._armed.pop(step, None)
        if event is not None:
            self._held[step] = event
            self._say({"at": step})
            event.wait(HELD_S)

    def _say(self, value: dict[str, Any]) -> None:
        with self._lock:
            self._line.sendall(json.dumps(value).encode() + b"\n")

    def _listen(self) -> None:
        for line in self._line.makefile("rb"):
            order = json.loads(line)
            if "arm" in order:
                self.prepare(order["arm"])
                self._armed = {step: threading.Event() for step in order["arm"]}
                reply: dict[str, Any] = {}
            elif "go" in order:
                for step in [order["go"]] if order["go"] else list(self._held):
                    if step in self._held:
                        self._held.pop(step).set()
                reply = {}
            else:
                try:
                    reply = self.answer(order)
                except Exception as error:
                    reply = {"failed": repr(error)}
            self._say({"done": reply})


def serve(order: dict[str, Any]) -> None:
    """What a forked child does: the daemon, from its command line on."""
    os.environ.update(order["env"])
    with open(order["log"], "ab") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    from bridge import __main__
    from tests.faults import hooks

    hooks.install(Control(os.environ["FAULTS_SOCKET"]))
    code = __main__.main(order["arguments"])
    sys.stdout.flush()
    os._exit(code)


def main() -> None:
    """Forks a daemon for each line."""
    import bridge.__main__  # noqa: F401 (loaded once, for every child)
    import tests.faults.hooks  # noqa: F401

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)
    answers.write(b"{}\n")
    children: list[int] = []
    for line in iter(sys.stdin.buffer.readline, b""):
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                serve(order)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        children.append(pid)
        answers.write(json.dumps({"pid": pid}).encode() + b"\n")
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
