"""Metrics: worked out by hand, and against the scorer of the real clips."""

from __future__ import annotations

import csv
import importlib.util
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import linalg

from bridge.dsp import matching, metrics
from bridge.errors import RequestError


def test_hits_when_two_want_one_reference_then_the_surer_gets_it() -> None:
    right = metrics.hits([1.0], [0.98, 1.01], [0.9, 0.2], 0.05)
    assert right.tolist() == [True, False]


def test_hits_when_a_reference_is_exactly_the_tolerance_away_then_it_counts() -> None:
    assert metrics.hits([1.0], [1.05], [1.0], 0.05).tolist() == [True]
    assert metrics.hits([1.0], [1.0501], [1.0], 0.05).tolist() == [False]


def test_average_precision_when_half_of_the_references_are_found_first_then_it_is_half() -> None:
    assert metrics.average_precision([1.0, 2.0], [1.0, 3.0], [0.9, 0.5], 0.05) == pytest.approx(0.5)


def test_average_precision_when_a_wrong_one_is_surest_then_precision_pays() -> None:
    # wrong (0 of 1), right (1 of 2), right (2 of 3): 1/2 * 1/2 + 1/2 * 2/3
    found = metrics.average_precision([1.0, 2.0], [5.0, 1.0, 2.0], [0.9, 0.8, 0.7], 0.05)
    assert found == pytest.approx(0.25 + 1 / 3)


def test_average_precision_when_all_are_equally_sure_then_they_count_together() -> None:
    assert metrics.average_precision([1.0], [5.0, 1.0], [0.5, 0.5], 0.05) == pytest.approx(0.5)


def test_average_precision_when_nothing_is_known_or_found_then_it_is_not_flattering() -> None:
    assert math.isnan(metrics.average_precision([], [1.0], [0.5], 0.05))
    assert metrics.average_precision([1.0], [], [], 0.05) == 0.0


def test_mean_of_when_some_are_unknown_then_they_are_left_out_and_counted() -> None:
    summary = metrics.mean_of([1.0, math.nan, 3.0])
    assert (summary.mean, summary.count) == (2.0, 2)
    assert summary.spread == pytest.approx(math.sqrt(2.0))
    assert 1.0 <= summary.low <= 2.0 <= summary.high <= 3.0
    assert metrics.mean_of([math.nan]).count == 0


def test_mean_of_when_the_seed_is_the_same_then_so_is_the_interval() -> None:
    values = np.random.default_rng(3).random(30)
    assert metrics.mean_of(values, seed=1) == metrics.mean_of(values, seed=1)


def test_frechet_distance_when_worked_out_by_hand_then_equal() -> None:
    # means 1 and 12, variances 2 and 8: 121 + 2 + 8 - 2 * 4
    assert metrics.frechet_distance(np.array([[0.0], [2.0]]), np.array([[10.0], [14.0]])) == pytest.approx(123.0)


def test_frechet_distance_when_covariances_are_full_then_as_with_a_matrix_root() -> None:
    generator = np.random.default_rng(0)
    left = generator.standard_normal((200, 8)) @ generator.standard_normal((8, 8))
    right = 0.5 + generator.standard_normal((150, 8))
    one, two = np.cov(left, rowvar=False), np.cov(right, rowvar=False)
    root = np.real(np.asarray(linalg.sqrtm(one @ two)))
    apart = np.sum((left.mean(axis=0) - right.mean(axis=0)) ** 2)
    assert metrics.frechet_distance(left, right) == pytest.approx(apart + np.trace(one + two - 2 * root), rel=1e-9)


def test_frechet_distance_when_there_are_fewer_rows_than_dimensions_then_equal_sets_are_at_zero() -> None:
    some = np.random.default_rng(0).standard_normal((5, 64))
    assert metrics.frechet_distance(some, some[::-1]) == pytest.approx(0.0, abs=1e-9)
    assert metrics.frechet_distance(some, some + 1.0) == pytest.approx(64.0)


def test_frechet_distance_when_one_row_is_given_then_refused() -> None:
    with pytest.raises(RequestError, match="two or more"):
        metrics.frechet_distance(np.zeros((1, 4)), np.zeros((3, 4)))


def test_rms_envelope_when_the_level_steps_then_so_does_it() -> None:
    sound = np.r_[np.full(8, 3.0), np.full(8, -4.0)]
    assert metrics.rms_envelope(sound, window=4, hop=4) == pytest.approx([3.0, 3.0, 4.0, 4.0])
    with pytest.raises(RequestError):
        metrics.rms_envelope(sound[:3], window=4, hop=4)


def test_envelopes_when_one_is_louder_then_they_correlate_fully_and_differ() -> None:
    sound = np.random.default_rng(0).standard_normal(48_000) * np.linspace(0, 1, 48_000)
    assert metrics.envelope_correlation(sound, 2 * sound) == pytest.approx(1.0)
    assert metrics.envelope_correlation(sound, sound[::-1]) < -0.9
    assert metrics.envelope_distance(sound, sound) == 0.0
    level = metrics.rms_envelope(sound, window=1536, hop=384).mean()
    assert metrics.envelope_distance(sound, 2 * sound) == pytest.approx(level)
    assert math.isnan(metrics.envelope_correlation(sound, np.zeros(48_000)))


@pytest.mark.clips
def test_metrics_when_scored_on_the_real_clips_then_as_their_own_scorer(clips: Path) -> None:
    spec = importlib.util.spec_from_file_location("score_onsets", clips / "score_onsets.py")
    assert spec is not None
    assert spec.loader is not None
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    generator = np.random.default_rng(0)
    with (clips / "clips.csv").open(newline="") as file:
        names = [row["id"] for row in csv.DictReader(file)]
    for name in names:
        with (clips / "onsets_visual" / f"{name}.csv").open(newline="") as file:
            known = np.array([float(row["time_s"]) for row in csv.DictReader(file)])
        moved = known + generator.normal(0, 0.04, len(known))
        found = np.sort(np.r_[moved[::2], generator.uniform(0, known[-1], 10)])
        sure = np.round(generator.random(len(found)), 1)
        right = scorer.labels_strict(known, np.c_[found, sure], 0.05)
        assert metrics.hits(known, found, sure, 0.05).tolist() == right.astype(bool).tolist()
        expected = scorer.ap_strict(right, sure, len(known))
        assert metrics.average_precision(known, found, sure, 0.05) == pytest.approx(expected, abs=1e-12)
        pairs = len(scorer.match(known, found, 0.05))
        expected = scorer.prf(pairs, len(known), len(found))[2]
        assert matching.f_score(known, found, 0.05) == pytest.approx(expected)
