"""What was asked for and is not over: a small SQLite file, so that no job is lost in silence when the daemon dies.

Convention: a job is noted before its key press is answered, and again at every step that matters: begun, files made, a
change about to be sent to the host, the change taken. When it is over and the designer was told, its page goes. What is
still there when a daemon starts belongs to one that died; nothing of it is ever done by itself (``recovery``). A
journal that cannot be written stops no job: it says once what it could not do, and catches up as soon as it can.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TypeVar

from bridge import durable

log = logging.getLogger(__name__)

JOURNAL_FILE = "journal.sqlite"
VERSION = 1
BUSY_S = 0.2
MOST_ENDED = 64
"""So many jobs wait for the designer to be told; the oldest give way."""
MOST_BYTES = 1 << 24
T = TypeVar("T")

_TABLE = (
    "CREATE TABLE IF NOT EXISTS jobs (mark TEXT PRIMARY KEY, at REAL, verb TEXT, project TEXT, stage TEXT,"
    " folders TEXT, files TEXT, sent TEXT, taken TEXT, sentence TEXT) WITHOUT ROWID"
)


class Stage(Enum):
    """How far a job came."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    DONE = "done"
    ENDED = "ended"

    @property
    def over(self) -> bool:
        """Whether the job is over, well (DONE) or not (ENDED), and only has to be told."""
        return self in (Stage.DONE, Stage.ENDED)


@dataclass(frozen=True, kw_only=True)
class Page:
    """What the journal has of one job.

    Attributes:
        mark: names the job for ever. at: when it was accepted, seconds since 1970. verb: what was asked.
        project: the host's token of the project. stage: how far it came.
        folders: where it made files. files: sound files that it finished.
        sent: marks of the changes that were sent to the host. taken: those of them that the host took.
        sentence: how it ended, if that was not told yet.
    """

    mark: str
    at: float
    verb: str
    project: str
    stage: Stage = Stage.ACCEPTED
    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    sentence: str = ""

    @property
    def unsure(self) -> tuple[str, ...]:
        """Changes of which nobody said whether the host took them."""
        return tuple(mark for mark in self.sent if mark not in self.taken)


