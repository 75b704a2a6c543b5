"""The demo's clip: its contacts are contacts, its near misses are not, and it is the same each time."""

from __future__ import annotations

import itertools

import numpy as np

from bridge.demo_scene import Scene, scene


def test_scene_when_a_contact_is_due_then_the_stick_touches_and_just_before_it_does_not() -> None:
    demo = scene()
    for contact in demo.contacts_s:
        assert demo.tip(contact)[2] == 0
        assert demo.tip(contact - 0.02)[2] > 3
        assert demo.tip(contact + 0.02)[2] > 3


def test_scene_when_the_stick_misses_then_it_stays_above() -> None:
    demo = scene()
    assert demo.near_misses_s
    for miss in demo.near_misses_s:
        assert min(demo.tip(miss + d)[2] for d in np.arange(-0.3, 0.3, 0.01)) > 30
        assert min(abs(miss - contact) for contact in demo.contacts_s) > 0.3


def test_scene_when_no_contact_is_near_then_the_stick_is_in_the_air() -> None:
    demo = scene()
    for time_s in np.arange(0, demo.length_s, 0.005):
        if min(abs(time_s - contact) for contact in demo.contacts_s) > 0.01:
            assert demo.tip(time_s)[2] > 0.5


def test_scene_when_it_is_played_then_the_stick_never_jumps() -> None:
    demo = scene()
    places = np.array([demo.tip(t)[:2] for t in np.arange(0, demo.length_s, 0.001)])
    assert np.abs(np.diff(places, axis=0)).max() < 3


def test_scene_when_listed_then_contacts_ascend_irregularly_and_lie_inside_and_off_frames() -> None:
    demo = scene()
    times = np.array(demo.contacts_s)
    assert (np.diff(times) > 0.3).all()
    assert np.diff(times).std() > 0.15
    assert 0.5 < times[0] < times[-1] < demo.length_s - 0.5
    assert 8 <= demo.length_s <= 10
    assert len({stroke.thing for stroke in demo.strokes}) == 3


def test_frames_when_drawn_twice_then_the_same_and_of_the_stated_kind() -> None:
    first, again = (list(itertools.islice(scene().frames(), 30)) for _ in range(2))
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, two)
        assert one.shape == (360, 640, 3)
        assert one.dtype == np.uint8
    assert not np.array_equal(first[0], first[29])


def test_frames_when_counted_then_they_fill_the_length() -> None:
    short = Scene(length_s=0.5)
    assert sum(1 for _ in short.frames()) == 15
