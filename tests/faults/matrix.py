"""The cells of the matrix, and what happens in one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.faults.hooks import STEPS
from tests.faults.judge import Verdict, judge, outcome_of
from tests.faults.shop import ACTIONS, Shop
from tests.faults.strikes import FAULTS

DISK = ("begun", "read", "looked", "temp", "half", "synced", "renamed", "unsent")
MODEL = ("begun", "looked", "temp", "half")
KEPT = tuple(STEPS)[tuple(STEPS).index("unsent") :]
"""Steps from which on a finished sound may stay: REAPER may have had the change, and undo or a copy may want it."""
REAPERS = ("read", "unsent", "sent", "applying", "applied")
JOURNAL = ("accepted", "begun", "renamed", "unsent", "applying", "untaken", "ended")
WHERE = {
    "kill daemon": tuple(STEPS),
    "kill REAPER": tuple(STEPS),
    "kill both": tuple(STEPS),
    "kill daemon, undo, redo": ("applied",),
    "kill both, older copy": ("applied",),
    "SIGTERM": tuple(STEPS),
    "disk full": DISK,
    "file limit": DISK,
    "read only": DISK,
    "folder gone": DISK,
    "project gone": ("read", "half", "renamed", "unsent"),
    "clock + 1 day": ("accepted", "begun", "half", "unsent", "untaken"),
    "clock - 1 day": ("accepted", "begun", "half", "unsent", "untaken"),
    "kill, clock back": ("begun", "half", "renamed", "applied"),
    "graph: no memory": ("begun", "looked"),
    "graph: MemoryError": ("begun", "looked"),
    "sound: no memory": ("begun", "looked"),
    "graph fails": ("begun", "looked"),
    "device fails": ("begun", "looked"),
    "pack deleted": ("received", "begun", "looked"),
    "pack cut": ("received", "begun", "looked"),
    "pack altered": ("received", "begun", "looked"),
    "daemon sleeps": ("received", "begun", "half", "unsent", "sent", "applied", "ended"),
    "REAPER sleeps": REAPERS,
    "dialog, short": ("begun", "unsent"),
    "dialog, long": ("begun", "unsent"),
    "journal damaged": JOURNAL,
    "journal unwritable": JOURNAL,
}
"""Fault -> the steps at which it can make a difference."""
OTHER_VERBS = {
    "variation": {
        "kill daemon": ("begun", "half", "renamed", "unsent", "sent", "applying", "applied", "taken", "told"),
        "kill REAPER": ("begun", "half", "unsent", "sent", "applying", "applied", "ended"),
        "kill both": ("half", "applying", "applied"),
    },
    "detect": {
        "kill daemon": ("begun", "looked", "unsent", "sent", "applying", "applied", "taken", "told"),
        "kill REAPER": ("looked", "unsent", "sent", "applying", "applied", "ended"),
        "kill both": ("looked", "applying", "applied"),
    },
}


@dataclass(frozen=True)
class Cell:
    """One fault at one step of one verb."""

    fault: str
    step: str
    verb: str = "generate"

    def __str__(self) -> str:
        return f"{self.verb}: {self.fault} at {self.step}"


@dataclass
class Result:
    """What became of a cell."""

    cell: Cell
    verdict: Verdict
    again: Verdict | None = None
    seconds: float = 0.0

    @property
    def faults(self) -> list[str]:
        """Everything that breaks the rule."""
        after = [f"pressed again: {fault}" for fault in self.again.faults] if self.again else []
        return [*self.verdict.faults, *after]


def cells() -> Iterator[Cell]:
    """All of them, *generate* first."""
    for fault, steps in WHERE.items():
        for step in steps:
            yield Cell(fault, step)
    for verb, faults in OTHER_VERBS.items():
        for fault, steps in faults.items():
            for step in steps:
                yield Cell(fault, step, verb)


class Matrix:
    """Runs cells in a shop."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._sounds: dict[str, Any] = {}
        for verb in ACTIONS:
            shop.open(verb)
            before = shop.look()
            self._seed(verb)
            shop.press_to_the_end(ACTIONS[verb])
            self._sounds[verb] = outcome_of(shop, before, shop.look(), verb)
            assert self._sounds[verb], f"{verb} makes nothing"

    def run(self, cell: Cell) -> Result:
        """One cell from a clean start to the second key press; once more if a busy machine let it get stuck."""
        result = self._run(cell)
        return self._run(cell) if result.verdict.outcome == "STUCK" else result

    def _run(self, cell: Cell) -> Result:
        began = time.monotonic()
        fault, shop = FAULTS[cell.fault], self._shop
        if dict(fault.starts) != shop.extra and shop.daemon is not None and shop.daemon.alive():
            shop.kill_daemon()
            shop.start_daemon(**dict(fault.starts))
        shop.open(cell.verb)
        if fault.frees or cell.step == "opened":
            shop.press("free_memory")
            shop.until_quiet()
            shop.listen()
            shop.said.clear()
        before = shop.look()
        try:
            self._to(cell)
            fault.strike(shop, cell.step)
            if cell.step == "sent":
                with suppress(ProcessLookupError, AssertionError):
                    os.kill(shop.reaper.pid, signal.SIGCONT)
            shop.go()
            self._recover()
            shop.soon(shop.listen)  # a key press that nobody answered is told a moment later
            verdict = judge(
                shop,
                before,
                self._sounds,
                cell.verb,
                unheard=cell.step == "received" and cell.fault in ("kill both", "kill REAPER"),
                frozen=cell.fault == "read only",
                kept=cell.step in KEPT or (cell.step == "renamed" and cell.fault.startswith(("kill", "SIGTERM"))),
            )
            fault.mend(shop, cell.step)
            shop.said, shop.before, shop.restarted = [], [], False
            if cell.verb == "detect" and verdict.outcome == "FINISHED":
                shop.reaper.undo()  # or the same markers would be found where they are
            middle = shop.look()
            self._seed(cell.verb)
            shop.press_to_the_end(ACTIONS[cell.verb])
            again = judge(shop, middle, self._sounds, cell.verb)
            if again.outcome != "FINISHED":
                again.faults.append(f"ended as {again.outcome}: {again.said}")
            if not shop.soon(lambda: not shop.pages()):
                again.faults.append(f"{shop.pages()} pages stay in the journal")
        except AssertionError as error:
            verdict, again = Verdict("STUCK", [str(error)]), None
            self._clear()
        return Result(cell, verdict, again, time.monotonic() - began)

    def _seed(self, verb: str) -> None:
        assert self._shop.daemon is not None
        self._shop.daemon.order(seed=6 if verb == "variation" else 5)

    def _to(self, cell: Cell) -> None:
        """Presses the key and brings the job to the step."""
        shop, step = self._shop, cell.step
        first = {"sent": "unsent"}.get(step, step)
        also = ("before begun",) if step == "answered" else ()
        self._seed(cell.verb)
        self._accepted = shop.accepted(), shop.daemon
        shop.arm(first, *also)
        shop.press(ACTIONS[cell.verb])
        shop.wait_at(first)
        if step == "sent":
            shop.listen()
            os.kill(shop.reaper.pid, signal.SIGSTOP)
            assert shop.daemon is not None
            shop.daemon.order(arm=["sent"])
            shop.daemon.order(go="")
            shop.wait_at("sent")

    def _recover(self) -> None:
        """Starts again what died, and waits until everything was told."""
        shop = self._shop
        if not shop.reaper.alive():
            shop.start_reaper()
        if shop.daemon is None or not shop.daemon.alive():
            shop.start_daemon()
        before, daemon = self._accepted
        if shop.daemon is daemon:
            shop.until(lambda: shop.accepted() > before, "the key press is accepted")
        shop.until_quiet()

    def _clear(self) -> None:
        """After a cell that hangs: everything anew."""
        shop = self._shop
        with suppress(ProcessLookupError, AssertionError):
            os.kill(shop.reaper.pid, signal.SIGCONT)
        shop.reaper.kill()
        if shop.daemon is not None and shop.daemon.alive():
            shop.kill_daemon()
        for fault in FAULTS.values():
            if fault.frees:
                fault.mend(shop, "")
        for path in shop.endpoint.glob("journal*"):
            path.unlink(missing_ok=True)
