"""Real clips with known contacts, as the measuring reads them.

Convention: a folder holds ``clips.csv`` (``id, path, split, eval_start, eval_end, demo_text``),
``onsets_visual/ID.csv`` (where the picture shows a contact) and ``onsets/ID.csv`` (where it is heard, with its peak
amplitude). All times are source time. The annotation counts only within ``eval_start`` to ``eval_end``.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.errors import MediaError

SPLIT = "dev"
HOUR = 13
"""An id begins with the recording's date and hour, ``YYYY-MM-DD-HH``: one place, one day."""

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """One clip.

    Attributes:
        name: its id. path: the video. span_s: where the annotation counts. words: what is struck and how, in English.
        seen_s, seen_level: contacts in the picture and how loud each was; heard_s, heard_level: the same in the sound.
    """

    name: str
    path: Path
    span_s: tuple[float, float]
    words: str
    seen_s: Array = field(repr=False)
    seen_level: Array = field(repr=False)
    heard_s: Array = field(repr=False)
    heard_level: Array = field(repr=False)

    @property
    def hour(self) -> str:
        """Day and hour of the recording."""
        return self.name[:HOUR]


def load(folder: Path, *, split: str = SPLIT, limit: int | None = None) -> tuple[Clip, ...]:
    """The clips of a split, in the table's order.

    Args:
        limit: at most so many.

    Raises:
        MediaError: a table is missing or not as it should be, or there is no such clip.
    """
    try:
        with (folder / "clips.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["split"] == split][:limit]
        clips = tuple(_clip(folder, row) for row in rows)
    except (OSError, KeyError, ValueError) as error:
        raise MediaError(f"{folder} cannot be used ({error})", hint="Name a folder of annotated clips") from error
    if not clips:
        raise MediaError(f'{folder} has no clips of the split "{split}"', hint="Name a folder of annotated clips")
    return clips


def _clip(folder: Path, row: dict[str, str]) -> Clip:
    low, high = float(row["eval_start"]), float(row["eval_end"])
    seen, seen_level = _table(folder / "onsets_visual" / f"{row['id']}.csv", low, high)
    heard, heard_level = _table(folder / "onsets" / f"{row['id']}.csv", low, high)
    return Clip(
        name=row["id"],
        path=folder / row["path"],
        span_s=(low, high),
        words=" ".join(row["demo_text"].split()[:2]),
        seen_s=seen,
        seen_level=seen_level,
        heard_s=heard,
        heard_level=heard_level,
    )


def _table(path: Path, low: float, high: float) -> tuple[Array, Array]:
    with path.open(newline="", encoding="utf-8") as file:
        rows = sorted((float(row["time_s"]), float(row.get("peak_amplitude") or "nan")) for row in csv.DictReader(file))
    pairs = np.array([row for row in rows if low <= row[0] <= high], np.float64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
