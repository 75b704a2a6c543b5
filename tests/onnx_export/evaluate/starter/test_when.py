"""Onsets in the picture: the scorer's rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from onnx_export.evaluate.starter import clips, when
from onnx_export.evaluate.starter.clips import Clip
from tests.onnx_export.evaluate.starter.conftest import HITS, box_of, peaks_at

FIRST = next(iter(HITS))
KNOWN = np.array(HITS[FIRST])


@pytest.fixture(scope="module")
def clip(clips_folder: Path) -> Clip:
    return clips.load(clips_folder)[0]


def test_clips_when_read_then_only_the_split_with_words_and_what_is_annotated(clips_folder: Path) -> None:
    found = clips.load(clips_folder)
    assert [one.name for one in found] == list(HITS)
    assert found[0].words == "wood hit"
    assert found[0].hour == "2015-01-01-10"
    np.testing.assert_allclose(found[0].heard_s, KNOWN)
    assert len(clips.load(clips_folder, limit=1)) == 1


def test_score_when_every_contact_is_found_then_all_is_one(clip: Clip) -> None:
    found = when.score(clip, peaks_at(KNOWN, strength=[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), threshold=0.3)
    assert (found.f_50, found.ap_50, found.exact, found.strength) == (1.0, 1.0, 1.0, pytest.approx(1.0))


def test_score_when_60_ms_late_then_found_within_100_ms_only(clip: Clip) -> None:
    found = when.score(clip, peaks_at(KNOWN + 0.06), threshold=0.3)
    assert (found.f_50, found.ap_50, found.f_100) == (0.0, 0.0, 1.0)
    assert found.late_ms == pytest.approx(60.0)


def test_score_when_finds_lie_outside_the_span_then_they_count_for_nothing(clip: Clip) -> None:
    found = when.score(clip, peaks_at([0.3, 0.6, *KNOWN, 6.2]), threshold=0.3)
    assert (found.f_50, found.ap_50, found.found) == (1.0, 1.0, 6)


def test_score_when_false_finds_are_unsure_then_ap_forgives_and_the_threshold_keeps_them_out(clip: Clip) -> None:
    times = np.sort(np.r_[KNOWN, 1.6, 3.0])
    sure = np.where(np.isin(times, KNOWN), 0.9, 0.1)
    found = when.score(clip, peaks_at(times, confidence=sure), threshold=0.3)
    assert (found.f_50, found.ap_50) == (1.0, 1.0)
    found = when.score(clip, peaks_at(times), threshold=0.3)
    assert found.f_50 == pytest.approx(2 * 6 / (6 + 8))
    assert found.ap_50 < 1.0
    assert found.exact < 1.0


def test_score_when_strengths_run_the_other_way_then_minus_one_and_without_any_nan(clip: Clip) -> None:
    assert when.score(clip, peaks_at(KNOWN, strength=-KNOWN), threshold=0.3).strength == pytest.approx(-1.0)
    assert np.isnan(when.score(clip, peaks_at(KNOWN, strength=KNOWN * np.nan), threshold=0.3).strength)


def test_part_when_the_pack_never_saw_such_clips_then_held_to_what_was_wanted(clips_folder: Path) -> None:
    found = clips.load(clips_folder)
    box = box_of({name: peaks_at(times_s) for name, times_s in HITS.items()})
    part = when.part(found, box)
    assert part.figures["F, 50 ms"].reached is True
    assert part.figures["F, 50 ms"].at_least == 0.60
    assert [row[0] for row in part.tables[0].rows] == list(HITS)
