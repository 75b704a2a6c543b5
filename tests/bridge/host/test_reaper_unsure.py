"""A fault inside REAPER around a write: only a refusal is one; of everything else the project itself says how it is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.errors import HostError, HostUnsure
from bridge.host import endpoint
from bridge.host.base import Change
from bridge.host.reaper import ReaperHost
from bridge.jobs.journal import Journal, Notes
from bridge.jobs.noted import NotedHost
from tests.bridge.host.changes import Sounds, new_item
from tests.bridge.host.conftest import SCRIPTS, TICK_S
from tests.reaper_sim.client import SimReaper

DOOR = "def write(change):\n"
AFTER = {
    "a fault": "    yield from _write(change)\n    raise RuntimeError('planted')\n",
    "no report": "    yield from _write(change)\n    return {'ok': {'of': 'another version'}}\n",
    "no answer": "    yield from _write(change)\n    return ['ok']\n",
    "an empty refusal": "    yield from _write(change)\n    return {'refused': {}}\n",
    "no JSON": "    yield from _write(change)\n    return {'ok': float('nan')}\n",
}
BEFORE = "    raise RuntimeError('planted')\n"


@contextmanager
def faulty(folder: Path, file: str, at: str, fault: str) -> Iterator[tuple[SimReaper, ReaperHost]]:
    """A REAPER in whose scripts a fault was planted behind a line, and its host."""
    scripts = folder / "scripts"
    shutil.copytree(SCRIPTS, scripts)
    path = scripts / "foley_inside" / file
    source = path.read_text("utf-8")
    assert source.count(at) == 1
    path.write_text(source.replace(at, at + fault), "utf-8")
    server = scripts / "foley_server.py"
    with SimReaper.start(folder / "reaper", tick_s=TICK_S, web_port=None, startup_scripts=[server]) as reaper:
        host = ReaperHost(read_timeout_s=3.0, write_timeout_s=3.0)
        yield reaper, host
        host.close()


def change_of(reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds) -> Change:
    reaper.place_video(video, 10.0, 2.0)
    view = host.read(cursor_s=10.5)
    return Change(token=view.token, undo_title="Foley: generate", new_items=(new_item(view.items[0], sounds("new")),))


def noted(folder: Path, host: ReaperHost) -> tuple[NotedHost, Callable[[], tuple[str, ...]]]:
    """The host of a job, and what the journal is not sure of."""
    journal = Journal(folder / "journal.sqlite")
    journal.accept("job", "generate", "")

    def unsure() -> tuple[str, ...]:
        page = journal.page("job")
        assert page is not None
        return page.unsure

    return NotedHost(host, Notes(journal, "job")), unsure


@pytest.mark.parametrize("fault", list(AFTER))
def test_write_when_the_script_fails_after_the_change_then_it_is_not_taken_for_refused(
    fault: str, tmp_path: Path, video: Path, sounds: Sounds
) -> None:
    with faulty(tmp_path, "write.py", DOOR, AFTER[fault]) as (reaper, host):
        change = change_of(reaper, host, video, sounds)
        by_job, unsure = noted(tmp_path, host)
        assert by_job.write(change).item_guids == ()
        assert unsure() == ()
        assert reaper.undo_labels()[1:] == ["Foley: generate"]
        with pytest.raises(HostUnsure):
            host.write(change)


def test_write_when_the_script_fails_before_the_change_then_it_is_told_that_nothing_was_changed(
    tmp_path: Path, video: Path, sounds: Sounds
) -> None:
    with faulty(tmp_path, "write.py", DOOR, BEFORE) as (reaper, host):
        change = change_of(reaper, host, video, sounds)
        by_job, unsure = noted(tmp_path, host)
        with pytest.raises(HostError, match="planted, and nothing was changed") as caught:
            by_job.write(change)
        assert not isinstance(caught.value, HostUnsure)
        assert unsure() == ()
        assert reaper.undo_labels()[1:] == []


def test_write_when_a_waveform_cannot_be_begun_then_the_change_is_there_and_reported(
    tmp_path: Path, video: Path, sounds: Sounds
) -> None:
    with faulty(tmp_path, "peaks.py", "def begin(tab, take):\n", "    1 / 0\n") as (reaper, host):
        change = change_of(reaper, host, video, sounds)
        assert len(host.write(change).item_guids) == 1
        assert reaper.undo_labels()[1:] == ["Foley: generate"]
        assert "ZeroDivisionError" in (endpoint.folder() / "reaper-faults.log").read_text("utf-8")
        assert "fault" not in reaper.console()
