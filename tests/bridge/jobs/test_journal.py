"""No job is lost in silence: what is not over when the daemon dies is there for the next one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import HostError, HostUnsure
from bridge.host.base import Change
from bridge.jobs.journal import MOST_ENDED, Journal, Notes, Stage
from bridge.jobs.noted import NotedHost
from bridge.jobs.runner import Context, Runner
from tests.bridge.jobs.diary import died, host, path, until
from tests.fakes import FakeHost

__all__ = ["host", "path"]


def test_job_when_the_daemon_dies_at_any_step_then_the_next_one_finds_it(path: Path) -> None:
    journal = Journal(path)
    journal.accept("a", "generate", "tab")
    notes = Notes(journal, "a")
    steps: list[Callable[[], object]] = [
        lambda: None,
        notes.begun,
        lambda: notes.folder(Path("/p/Foley")),
        lambda: notes.file(Path("/p/Foley/a.wav")),
        notes.sending,
        lambda: notes.taken("a.1"),
        lambda: journal.end("a", "It is done."),
    ]
    seen = []
    for step in steps:
        step()
        (page,) = died(path).left()
        seen.append((page.stage, page.folders, page.files, page.unsure, page.taken, page.sentence))
    folders, files = ("/p/Foley",), ("/p/Foley/a.wav",)
    assert seen == [
        (Stage.ACCEPTED, (), (), (), (), ""),
        (Stage.RUNNING, (), (), (), (), ""),
        (Stage.RUNNING, folders, (), (), (), ""),
        (Stage.RUNNING, folders, files, (), (), ""),
        (Stage.RUNNING, folders, files, ("a.1",), (), ""),
        (Stage.RUNNING, folders, files, (), ("a.1",), ""),
        (Stage.ENDED, folders, files, (), ("a.1",), "It is done."),
    ]
    journal.forget("a")
    assert died(path).left() == ()


def test_journal_when_made_then_only_this_user_can_read_it(path: Path) -> None:
    Journal(path).accept("a", "generate", "tab")
    if os.name == "posix":
        assert {stat.S_IMODE(file.stat().st_mode) & 0o077 for file in path.parent.glob("journal*")} == {0}


def test_write_when_no_answer_came_but_it_landed_then_the_job_goes_on(path: Path, host: FakeHost) -> None:
    journal = Journal(path)
    journal.accept("a", "generate", "tab")
    host.silent = True
    NotedHost(host, Notes(journal, "a")).write(Change(token="tab", undo_title="Foley: generate"))
    (page,) = died(path).left()
    assert (page.unsure, page.taken) == ((), ("a.1",))


def test_write_when_no_answer_came_and_it_did_not_land_then_the_sentence_says_so(path: Path, host: FakeHost) -> None:
    class Dropping(FakeHost):
        def write(self, change):
            raise HostUnsure("REAPER does not answer", hint="Close it")

    with pytest.raises(HostError, match="nothing was changed") as caught:
        NotedHost(Dropping(host.view), Notes(Journal(path), "")).write(Change(token="tab", undo_title="x"))
    assert not isinstance(caught.value, HostUnsure)
    assert caught.value.hint == "Press the key again"


def test_changes_when_a_job_writes_twice_then_each_has_a_mark_of_its_own(path: Path, host: FakeHost) -> None:
    noted = NotedHost(host, Notes(Journal(path), "a"))
    for _ in range(2):
        noted.write(Change(token="tab", undo_title="x"))
    assert [change.mark for change in host.changes] == ["a.1", "a.2"]
    assert noted.landed("tab", ("a.2", "b.1")) == ("a.2",)


@pytest.mark.parametrize("damage", [b"not a database at all" * 100, b"", b"SQLite format 3\0" + b"\xff" * 5000])
def test_journal_when_damaged_then_it_is_set_aside_told_once_and_works(path: Path, damage: bytes) -> None:
    path.write_bytes(damage)
    journal = Journal(path)
    assert journal.left() == ()
    assert ("damaged" in journal.take_notice()) == bool(damage)
    assert journal.take_notice() == ""
    journal.accept("a", "generate", "tab")
    assert [page.mark for page in died(path).left()] == ["a"]
    aside = list(path.parent.glob("*.damaged-*"))
    assert [file.read_bytes() for file in aside] == ([damage] if damage else [])


def test_journal_when_its_disk_is_full_then_jobs_go_on_and_it_is_told_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path)
    journal.accept("a", "generate", "tab")

    class Full:
        def __enter__(self):
            return self

        def __exit__(self, *exc):
            pass

        def execute(self, *args):
            raise sqlite3.OperationalError("database or disk is full")

        def close(self):
            pass

    def full(path: Path) -> Full:
        return Full()

    monkeypatch.setattr("bridge.jobs.journal._connected", full)
    journal.close()
    for mark in ("b", "c"):
        journal.accept(mark, "generate", "tab")
    assert "disk is full" in journal.take_notice()
    assert journal.take_notice() == ""
    monkeypatch.undo()
    Notes(journal, "b").begun()
    assert {page.mark for page in died(path).left()} == {"a", "b", "c"}


def test_journal_when_it_could_not_note_an_end_then_it_catches_up_and_the_next_daemon_does_not_tell_of_a_lost_job(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    journal = Journal(path)
    for mark in ("a", "b"):
        journal.accept(mark, "generate", "tab")
    with monkeypatch.context() as disk:
        disk.setattr("bridge.jobs.journal._connected", full)
        journal.close()
        journal.forget("a")
        journal.end("b", "It is done.", done=True)
    assert {page.mark for page in died(path).left()} == {"a", "b"}
    journal.close()
    (page,) = died(path).left()
    assert (page.mark, page.stage, page.sentence) == ("b", Stage.DONE, "It is done.")


def test_journal_when_damaged_under_a_running_daemon_then_the_open_jobs_are_noted_again(path: Path) -> None:
    journal = Journal(path)
    journal.accept("a", "generate", "tab")
    journal.close()
    path.write_bytes(b"not a database at all" * 100)
    journal.accept("b", "generate", "tab")
    assert {page.mark for page in died(path).left()} == {"a", "b"}


def test_journal_when_damaged_then_its_log_is_set_aside_beside_it(path: Path) -> None:
    for name, data in ((path, b"not a database at all" * 100), (Path(f"{path}-wal"), b"the newest pages" * 9)):
        name.write_bytes(data)
    Journal(path).accept("a", "generate", "tab")
    (aside,) = path.parent.glob("*.damaged-*-wal")
    assert aside.read_bytes() == b"the newest pages" * 9
    assert Path(str(aside).removesuffix("-wal")).read_bytes() == b"not a database at all" * 100
    assert [page.mark for page in died(path).left()] == ["a"]


def test_journal_when_of_another_version_then_it_is_set_aside_whole_and_told_once(path: Path) -> None:
    journal = Journal(path)
    journal.accept("a", "generate", "tab")
    journal.close()
    with closing(sqlite3.connect(path)) as line:
        line.execute("PRAGMA user_version=7")
    journal = Journal(path)
    assert journal.left() == ()
    assert "another version" in journal.take_notice()
    assert journal.take_notice() == ""
    (aside,) = path.parent.glob("*.version-*")
    with closing(sqlite3.connect(aside)) as line:
        assert line.execute("SELECT mark FROM jobs").fetchall() == [("a",)]
    journal.accept("b", "generate", "tab")
    assert [page.mark for page in died(path).left()] == ["b"]


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed there")
@pytest.mark.parametrize("whole_folder", [False, True])
def test_journal_when_removed_under_a_running_daemon_then_every_open_job_is_noted_again_and_it_is_told_once(
    tmp_path: Path, whole_folder: bool
) -> None:
    path = tmp_path / "endpoint" / "journal.sqlite"
    path.parent.mkdir()
    Journal(path).accept("of before", "generate", "tab")
    journal = died(path)
    journal.accept("a", "generate", "tab")
    if whole_folder:
        shutil.rmtree(path.parent)
    else:
        for file in path.parent.glob("journal*"):
            file.unlink()
    journal.accept("b", "generate", "tab")
    assert "removed" in journal.take_notice()
    Notes(journal, "b").begun()
    assert journal.take_notice() == ""
    assert {page.mark for page in died(path).left()} == {"of before", "a", "b"}
    assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
    if whole_folder:
        assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0
    journal.forget("of before")
    journal.forget("a")
    assert {page.mark for page in died(path).left()} == {"b"}


def test_sentences_when_nobody_ever_hears_them_then_the_journal_stays_small(path: Path) -> None:
    journal = Journal(path)
    for number in range(MOST_ENDED + 20):
        journal.accept(str(number), "generate", "tab")
        journal.end(str(number), "It failed.")
    left = died(path).left()
    assert len(left) == MOST_ENDED
    assert str(MOST_ENDED + 19) in {page.mark for page in left}


def test_runner_when_a_job_is_accepted_then_it_is_in_the_journal_before_anything_else(path: Path) -> None:
    hold = threading.Event()
    marks: list[str] = []

    def work(context: Context) -> str:
        marks.append(context.notes.mark)
        hold.wait(5)
        return "done"

    journal = Journal(path)
    runner = Runner(journal=journal, on_change=lambda job: journal.forget(job.mark) if job.state.final else None)
    first, second = (runner.submit("generate", work, project="tab") for _ in range(2))
    until(lambda: marks)
    pages = {page.mark: page for page in died(path).left()}
    assert [pages[job.mark].stage for job in (first, second)] == [Stage.RUNNING, Stage.ACCEPTED]
    assert {page.project for page in pages.values()} == {"tab"}
    hold.set()
    until(lambda: not died(path).left())
    runner.close()


def test_runner_when_closed_then_jobs_that_waited_are_kept_with_a_sentence_and_no_new_one_is_taken(path: Path) -> None:
    hold = threading.Event()
    runner = Runner(journal=Journal(path))
    begun = threading.Event()

    def work(context: Context) -> str:
        begun.set()
        hold.wait(5)
        context.progress(0.5)
        return "done"

    jobs = [runner.submit("generate", work) for _ in range(3)]
    assert begun.wait(5)
    runner.close(timeout_s=0.1)
    stages = {page.mark: page.stage for page in died(path).left()}
    assert stages[jobs[0].mark] is Stage.RUNNING
    with pytest.raises(Exception, match="stopping"):
        runner.submit("generate", work)
    hold.set()
    until(lambda: all(page.stage is Stage.ENDED for page in died(path).left()))
    pages = died(path).left()
    assert {page.mark for page in pages} == {job.mark for job in jobs}
    assert all("press the key again" in page.sentence for page in pages)


def test_page_when_changed_after_it_was_forgotten_then_it_does_not_come_back(path: Path) -> None:
    journal = Journal(path)
    journal.accept("a", "generate", "tab")
    journal.forget("a")
    journal.change("a", lambda page: replace(page, sentence="late"))
    assert died(path).left() == ()