class Journal:
    """The pages of jobs that are not over.

    Args:
        path: the file; its folder is there and private. A file that is damaged or of another version is set aside
            under another name; one that is removed while it is in use is written anew.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._pages: dict[str, Page] = {}
        self._behind: set[str] = set()
        self._notice = ""
        self._troubled = False
        self._line: sqlite3.Connection | None = None
        self._file = (0, 0)
        self._untold: dict[str, Page] = {}
        self._left = self._tried(self._read, "read") or ()
        self._untold = {page.mark: page for page in self._left}

    def left(self) -> tuple[Page, ...]:
        """What a daemon before this one left behind, oldest first."""
        return self._left

    def page(self, mark: str) -> Page | None:
        """What there is of a job of this daemon that is not over and told."""
        return self._pages.get(mark)

    def take_notice(self) -> str:
        """What the designer should know of the journal, once; "" for nothing."""
        with self._lock:
            notice, self._notice = self._notice, ""
        return notice

    def accept(self, mark: str, verb: str, project: str) -> None:
        """A job that was accepted."""
        with self._lock:
            ended = [page.mark for page in self._pages.values() if page.stage.over]
        for old in ended[: max(0, len(ended) + 1 - MOST_ENDED)]:
            self.forget(old)
        self._put(Page(mark=mark, at=time.time(), verb=verb, project=project))

    def change(self, mark: str, edit: Callable[[Page], Page]) -> None:
        """What became of a job; nothing happens to one that is not open."""
        page = self._pages.get(mark)
        if page is not None:
            self._put(edit(page))

    def end(self, mark: str, sentence: str, *, done: bool = False) -> None:
        """A job is over; its page stays until the designer was told."""
        stage = Stage.DONE if done else Stage.ENDED
        self.change(mark, lambda page: replace(page, stage=stage, sentence=sentence))

    def forget(self, mark: str) -> None:
        """A job is over, and nothing is left to tell."""
        with self._lock:
            self._pages.pop(mark, None)
            self._untold.pop(mark, None)
            self._store(mark)

    def close(self) -> None:
        """Lets go of the file; may be called twice."""
        with self._lock:
            if self._behind:
                self._store()
            self._hang_up()

    def _put(self, page: Page) -> None:
        with self._lock:
            self._pages[page.mark] = page
            self._store(page.mark)

    def _store(self, *marks: str) -> None:
        """Brings the file up to date: these pages, and those with which it could not be done before."""
        self._behind.update(marks)

        def write(line: sqlite3.Connection) -> None:
            with line:
                for mark in self._behind:
                    page = self._pages.get(mark) or self._untold.get(mark)
                    if page is None:
                        line.execute("DELETE FROM jobs WHERE mark = ?", (mark,))
                    else:
                        row = _row(page)
                        line.execute(f"INSERT OR REPLACE INTO jobs VALUES ({', '.join('?' * len(row))})", row)
            self._behind.clear()

        self._tried(write, "written")

    def _tried(self, work: Callable[[sqlite3.Connection], T], what: str) -> T | None:
        try:
            if self._line is not None and _file_of(self._path) != self._file:
                self._begin_anew()
            if self._line is None:
                self._line = self._opened()
                self._file = _file_of(self._path)
            found = work(self._line)
        except (sqlite3.Error, OSError, ValueError) as error:
            self._hang_up()
            if not self._troubled:
                log.warning("the journal %s cannot be %s: %s", self._path, what, error)
                self._notice = f"The journal cannot be {what} ({error}), so a crash now would lose a job unseen."
            self._troubled = True
            return None
        self._troubled = False
        return found

    def _begin_anew(self) -> None:
        """Lets go of a file that was removed, or put elsewhere: what is noted there is noted for nobody."""
        log.warning("the journal %s was removed; it is written anew", self._path)
        self._notice = "The journal was removed while the bridge ran. It is written anew: no job of this run is lost."
        self._behind.update(self._pages, self._untold)
        self._hang_up()

    def _opened(self) -> sqlite3.Connection:
        with suppress(OSError):
            self._path.parent.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(self._path, os.O_CREAT | os.O_WRONLY, 0o600))
        newest = _bytes_of(Path(f"{self._path}-wal"))  # SQLite removes the log of a file that it cannot read
        try:
            return _connected(self._path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # full, locked or read only, but not damaged
                raise
            why = "of another version" if isinstance(error, _OtherVersion) else "damaged"
            aside = self._path.with_name(f"{self._path.name}.{why.split()[-1]}-{time.time_ns()}")
            if newest:
                with suppress(OSError):
                    durable.write_new(Path(f"{aside}-wal"), newest, mode=0o600)
            for suffix in ("-wal", "-shm"):  # first: a new file must find no old log beside it
                Path(f"{self._path}{suffix}").unlink(missing_ok=True)
            os.replace(self._path, aside)
            log.warning("the journal was %s (%s); it lies in %s now", why, error, aside)
            self._notice = f"The journal was {why} and begins anew: jobs of before may be lost. Look at your projects."
            self._behind.update(self._pages, self._untold)
            return _connected(self._path)

    def _read(self, line: sqlite3.Connection) -> tuple[Page, ...]:
        pages, damaged = [], []
        for row in line.execute("SELECT * FROM jobs ORDER BY at, mark").fetchall():
            try:
                pages.append(_page(row))
            except (ValueError, TypeError, RecursionError):
                damaged.append((row[0],))
        if damaged:
            log.warning("the journal %s has %d damaged pages; they are taken out", self._path, len(damaged))
            self._notice = "A page of the journal was damaged: a job of before may be lost. Look at your projects."
            with line:
                line.executemany("DELETE FROM jobs WHERE mark IS ?", damaged)
        return tuple(pages)

    def _hang_up(self) -> None:
        if self._line is not None:
            with suppress(sqlite3.Error):
                self._line.close()
            self._line = None


class _OtherVersion(sqlite3.DatabaseError):
    """The journal is of a version of the bridge that keeps it otherwise."""


def _file_of(path: Path) -> tuple[int, int]:
    """(device, number) of the file that has a name now; zeros for none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino


