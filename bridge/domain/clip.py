"""A video item as it stands: project time <-> source time, here and nowhere else.

Convention. Three times, never mixed: *project time* (REAPER's time line), *source time* (seconds in the file, 0 is the
file's start) and *clip time* (project time minus the item's position). REAPER shows at project time ``t``

    p = start_offset + (t - position) * play_rate         the place in what the take plays
    p = p mod length_of_what_it_plays                     if the item loops; otherwise p outside of it shows nothing
    source = section_offset + p                           or section_offset + section_length - p when reversed

where a take plays its section, or the whole source if it has none. Every interval is half-open [left, right), to within
a nanosecond: an instant less than ``EDGE_S`` before a right edge belongs to what follows it. So two items that were
split at an edge show every instant exactly once, whatever the rounding.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bridge.errors import RequestError

EDGE_S = 1e-9
PLACE_S = 1e-6
"""A place in what a take plays is kept to this; one that rounding carried across an edge is not lost."""
MIN_LOOP_S = 1e-3
"""A shorter loop could not be heard or seen; refusing it bounds the number of repeats."""

Times = NDArray[np.float64]


def samples_of(seconds: float, rate_hz: int) -> int:
    """The sample index nearest to a time; exact halves go up (a millionth of a sample below counts as half).

    An item's length and a time inside it are rounded by this one rule, so an item's end is its length in samples.
    """
    return math.floor(seconds * rate_hz + 0.5 + 1e-6)


@dataclass(frozen=True, kw_only=True)
class Section:
    """The stretch of the source that a take plays (REAPER's SECTION source). To reverse all of a source: a section over
    all of it.

    Attributes:
        offset_s: source time of its left edge. length_s: its length in source seconds. reverse: played backwards.
    """

    offset_s: float
    length_s: float
    reverse: bool = False


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A stretch of video that a render must fit, and where it sits.

    Attributes:
        source_path: the video file. source_length_s: its length, > 0.
        position_s, length_s: the item's, project time; length > 0.
        start_offset_s: place in what the take plays at the item's left edge (source seconds; may be negative).
        play_rate: source seconds per project second, > 0. loop: what the take plays repeats for ever.
        section: the stretch played, None for the whole source.
        stretch_markers: how many the take has; any is refused, because time then bends inside the item.
        name: what messages call the item.

    Raises:
        RequestError: naming the item, if a value makes no sense or stretch markers are there.
    """

    source_path: str
    source_length_s: float
    position_s: float = 0.0
    length_s: float
    start_offset_s: float = 0.0
    play_rate: float = 1.0
    loop: bool = False
    section: Section | None = None
    stretch_markers: int = 0
    name: str = ""

    def __post_init__(self) -> None:
        if self.stretch_markers:
            markers = "a stretch marker" if self.stretch_markers == 1 else f"{self.stretch_markers} stretch markers"
            raise RequestError(
                f"{self.title} has {markers}, which the bridge cannot follow",
                hint="Remove the stretch markers or glue the item, then try again",
            )
        self._check("position", self.position_s)
        self._check("start offset", self.start_offset_s)
        self._check("length", self.length_s, positive=True)
        self._check("play rate", self.play_rate, positive=True)
        self._check("length of its source", self.source_length_s, positive=True)
        if self.section is not None:
            self._check("section's start", self.section.offset_s)
            self._check("section's length", self.section.length_s, positive=True)
        if self.loop and self._played_s < MIN_LOOP_S:
            raise RequestError(
                f"{self.title} loops {self._played_s * 1000:g} ms of its source, which is too short to follow",
                hint="Switch looping off or lengthen the section",
            )

    @classmethod
    def whole(cls, source_path: str, source_length_s: float, *, position_s: float = 0.0, name: str = "") -> Clip:
        """A source from its first to its last instant."""
        return cls(
            source_path=source_path,
            source_length_s=source_length_s,
            position_s=position_s,
            length_s=source_length_s,
            name=name,
        )

    @classmethod
    def of_time_map(cls, source_path: str, time_map: Mapping[str, Any]) -> Clip:
        """The clip that a ``time_map`` is of; what JSON made of it will do.

        Raises:
            TypeError: it is no time map. RequestError: its numbers make no clip.
        """
        numbers = dict(time_map)
        section = numbers.pop("section", None)
        return cls(source_path=source_path, section=Section(**section) if section else None, **numbers)

    @property
    def time_map(self) -> dict[str, Any]:
        """Every number of the clip by its name, the file left out."""
        return {key: value for key, value in asdict(self).items() if key != "source_path"}

    @property
    def title(self) -> str:
        """What messages call the item: its name, or its file's."""
        name = self.name or PurePath(self.source_path.replace("\\", "/")).name
        return f'the item "{name}"' if name else "the item"

    @property
    def end_s(self) -> float:
        """Project time of the right edge; the first instant that the item does not show."""
        return self.position_s + self.length_s

    def clip_time(self, project_s: ArrayLike) -> Times:
        """Clip time of project times."""
        return np.asarray(project_s, np.float64) - self.position_s

    def project_time(self, clip_s: ArrayLike) -> Times:
        """Project time of clip times."""
        return np.asarray(clip_s, np.float64) + self.position_s

    def length_samples(self, rate_hz: int) -> int:
        """Samples of sound that fill the item exactly: its length times the rate, exact halves rounded up."""
        return samples_of(self.length_s, rate_hz)

    def to_source(self, project_s: ArrayLike) -> Times:
        """Source time shown at each project time, same shape; nan where nothing is shown.

        Nothing is shown outside the item, and, unless it loops, before the beginning and past the end of what it plays.
        """
        project = np.asarray(project_s, np.float64)
        played = self.start_offset_s + (project - self.position_s) * self.play_rate
        if self.loop:
            with np.errstate(invalid="ignore"):
                played = np.mod(played, self._played_s)
            played = np.where(played >= self._played_s - EDGE_S, 0.0, played)
        shown = _inside(project, self.position_s, self.end_s) & _inside(played, 0.0, self._played_s)
        source = self._source_of(np.maximum(played, 0.0))
        return np.where(shown & self._exists(source), source, np.nan)

    def to_project(self, source_s: ArrayLike) -> Times:
        """Every project time at which the item shows one of these source instants, ascending, shape (times,).

        One source instant gives none when trimmed away, and several when the item loops over it.
        """
        source = np.asarray(source_s, np.float64).ravel()
        source = source[self._exists(source)]
        played = self._played_of(source)
        if self.loop:
            # Rounding may have carried an instant from just before the seam onto it, where the loop begins anew.
            seam = (played >= self._played_s - EDGE_S) & (played < self._played_s - EDGE_S / 2)
            played = np.where(seam, 0.0, played)
        played = np.maximum(played[_inside(played, 0.0, self._played_s)], 0.0)
        if self.loop:
            first = math.floor(self.start_offset_s / self._played_s) - 1
            last = math.floor((self.start_offset_s + self.length_s * self.play_rate) / self._played_s) + 1
            played = (played[:, None] + np.arange(first, last + 1) * self._played_s).ravel()
        project = np.asarray(self.position_s + (played - self.start_offset_s) / self.play_rate, np.float64)
        project = project[_inside(project, self.position_s, self.end_s)]
        return np.sort(np.maximum(project, self.position_s))

    def played_time(self, project_s: float) -> float:
        """The place in what the take plays at a project time (REAPER's take markers count so)."""
        played = self.start_offset_s + (project_s - self.position_s) * self.play_rate
        if not self.loop:
            return played
        played = float(np.mod(played, self._played_s))
        return 0.0 if played >= self._played_s - EDGE_S else played

    def shown_at(self, played_s: float) -> Times:
        """Every project time at which the item comes to a place in what the take plays, ascending, shape (times,).

        The place may be rounded by up to ``PLACE_S``.
        """
        played = np.array([played_s])
        if self.loop:
            first = math.floor(self.start_offset_s / self._played_s) - 1
            last = math.floor((self.start_offset_s + self.length_s * self.play_rate) / self._played_s) + 1
            played = played + np.arange(first, last + 1) * self._played_s
        project = np.asarray(self.position_s + (played - self.start_offset_s) / self.play_rate, np.float64)
        slack = PLACE_S / self.play_rate
        shown = project[_inside(project, self.position_s - slack, self.end_s - slack)]
        return np.sort(np.maximum(shown, self.position_s))

    def spans(self) -> tuple[tuple[float, float], ...]:
        """The distinct intervals of source time that the item shows: (start_s, end_s), ascending, apart.

        Empty if it shows nothing. This is all that detection has to look at, however often the item loops.
        """
        begin = self.start_offset_s
        end = begin + self.length_s * self.play_rate
        period = self._played_s
        if not self.loop:
            played = [(begin, end)]
        elif end - begin >= period - EDGE_S:
            played = [(0.0, period)]
        else:
            begin = float(np.mod(begin, period))
            end = begin + self.length_s * self.play_rate
            played = [(begin, end), (0.0, end - period)]
        offset, reverse = (self.section.offset_s, self.section.reverse) if self.section else (0.0, False)
        intervals = []
        for left, right in played:
            left, right = max(left, 0.0), min(right, period)
            if reverse:
                left, right = period - right, period - left
            left, right = max(offset + left, 0.0), min(offset + right, self.source_length_s)
            if right - left > EDGE_S:
                intervals.append((left, right))
        return tuple(sorted(intervals))

    def sub(self, start_s: float, end_s: float) -> Clip:
        """The part of the item in [start_s, end_s), project time; the rest of the range is left out.

        Raises:
            RequestError: the range and the item have nothing in common.
        """
        start, end = max(start_s, self.position_s), min(end_s, self.end_s)
        if not end - start > EDGE_S:
            raise RequestError(
                f"{self.title} lies at {self.position_s:.3f} to {self.end_s:.3f} s and shows nothing "
                f"from {start_s:.3f} to {end_s:.3f} s",
                hint="Choose a range that overlaps the item",
            )
        offset = self.start_offset_s + (start - self.position_s) * self.play_rate
        return replace(self, position_s=start, length_s=end - start, start_offset_s=offset)

    @property
    def _played_s(self) -> float:
        return self.section.length_s if self.section else self.source_length_s

    def _source_of(self, played: Times) -> Times:
        if self.section is None:
            return played
        if self.section.reverse:
            return self.section.offset_s + self.section.length_s - played
        return self.section.offset_s + played

    def _played_of(self, source: Times) -> Times:
        if self.section is None:
            return source
        if self.section.reverse:
            return self.section.offset_s + self.section.length_s - source
        return source - self.section.offset_s

    def _exists(self, source: Times) -> NDArray[np.bool_]:
        """Whether the source has a picture there; backwards, an instant is the picture that ends with it."""
        if self.section is not None and self.section.reverse:
            return (source > EDGE_S) & (source <= self.source_length_s + EDGE_S)
        return _inside(source, 0.0, self.source_length_s)

    def _check(self, what: str, value: float, *, positive: bool = False) -> None:
        if not math.isfinite(value) or (positive and value <= 0):
            wanted = "a positive number" if positive else "a number"
            raise RequestError(
                f"{self.title}: the {what} must be {wanted}, got {value:g}",
                hint="Check the item's properties; the file may be missing or offline",
            )


def _inside(value: Times, left: float, right: float) -> NDArray[np.bool_]:
    return (value >= left - EDGE_S) & (value < right - EDGE_S)
