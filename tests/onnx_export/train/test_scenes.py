"""Rendered scenes: contacts are where and when they are said to be, and the picture shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from bridge.dsp.motion import MotionSettings
from onnx_export.train import scene_things
from onnx_export.train.clips import fine, grid
from onnx_export.train.scene_cast import KINDS
from onnx_export.train.scene_things import Event
from onnx_export.train.scene_view import Clock, Light, Shake, View, any_shake, any_view, framed
from onnx_export.train.scenes import Scene, example, random_scene

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


@pytest.mark.parametrize("kind", ["stick", "hammer", "hand", "walk", "ball", "put"])
def test_scene_when_there_is_a_contact_then_the_picture_shows_the_actor_there(kind: str) -> None:
    seen = 0
    for seed in range(4):
        scene = _plain(random_scene(seed, length_s=5, kind=kind))
        empty = replace(scene, actors=[])
        for event in scene.contacts[1:4]:
            (x, y), unit = (value[0] for value in scene.placed(event.time_s)(event.place[None]))
            gone = cv2.absdiff(_frame(scene, event.time_s), _frame(empty, event.time_s)) > 12
            rows, columns = np.nonzero(gone)
            assert len(rows) > 10
            assert np.hypot(columns - x, rows - y).min() < max(3.0, 0.04 * unit)
            seen += 1
    assert seen >= 8


@pytest.mark.parametrize("name", ["give", "scatter", "plants", "water", "loose", "hanging"])
def test_thing_when_nothing_has_touched_it_yet_then_it_does_not_answer(name: str) -> None:
    view = View(width_px=240, height_px=160, elevation=0.6, distance=2.0, roll=0.0, centre=(120.0, 90.0))
    picture = random_scene(1, length_s=1).backdrop[:160, :240].copy()
    touched = [Event(1.0, np.zeros(3), 1.0)]
    with_contact, never = (
        getattr(scene_things, name)(np.random.default_rng(4), events)
        for events in (touched, [Event(9.0, np.zeros(3), 1.0)])
    )
    shots = {}
    for time_s in (0.95, 1.08):
        for thing, label in ((with_contact, "touched"), (never, "never")):
            shot = picture.copy()
            thing.under(shot, view.project, time_s)
            if thing.over:
                thing.over(shot, view.project, time_s)
            shots[label, time_s] = shot
    np.testing.assert_array_equal(shots["touched", 0.95], shots["never", 0.95])
    assert (cv2.absdiff(shots["touched", 1.08], shots["never", 1.08]) > 8).sum() > 10


def test_thing_when_it_falls_over_then_its_landing_is_a_contact_of_the_scene() -> None:
    scene = next(s for s in (random_scene(n, length_s=5) for n in range(300)) if any(t.landings for t in s.things))
    (landing,) = next(thing.landings for thing in scene.things if thing.landings)
    assert landing.time_s in scene.contacts_s or landing.time_s >= scene.length_s
    assert any(0.2 < landing.time_s - event.time_s < 0.5 for event in scene.events)


@pytest.mark.parametrize("seed", SEEDS)
def test_scene_when_it_has_contacts_then_the_hardest_is_one_and_forces_belong_to_them(seed: int) -> None:
    scene = random_scene(seed, length_s=5)
    assert len(scene.forces) == len(scene.contacts_s)
    if len(scene.forces):
        assert scene.forces.max() == pytest.approx(1.0)
        assert scene.forces.min() > 0


def test_scene_when_filmed_then_nearly_every_contact_is_in_view() -> None:
    inside = []
    for seed in range(30):
        scene = random_scene(seed, length_s=5)
        size = np.array([scene.view.width_px, scene.view.height_px])
        for event in scene.contacts:
            at, _ = scene.placed(event.time_s)(event.place[None])
            inside.append(bool(((at[0] >= 0) & (at[0] < size)).all()))
    assert np.mean(inside) > 0.95


def test_scene_when_made_twice_then_the_same_and_another_seed_another() -> None:
    first, again, other = (random_scene(seed, length_s=1) for seed in (3, 3, 4))
    for (t0, one), (t1, two) in zip(first.frames(), again.frames(), strict=True):
        assert t0 == t1
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.backdrop, other.backdrop)


@pytest.mark.parametrize("kind", KINDS)
def test_scene_when_filmed_then_times_ascend_and_pictures_are_whole(kind: str) -> None:
    scene = random_scene(5, length_s=0.6, kind=kind)
    times, pictures = zip(*scene.frames(), strict=True)
    assert list(times) == sorted(times)
    assert len(times) == int(0.6 * scene.clock.rate_hz)
    assert {p.shape for p in pictures} == {(scene.view.height_px, scene.view.width_px)}
    assert {p.dtype.name for p in pictures} == {"uint8"}


def test_scene_when_somebody_strikes_then_the_grid_moves_before_contacts_and_hardly_after() -> None:
    before, after = [], []
    settings = fine(MotionSettings())
    for seed, kind in ((1, "stick"), (2, "hammer"), (6, "hand"), (4, "clap")):
        scene = _plain(random_scene(seed, length_s=3, kind=kind))
        motion, start_s = grid(scene.frames(), settings)
        speed = motion[:, 2].astype(np.float32).mean((1, 2))
        for contact in scene.contacts_s:
            step = int((contact - start_s) * settings.rate_hz + 0.5)
            if 4 < step < len(speed) - 4:
                before.append(speed[step - 2 : step].mean())
                after.append(speed[step + 2 : step + 4].mean())
    assert len(before) > 8
    assert np.median(np.array(before) / (np.array(after) + 0.01)) > 1.3


def test_example_when_made_then_it_says_when_and_how_hard_and_is_kept(tmp_path: Path) -> None:
    made, again = (example(3, MotionSettings(), length_s=1.5, cache=tmp_path) for _ in range(2))
    scene = random_scene(3, length_s=1.5)
    np.testing.assert_array_equal(made.onsets_s, scene.contacts_s)
    np.testing.assert_array_equal(made.strengths, scene.forces)
    np.testing.assert_array_equal(made.motion, again.motion)
    assert made.motion.shape[1:] == (4, 32, 48)
    assert len(list(tmp_path.iterdir())) == 1


def test_view_when_something_comes_nearer_then_it_is_larger_and_when_higher_then_higher_up() -> None:
    view = any_view(np.random.default_rng(0), 320, 180)
    view = replace(view, roll=0.0, elevation=0.5)
    near, far, high = (view.project(np.array([p])) for p in ([0, -0.5, 0], [0, 0.5, 0], [0, -0.5, 0.2]))
    assert near[1][0] > far[1][0]
    assert high[0][0, 1] < near[0][0, 1]
    origin, scale = view.project(np.zeros((1, 3)))
    assert tuple(origin[0]) == pytest.approx(view.centre)
    assert scale[0] == pytest.approx(view.height_px * view.zoom)


def test_view_when_places_do_not_fit_then_it_is_moved_and_widened() -> None:
    view = View(width_px=320, height_px=180, elevation=0.5, distance=3.0, roll=0.0, centre=(10.0, 170.0), zoom=2.0)
    places = [np.array([x, 0.0, 0.0]) for x in (-0.6, 0.6)]
    at, _ = framed(view, places).project(places)
    assert (at >= 0).all()
    assert (at < (320, 180)).all()


def test_shake_when_it_jolts_then_it_dies_away() -> None:
    view = any_view(np.random.default_rng(0), 320, 180)
    shake = any_shake(np.random.default_rng(1), view, length_s=5, knocks_s=())
    shake = replace(shake, reach=np.zeros(4), pan=np.zeros(2), jolts=[(1.0, 0.0, 9.0)])
    assert shake.at(0.9)[1, 2] == pytest.approx(0, abs=1e-9)
    assert abs(shake.at(1.04)[1, 2]) > 2
    assert abs(shake.at(1.7)[1, 2]) < 0.1


def test_light_when_switched_then_it_stays_so() -> None:
    light = Light(steps=((1.0, 0.5, 0.01),))
    assert light.at(0.99) == pytest.approx(1.0)
    assert light.at(1.02) == light.at(3.0) == pytest.approx(0.5)


def _plain(scene: Scene) -> Scene:
    """The scene on a tripod in even light, without noise, shadow or other things."""
    still = Shake(centre=(0, 0), reach=np.zeros(4), tones_hz=np.ones((4, 4)), phases=np.zeros((4, 4)))
    return replace(
        scene,
        things=[],
        shake=still,
        light=Light(),
        noise=0.0,
        pumping=(0.0, 1.0),
        shadow=(0.0, 0.0, 0.0),
        shutter_s=0.0,
        travel=(0.0, 0.0),
        clock=Clock(rate_hz=25),
    )


def _frame(scene: Scene, time_s: float) -> np.ndarray:
    """The picture of one moment."""
    return scene._frame(time_s, np.random.default_rng(0))
