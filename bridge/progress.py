"""The daemon's terminal: a bar for the job that runs, a line for each that ended.

Convention: what is drawn is drawn on a thread of its own, so that a job never waits for its bar and no fault of the
terminal reaches it. While a ``Terminal`` is open, the log's lines that go to the same stream are put above the bar.
Lines that stay (the ones at the start and the end) name job and verb only: a prompt is never written.
"""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections.abc import Iterable
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from bridge.domain.job import Job, JobState

log = logging.getLogger(__name__)

INTERVAL_S = 0.2
CLOSE_S = 2.0
BAR = 24
BESIDE = BAR + 16
"""Columns of the bar, the percentage, the time and the gaps between."""
SHORTEST = 10


class Terminal:
    """Shows jobs where the daemon was started.

    Args:
        stream: where to draw, usually standard error; None (a daemon without a console) draws nothing.
        mode: "auto" draws bars on a terminal and plain lines elsewhere, "on" draws bars anywhere, "off" nothing.
    """

    def __init__(self, stream: TextIO | None, mode: str = "auto") -> None:
        self._stream = stream
        self._shown = stream is not None and mode != "off"
        self._bars = self._shown and (mode == "on" or _is_terminal(stream))
        self._console = _Console(
            file=stream or io.StringIO(), force_terminal=True if self._bars else None, highlight=False, emoji=False
        )
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self._wake = threading.Condition()
        self._waiting: dict[str, Job] = {}
        self._began: dict[str, float] = {}
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._moved: list[tuple[logging.StreamHandler[TextIO], TextIO]] = []

    def start(self) -> None:
        """Begins to show, and puts the log's lines above the bars."""
        if not self._shown or self._thread is not None:
            return
        if self._bars:
            self._move_log()
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
                    if self._tasks:
                        self._wake.wait_for(self._urgent, INTERVAL_S)
                    else:
                        self._wake.wait_for(lambda: self._waiting or self._stopping)
                    jobs, stopping = tuple(self._waiting.values()), self._stopping
                    self._waiting.clear()
                self._draw(jobs, seen)
                if stopping:
                    break
            self._end_bars()
        except Exception as error:
            self._give_up(error)

    def _urgent(self) -> bool:
        return self._stopping or any(job.state.final for job in self._waiting.values())

    def _draw(self, jobs: Iterable[Job], seen: set[str]) -> None:
        for job in jobs:
            new = job.id not in seen
            seen.add(job.id)
            if self._bars and not job.state.final:
                self._bar(job)
            elif new and not self._bars and job.id in self._began:
                self._print(f"{job.id} {job.verb}: begun")
            if job.state.final:
                self._end(job)
                seen.discard(job.id)
        if self._progress is not None:
            self._progress.refresh()

    def _bar(self, job: Job) -> None:
        if self._progress is None:
            self._progress = self._new_bars()
            self._progress.start()
        words = Text(_clean(f"{job.verb}: {job.sentence}" if job.sentence else job.verb))
        words.truncate(max(SHORTEST, self._console.width - BESIDE), overflow="ellipsis")
        text = words.plain
        if job.id not in self._tasks:
            self._tasks[job.id] = self._progress.add_task(text, total=1.0)
        self._progress.update(self._tasks[job.id], completed=job.progress, description=text)

    def _new_bars(self) -> Progress:
        return Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=BAR),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def _end(self, job: Job) -> None:
        with self._wake:
            began = self._began.pop(job.id, None)
        task = self._tasks.pop(job.id, None)
        if self._progress is not None and task is not None:
            self._progress.remove_task(task)
        if not self._tasks:
            self._end_bars()
        after = "" if began is None else f" after {time.monotonic() - began:.1f} s"
        self._print(f"{job.id} {job.verb}: {job.state.value}{after}")

    def _end_bars(self) -> None:
        if self._progress is not None:
            progress, self._progress = self._progress, None
            progress.stop()

    def _print(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)

    def _give_up(self, error: Exception) -> None:
        """After a fault of the terminal nothing more is shown; the jobs and the log go on."""
        self._return_log()
        self._bars = self._shown = False
        log.warning("the terminal shows no progress any more: %s", error)

    def _move_log(self) -> None:
        above = _Above(self._console)
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is self._stream:
                self._moved.append((handler, handler.stream))
                handler.setStream(above)

    def _return_log(self) -> None:
        for handler, stream in self._moved:
            handler.setStream(stream)
        self._moved.clear()


class _Console(Console):
    """rich's, which would end the program where nobody reads on; ours falls silent."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


class _Above(io.TextIOBase):
    """A stream whose lines come out above the bars."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._console.print(Text(text), soft_wrap=True, end="" if text.endswith("\n") else "\n")
        return len(text)


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty() and os.environ.get("TERM", "") != "dumb"
    except (OSError, ValueError):  # closed
        return False


def _clean(text: str) -> str:
    """One line without the codes that a file's name could hold to steer a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
