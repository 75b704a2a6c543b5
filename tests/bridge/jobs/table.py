"""What the tests of the verbs work on: a project in memory, an engine that shows what it was asked for, and keys."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.errors import BridgeError, RequestError
from bridge.host.base import FoleyItemView, MarkerView, ProjectView
from bridge.jobs import verbs
from bridge.jobs.desk import Wishes
from bridge.jobs.doing import DOES
from bridge.jobs.runner import Context
from bridge.media import wav
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
        return DOES[verb](self.desk, Context("j", self.cancel, lambda fraction, text: None), key)

    def change(self, **fields) -> None:
        self.host.view = replace(self.host.view, **fields)

    def wish(self, **fields) -> None:
        self.desk = replace(self.desk, wishes=Wishes(**fields))

    def mark(self, *entries: tuple[float, str]) -> None:
        """Puts the designer's own markers, and no others, into the project."""
        self.change(
            markers=tuple(
                MarkerView(guid=f"{{own{number}}}", position_s=position_s, name=name)
                for number, (position_s, name) in enumerate(entries)
            )
        )

    def select(self, start_s: float, end_s: float) -> None:
        self.change(selection_start_s=start_s, selection_end_s=end_s)

    def layer(self, words: str | None = "") -> FoleyItemView:
        return next(item for item in self.host.view.foley_items if item.layer == words)

    def recipe(self, words: str | None = "") -> Recipe:
        return Recipe.from_json(self.layer(words).recipe)

    def request(self, words: str | None = "") -> Request:
        return self.recipe(words).request

    def levels(self, words: str | None = "") -> dict[float, float]:
        """{project time: level} of the onsets that a layer's recipe tells of."""
        at_s = self.recipe(words).time_map["position_s"]
        return {round(at_s + onset.time_s, 6): onset.strength for onset in self.request(words).onsets}

    def samples(self, words: str | None = "") -> NDArray[np.float32]:
        return wav.read(Path(self.layer(words).audio_path)).samples[0]

    def content(self, words: str | None = "") -> bytes:
        return Path(self.layer(words).audio_path).read_bytes()

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
