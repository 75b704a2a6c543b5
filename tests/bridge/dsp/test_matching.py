"""Matching is one to one, inclusive at the tolerance, and as large as can be."""

from __future__ import annotations

import pytest

from bridge.dsp.matching import f_score, match


def test_match_when_greedy_would_lose_a_pair_then_both_are_found() -> None:
    assert sorted(match([1.00, 1.05], [1.04, 1.09], 0.05)) == [(0, 0), (1, 1)]


def test_match_when_two_estimates_hit_one_reference_then_one_counts() -> None:
    assert len(match([1.0], [0.99, 1.01], 0.05)) == 1


@pytest.mark.parametrize(
    ("reference", "estimate", "score"),
    [
        ([], [], 1.0),
        ([1.0], [], 0.0),
        ([], [1.0], 0.0),
        ([1.0, 2.0], [1.05, 2.2], 0.5),
        ([1.0, 2.0], [1.0, 2.0, 3.0], 0.8),
    ],
)
def test_f_score_when_the_answer_is_known_then_that(
    reference: list[float], estimate: list[float], score: float
) -> None:
    assert f_score(reference, estimate, 0.05) == pytest.approx(score)
