"""Courses: what touches does so at its contacts, and what turns back does not."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from onnx_export.train.scene_courses import Manner, any_manner, bounces, idle, puts, scrapes, steps, strikes
from onnx_export.train.strokes import Course, even, gathering, wait

MAKERS: dict[str, Callable[[np.random.Generator], Course]] = {
    "strikes": lambda random: strikes(random, 20, Manner(hold=0.5, misses=0.2, drags=0.2, doubles=0.2)),
    "soft": lambda random: strikes(random, 20, Manner(soft=0.06, drags=0.5)),
    "bounces": lambda random: bounces(random, 20),
    "puts": lambda random: puts(random, 20),
    "scrapes": lambda random: scrapes(random, 20),
    "steps": lambda random: steps(random, 20)[0],
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("seed", range(3))
def test_course_when_it_touches_then_it_is_at_the_surface_at_that_instant(name: str, seed: int) -> None:
    course = MAKERS[name](np.random.default_rng(seed))
    assert len(course.contacts_s) > 6
    assert course.contacts_s == sorted(course.contacts_s)
    for contact in course.contacts_s:
        assert course.at(contact)[1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", MAKERS)
def test_course_when_it_comes_down_to_the_surface_then_that_is_a_contact(name: str) -> None:
    course = MAKERS[name](np.random.default_rng(7))
    times = np.arange(0, 20, 0.001)
    above = np.array([course.at(t)[1] for t in times])
    arrivals = times[1:][(above[1:] <= 1e-9) & (above[:-1] > 1e-9)]
    assert len(arrivals) > 5
    for time_s in arrivals:
        assert np.abs(np.array(course.contacts_s) - time_s).min() < 0.0015


@pytest.mark.parametrize("name", ["strikes", "bounces", "steps"])
def test_course_when_it_touches_then_it_arrives_fast_and_stops_at_once(name: str) -> None:
    course = MAKERS[name](np.random.default_rng(3))
    for contact in course.contacts_s[:-1]:
        arriving = (course.at(contact - 0.004)[1] - course.at(contact)[1]) / 0.004
        leaving = (course.at(contact + 0.004)[1] - course.at(contact)[1]) / 0.004
        assert arriving > 0.05
        assert leaving >= -1e-9


def test_course_when_it_goes_into_something_soft_then_it_has_touched_before() -> None:
    course = MAKERS["soft"](np.random.default_rng(1))
    times = np.arange(0, 20, 0.005)
    deep = [t for t in times if course.at(t)[1] < -1e-6]
    assert len(deep) > 100
    for time_s in deep:
        assert any(0 <= time_s - contact < 1.2 for contact in course.contacts_s)


def test_course_when_a_rest_ends_in_a_slide_then_the_contact_is_where_it_sets_off() -> None:
    course = MAKERS["scrapes"](np.random.default_rng(2))
    slides = [t for t in course.contacts_s if course.at(t - 0.004)[1] < 1e-9]
    assert len(slides) > 5
    for contact in slides:
        assert course.at(contact - 0.03)[0] == pytest.approx(course.at(contact)[0])
        assert abs(course.at(contact + 0.03)[0] - course.at(contact)[0]) > 0.002


@pytest.mark.parametrize("seed", range(4))
def test_course_when_strokes_miss_then_they_come_close_fast_and_are_no_contacts(seed: int) -> None:
    course = strikes(np.random.default_rng(seed), 20, Manner(hold=0.0, misses=1.0, reach=0.3))
    assert course.contacts_s == []
    above = np.array([course.at(t)[1] for t in np.arange(0, 20, 0.005)])
    assert 0.003 < above.min() < 0.08
    assert np.abs(np.diff(above)).max() / 0.005 > 0.5


def test_course_when_idle_then_it_never_touches() -> None:
    course = idle(np.random.default_rng(5), 20)
    assert course.contacts_s == []
    assert min(course.at(t)[1] for t in np.arange(0, 20, 0.05)) > 0.1


def test_course_when_it_comes_twice_as_fast_then_it_hits_twice_as_hard() -> None:
    course = Course((0.0, 0.3))
    for seconds in (0.4, 0.2):
        course.go(seconds, (0.0, 0.0), along=even, above=gathering(2))
        course.touch()
        course.go(0.5, (0.0, 0.3), along=even, above=even)
    slow, fast = course.speeds()
    assert fast / slow == pytest.approx(2, rel=0.02)
    assert slow == pytest.approx(2 * 0.3 / 0.4, rel=0.02)


def test_course_when_it_slides_fast_then_it_is_harder_than_a_slow_one_and_softer_than_a_blow() -> None:
    course = Course((0.0, 0.0))
    for seconds in (0.6, 0.2):
        wait(course, 0.3)
        course.touch(slide=True)
        course.go(seconds, (course.here[0] + 0.2, 0.0), along=even, above=even)
    slow, fast = course.speeds()
    assert 0 < slow < fast < 0.2 / 0.2


def test_steps_when_walking_then_feet_take_turns() -> None:
    for seed in range(6):
        left, right = steps(np.random.default_rng(seed), 10)
        turns = sorted([(t, "left") for t in left.contacts_s] + [(t, "right") for t in right.contacts_s])
        assert all(one[1] != two[1] for one, two in pairwise(turns))
        assert all(two[0] - one[0] > 0.15 for one, two in pairwise(turns))


def test_manner_when_drawn_then_it_varies() -> None:
    manners = [any_manner(np.random.default_rng(seed), hold=0.3) for seed in range(30)]
    assert len({manner.misses for manner in manners}) > 2
    assert any(manner.soft > 0 for manner in manners)
    assert any(manner.soft == 0 for manner in manners)
