"""Courses drawn at random: strikes, scrapes, bounces, steps, things put down, and gestures that touch nothing.

Lengths are picture heights. A course ends at or after the length that is asked for. See ``strokes`` for the convention.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from onnx_export.train.strokes import Course, even, fading, gathering, smooth, wait


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How somebody strikes: chances, each 0..1, of what follows a contact.

    Attributes:
        hold: stays where it touched.
        misses: turns back before the surface.
        drags: is dragged along the surface.
        doubles: bounces and touches again by itself, once or several times.
        soft: how deep it goes into the thing, picture heights; 0 is hard.
        pace: how slow, 1 is usual.
        reach: how far above the surface strokes begin.
        wander: how far contacts lie apart.
    """

    hold: float = 0.3
    misses: float = 0.1
    drags: float = 0.0
    doubles: float = 0.0
    soft: float = 0.0
    pace: float = 1.0
    reach: float = 0.3
    wander: float = 0.1


def any_manner(random: np.random.Generator, *, hold: float) -> Manner:
    """A manner drawn at random, around a chance of holding still."""
    return Manner(
        hold=hold,
        misses=float(random.choice([0.0, 0.1, 0.25, 0.4])),
        drags=float(random.choice([0.0, 0.15, 0.5])),
        doubles=float(random.choice([0.0, 0.0, 0.1, 0.3])),
        soft=float(random.choice([0.0, 0.0, random.uniform(0.01, 0.1)])),
        pace=float(np.exp(random.normal(-0.25, 0.4))),
        reach=float(random.uniform(0.07, 0.45)),
        wander=float(random.uniform(0.0, 0.25)),
    )


def strikes(random: np.random.Generator, length_s: float, manner: Manner, *, start_s: float = 0.0) -> Course:
    """A tool or hand that strikes again and again, in one manner."""
    size = manner.reach
    course = Course((random.uniform(-0.3, 0.3), size))
    power = random.uniform(1.4, 3.2)
    if start_s > 0:
        wait(course, start_s)
    while course.end_s < length_s:
        along, above = course.here
        target = float(np.clip(along + random.normal(0, manner.wander), -0.4, 0.4))
        if random.random() < 0.3:
            wait(course, random.exponential(0.25) * manner.pace)
        top = max(above, size * random.uniform(0.5, 1.2))
        if top - above > 0.03:
            course.go(random.uniform(0.12, 0.4) * manner.pace, (along, top), along=smooth, above=smooth)
        down_s = random.uniform(0.08, 0.28) * manner.pace * (0.5 + top / size * 0.5)
        if random.random() < manner.misses:
            _turn_back(course, random, target, top, down_s)
            continue
        course.go(down_s, (target, 0.0), along=smooth, above=gathering(power * random.uniform(0.8, 1.2)))
        course.touch()
        _after(course, random, manner, target)
    return course


def scrapes(random: np.random.Generator, length_s: float) -> Course:
    """Lies on the surface and is dragged to and fro with rests, now and then lifted and set down again."""
    course = Course((random.uniform(-0.2, 0.2), random.uniform(0.05, 0.25)))
    pace = float(np.exp(random.normal(-0.1, 0.3)))
    lifts = float(random.choice([0.1, 0.4, 0.9]))
    side = float(random.choice([-1.0, 1.0]))
    while course.end_s < length_s:
        if course.here[1] > 0:
            wait(course, random.exponential(0.2))
            course.go(random.uniform(0.1, 0.3) * pace, (course.here[0], 0.0), along=smooth, above=gathering(1.5))
            course.touch()
            if random.random() < 0.4:
                wait(course, random.uniform(0.15, 0.5))
                course.touch(slide=True)
        else:
            wait(course, random.uniform(0.08, 0.45) * pace)
            course.touch(slide=True)
        side = -side if random.random() < 0.7 else side
        _drag(course, random, side * random.uniform(0.06, 0.35), pace)
        if random.random() < lifts:
            lift = (course.here[0] + random.uniform(-0.2, 0.2), random.uniform(0.04, 0.25))
            course.go(random.uniform(0.15, 0.4) * pace, lift, along=smooth, above=smooth)
    return course


