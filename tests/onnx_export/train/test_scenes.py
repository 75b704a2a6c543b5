"""Rendered scenes: contacts are where and when they are said to be."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.dsp.motion import MotionSettings
from onnx_export.train.scenes import example, random_scene
from onnx_export.train.strokes import bounces, idle, strikes

SEEDS = range(12)


@pytest.mark.parametrize("seed", SEEDS)
def test_scene_when_a_contact_is_due_then_the_tip_is_on_the_surface_and_just_before_it_is_not(seed: int) -> None:
    scene = random_scene(seed, length_s=5)
    for contact in scene.contacts_s:
        assert (scene.tip(contact) - scene.surface) @ scene.normal == pytest.approx(0, abs=0.01)
        assert (scene.tip(contact - 0.01) - scene.surface) @ scene.normal > 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_scene_when_no_contact_is_near_then_the_tip_is_above_or_rests_after_one(seed: int) -> None:
    scene = random_scene(seed, length_s=5)
    for time_s in np.arange(0, 5, 0.01):
        above = scene.course.at(time_s)[1]
        if above < 1e-6:
            assert any(contact - 1e-6 <= time_s for contact in scene.contacts_s)
        assert above >= -1e-9


@pytest.mark.parametrize("make", ["strikes", "bounces"])
def test_course_when_it_touches_then_it_arrives_fast_and_stops_at_once(make: str) -> None:
    random = np.random.default_rng(3)
    course = strikes(random, 20, hold=0.5, misses=0.2) if make == "strikes" else bounces(random, 20)
    assert len(course.contacts_s) > 8
    for contact in course.contacts_s[:-1]:
        arriving = (course.at(contact - 0.004)[1] - course.at(contact)[1]) / 0.004
        leaving = (course.at(contact + 0.004)[1] - course.at(contact)[1]) / 0.004
        assert arriving > 0.2
        assert leaving >= -1e-9


def test_course_when_strokes_miss_then_they_are_no_contacts() -> None:
    course = strikes(np.random.default_rng(4), 20, hold=0.0, misses=1.0)
    assert course.contacts_s == []
    assert min(course.at(t)[1] for t in np.arange(0, 20, 0.01)) > 0.005
    lowest = [course.at(t)[1] for t in np.arange(0, 20, 0.01)]
    assert max(lowest) - min(lowest) > 0.05


def test_course_when_idle_then_it_never_touches() -> None:
    course = idle(np.random.default_rng(5), 20)
    assert course.contacts_s == []
    assert min(course.at(t)[1] for t in np.arange(0, 20, 0.05)) > 0.1


def test_scene_when_made_twice_then_the_same_and_another_seed_another() -> None:
    first, again, other = (random_scene(seed, length_s=1) for seed in (3, 3, 4))
    for (t0, one), (t1, two) in zip(first.frames(), again.frames(), strict=True):
        assert t0 == t1
        np.testing.assert_array_equal(one, two)
    assert [t for t, _ in first.frames()] != [t for t, _ in other.frames()] or not np.array_equal(
        first.contacts_s, other.contacts_s
    )


@pytest.mark.parametrize("seed", range(6))
def test_scene_when_filmed_then_times_ascend_and_pictures_are_whole(seed: int) -> None:
    scene = random_scene(seed, length_s=1)
    times, pictures = zip(*scene.frames(), strict=True)
    assert list(times) == sorted(times)
    assert len(times) == int(scene.rate_hz)
    assert {p.shape for p in pictures} == {(scene.height_px, scene.width_px)}
    assert {p.dtype.name for p in pictures} == {"uint8"}


def test_scene_when_something_moves_then_motion_peaks_before_contacts_not_after() -> None:
    before, after = [], []
    for seed in range(8):
        made = example(seed, MotionSettings(), length_s=4)
        speed = made.motion[:, 2].astype(np.float32).mean((1, 2))
        for contact in made.onsets_s:
            step = int((contact - made.start_s) * made.rate_hz + 0.5)
            if 4 < step < len(speed) - 4:
                before.append(speed[step - 2 : step].mean())
                after.append(speed[step + 1 : step + 3].mean())
    assert len(before) > 20
    assert np.median(np.array(before) / (np.array(after) + 0.01)) > 1.15
