"""Live mode: when the score of a project changes, its sound is made again after a short pause.

Convention: a project is live from the key press that switches it on to the one that switches it off, to the daemon's
end, or to REAPER's. Every touch begins the pause anew, so a drag causes one render; touches while one waits in the
queue cause no other.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from bridge.errors import BridgeError
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.runner import Context

log = logging.getLogger(__name__)

PAUSE_S = 0.35


class Live:
    """Waits for pauses, and asks for renders.

    Args:
        follow: asks for a render of a project, given its token; must return at once.
        pause_s: how long nothing may change before a render.
    """

    def __init__(self, follow: Callable[[str], None], *, pause_s: float = PAUSE_S) -> None:
        self._follow = follow
        self._pause_s = pause_s
        self._due: dict[str, float] = {}
        self._on: set[str] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._thread: threading.Thread | None = None

    def is_on(self, project: str) -> bool:
        """Whether a project is live."""
        with self._changed:
            return project in self._on

    def switch(self, project: str, *, on: bool) -> None:
        """Makes a project live, or not."""
        with self._changed:
            if on:
                self._on.add(project)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="foley-live", daemon=True)
                    self._thread.start()
            else:
                self._on.discard(project)
                self._due.pop(project, None)

    def touched(self, project: str = "") -> None:
        """Hears that the score of a project, or of some project, changed; those that are not live are passed over."""
        with self._changed:
            for token in self._on if not project else self._on & {project}:
                self._due[token] = time.monotonic() + self._pause_s
            self._changed.notify()

    def close(self) -> None:
        """Renders nothing any more."""
        with self._changed:
            self._closed = True
            self._on.clear()
            self._due.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(2.0)

    def _run(self) -> None:
        while True:
            with self._changed:
                if self._closed:
                    return
                now = time.monotonic()
                ready = [token for token, due in self._due.items() if due <= now]
                for token in ready:
                    del self._due[token]
                if not ready:
                    next_s = min(self._due.values(), default=now + 3600.0) - now
                    self._changed.wait(next_s)
            for token in ready:
                try:
                    self._follow(token)
                except BridgeError as error:  # the queue is full: later, then
                    log.warning("live mode: %s", error.sentence)
                    self.touched(token)
                except Exception:
                    log.exception("live mode could not ask for a render")


def toggle(desk: Desk, context: Context, key: KeyPress) -> str:
    """*Live mode*: switches it for the project in which the key was pressed."""
    view = desk.read(key)
    on = not desk.live.is_on(view.token)
    desk.host.watch(view.token, on=on)
    desk.live.switch(view.token, on=on)
    if on:
        return "Live mode is on: the sound follows the markers after each pause. Press again to switch it off."
    return "Live mode is off."
