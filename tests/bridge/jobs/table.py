"""What the tests of the verbs work on: a project in memory, an engine that shows what it was asked for, and keys."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from bridge.errors import BridgeError, RequestError
from bridge.host.base import ProjectView
from bridge.jobs import verbs
from bridge.jobs.runner import Context
from tests.fakes import FakeEngine, FakeHost, project, video_item

KEY = verbs.KeyPress()


class Table:
    """A host, an engine and a desk over a folder."""

    def __init__(self, folder: Path, view: ProjectView | None = None, engine: FakeEngine | None = None) -> None:
        self.folder = folder
        self.video = folder / "clip.mp4"
        self.video.write_bytes(b"picture")
        self.host = FakeHost(view or project(str(folder), video_item(str(self.video))))
        self.engine = engine or FakeEngine()
        seeds = count(1)
        self.desk = verbs.Desk(
            host=self.host,
            engine=lambda: self.engine,  # pyright: ignore[reportArgumentType]
            new_seed=lambda: next(seeds),
        )
        self.cancel = threading.Event()

    def press(self, verb: str, key: verbs.KeyPress = KEY) -> str:
        return verbs.VERBS[verb].run(self.desk, Context("j", self.cancel, lambda fraction, text: None), key)

    def change(self, **fields) -> None:
        self.host.view = replace(self.host.view, **fields)

    def times(self) -> list[float]:
        return [marker.position_s for marker in self.host.view.markers]

    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file() and path != self.video)

    def fails(self, verb: str, *words: str, kind: type[BridgeError] = RequestError, key: verbs.KeyPress = KEY) -> None:
        before, files, steps = self.host.view, self.files(), list(self.host.undo_steps)
        with pytest.raises(kind) as caught:
            self.press(verb, key)
        for word in words:
            assert word in caught.value.sentence
        assert caught.value.hint
        assert (self.host.view, self.files(), self.host.undo_steps) == (before, files, steps)