def _bytes_of(path: Path) -> bytes:
    """What is in a file; nothing where there is none, or far more than the journal ever is."""
    with suppress(OSError):
        if path.stat().st_size <= MOST_BYTES:
            return path.read_bytes()
    return b""


def _connected(path: Path) -> sqlite3.Connection:
    line = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
    line.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        with closing(line.execute("PRAGMA user_version")) as found:
            (version,) = found.fetchone()
        if version not in (0, VERSION):
            raise _OtherVersion(f"it is of version {version}, not {VERSION}")
        line.execute("PRAGMA journal_mode=WAL")
        line.execute("PRAGMA synchronous=FULL")
        line.execute("PRAGMA wal_autocheckpoint=64")
        line.execute(_TABLE)
        line.execute(f"PRAGMA user_version={VERSION}")
        if line.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("it is damaged")
        line.execute("SELECT mark, at, verb, project, stage, folders, files, sent, taken, sentence FROM jobs LIMIT 1")
    except BaseException:
        line.close()
        raise
    return line


def _row(page: Page) -> tuple[object, ...]:
    lists = (json.dumps(texts) for texts in (page.folders, page.files, page.sent, page.taken))
    return (page.mark, page.at, page.verb, page.project, page.stage.value, *lists, page.sentence)


def _page(row: tuple[object, ...]) -> Page:
    mark, at, verb, project, stage, folders, files, sent, taken, sentence = row
    return Page(
        mark=str(mark),
        at=float(str(at)),
        verb=str(verb),
        project=str(project),
        stage=Stage(stage),
        folders=_texts(folders),
        files=_texts(files),
        sent=_texts(sent),
        taken=_texts(taken),
        sentence=str(sentence),
    )


def _texts(value: object) -> tuple[str, ...]:
    found = json.loads(str(value))
    return tuple(str(one) for one in found) if isinstance(found, list) else ()


class Notes:
    """What one job writes into the journal; into none, it writes nothing.

    Attributes:
        mark: names the job for ever. reached: whether one of its changes is in the project, or may be or have been, so
            that undoing and redoing may want its sounds.
    """

    def __init__(self, journal: Journal | None = None, mark: str = "") -> None:
        self._journal = journal
        self.mark = mark
        self.reached = False
        self._writes = 0

    def begun(self) -> None:
        """It runs."""
        self._change(lambda page: replace(page, stage=Stage.RUNNING))

    def folder(self, path: Path) -> None:
        """It is about to make files in a folder."""
        self._change(lambda page: replace(page, folders=(*page.folders, str(path))))

    def file(self, path: Path) -> None:
        """It finished a sound file."""
        self._change(lambda page: replace(page, files=(*page.files, str(path))))

    def sending(self) -> str:
        """It is about to send a change to the host; the mark of that change."""
        self._writes += 1
        mark = f"{self.mark}.{self._writes}" if self.mark else ""
        self._change(lambda page: replace(page, sent=(*page.sent, mark)))
        return mark

    def taken(self, mark: str) -> None:
        """The host took that change."""
        self._change(lambda page: replace(page, taken=(*page.taken, mark)))

    def refused(self, mark: str) -> None:
        """The host did not take it, and will not."""
        self._change(lambda page: replace(page, sent=tuple(one for one in page.sent if one != mark)))

    def _change(self, edit: Callable[[Page], Page]) -> None:
        if self._journal is not None and self.mark:
            self._journal.change(self.mark, edit)