def bounces(random: np.random.Generator, length_s: float) -> Course:
    """A thing dropped over and over: it falls, bounces ever lower, rolls or lies, is lifted again."""
    course = Course((random.uniform(-0.4, 0.4), random.uniform(0.3, 0.7)))
    gravity = random.uniform(1.5, 6.0)
    spring = random.uniform(0.0, 0.85)
    while course.end_s < length_s:
        drift = random.uniform(-0.2, 0.2)
        along, above = course.here
        fall_s = (2 * above / gravity) ** 0.5
        course.go(fall_s, (along + drift * fall_s, 0.0), along=even, above=gathering(2))
        course.touch()
        speed = gravity * fall_s * spring
        while speed**2 / (2 * gravity) > 0.012:
            half_s = speed / gravity
            top = speed * half_s / 2
            for place, ease in ((top, fading(2)), (0.0, gathering(2))):
                course.go(half_s, (course.here[0] + drift * half_s, place), along=even, above=ease)
            course.touch()
            speed *= spring
        rest_s = random.uniform(0.2, 0.9)
        course.go(rest_s, (course.here[0] + drift * rest_s, 0.0), along=fading(2), above=even)
        again = (random.uniform(-0.4, 0.4), random.uniform(0.3, 0.7))
        course.go(random.uniform(0.5, 1.2), again, along=smooth, above=smooth)
        wait(course, random.uniform(0.1, 0.6))
    return course


def puts(random: np.random.Generator, length_s: float) -> Course:
    """A thing put down, slowly or with a bang, sometimes pushed, and taken up again."""
    course = Course((random.uniform(-0.3, 0.3), random.uniform(0.1, 0.4)))
    while course.end_s < length_s:
        target = random.uniform(-0.35, 0.35)
        course.go(random.uniform(0.2, 0.7), (target, random.uniform(0.06, 0.2)), along=smooth, above=smooth)
        course.go(random.uniform(0.08, 0.35), (target, 0.0), along=even, above=gathering(random.uniform(1.0, 2.0)))
        course.touch()
        wait(course, random.uniform(0.1, 0.8))
        if random.random() < 0.35:
            wait(course, 0.15)
            course.touch(slide=True)
            _drag(course, random, float(random.choice([-1, 1])) * random.uniform(0.08, 0.25), 1.0)
            wait(course, random.uniform(0.05, 0.3))
        lift = (course.here[0], random.uniform(0.1, 0.4))
        course.go(random.uniform(0.2, 0.6), lift, along=smooth, above=smooth)
        if random.random() < 0.3:
            wait(course, random.exponential(0.4))
    return course


def steps(random: np.random.Generator, length_s: float) -> tuple[Course, Course]:
    """Two feet in turn: on the spot, to and fro, or filmed by somebody who walks along."""
    manner = random.choice(["spot", "to and fro", "along"])
    stride = random.uniform(0.15, 0.4) if manner != "spot" else random.uniform(0.0, 0.02)
    swing_s, both_s = random.uniform(0.22, 0.5), random.uniform(0.03, 0.25)
    lift, power = random.uniform(0.04, 0.25), random.uniform(1.1, 2.2)
    start = random.uniform(-0.2, 0.2)
    feet = (Course((start, 0.0)), Course((start + stride / 2, 0.0)))
    heading, turn, clock_s = 1.0, 0, random.uniform(0.1, 0.7)
    while clock_s < length_s:
        foot, other = feet[turn], feet[1 - turn]
        if manner == "to and fro" and abs(other.here[0] + heading * stride / 2) > 0.45:
            heading = -heading
            clock_s += random.uniform(0.1, 0.5)
        if random.random() < 0.05:
            clock_s += random.exponential(0.5)
        wait(foot, clock_s - foot.end_s)
        this_s = swing_s * random.uniform(0.9, 1.1)
        high = lift * random.uniform(0.8, 1.2)
        begin, target = foot.here[0], other.here[0] + heading * stride / 2
        foot.go(this_s * 0.55, ((begin + target) / 2, high), along=smooth, above=smooth)
        foot.go(this_s * 0.45, (target, 0.0), along=fading(1.5), above=gathering(power))
        foot.touch()
        clock_s = foot.end_s + both_s * random.uniform(0.8, 1.2)
        turn = 1 - turn
    if manner == "along":
        for foot in feet:
            foot.drift = (foot.here[0] - start) / clock_s
    return feet


