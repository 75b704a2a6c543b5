"""What a daemon does about the jobs of one that died, and about its own whose change REAPER did not answer for: it
finds out how each ended, tidies up, and tells; never more.

Convention: a job whose change the host took is finished; one whose change the host did not take, or that never came so
far, is lost, and its sentence says to press the key again. Where only the host can say which, it is asked, as soon as
it is there. A page leaves the journal when the designer was told, so a second death tells again. What is removed is
unfinished and bears the job's own mark. A finished sound never is: nobody can know that no undo history, no other copy
of the project and no later job needs it.
"""

from __future__ import annotations

import logging
import queue
import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from bridge.errors import HostError, HostGone
from bridge.host.base import Host
from bridge.jobs.journal import Journal, Page, Stage
from bridge.media.files import is_unfinished

log = logging.getLogger(__name__)

ASK_EVERY_S = 1.0
CLOSE_S = 0.1
MOST_UNNOTED = 4
"""So many changes of a job are asked after that the journal knows nothing of: the disk may have been full."""


class Recovery:
    """Settles what the journal has of before, on a thread of its own.

    Args:
        journal, host: as the daemon has them. named: what a verb is called while it runs, by its name.
    """

    def __init__(self, journal: Journal, host: Host, named: Callable[[str], str]) -> None:
        self._journal, self._host, self._named = journal, host, named
        self._stop = threading.Event()
        self._open: queue.SimpleQueue[Page | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins, if there is anything to settle."""
        for page in self._journal.left():
            self._add(page)

    def later(self, mark: str) -> bool:
        """Whether nobody knows yet if the host took a job's change; then it is asked, and tells, when it is back."""
        page = self._journal.page(mark)
        if page is None or not page.unsure:
            return False
        self._add(page)
        return True

    def close(self) -> None:
        """Ends; what is not settled is settled by the next daemon."""
        self._stop.set()
        self._open.put(None)
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def _add(self, page: Page) -> None:
        self._open.put(page)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="foley-recovery", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while (page := self._open.get()) is not None:
            _tidy(page)
            while not self._stop.is_set():
                try:
                    self._settle(page)
                    break
                except HostError as error:
                    log.debug("%s is not settled yet: %s", page.mark, error)
                    self._stop.wait(ASK_EVERY_S)
                except Exception:
                    log.exception("%s cannot be settled", page.mark)
                    break

    def _settle(self, page: Page) -> None:
        sentence, kind = self._outcome(page)
        log.warning("a job of before (%s): %s", page.verb, sentence)
        self._host.tell(sentence, kind=kind, told=lambda: self._journal.forget(page.mark))

    def _outcome(self, page: Page) -> tuple[str, str]:
        """(sentence, kind) for a page.

        Raises:
            HostError: only the host can say, and it is away.
        """
        what = f"'{self._named(page.verb)}'"
        if page.stage is Stage.ENDED and not page.unsure:
            return page.sentence, "error"
        if page.stage is Stage.DONE and not page.taken:
            return page.sentence, "info"
        try:
            landed = self._host.landed(page.project, _marks(page))
        except HostGone:
            return _closed(page, what), "error"
        if landed:
            if page.stage is Stage.DONE:
                return page.sentence, "info"
            if page.stage is Stage.ENDED:
                return f"{what} was finished all the same; what it made is in the project.", "info"
            return f"{what} was finished before the bridge stopped; what it made is in the project.", "info"
        if page.taken:
            return (
                f"{what} was finished, but what it made is not in the project now: REAPER was closed before it was "
                "saved, or it was undone. Press the key again if you want it.",
                "error",
            )
        when = "" if page.stage is Stage.ENDED else " when the bridge stopped"
        stays = "; its sound stays in the Foley folder" if page.files else ""
        return (
            f"{what} was lost{when}: it did not reach the project as it is open now{stays}. Press the key again.",
            "error",
        )


def _marks(page: Page) -> tuple[str, ...]:
    """What a change of a job may be called; also of one that the journal could not note any more."""
    return tuple(dict.fromkeys((*page.sent, *(f"{page.mark}.{number}" for number in range(1, MOST_UNNOTED + 1)))))


def _closed(page: Page, what: str) -> str:
    if page.stage is Stage.ENDED:
        return page.sentence
    if page.taken:
        return (
            f"{what} was finished before the bridge stopped, in a project that is not open now. "
            "Open it and look whether the change is there; if not, press the key again."
        )
    if page.unsure:
        return (
            f"The bridge stopped while {what} was being written into a project that is not open now. "
            "Open it and look whether the change is there; if not, press the key again."
        )
    return f"{what} was lost when the bridge stopped. Open its project and press the key again."


def _tidy(page: Page) -> None:
    """Removes what a job had under way, which its mark tells from the work of other programs."""
    for folder in dict.fromkeys(page.folders):
        with suppress(OSError):
            for path in [path for path in Path(folder).iterdir() if is_unfinished(path.name, page.mark)]:
                log.info("removing %s, which was never finished", path)
                _remove(path)


def _remove(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()
