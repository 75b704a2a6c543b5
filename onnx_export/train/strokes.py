"""Courses of things that touch a surface, with the instants at which they do.

A course gives a point's place over time as ``(along, above)``: along the surface, and above it, both in picture
heights. ``above`` is 0 while the point touches and below 0 while it is in something soft; a contact is the instant at
which it gets there, or sets off along the surface after a rest. A near miss turns back above the surface and is no
contact.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Place = tuple[float, float]
Ease = Callable[[float], float]

_SLIDE_SHARE = 0.4
_GLANCE_SHARE = 0.3
"""How much of the speed along the surface counts as force: when a slide sets off, and when a stroke comes in."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Movement from one place to another.

    Attributes:
        end_s: when it is done; it begins where the piece before it ends.
        place: where it leads.
        along: share of the way along the surface done at a share of the time, both 0..1.
        above: the same for the height.
    """

    end_s: float
    place: Place
    along: Ease
    above: Ease


@dataclass
class Course:
    """Pieces of movement, appended in time.

    Attributes:
        place: where it begins.
        drift: speed along the surface taken off everything, picture heights per second: who films walks along.
        contacts_s: instants of contact, ascending.
    """

    place: Place
    drift: float = 0.0
    contacts_s: list[float] = field(default_factory=list)
    _slides: list[bool] = field(default_factory=list)
    _pieces: list[Piece] = field(default_factory=list)
    _ends_s: list[float] = field(default_factory=list)

    @property
    def end_s(self) -> float:
        """When the last piece is done."""
        return self._ends_s[-1] if self._ends_s else 0.0

    def go(self, seconds: float, place: Place, *, along: Ease, above: Ease) -> None:
        """Appends a piece."""
        piece = Piece(end_s=self.end_s + max(1e-3, seconds), place=place, along=along, above=above)
        self._pieces.append(piece)
        self._ends_s.append(piece.end_s)

    def touch(self, *, slide: bool = False) -> None:
        """Marks the end of the last piece as a contact.

        Args:
            slide: it lay on the surface already and sets off along it now.
        """
        self.contacts_s.append(self.end_s)
        self._slides.append(slide)

    def speeds(self) -> list[float]:
        """How fast it arrives at each contact (or sets off), picture heights per second."""
        answer = []
        for contact_s, slide in zip(self.contacts_s, self._slides, strict=True):
            one, two = (self._inertial(contact_s + d) for d in ((0.0, 0.02) if slide else (-0.004, 0.0)))
            along, above = (two[0] - one[0], one[1] - two[1])
            share = _SLIDE_SHARE if slide else _GLANCE_SHARE
            answer.append(float(np.hypot(share * along, above)) / (0.02 if slide else 0.004))
        return answer

    def at(self, time_s: float) -> Place:
        """Where the point is."""
        along, above = self._inertial(time_s)
        return along - self.drift * time_s, above

    def _inertial(self, time_s: float) -> Place:
        """Where the point is on a surface at rest."""
        index = bisect.bisect_right(self._ends_s, time_s)
        if index >= len(self._pieces):
            return self._pieces[-1].place if self._pieces else self.place
        piece = self._pieces[index]
        begin_s = self._ends_s[index - 1] if index else 0.0
        start = self._pieces[index - 1].place if index else self.place
        share = min(1.0, max(0.0, (time_s - begin_s) / (piece.end_s - begin_s)))
        along = start[0] + (piece.place[0] - start[0]) * piece.along(share)
        above = start[1] + (piece.place[1] - start[1]) * piece.above(share)
        return along, above

    @property
    def here(self) -> Place:
        """Where the last piece leads."""
        return self._pieces[-1].place if self._pieces else self.place


def smooth(share: float) -> float:
    """Sets out and arrives gently."""
    return share * share * (3 - 2 * share)


def even(share: float) -> float:
    """Constant speed."""
    return share


def gathering(power: float) -> Ease:
    """Ever faster, arriving at full speed: what ends in a contact."""
    return lambda share: share**power


def fading(power: float) -> Ease:
    """At full speed at once, then ever slower: what follows a rebound."""
    return lambda share: 1 - (1 - share) ** power


def wait(course: Course, seconds: float) -> None:
    """Stays where it is."""
    course.go(seconds, course.here, along=even, above=even)