def idle(random: np.random.Generator, length_s: float) -> Course:
    """Something that moves about and never touches: gestures, sudden stops and turns above the surface."""
    course = Course((random.uniform(-0.3, 0.3), random.uniform(0.2, 0.6)))
    jerky = random.random() < 0.4
    while course.end_s < length_s:
        wait(course, random.exponential(0.3))
        place = (random.uniform(-0.5, 0.5), random.uniform(0.12, 0.7))
        ease = gathering(random.uniform(1.3, 2.0)) if jerky and random.random() < 0.5 else smooth
        course.go(random.uniform(0.12, 1.2), place, along=ease, above=ease)
    return course


def _after(course: Course, random: np.random.Generator, manner: Manner, target: float) -> None:
    """What follows a contact."""
    if manner.soft > 0:
        deep = manner.soft * random.uniform(0.4, 1.0)
        course.go(random.uniform(0.04, 0.15), (target, -deep), along=even, above=fading(2))
        if random.random() < manner.drags:
            side = float(random.choice([-1, 1])) * random.uniform(0.05, 0.2)
            course.go(random.uniform(0.1, 0.4), (target + side, -deep), along=smooth, above=even)
        rise = manner.reach * random.uniform(0.3, 0.9)
        course.go(random.uniform(0.2, 0.5) * manner.pace, (course.here[0], rise), along=smooth, above=smooth)
        return
    if random.random() < manner.doubles:
        _ricochet(course, random, target)
    if random.random() < manner.drags:
        _drag(course, random, float(random.choice([-1, 1])) * random.uniform(0.05, 0.3), manner.pace)
    elif random.random() < manner.hold:
        wait(course, random.uniform(0.04, 0.5))
    else:
        rise = manner.reach * random.uniform(0.15, 0.9)
        up_s = random.uniform(0.1, 0.3) * manner.pace
        course.go(up_s, (course.here[0], rise), along=smooth, above=fading(random.uniform(1.6, 3)))
        return
    lift = manner.reach * random.uniform(0.5, 1.0)
    course.go(random.uniform(0.15, 0.5) * manner.pace, (course.here[0], lift), along=smooth, above=smooth)


def _ricochet(course: Course, random: np.random.Generator, target: float) -> None:
    """Bounces by itself, ever lower: a double hit or a roll."""
    top, half_s = random.uniform(0.03, 0.08), random.uniform(0.045, 0.11)
    for _ in range(int(random.choice([1, 1, 1, 2, 4]))):
        course.go(half_s, (target, top), along=even, above=fading(2))
        course.go(half_s, (target, 0.0), along=even, above=gathering(2))
        course.touch()
        top, half_s = top * 0.75, half_s * 0.95


def _drag(course: Course, random: np.random.Generator, far: float, pace: float) -> None:
    """Along the surface, at full speed at once; the other way where there is no room."""
    here = course.here[0]
    place = (here - far if abs(here + far) > 0.5 else here + far, 0.0)
    course.go(random.uniform(0.1, 0.45) * pace, place, along=fading(random.uniform(1.2, 2.5)), above=even)


def _turn_back(course: Course, random: np.random.Generator, target: float, top: float, down_s: float) -> None:
    """Down to somewhere above the surface and up again, sometimes late and fast."""
    if random.random() < 0.5:
        low = min(0.6 * top, random.uniform(0.02, 0.06))
        course.go(down_s * 1.15, (target, low), along=smooth, above=smooth)
        course.go(down_s * random.uniform(0.9, 1.6), (target, top), along=smooth, above=smooth)
        return
    low = top * random.uniform(0.2, 0.6)
    course.go(down_s * 1.3, (target, low), along=smooth, above=smooth)
    course.go(random.uniform(0.15, 0.4), (target, top), along=smooth, above=smooth)
