"""What keeps a door calm under a flood: so much a second, and a count of the rest instead of a line in the log each."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter

log = logging.getLogger(__name__)

LOG_EVERY_S = 60.0


class Allowance:
    """So many per second, and so many at once."""

    def __init__(self, per_s: float) -> None:
        self._per_s = self._left = per_s
        self._at = time.monotonic()

    def take(self) -> bool:
        """Whether one more is allowed now."""
        now = time.monotonic()
        self._left = min(self._per_s, self._left + (now - self._at) * self._per_s)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Refused:
    """Counts what was not taken, and logs the count now and then.

    Args:
        door: whose messages, for the log. every_s: no line sooner after another; None for one line, and one at the end.
    """

    def __init__(self, door: str, *, every_s: float | None = LOG_EVERY_S) -> None:
        self._door = door
        self.every_s = float("inf") if every_s is None else every_s
        self._counts: Counter[str] = Counter()
        self._stranger = ""
        self._logged_at = -float("inf")
        self._lock = threading.Lock()
        self.total = 0

    def count(self, why: str, *, stranger: str = "") -> None:
        """One more."""
        with self._lock:
            self.total += 1
            self._counts[why] += 1
            self._stranger = stranger or self._stranger
            if time.monotonic() - self._logged_at >= self.every_s:
                self._log()

    def log_rest(self) -> None:
        """Logs what is not logged yet."""
        with self._lock:
            self._log()

    def _log(self) -> None:
        if not self._counts:
            return
        self._logged_at = time.monotonic()
        parts = ", ".join(f"{number} {why}" for why, number in sorted(self._counts.items()))
        last = f"; the last stranger was {self._stranger}" if self._stranger else ""
        log.warning("%s: %d messages not taken (%s)%s", self._door, self._counts.total(), parts, last)
        self._counts.clear()
        self._stranger = ""
