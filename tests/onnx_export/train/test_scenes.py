"""Rendered scenes: contacts are where and when they are said to be."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from bridge.dsp.motion import MotionSettings
from onnx_export.train.scene_cast import KINDS
from onnx_export.train.scenes import example, random_scene

SEEDS = range(16)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    cv2.setNumThreads(1)


@pytest.mark.parametrize("seed", SEEDS)
def test_scene_when_a_contact_is_due_then_an_actor_is_on_the_surface_there(seed: int) -> None:
    scene = random_scene(seed, length_s=5)
    for event in scene.events:
        gaps = [np.linalg.norm(actor.tip(event.time_s) - event.place) for actor in scene.actors]
        assert min(gaps) < 1e-6
        assert event.place[2] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_scene_when_an_actor_comes_to_the_surface_then_it_is_a_contact(kind: str) -> None:
    scene = random_scene(11, length_s=5, kind=kind)
    due = scene.contacts_s
    for actor in scene.actors:
        times = np.arange(0, 5, 0.002)
        above = np.array([actor.tip(t)[2] for t in times])
        arrivals = times[1:][(above[1:] <= 1e-6) & (above[:-1] > 1e-6)]
        for time_s in arrivals:
            assert np.abs(due - time_s).min() < 0.003
    if kind == "idle":
        assert len(due) == 0


def test_scene_when_made_twice_then_the_same_and_another_seed_another() -> None:
    first, again, other = (random_scene(seed, length_s=1) for seed in (3, 3, 4))
    for (t0, one), (t1, two) in zip(first.frames(), again.frames(), strict=True):
        assert t0 == t1
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.backdrop, other.backdrop)


@pytest.mark.parametrize("kind", KINDS)
def test_scene_when_filmed_then_times_ascend_and_pictures_are_whole(kind: str) -> None:
    scene = random_scene(5, length_s=1, kind=kind)
    times, pictures = zip(*scene.frames(), strict=True)
    assert list(times) == sorted(times)
    assert len(times) == int(scene.clock.rate_hz)
    assert {p.shape for p in pictures} == {(scene.view.height_px, scene.view.width_px)}
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
