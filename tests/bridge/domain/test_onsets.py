"""Onsets, the activation they are picked from, and what a job is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bridge.domain.job import JobState
from bridge.domain.onsets import Activation, Onset
from bridge.domain.wording import counted
from bridge.errors import RequestError


def test_onset_when_its_level_is_set_elsewhere_then_it_is_told_by_its_force() -> None:
    assert Onset(time_s=0.0, strength=0.25).told == 0.25
    assert Onset(time_s=0.0, strength=0.25, force=0.75).told == 0.75
    assert Onset(time_s=0.0, strength=0.25, force=0.0).told == 0.0


@pytest.mark.parametrize("name", ["confidence", "strength", "force"])
def test_onset_when_a_share_is_at_either_end_then_taken_and_past_it_refused(name: str) -> None:
    def onset(value: float) -> Onset:
        share: dict[str, Any] = {name: value}
        return Onset(time_s=1.25, **share)

    for value in (0.0, 1.0):
        assert getattr(onset(value), name) == value
    for value in (-0.001, 1.001, math.nan):
        with pytest.raises(RequestError) as caught:
            onset(value)
        assert caught.value.sentence == f"onset {name} must lie in 0..1, got {value} at 1.250 s."


@pytest.mark.parametrize("time_s", [math.nan, math.inf, -math.inf])
def test_onset_when_its_time_is_no_number_then_refused(time_s: float) -> None:
    with pytest.raises(RequestError) as caught:
        Onset(time_s=time_s)
    assert caught.value.sentence == f"onset time must be finite, got {time_s}."


def activation(**changes: Any) -> Activation:
    values: dict[str, Any] = {"values": np.array([0.0, 1.0, 0.5], np.float32), "rate_hz": 4.0, "start_s": 10.0}
    return Activation(**(values | changes))


def test_activation_when_asked_for_its_times_then_source_time_of_every_step() -> None:
    assert activation().times_s().tolist() == [10.0, 10.25, 10.5]
    assert activation(start_s=0.0, rate_hz=0.5).times_s().tolist() == [0.0, 2.0, 4.0]


def test_strength_when_the_graph_says_it_then_straight_between_steps_and_in_range() -> None:
    hard = activation(strengths=np.array([0.0, 1.0, 0.5], np.float32))
    assert [hard.strength_at(time_s) for time_s in (10.0, 10.125, 10.25, 10.375, 99.0)] == [0.0, 0.5, 1.0, 0.75, 0.5]
    beyond = activation(strengths=np.array([-0.5, 1.5, 1.5], np.float32))
    assert [beyond.strength_at(time_s) for time_s in (10.0, 10.25)] == [0.0, 1.0]


@pytest.mark.parametrize("strengths", [None, np.zeros(0, np.float32)])
def test_strength_when_the_graph_does_not_say_then_full(strengths: np.ndarray | None) -> None:
    assert activation(strengths=strengths).strength_at(10.25) == 1.0


def test_job_state_when_nothing_more_can_happen_then_final() -> None:
    assert {state for state in JobState if state.final} == {JobState.DONE, JobState.FAILED, JobState.CANCELLED}


def test_counted_when_there_is_one_then_no_s() -> None:
    assert [counted(number, "onset") for number in (0, 1, 2)] == ["0 onsets", "1 onset", "2 onsets"]
