"""Live mode: when the score of a project changes, its sound is made again after a short pause.

Convention: a project is live from the key press that switches it on to the one that switches it off, to the daemon's
end, or to REAPER's. Every touch begins the pause anew, so a drag causes one render, but touches that never end put it
off for two seconds only; touches while one waits in the queue cause no other.
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
LATEST_S = 2.0
MOST_FORGOTTEN = 64


class Live:
    """Waits for pauses, and asks for renders.

    Args:
        follow: asks for a render of a project, given its token; must return at once.
        pause_s: how long nothing may change before a render. latest_s: so long after the first change it comes anyway.
    """

    def __init__(self, follow: Callable[[str], None], *, pause_s: float = PAUSE_S, latest_s: float = LATEST_S) -> None:
        self._follow = follow
        self._pause_s, self._latest_s = pause_s, latest_s
        self._due: dict[str, float] = {}
        self._latest: dict[str, float] = {}
        self._known: set[str] = set()
        self._forgotten: set[str] = set()
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
            self._known.add(project)
            if on:
                self._on.add(project)
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="foley-live", daemon=True)
                    self._thread.start()
            else:
                self._on.discard(project)
                self._due.pop(project, None)
                self._latest.pop(project, None)

    def forgotten(self, project: str) -> bool:
        """Whether a project that was touched must be live by the word of a daemon before this one; said once."""
        with self._changed:
            known = not project or self._closed or project in self._known or project in self._forgotten
            if known or len(self._forgotten) >= MOST_FORGOTTEN:
                return False
            self._forgotten.add(project)
            return True

    def ask_again(self, project: str) -> None:
        """What ``forgotten`` said could not be heeded: it says it again at the next touch."""
        with self._changed:
            self._forgotten.discard(project)

    def touched(self, project: str = "") -> None:
        """Hears that the score of a project, or of some project, changed; those that are not live are passed over."""
        with self._changed:
            now = time.monotonic()
            for token in self._on if not project else self._on & {project}:
                latest = self._latest.setdefault(token, now + self._latest_s)
                self._due[token] = min(now + self._pause_s, latest)
            self._changed.notify()

    def close(self) -> None:
        """Renders nothing any more."""
        with self._changed:
            self._closed = True
            self._on.clear()
            self._due.clear()
            self._latest.clear()
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
                    del self._due[token], self._latest[token]
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
