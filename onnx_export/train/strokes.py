"""Courses of things that touch a surface, with the instants at which they do.

A course gives a point's place over time as ``(along, above)``: along the surface, and above it, both in picture
heights. ``above`` is 0 exactly while the point touches; a contact is the instant at which it gets there. A near miss
turns back above the surface and is no contact.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

Place = tuple[float, float]
Ease = Callable[[float], float]


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
        contacts_s: instants of contact, ascending.
        force: one number in 0..1 per contact.
    """

    place: Place
    contacts_s: list[float] = field(default_factory=list)
    force: list[float] = field(default_factory=list)
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

    def touch(self, force: float) -> None:
        """Marks the end of the last piece as a contact."""
        self.contacts_s.append(self.end_s)
        self.force.append(force)

    def at(self, time_s: float) -> Place:
        """Where the point is."""
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


def strikes(random: np.random.Generator, length_s: float, *, hold: float, misses: float) -> Course:
    """A tool or hand that strikes again and again.

    Args:
        random: where every choice comes from.
        length_s: shortest length of the course.
        hold: chance that it stays after a contact instead of bouncing off.
        misses: chance that a stroke turns back before the surface.
    """
    size = random.uniform(0.12, 0.45)
    course = Course((random.uniform(-0.3, 0.3), size))
    pace = random.uniform(0.6, 1.8)
    power = random.uniform(1.5, 3.0)
    wander = random.uniform(0.0, 0.25)
    while course.end_s < length_s:
        along, above = course.here
        target = float(np.clip(along + random.normal(0, wander), -0.5, 0.5))
        if random.random() < 0.3:
            _wait(course, random.exponential(0.25) * pace)
        top = max(above, size * random.uniform(0.6, 1.2))
        if top - above > 0.03:
            course.go(random.uniform(0.12, 0.4) * pace, (along, top), along=smooth, above=smooth)
        down_s = random.uniform(0.1, 0.28) * pace * (0.5 + top / size * 0.5)
        if random.random() < misses:
            _turn_back(course, random, target, top, down_s)
            continue
        course.go(down_s, (target, 0.0), along=smooth, above=gathering(power * random.uniform(0.8, 1.2)))
        course.touch(float(np.clip(top / size / down_s * 0.12, 0.1, 1.0)))
        if random.random() < hold:
            course.go(random.uniform(0.04, 0.5), (target, 0.0), along=even, above=even)
            lift = size * random.uniform(0.5, 1.0)
            course.go(random.uniform(0.15, 0.5) * pace, (target, lift), along=smooth, above=smooth)
        else:
            rise = size * random.uniform(0.15, 0.9)
            course.go(
                random.uniform(0.1, 0.3) * pace, (target, rise), along=smooth, above=fading(random.uniform(1.6, 3))
            )
    return course


def bounces(random: np.random.Generator, length_s: float) -> Course:
    """A thing dropped over and over: it falls, bounces ever lower, is lifted again."""
    course = Course((random.uniform(-0.4, 0.4), random.uniform(0.3, 0.7)))
    gravity = random.uniform(1.5, 6.0)
    spring = random.uniform(0.0, 0.85)
    while course.end_s < length_s:
        drift = random.uniform(-0.25, 0.25)
        along, above = course.here
        fall_s = (2 * above / gravity) ** 0.5
        course.go(fall_s, (along + drift * fall_s, 0.0), along=even, above=gathering(2))
        course.touch(1.0)
        speed = gravity * fall_s * spring
        while speed**2 / (2 * gravity) > 0.012:
            half_s = speed / gravity
            top = speed * half_s / 2
            for place, ease in ((top, fading(2)), (0.0, gathering(2))):
                course.go(half_s, (course.here[0] + drift * half_s, place), along=even, above=ease)
            course.touch(float(np.clip(speed / (gravity * fall_s), 0.05, 1.0)))
            speed *= spring
        _wait(course, random.uniform(0.2, 0.9))
        again = (random.uniform(-0.4, 0.4), random.uniform(0.3, 0.7))
        course.go(random.uniform(0.5, 1.2), again, along=smooth, above=smooth)
        _wait(course, random.uniform(0.1, 0.6))
    return course


def idle(random: np.random.Generator, length_s: float) -> Course:
    """Something that moves about and never touches: gestures above the surface."""
    course = Course((random.uniform(-0.3, 0.3), random.uniform(0.2, 0.6)))
    while course.end_s < length_s:
        _wait(course, random.exponential(0.3))
        place = (random.uniform(-0.5, 0.5), random.uniform(0.15, 0.7))
        course.go(random.uniform(0.2, 1.2), place, along=smooth, above=smooth)
    return course


def _wait(course: Course, seconds: float) -> None:
    course.go(seconds, course.here, along=even, above=even)


def _turn_back(course: Course, random: np.random.Generator, target: float, top: float, down_s: float) -> None:
    """Down to somewhere above the surface and up again, without a jolt."""
    low = top * random.uniform(0.2, 0.6)
    course.go(down_s * 1.3, (target, low), along=smooth, above=smooth)
    course.go(random.uniform(0.15, 0.4), (target, top), along=smooth, above=smooth)
