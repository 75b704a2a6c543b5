"""Envelopes as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.domain.envelope import Envelope
from bridge.errors import RequestError


def envelope(times: list[float], values: list[float]) -> Envelope:
    return Envelope(times_s=np.array(times, np.float64), values=np.array(values, np.float64))


def test_at_when_between_points_then_straight_and_level_beyond_the_ends() -> None:
    curve = envelope([1.0, 2.0, 4.0], [0.0, 1.0, 0.5])
    assert curve.at([0.0, 1.5, 2.0, 3.0, 9.0]).tolist() == [0.0, 0.5, 1.0, 0.75, 0.5]
    assert float(curve.at(1.25)) == 0.25


@pytest.mark.parametrize(
    ("times", "values"),
    [
        ([], []),
        ([0.0, 1.0], [0.5]),
        ([1.0, 1.0], [0.5, 0.5]),
        ([2.0, 1.0], [0.5, 0.5]),
        ([-1.0], [0.5]),
        ([0.0], [1.5]),
        ([0.0], [-0.1]),
        ([np.nan], [0.5]),
        ([0.0], [np.nan]),
    ],
)
def test_envelope_when_its_points_make_no_sense_then_it_is_refused(times: list[float], values: list[float]) -> None:
    with pytest.raises(RequestError, match="envelope"):
        envelope(times, values)
