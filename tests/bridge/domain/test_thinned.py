"""A curve with fewer points that a hand can edit, and still the same curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.envelope import Envelope


def envelope(values: list[float]) -> Envelope:
    return Envelope(times_s=np.arange(len(values), dtype=np.float64), values=np.array(values, np.float64))


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        ([0.5], [0]),
        ([0.5, 0.25], [0, 1]),
        ([0.0, 0.25, 0.5, 0.75, 1.0], [0, 4]),
        ([0.0, 0.0, 1.0, 0.0, 0.0], [0, 1, 2, 3, 4]),
        ([0.0, 0.5, 1.0, 0.5, 0.0], [0, 2, 4]),
        ([1.0, 0.5, 0.0, 0.0, 0.0, 0.0, 1.0], [0, 2, 5, 6]),
    ],
)
def test_thinned_when_points_lie_on_straight_lines_then_only_the_corners_stay(
    values: list[float], kept: list[int]
) -> None:
    thin = envelope(values).thinned(0.01)
    assert thin.times_s.tolist() == kept
    assert thin.values.tolist() == [values[index] for index in kept]


def test_thinned_when_a_point_is_off_by_just_the_tolerance_then_it_goes() -> None:
    curve = envelope([0.0, 0.25, 0.0])
    assert len(curve.thinned(0.25).times_s) == 2
    assert len(curve.thinned(0.24).times_s) == 3


@settings(deadline=None, max_examples=60, derandomize=True)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40), st.floats(0.0, 0.3))
def test_thinned_when_any_curve_then_it_stays_within_the_tolerance_and_keeps_its_ends(
    values: list[float], tolerance: float
) -> None:
    curve = envelope(values)
    thin = curve.thinned(tolerance)
    assert np.abs(thin.at(curve.times_s) - curve.values).max() <= tolerance + 1e-12
    assert (thin.times_s[0], thin.times_s[-1]) == (curve.times_s[0], curve.times_s[-1])
    assert set(thin.times_s.tolist()) <= set(curve.times_s.tolist())


def test_envelope_when_it_begins_at_the_very_beginning_or_has_one_point_then_taken() -> None:
    assert envelope([0.5]).at([-1.0, 0.0, 5.0]).tolist() == [0.5, 0.5, 0.5]
    assert envelope([0.0, 1.0]).values.tolist() == [0.0, 1.0]
    early = Envelope(times_s=np.array([0.5]), values=np.array([1.0]))
    assert early.at([0.0]).tolist() == [1.0]
