"""What the designer has not been told yet: a short list that keeps what matters.

Convention: progress gives way to any newer sentence, and counts as told: it is old news that nobody shall tell later.
When the list is full, the oldest sentence goes, untold: whoever gave it may find another way. A sentence that does not
give way leaves by ``told`` only, so one that could not be shown is still there for the next try. Safe to use from
several threads.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

log = logging.getLogger(__name__)

LONGEST = 32


@dataclass(frozen=True, eq=False)
class Sentence:
    """One thing to say; ``kind`` is "progress", "info" or "error"; ``told`` is called when it need not be said again.

    ``of`` is whatever the host wants to remember of the moment when it was to be said.
    """

    text: str
    kind: str
    told: Callable[[], None] | None = None
    of: object = None


class Untold:
    """The sentences, oldest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Sentence] = []

    def add(self, text: str, kind: str, told: Callable[[], None] | None = None, of: object = None) -> None:
        """Appends a sentence, at the cost of older ones if need be."""
        with self._lock:
            old = [sentence for sentence in self._waiting if sentence.kind == "progress"]
            kept = [sentence for sentence in self._waiting if sentence.kind != "progress"]
            if len(kept) >= LONGEST:
                log.warning("not shown in REAPER: %s", kept.pop(0).text)
            self._waiting = [*kept, Sentence(text, kind, told, of)]
        for sentence in old:
            if sentence.told is not None:
                sentence.told()

    def first(self) -> Sentence | None:
        """The sentence to say next, which stays; None if there is nothing to say."""
        with self._lock:
            return self._waiting[0] if self._waiting else None

    def told(self, sentence: Sentence) -> None:
        """Forgets a sentence that was shown; one that gave way meanwhile is over already."""
        with self._lock:
            if sentence in self._waiting:
                self._waiting.remove(sentence)
            elif sentence.kind == "progress":
                return
        if sentence.told is not None:
            sentence.told()
