"""What the onset nets learn from and are judged by, gathered and measured once.

Scenes and quiet films from ``UNSEEN_SEED`` on judge; they never train anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tqdm import tqdm

from bridge.dsp.motion import MotionSettings
from onnx_export.train import quiet, scenes, video_augment
from onnx_export.train.clips import Example, load
from onnx_export.train.when_fit import Data

UNSEEN_SEED = 1_000_000

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where examples come from.

    Attributes:
        settings: of the front end.
        cache: folder in which measured motion is kept.
        clips: folder of annotated recordings; None: there are none.
        onsets: name of the folder of annotations in it.
        split: only recordings whose column ``split`` says so.
    """

    settings: MotionSettings
    cache: Path
    clips: Path | None = None
    onsets: str = "onsets_visual"
    split: str | None = None

    def recordings(self) -> list[Example]:
        """The annotated recordings.

        Raises:
            MediaError: a clip, or the folder's table, cannot be read.
        """
        if self.clips is None:
            return []
        return load(self.clips, cache=self.cache, settings=self.settings, onsets=self.onsets, split=self.split)

    def learned(self, recordings: Sequence[Example], *, variants: int, rendered: int, still: int) -> Data:
        """Everything to learn from.

        Args:
            recordings: what ``recordings`` gave, or none of them.
            variants: copies of each, filmed again. rendered: scenes. still: films without action.
        """
        again: list[Example] = []
        if self.clips is not None:
            for one in _shown(recordings if variants else [], "recordings filmed again"):
                again += video_augment.variants(
                    [one], self.clips, settings=self.settings, cache=self.cache, each=variants
                )
        return Data(
            clips=recordings,
            variants=again,
            scenes=self.scenes(0, rendered),
            quiet=self.quiet(0, still),
        )

    def scenes(self, first: int, count: int) -> list[Example]:
        """Rendered scenes from a seed on."""
        return self._each(first, count, scenes.example, "scenes rendered")

    def quiet(self, first: int, count: int) -> list[Example]:
        """Films without action from a seed on."""
        return self._each(first, count, quiet.example, "films without action")

    def _each(self, first: int, count: int, make: Callable[..., Example], what: str) -> list[Example]:
        return [make(seed, self.settings, cache=self.cache) for seed in _shown(range(first, first + count), what)]


def kind_of_quiet(example: Example) -> str:
    """What a quiet film shows."""
    return quiet.KINDS[int(example.name.rsplit("-", 1)[1]) % len(quiet.KINDS)]


def _shown(items: Sequence[Item], what: str) -> Sequence[Item]:
    return tqdm(items, desc=what, disable=None, leave=False)  # type: ignore[return-value]
