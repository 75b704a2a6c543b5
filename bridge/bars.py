"""The bars that ``progress`` shows, drawn with rich: one for each job, and lines above them.

Convention: used by one thread, the terminal's; only what is written to ``above`` comes from any. Everything is text:
no markup, and no codes that a file's name could hold to steer a terminal.
"""

from __future__ import annotations

import io
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

WIDTH = 24
BESIDE = WIDTH + 16
"""Columns of the bar, the percentage, the time and the gaps between."""
SHORTEST = 10


class Bars:
    """Draws on a stream.

    Args:
        stream: where to. forced: as on a terminal, whatever it is.
    """

    def __init__(self, stream: TextIO, *, forced: bool) -> None:
        self._console = _Console(file=stream, force_terminal=True if forced else None, highlight=False, emoji=False)
        self._progress: Progress | None = None
        self._tasks: dict[str, TaskID] = {}
        self.above: TextIO = _Above(self._console)  # pyright: ignore[reportAttributeAccessIssue]

    def __bool__(self) -> bool:
        """Whether a bar is drawn."""
        return bool(self._tasks)

    def show(self, job_id: str, text: str, fraction: float) -> None:
        """Draws a job's bar, 0..1, with words before it; seen at the next ``refresh``."""
        if self._progress is None:
            self._progress = self._new()
            self._progress.start()
        words = Text(_clean(text))
        words.truncate(max(SHORTEST, self._console.width - BESIDE), overflow="ellipsis")
        if job_id not in self._tasks:
            self._tasks[job_id] = self._progress.add_task(words.plain, total=1.0)
        self._progress.update(self._tasks[job_id], completed=fraction, description=words.plain)

    def remove(self, job_id: str) -> None:
        """Takes a job's bar away, if it has one."""
        task = self._tasks.pop(job_id, None)
        if self._progress is not None and task is not None:
            self._progress.remove_task(task)
        if not self._tasks:
            self.end()

    def refresh(self) -> None:
        """Draws what changed, and the time."""
        if self._progress is not None:
            self._progress.refresh()

    def end(self) -> None:
        """Takes every bar away."""
        if self._progress is not None:
            progress, self._progress = self._progress, None
            progress.stop()

    def print(self, line: str) -> None:
        """Writes a line that stays."""
        self._console.print(Text(line), soft_wrap=True)

    def _new(self) -> Progress:
        return Progress(
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
            BarColumn(bar_width=WIDTH),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )


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


def _clean(text: str) -> str:
    """One line without the codes that a file's name could hold to steer a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
