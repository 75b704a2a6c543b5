"""Table 1's figures, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from onnx_export.evaluate import onset_metrics as om
from onnx_export.evaluate.greatest_hits import Hit


def chunk(
    *, onsets: tuple[int, ...] = (), activation: dict[int, float] | None = None, start_s: float = 0.0
) -> om.Chunk:
    labels, curve = np.zeros(30, np.int64), np.full(30, 0.01)
    labels[list(onsets)] = 1
    for step, value in (activation or {}).items():
        curve[step] = value
    return om.Chunk(video="a", start_s=start_s, labels=labels, activation=curve)


def hits(*times_s: float) -> list[Hit]:
    return [Hit(time_s=time_s, label="") for time_s in times_s]


def test_labels_when_times_lie_in_the_chunk_then_their_steps_are_marked() -> None:
    labels = om.labels_of(hits(1.9, 2.0, 3.0, 3.99, 4.0), 2.0)
    assert np.flatnonzero(labels).tolist() == [0, 15, 29]


def test_labels_when_double_precision_falls_short_then_one_step_early_as_in_the_official_code() -> None:
    assert np.flatnonzero(om.labels_of(hits(4.8), 4.0)).tolist() == [11]


def test_chunk_count_when_there_is_a_rest_then_it_is_left_out() -> None:
    assert [om.chunk_count(seconds) for seconds in (1.99, 2.0, 21.68)] == [0, 1, 10]


def test_counts_when_steps_touch_then_every_second_one_goes() -> None:
    curve = np.full((4, 6), 0.1)
    curve[0, 1:4] = 0.9
    curve[1, 2] = 0.75
    curve[2, [0, 1, 3]] = 0.8
    assert om.counts(curve).tolist() == [2, 0, 2, 0]


def test_weighted_bce_when_one_step_in_four_has_an_onset_then_it_weighs_threefold() -> None:
    labels = np.array([1, 0, 0, 0])
    assert om.weighted_bce(np.full(4, 0.5), labels) == pytest.approx(1.5 * math.log(2))
    sure = om.weighted_bce(np.array([0.25, 0.5, 0.5, 0.5]), labels)
    assert sure == pytest.approx((3 * math.log(4) + 3 * math.log(2)) / 4)


def test_weighted_bce_when_the_net_is_wrong_without_a_doubt_then_finite() -> None:
    loss = om.weighted_bce(np.array([0.0, 1.0]), np.array([1, 0]))
    assert loss == pytest.approx(24 * math.log(2), rel=1e-6)


def test_balanced_when_onsets_are_few_then_the_first_other_steps_stand_against_them() -> None:
    assert om.balanced(np.array([0, 0, 0, 1, 0, 1])).tolist() == [3, 5, 0, 1]
    assert om.balanced(np.zeros(6, np.int64)).tolist() == []


def test_batch_when_a_false_alarm_comes_late_then_the_official_ap_does_not_see_it() -> None:
    late = om.batch_figures([chunk(onsets=(10,), activation={10: 0.8, 29: 0.9})])
    early = om.batch_figures([chunk(onsets=(10,), activation={10: 0.8, 0: 0.9})])
    assert (late.ap, late.binary_accuracy, late.count_accuracy) == (1.0, 1.0, 0.0)
    assert (early.ap, early.binary_accuracy, early.count_accuracy) == (0.5, 0.5, 0.0)


def test_batches_when_the_last_is_short_then_it_weighs_less() -> None:
    right = [chunk(onsets=(3,), activation={3: 0.9})] * 16
    wrong = chunk(onsets=(3,), activation={0: 0.9})
    figures = om.batches([*right, wrong])
    assert [figure.weight for figure in figures] == [16, 1]
    assert om.weighted_mean(figures, "count_accuracy") == 1.0
    assert om.weighted_mean(figures, "ap") == pytest.approx((16 + 0.5) / 17)


def test_batches_when_one_has_no_onset_then_it_has_a_count_but_no_loss() -> None:
    figures = om.batches([chunk()] * 16 + [chunk(onsets=(3,), activation={3: 0.5})])
    assert math.isnan(figures[0].bce)
    assert math.isnan(figures[0].ap)
    assert figures[0].count_accuracy == 1.0
    assert om.weighted_mean(figures, "bce") == figures[1].bce
    assert math.isnan(om.weighted_mean(figures[:1], "bce"))


def test_annotated_when_the_probability_passes_062_then_the_step_is_an_onset_neighbours_too() -> None:
    first = chunk(activation={4: 0.622, 5: 0.63, 6: 0.9})
    second = chunk(activation={0: 0.7}, start_s=2.0)
    assert om.annotated([first, second]).tolist() == [0.3333, 0.4, 2.0]
    assert om.annotated([]).tolist() == []
