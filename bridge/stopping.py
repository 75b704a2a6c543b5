"""Stopping on a signal: heard from the first moment on, and over within two seconds whatever is going on.

Convention: the handler only puts a note into a queue that may be written to wherever the main thread was interrupted;
an ``Event`` may not, as its lock could be held there. A second signal changes nothing. Each part that closes has its
share of the time and leaves behind what does not end in it: a thread inside a graph or inside the import of a library
cannot be ended from outside, and on Python's own way out it would run into an interpreter that is half gone, so the
process ends without it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import sys
import threading
import time
from types import FrameType

log = logging.getLogger(__name__)

LIMIT_S = 2.0
"""From the signal to the end of the process."""
RESERVE_S = 0.15
"""So long before the limit the process ends without what still closes."""
POLL_S = 0.5
"""How often the main thread wakes up where a signal does not wake it (Windows)."""


class Stop:
    """The wish to stop, from ``listen`` on."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[float] = queue.SimpleQueue()

    def listen(self) -> None:
        """Takes the signals that ask a program to stop; only in the main thread.

        A terminal that is closed asks too, unless the program was started to outlive it (nohup).
        """
        for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP"):
            number = getattr(signal, name, None)
            if number is not None and not (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                signal.signal(number, self._on_signal)

    def wait(self) -> None:
        """Returns once a signal came, which may have been long ago; from then on the limit holds."""
        while True:
            try:
                asked_at = self._asked.get(timeout=POLL_S)
                break
            except queue.Empty:
                continue
        threading.Thread(target=_end_at, args=(asked_at + LIMIT_S - RESERVE_S,), name="stop-limit", daemon=True).start()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked.put(time.monotonic())


def say_goodbye(sentence: str) -> None:
    """Prints the last sentence; where the terminal itself was closed, nowhere."""
    try:
        print(sentence, flush=True)
    except OSError:
        sys.stdout = None  # it still holds the sentence, and would fail again at the end


def leave(code: int) -> int:
    """The exit code, once everything is closed; does not return if a thread is still where nothing can end it."""
    left = [thread.name for thread in threading.enumerate() if thread.daemon and thread.name != "stop-limit"]
    if left:
        log.debug("left behind: %s", ", ".join(left))
        _end(code)
    return code


def _end_at(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
    _end(1)


def _end(code: int) -> None:
    """Ends the process here and now, with what was said so far."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)
