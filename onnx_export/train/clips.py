"""Annotated clips for training: video files with known contact times, read as motion.

A folder of clips holds ``clips.csv`` (columns ``id, path, eval_start, eval_end`` and optionally ``group, split``) and a
folder of ``ID.csv`` files with a column ``time_s``: source time of each contact. The annotation counts only within
``eval_start`` to ``eval_end``. A column ``av_offset_ms`` says by how much the picture's contacts come after their
sounds; the sound says how hard each was. Motion is kept linear and on a grid twice as fine as the graph's, so that
training can zoom and shift it; it is cached as float16.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from numpy.typing import NDArray

from bridge.dsp import motion as motion_module
from bridge.dsp.motion import MotionGrid, MotionSettings
from bridge.errors import MediaError, RequestError
from onnx_export.train.when_strength import strengths_of_file

GROUP_CHARACTERS = 13
"""An id that begins with a recording's date and hour, ``YYYY-MM-DD-HH``, names its group by that."""
OF_CLIP = "-variant-"
"""A variant's name: its clip's, this, a number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Example:
    """Motion with the contact times in it.

    Attributes:
        name: the clip's id.
        group: clips recorded together; never split between training and testing.
        motion: linear, float16, (steps, 4, fine rows, fine columns).
        start_s: source time of the first step's middle.
        rate_hz: steps per second.
        onsets_s: source times of the contacts, ascending.
        valid_s: source times between which the annotation counts.
        strength: 0..1 per contact, linear amplitude relative to the clip's loudest; NaN where it is not known. None
            given: none is known.
    """

    name: str
    group: str
    motion: NDArray[np.float16] = field(repr=False)
    start_s: float
    rate_hz: float
    onsets_s: NDArray[np.float64] = field(repr=False)
    valid_s: tuple[float, float]
    strength: NDArray[np.float64] | None = field(default=None, repr=False)

    @property
    def strengths(self) -> NDArray[np.float64]:
        """One number per contact, NaN where it is not known."""
        return np.full(len(self.onsets_s), np.nan) if self.strength is None else self.strength


def fine(settings: MotionSettings) -> MotionSettings:
    """The same front end on the grid that training keeps."""
    return replace(settings, rows=2 * settings.rows, columns=2 * settings.columns)


def grid(
    frames: Iterable[tuple[float, NDArray[np.uint8]]], settings: MotionSettings
) -> tuple[NDArray[np.float16], float]:
    """Linear motion of a whole video and the source time of its first step."""
    front = MotionGrid(settings)
    parts = [front.feed(time_s, image).astype(np.float16) for time_s, image in frames]
    parts.append(front.finish().astype(np.float16))
    if front.first_step is None:
        raise MediaError("there is no frame to learn from", hint="Leave the clip out")
    return np.concatenate(parts), float(settings.step_time_s(front.first_step))


def frames(path: Path) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Source time and grey picture of every frame of a file."""
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            origin_s = (container.start_time or 0) / 1_000_000
            for frame in container.decode(stream):
                if frame.time is not None:
                    yield frame.time - origin_s, frame.to_ndarray(format="gray")
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise MediaError(f"{path} cannot be read: {error}", hint="Leave the clip out of clips.csv") from error


def load(
    folder: Path, *, cache: Path, settings: MotionSettings, onsets: str, split: str | None = None
) -> list[Example]:
    """Every clip of a folder, as motion.

    Args:
        folder: holds ``clips.csv`` and what it names.
        cache: folder for the motion; made where missing.
        settings: the graph's front end.
        onsets: name of the folder of annotations.
        split: only clips whose ``split`` column says so.
    """
    return [_example(folder, row, cache, settings, onsets) for row in _rows(folder, split)]


def kept(
    cache: Path | None,
    named: list[Any],
    settings: MotionSettings,
    make: Callable[[], tuple[NDArray[np.float16], float]],
) -> tuple[NDArray[np.float16], float]:
    """A video's motion, made once for each setting and each version of the front end.

    Args:
        cache: folder; None makes it anew.
        named: what tells the video from others.
        settings: of the front end.
        make: measures the motion.
    """
    if cache is None:
        return make()
    version = hashlib.sha256(Path(motion_module.__file__).read_bytes()).hexdigest()
    key = json.dumps([*named, settings.to_manifest(), version], sort_keys=True)
    path = cache / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            return stored["motion"], float(stored["start_s"])
    motion, start_s = make()
    cache.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part.npz")
    np.savez(part, motion=motion, start_s=start_s)
    part.replace(path)
    return motion, start_s


def folds(examples: Sequence[Example], count: int, *, by: str = "group") -> list[list[int]]:
    """Indices of each fold's test clips: groups whole, onsets spread evenly, the same for the same clips.

    Args:
        examples: what is divided.
        count: how many folds.
        by: ``group`` keeps clips recorded together on one side, ``name`` only the clip itself.
    """
    groups: dict[str, list[int]] = {}
    for index, example in enumerate(examples):
        groups.setdefault(getattr(example, by), []).append(index)
    if len(groups) < count:
        raise RequestError(f"{len(groups)} groups do not fill {count} folds", hint="Ask for fewer folds")
    weight = {key: sum(len(examples[i].onsets_s) for i in members) for key, members in groups.items()}
    answer: list[list[int]] = [[] for _ in range(count)]
    load_of = [0] * count
    for key in sorted(groups, key=lambda k: (-weight[k], k)):
        lightest = load_of.index(min(load_of))
        answer[lightest] += groups[key]
        load_of[lightest] += weight[key] + 1
    return [sorted(fold) for fold in answer]


def _rows(folder: Path, split: str | None) -> list[dict[str, str]]:
    try:
        with (folder / "clips.csv").open(newline="") as file:
            return [row for row in csv.DictReader(file) if split is None or row.get("split") == split]
    except OSError as error:
        raise MediaError(f"{folder} has no clips.csv: {error}", hint="Name a folder of annotated clips") from error


def _example(folder: Path, row: dict[str, str], cache: Path, settings: MotionSettings, onsets: str) -> Example:
    path = folder / row["path"]
    with (folder / onsets / f"{row['id']}.csv").open(newline="") as file:
        times = np.array(sorted(float(line["time_s"]) for line in csv.DictReader(file)))
    measured = fine(settings)
    named = [path.name, path.stat().st_size]
    motion, start_s = kept(cache, named, measured, lambda: grid(frames(path), measured))
    return Example(
        name=row["id"],
        group=row.get("group") or row["id"][:GROUP_CHARACTERS],
        motion=motion,
        start_s=start_s,
        rate_hz=settings.rate_hz,
        onsets_s=times,
        valid_s=(float(row["eval_start"]), float(row["eval_end"])),
        strength=strengths_of_file(path, times - float(row.get("av_offset_ms") or 0.0) / 1000),
    )
