"""The journal of jobs: a file that died with a daemon, or that somebody wrote over."""

from __future__ import annotations

import functools
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from bridge.jobs.journal import JOURNAL_FILE, Journal
from tests.fuzz.cases import TEXTS, bent, chances
from tests.fuzz.files import folder
from tests.fuzz.target import Target

ODD = (
    None,
    1,
    -1.5,
    b"\xff",
    "",
    "[]",
    "{}",
    "[[]]",
    "[1,null]",
    "[" * 3000,
    '["/p/a.wav"]',
    "accepted",
    2**62,
    *TEXTS,
)


def _empty() -> Path:
    where = folder() / "journal"
    where.mkdir(exist_ok=True)
    for old in where.iterdir():
        old.unlink()
    return where / JOURNAL_FILE


@functools.cache
def good() -> bytes:
    """A journal with a job in the middle of its work and one that ended, as one file."""
    path = _empty()
    journal = Journal(path)
    for mark in ("a1", "b2"):
        journal.accept(mark, "generate", "run\ntab")
        journal.change(mark, lambda page: replace(page, folders=("/p",), files=("/p/a.wav",), sent=("a1.1",)))
    journal.end("b2", "Done.")
    journal.close()
    return path.read_bytes()


@st.composite
def rows(draw: Any) -> bytes:
    """Journals whose table is right and whose fields are not."""
    chance, path = draw(chances), _empty()
    path.write_bytes(good())
    with closing(sqlite3.connect(path)) as line, line:
        line.execute("PRAGMA journal_mode=DELETE")
        for _ in range(chance.randint(1, 3)):
            field = chance.choice(
                ("mark", "at", "verb", "project", "stage", "folders", "files", "sent", "taken", "sentence")
            )
            value = chance.choice(ODD)
            value = value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
            line.execute(f"UPDATE OR IGNORE jobs SET {field} = ? WHERE mark = (SELECT min(mark) FROM jobs)", (value,))
    return path.read_bytes()


def check_journal(case: bytes) -> bool:
    """Whatever lies there, a daemon starts, and what it notes then is there for the next one, or it said that not."""
    path = _empty()
    path.write_bytes(case)
    journal = Journal(path)
    left = journal.left()
    assert all(page.mark is not None and page.unsure is not None for page in left)
    told = journal.take_notice()
    journal.accept("new", "generate", "p")
    journal.end("new", "Done.")
    warned = "so a crash now would lose a job" in told + journal.take_notice()
    journal.close()
    again = Journal(path)
    assert warned or "new" in [page.mark for page in again.left()], "what was noted after is lost"
    again.close()
    return bool(left)


TARGETS = [
    Target(
        name="journal",
        quick=15,
        check=check_journal,
        hostile=st.deferred(lambda: bent([good()]) | rows()),
        valid=st.deferred(lambda: st.just(good())),
    )
]
