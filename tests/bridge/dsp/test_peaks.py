"""Peaks: where and how high, on curves whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.dsp.peaks import pick
from bridge.errors import RequestError


def test_pick_when_a_parabola_tops_between_samples_then_time_and_height_are_exact() -> None:
    steps = np.arange(11)
    curve = 0.8 - 0.02 * (steps - 5.3) ** 2
    (peak,) = pick(curve, rate_hz=30, start_s=2.0, threshold=0.5)
    assert peak.time_s == pytest.approx(2.0 + 5.3 / 30, abs=1e-9)
    assert peak.height == pytest.approx(0.8, abs=1e-9)


def test_pick_when_a_bump_of_training_width_lies_anywhere_then_time_is_within_two_milliseconds() -> None:
    times = np.arange(60) / 30
    for centre in np.linspace(0.9, 1.1, 23):
        curve = np.exp(-0.5 * ((times - centre) / 0.04) ** 2)
        (peak,) = pick(curve, rate_hz=30, threshold=0.3)
        assert peak.time_s == pytest.approx(centre, abs=0.002)


def test_pick_when_a_plateau_then_its_middle() -> None:
    (peak,) = pick([0, 0.2, 0.7, 0.7, 0.7, 0.1, 0], rate_hz=10)
    assert peak.time_s == pytest.approx(0.3)
    assert peak.height == pytest.approx(0.7)


def test_pick_when_threshold_lies_on_the_height_then_the_peak_counts() -> None:
    curve = [0, 0.5, 0, 0.25, 0]
    assert [round(p.time_s, 6) for p in pick(curve, rate_hz=1, threshold=0.5)] == [1.0]
    assert pick(curve, rate_hz=1, threshold=0.51) == ()


def test_pick_when_threshold_is_zero_then_every_peak_above_zero() -> None:
    found = pick([0, 0.01, 0, 0.9, 0.2, 0.3, 0, 0], rate_hz=1)
    assert len(found) == 3


def test_pick_when_peaks_are_close_then_the_higher_stays_whichever_comes_first() -> None:
    curve = np.zeros(30)
    curve[[5, 8, 20, 23]] = [0.9, 0.5, 0.4, 0.8]
    found = pick(curve, rate_hz=30, min_distance_s=0.12)
    assert [round(p.time_s * 30) for p in found] == [5, 23]
    assert len(pick(curve, rate_hz=30, min_distance_s=0.1)) == 4


def test_pick_when_the_curve_ends_on_its_top_then_the_end_is_a_peak() -> None:
    assert [p.time_s for p in pick([0.9, 0.1, 0.2, 0.6], rate_hz=1)] == [0.0, 3.0]


def test_pick_when_a_curve_lies_in_0_to_1_then_no_height_exceeds_1() -> None:
    found = pick([0.0, 1.0, 1.0, 0.0, 0.95, 1.0, 0.99, 0], rate_hz=1)
    assert max(p.height for p in found) <= 1.0


@pytest.mark.parametrize("curve", [[], [0.0, 0.0], [0.0]])
def test_pick_when_there_is_nothing_then_nothing_is_found(curve: list[float]) -> None:
    assert pick(curve, rate_hz=30) == ()


@pytest.mark.parametrize(("curve", "rate"), [([[0.1]], 30), ([np.nan, 0], 30), ([0.1], 0)])
def test_pick_when_asked_nonsense_then_an_error_says_so(curve: list, rate: float) -> None:
    with pytest.raises(RequestError, match="peaks"):
        pick(curve, rate_hz=rate)
