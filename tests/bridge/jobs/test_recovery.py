"""What a daemon finds of one that died is settled: told once, its leftovers gone, never done again."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest

from bridge.errors import HostError, HostGone, HostUnsure
from bridge.host.base import Change
from bridge.jobs.journal import Journal, Notes
from bridge.jobs.noted import NotedHost
from bridge.jobs.recovery import Recovery
from bridge.jobs.runner import Context, Runner
from bridge.media.files import owned_prefix, temporary_beside
from tests.bridge.jobs.diary import died, host, job_with_sound, path, settled, until
from tests.fakes import FakeHost

__all__ = ["host", "path"]
FOLDER = ".foley-a1b2c3d4-ab12_x9z"


def test_job_when_never_written_then_it_is_lost_what_is_half_done_goes_and_the_designer_is_told_to_press_again(
    path: Path, host: FakeHost, tmp_path: Path
) -> None:
    folder = tmp_path / "Foley"
    folder.mkdir()
    mark = "a1b2c3d4e5f60718"
    ours = [folder / "wood 1.wav", folder / ".wood 2.wav.a1b2c3d4-0123abcd.part", folder / FOLDER / "0.wav"]
    others = (".wood 3.wav.0123abcd.part", ".wood 3.wav.ffffffff-0123abcd.part", ".foley-abcd1234/0.wav")
    names = ("take.wav", ".foley-archive/old.wav", ".hidden", "notes.part", "../elsewhere.wav", *others)
    theirs = [folder / name for name in names]
    for made in (FOLDER, ".foley-archive", ".foley-abcd1234"):
        (folder / made).mkdir()
    for file in (*ours, *theirs):
        file.write_bytes(b"sound")
    journal = Journal(path)
    journal.accept(mark, "generate", "tab")
    notes = Notes(journal, mark)
    notes.folder(folder)
    notes.file(ours[0])
    notes.file(theirs[4])
    (told,) = settled(died(path), host)
    assert told[0] == "error"
    assert "'Doing generate' was lost" in told[1]
    assert "as it is open now; its sound stays in the Foley folder" in told[1]
    assert "Press the key again" in told[1]
    assert [file for file in ours if file.exists()] == ours[:1]
    assert [file for file in theirs if file.exists()] == theirs
    assert died(path).left() == ()


def test_job_when_its_change_landed_then_it_is_told_as_finished_and_its_files_stay(
    path: Path, host: FakeHost, tmp_path: Path
) -> None:
    notes, sound = job_with_sound(Journal(path), tmp_path)
    host.silent = True
    host.away = HostError("REAPER is away")
    with pytest.raises(HostUnsure):
        NotedHost(host, notes).write(Change(token="tab", undo_title="Foley: generate"))
    host.away = None
    (told,) = settled(died(path), host)
    assert told[0] == "info"
    assert "finished" in told[1]
    assert sound.exists()
    assert died(path).left() == ()


def test_job_when_the_host_is_away_then_it_is_settled_once_it_is_back(
    path: Path, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.jobs.recovery.ASK_EVERY_S", 0.01)
    journal = Journal(path)
    journal.accept("a", "generate", "tab")
    Notes(journal, "a").sending()
    host.away = HostError("REAPER is away")
    recovery = Recovery(died(path), host, str)
    recovery.start()
    time.sleep(0.05)
    assert host.told == []
    host.away = None
    until(lambda: host.told)
    recovery.close()
    assert "was lost" in host.told[0][1]


def test_job_when_its_project_is_closed_then_the_designer_is_told_to_look_and_the_file_stays(
    path: Path, host: FakeHost, tmp_path: Path
) -> None:
    notes, sound = job_with_sound(Journal(path), tmp_path)
    notes.sending()
    host.away = HostGone("it is closed")
    (told,) = settled(died(path), host)
    assert "look whether the change is there" in told[1]
    assert sound.exists()


def test_sentence_when_it_was_never_shown_then_the_next_daemon_says_it(path: Path, host: FakeHost) -> None:
    journal = Journal(path)
    host.deaf = True
    for round_number in (1, 2):
        if round_number == 1:
            journal.accept("a", "generate", "tab")
            journal.end("a", "The disk is full. Free some space.")
        host.told.clear()
        assert settled(died(path), host) == [("error", "The disk is full. Free some space.")]
    host.deaf = False
    host.told.clear()
    settled(died(path), host)
    assert died(path).left() == ()


def test_job_when_only_its_acceptance_could_be_noted_but_its_change_landed_then_it_is_told_as_finished_and_files_stay(
    path: Path, host: FakeHost, tmp_path: Path
) -> None:
    journal = Journal(path)
    journal.accept("a", "generate", "tab")
    host.write(Change(token="tab", undo_title="Foley: generate", mark="a.1"))
    (told,) = settled(died(path), host)
    assert (told[0], "finished" in told[1]) == ("info", True)


def test_job_when_it_was_taken_but_the_project_has_it_no_more_then_the_sentence_says_so_and_the_file_stays(
    path: Path, host: FakeHost, tmp_path: Path
) -> None:
    journal = Journal(path)
    notes, sound = job_with_sound(journal, tmp_path)
    notes.taken(notes.sending())
    journal.end("a", "6 onsets sounded.", done=True)
    (told,) = settled(died(path), host)
    assert told[0] == "error"
    assert "not in the project now" in told[1]
    assert "Press the key again" in told[1]
    assert sound.exists()


@pytest.mark.parametrize("there", [True, False])
def test_change_when_nobody_answered_for_it_then_the_same_daemon_asks_once_the_host_is_back_and_tells(
    path: Path, host: FakeHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    monkeypatch.setattr("bridge.jobs.recovery.ASK_EVERY_S", 0.01)
    journal = Journal(path)
    recovery = Recovery(journal, host, str)
    notes, sound = job_with_sound(journal, tmp_path)
    mark = notes.sending()
    journal.end("a", "REAPER does not answer. Look whether the change is there.")
    if there:
        host.write(Change(token="tab", undo_title="Foley: generate", mark=mark))
    host.away = HostError("REAPER is away")
    assert recovery.later("a")
    time.sleep(0.05)
    assert host.told == []
    host.away = None
    until(lambda: host.told)
    recovery.close()
    ((kind, told),) = host.told
    assert (kind, "finished all the same" in told) == (("info", True) if there else ("error", False))
    assert ("as it is open now; its sound stays in the Foley folder. Press the key again." in told) != there
    assert sound.exists()
    assert died(path).left() == ()


def test_change_when_it_was_answered_for_then_nothing_is_asked_later(path: Path, host: FakeHost) -> None:
    journal = Journal(path)
    journal.accept("a", "generate", "tab")
    notes = Notes(journal, "a")
    notes.taken(notes.sending())
    assert not Recovery(journal, host, str).later("a")
    assert not Recovery(journal, host, str).later("nothing")


def test_good_news_when_the_daemon_died_before_telling_then_the_next_one_tells(path: Path, host: FakeHost) -> None:
    journal = Journal(path)
    journal.accept("a", "keep", "tab")
    journal.end("a", "There is only one take: 'wood'.", done=True)
    assert settled(died(path), host) == [("info", "There is only one take: 'wood'.")]
    assert died(path).left() == ()


def test_work_under_way_when_its_job_dies_then_its_names_tell_recovery_whose_it_was(
    path: Path, host: FakeHost, tmp_path: Path
) -> None:
    theirs = tmp_path / ".film wood 1.wav.deadbeef.part"
    theirs.touch()
    made: list[Path] = []

    def work(context: Context) -> str:
        context.notes.folder(tmp_path)
        made.append(Path(tempfile.mkdtemp(dir=tmp_path, prefix=owned_prefix())))
        with temporary_beside(tmp_path / "wood.wav") as temporary:
            made.append(temporary)
            temporary.touch()
            assert settled(died(path), host)
            assert [one for one in made if one.exists()] == []
        return "done"

    runner = Runner(journal=Journal(path))
    runner.submit("generate", work, project="tab")
    until(lambda: runner.jobs()[0].state.final)
    runner.close()
    assert runner.jobs()[0].sentence == "done"
    assert len(made) == 2
    assert theirs.exists()
