"""A sound that the project took, or may have taken, stays on the disk: undo, redo and copies of the project need it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import BridgeError, HostError, HostUnsure, JobCancelled
from bridge.host.base import Change, Report
from bridge.jobs.doing import DOES
from bridge.jobs.journal import Journal, Notes
from bridge.jobs.noted import NotedHost
from bridge.jobs.runner import Context
from tests.bridge.jobs.table import KEY, Table
from tests.fakes import FakeHost


def pressed(table: Table, host: FakeHost) -> BridgeError:
    """What a key press says that fails in a host, journal and all."""
    journal = Journal(table.folder.parent / "journal.sqlite")
    journal.accept("a", "generate", "tab")
    notes = Notes(journal, "a")
    desk = replace(table.desk, host=NotedHost(host, notes))
    with pytest.raises(BridgeError) as caught:
        DOES["generate"](desk, Context("j", table.cancel, lambda fraction, text: None, notes), KEY)
    journal.close()
    return caught.value


@pytest.fixture
def table(tmp_path: Path) -> Table:
    (tmp_path / "show").mkdir()
    table = Table(tmp_path / "show")
    table.mark((10.25, "foley"), (10.75, "foley"))
    table.change(prompt="wood")
    return table


def test_sound_when_the_answer_was_lost_and_the_change_undone_meanwhile_then_it_stays_for_the_redo(
    table: Table,
) -> None:
    class Undone(FakeHost):
        def write(self, change: Change) -> Report:
            raise HostUnsure("REAPER does not answer", hint="Look")

    error = pressed(table, Undone(table.host.view))
    assert not isinstance(error, HostUnsure)
    assert [name for name in table.files() if name.endswith(".wav")]


def test_sound_when_the_host_failed_after_it_had_made_the_change_then_it_stays_and_the_sentence_says_to_look(
    table: Table,
) -> None:
    class Failing(FakeHost):
        def write(self, change: Change) -> Report:
            super().write(change)
            raise HostError("a fault in the bridge's script", hint="Press the key again")

    host = Failing(table.host.view)
    assert "Look whether the change is there" in pressed(table, host).sentence
    assert Path(host.view.foley_items[0].audio_path).exists()


def test_sound_when_cancelled_after_the_project_took_it_then_it_stays(table: Table) -> None:
    class Cancelling(NotedHost):
        def write(self, change: Change) -> Report:
            super().write(change)
            raise JobCancelled("cancelled")

    host, notes = FakeHost(table.host.view), Notes(Journal(table.folder.parent / "journal.sqlite"), "a")
    desk = replace(table.desk, host=Cancelling(host, notes))
    with pytest.raises(JobCancelled):
        DOES["generate"](desk, Context("j", table.cancel, lambda fraction, text: None, notes), KEY)
    assert Path(host.view.foley_items[0].audio_path).exists()


def test_sound_when_the_host_refused_and_says_that_it_is_not_there_then_it_goes(table: Table) -> None:
    host = FakeHost(table.host.view, refuse="The item was moved")
    assert "The item was moved" in pressed(table, host).sentence
    assert not [name for name in table.files() if name.endswith(".wav")]


def test_sound_when_the_host_is_away_after_a_refusal_then_it_stays(table: Table) -> None:
    host = FakeHost(table.host.view, refuse="REAPER is not running any more", away=HostError("it is away"))
    assert "REAPER is not running any more" in pressed(table, host).sentence
    assert [name for name in table.files() if name.endswith(".wav")]


def test_refusal_when_a_sound_cannot_be_removed_then_it_is_told_all_the_same_and_the_others_go(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlink, stuck = Path.unlink, []

    def held(path: Path, missing_ok: bool = False) -> None:
        if path.suffix == ".wav" and (not stuck or path in stuck):
            stuck.append(path)
            raise PermissionError("another program plays it")
        unlink(path, missing_ok=missing_ok)

    table.mark((10.25, "foley"), (10.75, "foley: metal"))
    monkeypatch.setattr(Path, "unlink", held)
    host = FakeHost(table.host.view, refuse="The item was moved")
    assert "The item was moved" in pressed(table, host).sentence
    assert [table.folder / "Foley" / name for name in table.files() if name.endswith(".wav")] == stuck[:1]
