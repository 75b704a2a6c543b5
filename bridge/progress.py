"""The daemon's terminal: a bar for the job that runs, a line for each that ended.

Convention: what is drawn is drawn on a thread of its own, so that a job never waits for its bar and no fault of the
terminal reaches it. The library that draws is loaded on that thread, by the first job, so that the daemon's start does
not wait for it. From the first bar to the ``Terminal``'s end, the log's lines that go to the same stream are put above
the bar. Lines that stay (the ones at the start and the end) name job and verb only: a prompt is never written.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, TextIO

from bridge.domain.job import Job, JobState

if TYPE_CHECKING:
    from bridge.bars import Bars

log = logging.getLogger(__name__)

INTERVAL_S = 0.2
CLOSE_S = 2.0


class Terminal:
    """Shows jobs where the daemon was started.

    Args:
        stream: where to draw, usually standard error; None (a daemon without a console) draws nothing.
        mode: "auto" draws bars on a terminal and plain lines elsewhere, "on" draws bars anywhere, "off" nothing.
    """

    def __init__(self, stream: TextIO | None, mode: str = "auto") -> None:
        self._stream = stream
        self._shown = stream is not None and mode != "off"
        self._barred = self._shown and (mode == "on" or _is_terminal(stream))
        self._opened: Bars | None = None
        self._wake = threading.Condition()
        self._waiting: dict[str, Job] = {}
        self._began: dict[str, float] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._moving = threading.Lock()
        self._moved: list[tuple[logging.StreamHandler[TextIO], TextIO]] = []

    def start(self) -> None:
        """Begins to show."""
        if not self._shown or self._thread is not None:
            return
        self._thread = threading.Thread(target=self._run, name="foley-terminal", daemon=True)
        self._thread.start()

    def changed(self, job: Job) -> None:
        """Takes a snapshot of a job and returns at once; never raises."""
        if self._thread is None:
            return
        with self._wake:
            if job.state is JobState.QUEUED:
                return
            if job.state is JobState.RUNNING:
                self._began.setdefault(job.id, time.monotonic())
            self._waiting[job.id] = job
            self._wake.notify()

    def close(self) -> None:
        """Shows what is left, takes the bars away and gives the log its stream back; may be called twice."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(CLOSE_S)
            self._thread = None
        self._return_log()

    def __enter__(self) -> Terminal:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _run(self) -> None:
        seen: set[str] = set()
        try:
            while True:
                with self._wake:
                    if self._opened:
                        self._wake.wait_for(self._urgent, INTERVAL_S)
                    else:
                        self._wake.wait_for(lambda: self._waiting or self._stopping)
                    jobs, stopping = tuple(self._waiting.values()), self._stopping
                    self._waiting.clear()
                if jobs or self._opened is not None:
                    self._draw(self._bars(), jobs, seen)
                if stopping:
                    break
            if self._opened is not None:
                self._opened.end()
        except Exception as error:
            self._give_up(error)

    def _urgent(self) -> bool:
        return self._stopping or any(job.state.final for job in self._waiting.values())

    def _bars(self) -> Bars:
        if self._opened is None:
            from bridge.bars import Bars

            assert self._stream is not None
            self._opened = Bars(self._stream, forced=self._barred)
            if self._barred:
                self._move_log(self._opened)
        return self._opened

    def _draw(self, bars: Bars, jobs: Iterable[Job], seen: set[str]) -> None:
        for job in jobs:
            new = job.id not in seen
            seen.add(job.id)
            if self._barred and not job.state.final:
                bars.show(job.id, f"{job.verb}: {job.sentence}" if job.sentence else job.verb, job.progress)
            elif new and not self._barred and job.id in self._began:
                bars.print(f"{job.id} {job.verb}: begun")
            if job.state.final:
                self._end(bars, job)
                seen.discard(job.id)
        bars.refresh()

    def _end(self, bars: Bars, job: Job) -> None:
        with self._wake:
            began = self._began.pop(job.id, None)
        bars.remove(job.id)
        after = "" if began is None else f" after {time.monotonic() - began:.1f} s"
        bars.print(f"{job.id} {job.verb}: {job.state.value}{after}")

    def _give_up(self, error: Exception) -> None:
        """After a fault of the terminal nothing more is shown; the jobs and the log go on."""
        self._return_log()
        self._barred = self._shown = False
        log.warning("the terminal shows no progress any more: %s", error)

    def _move_log(self, bars: Bars) -> None:
        """Puts the log's lines above the bars, unless the terminal was closed meanwhile."""
        with self._moving:
            for handler in () if self._stopping else logging.getLogger().handlers:
                if isinstance(handler, logging.StreamHandler) and handler.stream is self._stream:
                    self._moved.append((handler, handler.stream))
                    handler.setStream(bars.above)

    def _return_log(self) -> None:
        with self._moving:
            for handler, stream in self._moved:
                handler.setStream(stream)
            self._moved.clear()


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM", "") != "dumb"
    except (OSError, ValueError):  # closed
        return False
