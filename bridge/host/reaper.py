"""REAPER, live: ``ReaperHost`` reads and writes the open project through the server script inside it.

Convention: one worker thread owns the connection; callers wait for it, never longer than the call's time limit. Each
call looks up the endpoint anew, so a restarted REAPER is found without being told. A write is sent once: if its answer
does not come, the connection is closed, which makes REAPER drop a request that it has not begun. A sentence for the
designer is kept until REAPER has shown it: it is tried again after the next call that succeeds, and once a second.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any

from bridge.errors import HostError, HostGone, HostUnsure
from bridge.host import endpoint
from bridge.host.base import Change, ProjectView, Report
from bridge.host.line import Line, LineError, LineRefused, LineTimeout
from bridge.host.untold import Sentence, Untold
from bridge.host.wire import from_wire, to_wire

log = logging.getLogger(__name__)

READ = ("foley_inside.read", "read")
WRITE = ("foley_inside.write", "write")
TELL = ("foley_inside.say", "tell")
SHOW = ("foley_inside.say", "show")
LANDED = ("foley_inside.read", "landed")
WATCH = ("foley_inside.watch", "watch")

GRACE_S = 0.25
TELL_S = 1.0
RETRY_S = 1.0
CLOSE_S = 0.4

BUSY = "REAPER does not answer: a dialog may be open"
BUSY_HINT = "Close it and press the key again"


class _Mine(threading.local):
    """What a thread that calls the host knows: which REAPER answered it last, and which one took its last change."""

    asked: endpoint.Endpoint | None = None
    wrote_to: endpoint.Endpoint | None = None


class ReaperHost:
    """The project that is open in REAPER.

    Args:
        folder: where REAPER announces its endpoint; None follows the rule of ``bridge.host.endpoint``.
        read_timeout_s, write_timeout_s: how long a call may take before REAPER counts as busy.
    """

    def __init__(
        self, *, folder: Path | None = None, read_timeout_s: float = 5.0, write_timeout_s: float = 10.0
    ) -> None:
        self._folder = folder
        self._read_timeout_s = read_timeout_s
        self._write_timeout_s = write_timeout_s
        self._line: Line | None = None
        self._run_mark = ""
        self._mine = _Mine()
        self._met: set[str] = set()
        self._when_met: Callable[[], object] = lambda: None
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._untold = Untold()
        self._try_again_at = 0.0
        self._close_at = float("inf")
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def read(self, *, cursor_s: float | None = None, mouse_track_guid: str = "", project: str = "") -> ProjectView:
        """A project as it stands. Work begins with it: what the same thread changed before is told, or never will be.

        Args:
            cursor_s: edit cursor at the key press, project time; None takes REAPER's own.
            mouse_track_guid: track that was under the mouse; "" if none.
            project: token of the tab in which the key was pressed, wherever it is now; "" = the tab in front.

        Raises:
            HostError: REAPER is away, busy, or its scripts are of another version; that project was closed.
        """
        self._mine.wrote_to = None
        self._turn_to(project)
        value = self._ask(READ, [to_wire(cursor_s), mouse_track_guid, project], self._read_timeout_s, again=True)
        return from_wire(ProjectView, value)

    def write(self, change: Change) -> Report:
        """Applies a change as one undo step, or nothing at all.

        Raises:
            HostError: REAPER is away or busy, or refuses because something is not as it was read.
            HostUnsure: it was sent, and neither a report nor a refusal came; the change may be there.
        """
        self._turn_to(change.token)
        value = self._ask(WRITE, [to_wire(change)], self._write_timeout_s, again=False)
        self._mine.wrote_to = self._mine.asked
        try:
            return from_wire(Report, value)
        except HostError as error:
            raise _unsure(error) from error

    def show(self, text: str) -> None:
        """Shows a text of several lines in REAPER's console.

        Raises:
            HostError: REAPER is away or busy.
        """
        self._ask(SHOW, [text], self._read_timeout_s, again=True)

    def watch(self, project: str, *, on: bool) -> None:
        """Has REAPER tell the daemon when the score of a project changes, or not any more.

        Raises:
            HostError: REAPER is away or busy; the project was closed.
        """
        self._mine.wrote_to = None
        self._turn_to(project)
        self._ask(WATCH, [project, on], self._read_timeout_s, again=True)

    def landed(self, token: str, marks: tuple[str, ...]) -> tuple[str, ...]:
        """Which of some changes a project took, also one that was closed, or REAPER with it, and opened again since.

        Raises:
            HostGone: the project is not open. HostError: REAPER is away or busy.
        """
        self._turn_to(token)
        found = self._ask(LANDED, [token, list(marks)], self._read_timeout_s, again=True)
        taken = tuple(mark for mark in marks if isinstance(found, list) and mark in found)
        self._mine.wrote_to = self._mine.asked if taken else None
        return taken

    def tell(self, sentence: str, *, kind: str = "info", told: Callable[[], None] | None = None) -> None:
        """Shows one sentence in REAPER, as soon as it listens; never raises and never waits.

        News of a thread that has changed a project since it last read one is news of that change.

        Args:
            told: called once, when it was shown or, if it is progress, when it gave way to a newer sentence.
        """
        if not self._closed:
            self._untold.add(sentence, kind, told, self._mine.wrote_to if kind == "info" else None)
            self._submit(self._tell_next)

    def when_met(self, function: Callable[[], object]) -> None:
        """Has a function called, on the host's thread, the first time that each REAPER is reached; it must not wait."""
        self._when_met = function

    def close(self) -> None:
        """Shows what is still to be told if REAPER listens, and hangs up, within 1 s; may be called twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._close_at = time.monotonic() + CLOSE_S
            thread = self._thread
        if thread is not None:
            self._work.put(None)
            thread.join(CLOSE_S + GRACE_S)

    def _turn_to(self, project: str) -> None:
        """Of several REAPERs the one that a project's token is from; what is told next goes there too."""
        self._run_mark = project.partition("\n")[0]

    def _ask(self, function: tuple[str, str], args: list[Any], timeout_s: float, *, again: bool) -> Any:
        deadline = time.monotonic() + timeout_s
        answer: Future[tuple[Any, endpoint.Endpoint | None]] = Future()

        def work() -> None:
            if not answer.set_running_or_notify_cancel():
                return
            try:
                value = self._call(function, args, deadline, again=again)
                answer.set_result((value, self._line.endpoint if self._line is not None else None))
            except BaseException as error:
                answer.set_exception(error)

        if self._closed:
            raise HostError("The connection to REAPER is closed", hint="Start foley-bridge serve again")
        self._submit(work)
        try:
            value, self._mine.asked = answer.result(timeout_s + GRACE_S)
        except FutureTimeout:
            unsent = answer.cancel()
            raise (HostError if again or unsent else HostUnsure)(BUSY, hint=BUSY_HINT) from None
        if isinstance(value, dict) and set(value) == {"ok"}:
            return value["ok"]
        if isinstance(value, dict) and set(value) == {"refused"} and isinstance(value["refused"], dict):
            message, hint = (str(value["refused"].get(key, "")).strip() for key in ("message", "hint"))
            kind = HostGone if value["refused"].get("gone") else HostError
            if message:
                raise kind(message, hint=hint or "Press the key again")
        error = HostError("REAPER's script gave an answer that is none", hint="Run the server script again")
        raise error if again else _unsure(error)

    def _submit(self, work: Callable[[], None]) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="foley-reaper", daemon=True)
                self._thread.start()
        self._work.put(work)

    def _run(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=self._rest_s())
            except queue.Empty:
                work = self._tell_next
            if work is None:
                break
            work()
        self._try_again_at = 0.0
        while self._rest_s() == 0.0 and time.monotonic() < self._close_at:
            self._tell_next()
        self._hang_up()

    def _rest_s(self) -> float | None:
        """How long the worker may wait for work before it has something to tell; None = as long as it likes."""
        return max(0.0, self._try_again_at - time.monotonic()) if self._untold.first() else None

    def _tell_next(self) -> None:
        sentence = self._untold.first()
        now = time.monotonic()
        if sentence is None or now < self._try_again_at:
            return
        try:
            until = min(now + TELL_S, self._close_at)
            self._call(TELL, [self._worded(sentence, until), sentence.kind], until, again=True)
        except Exception as error:
            log.debug("not shown in REAPER yet (%s): %s", error, sentence.text)
            if not isinstance(error.__cause__, LineRefused):  # a sentence that the script refuses is refused again
                self._try_again_at = time.monotonic() + RETRY_S
                return
        self._untold.told(sentence)

    def _worded(self, sentence: Sentence, deadline: float) -> str:
        """A sentence as it is true now: good news of a REAPER that has ended since may not be good any more."""
        before = sentence.of
        if not isinstance(before, endpoint.Endpoint) or self._connected(deadline).endpoint == before:
            return sentence.text
        if endpoint.alive(before.pid):
            return sentence.text
        return f"Before REAPER was restarted: {sentence.text} If it was not saved, press the key again."

    def _call(self, function: tuple[str, str], args: list[Any], deadline: float, *, again: bool) -> Any:
        """One call on the worker's thread; ``again`` allows a second try over a new connection."""
        line = self._connected(deadline)
        try:
            value = line.call(*function, args, {}, deadline)
            self._try_again_at = 0.0
            return value
        except LineTimeout as error:
            self._hang_up()
            raise HostUnsure(BUSY, hint=BUSY_HINT) from error
        except LineRefused as error:
            log.error("inside REAPER: %s", error)
            fault = HostError(
                f"The bridge's script in REAPER failed: {str(error).splitlines()[-1][:300]}",
                hint="The log has the details; press the key again, and restart REAPER if it stays so",
            )
            raise (_unsure(fault) if function == WRITE else fault) from error  # after the change was made, perhaps
        except LineError as error:
            self._hang_up()
            if again:
                return self._call(function, args, deadline, again=False)
            raise HostUnsure(
                f"REAPER went away while it was asked ({error})",
                hint="Look whether the change is there; if not, press the key again",
            ) from error

    def _connected(self, deadline: float) -> Line:
        try:
            found = endpoint.find_reaper(self._folder, run=self._run_mark)
        except HostError:
            self._hang_up()
            raise
        if self._line is not None and self._line.endpoint == found and self._line.alive():
            return self._line
        self._hang_up()
        try:
            line = Line(found, deadline)
        except LineTimeout as error:
            raise HostError(BUSY, hint=BUSY_HINT) from error
        except LineError as error:
            if self._run_mark:  # it was killed, and its process number went to another program
                self._run_mark = ""
                return self._connected(deadline)
            log.debug("REAPER: %s", error)
            raise HostError(
                "REAPER, or its server script, is not running any more", hint=endpoint.START_HINT
            ) from error
        if not isinstance(line.about, dict) or line.about.get("api") != endpoint.API:
            line.close()
            raise HostError(
                "The scripts in REAPER are of another version than the daemon",
                hint="Install both from the same release and restart both",
            )
        log.info("connected to REAPER %s (process %s)", found.version, found.pid)
        self._line = line
        if found.token not in self._met:
            self._met.add(found.token)
            try:
                self._when_met()
            except Exception:
                log.exception("unexpected, when a REAPER was reached")
        return line

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def _unsure(error: HostError) -> HostUnsure:
    """The same of a write that may have been done: only a refusal says that it was not."""
    return HostUnsure(error.message, hint=error.hint)
