"""A level drawn from events: each is met, it falls in between, and a hand can edit it."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.domain.envelope import GAP_S, Envelope
from bridge.dsp.following import FLOOR_DB, follow

FLOOR = 10 ** (FLOOR_DB / 20)


@pytest.mark.parametrize("seed", range(6))
def test_follow_when_events_are_apart_then_each_is_met_and_points_are_few(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.07, 1.5, 40))
    strengths = rng.uniform(0.0, 1.0, 40)
    curve = follow(times.tolist(), strengths.tolist(), length_s=float(times[-1]) + 2.0)
    assert curve.at(times) == pytest.approx(np.maximum(strengths, FLOOR), abs=1e-9)
    assert np.diff(curve.times_s).min() >= GAP_S - 1e-9
    assert curve.values.min() == pytest.approx(FLOOR)
    assert curve.values.max() <= 1.0
    assert len(curve.times_s) < 6 * len(times)
    assert curve.times_s[-1] == pytest.approx(times[-1] + 2.0)


def test_follow_when_an_event_stands_alone_then_it_is_held_and_falls_to_the_floor() -> None:
    curve = follow([1.0], [0.8], length_s=4.0)
    assert curve.at([0.0, 0.93]) == pytest.approx([FLOOR] * 2)
    assert curve.at([1.0, 1.05]) == pytest.approx([0.8, 0.8], abs=0.03)
    falling = curve.at(np.linspace(1.1, 3.9, 50))
    assert (np.diff(falling) <= 1e-12).all()
    assert falling[0] > 0.5
    assert falling[-1] == pytest.approx(FLOOR, abs=1e-3)
    assert curve.at(1.46) == pytest.approx(0.8 * 10 ** (-16 / 20), abs=0.03)


def test_follow_when_a_soft_event_comes_after_a_loud_one_then_it_is_as_soft_as_it_is() -> None:
    curve = follow([1.0, 1.2], [1.0, 0.2], length_s=3.0)
    assert curve.at([1.0, 1.2]) == pytest.approx([1.0, 0.2])
    assert curve.at(1.14) > 0.5


def test_follow_when_events_nearly_coincide_then_they_are_one_as_high_as_the_higher() -> None:
    curve = follow([1.0, 1.03, 2.0], [0.3, 0.9, 0.5], length_s=3.0)
    assert curve.at([1.0, 2.0]) == pytest.approx([0.9, 0.5])


@pytest.mark.parametrize("times", [[], [0.0], [0.01], [0.05, 0.06], [2.0], [9.0]])
def test_follow_when_events_lie_at_the_ends_or_there_are_none_then_there_is_a_curve(times: list[float]) -> None:
    curve = follow(times, [0.5] * len(times), length_s=2.0)
    assert 0.0 <= curve.times_s[0] <= curve.times_s[-1] <= 2.0
    inside = [time for time in times if time <= 2.0]
    assert curve.values.max() == pytest.approx(0.5 if inside else FLOOR)


def test_thinned_when_a_curve_is_dense_then_few_points_stay_near_it() -> None:
    times = np.linspace(0.0, 3.0, 500)
    dense = Envelope(times_s=times, values=np.abs(np.sin(times)))
    thin = dense.thinned(0.01)
    assert len(thin.times_s) < 30
    assert np.abs(thin.at(times) - dense.values).max() <= 0.01
    assert np.array_equal(thin.times_s[[0, -1]], times[[0, -1]])
