"""A journal and a host for the tests of both journal and recovery."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.jobs.journal import Journal, Notes
from bridge.jobs.recovery import Recovery
from tests.fakes import FakeHost, project, video_item


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


@pytest.fixture
def host(tmp_path: Path) -> FakeHost:
    return FakeHost(project(str(tmp_path), video_item(str(tmp_path / "clip.mp4"))))


def until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def died(path: Path) -> Journal:
    """The journal as the next daemon finds it; the one before never closed it."""
    return Journal(path)


def job_with_sound(journal: Journal, folder: Path) -> tuple[Notes, Path]:
    """A job that finished a sound in a folder: its notes, and that sound."""
    sound = folder / "wood.wav"
    sound.write_bytes(b"sound")
    journal.accept("a", "generate", "tab")
    notes = Notes(journal, "a")
    notes.folder(folder)
    notes.file(sound)
    return notes, sound


def settled(journal: Journal, host: FakeHost) -> list[tuple[str, str]]:
    recovery = Recovery(journal, host, lambda verb: f"Doing {verb}")
    recovery.start()
    until(lambda: len(host.told) >= len(journal.left()))
    recovery.close()
    return host.told
