"""Sound beside a clip's own: every figure falls when what it stands for is broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine import level
from onnx_export.evaluate.starter import clips, what
from onnx_export.evaluate.starter.box import Box, Sound
from onnx_export.evaluate.starter.what import FULL, MEASURED, Trial
from tests.onnx_export.evaluate.conftest import bursts
from tests.onnx_export.evaluate.starter.conftest import HITS, FakeBox, box_of

LENGTH = 262_144
ONSETS = np.array([1.2, 2.0, 2.6, 3.4, 4.4, 5.0])


def sound(onsets_s: NDArray[np.float64]) -> NDArray[np.float32]:
    return bursts(onsets_s.tolist())[:LENGTH]


RECORDING = sound(ONSETS)


def compared(samples: NDArray[np.floating]) -> what.Compared:
    return what.compare(samples.astype(np.float32), RECORDING, ONSETS, from_s=1.0)


def test_compare_when_the_sound_is_the_recording_then_nothing_is_wrong() -> None:
    found = compared(RECORDING)
    assert found.f == 1.0
    assert found.error_ms < 5.0
    assert found.correlation == pytest.approx(1.0)
    assert found.distance == pytest.approx(0.0)
    assert found.before_db < -60.0
    assert found.peak_db < 0.0
    assert found.dc_db < -60.0


def test_compare_when_the_sound_comes_60_ms_late_then_attacks_and_envelope_are_off() -> None:
    late = compared(sound(ONSETS + 0.06))
    assert late.f == 0.0
    assert late.correlation < 0.5


def test_compare_when_the_sound_comes_8_ms_late_then_the_timing_error_says_so() -> None:
    assert compared(sound(ONSETS + 0.008)).late_ms - compared(RECORDING).late_ms == pytest.approx(8.0, abs=1.5)


def test_compare_when_a_hit_comes_before_the_first_onset_then_it_is_no_silence() -> None:
    early = compared(sound(np.r_[0.5, ONSETS]))
    assert early.before_db > -60.0
    assert early.f == 1.0, "before the annotation counts nothing is held against it but that"
    assert compared(sound(np.r_[1.1, ONSETS])).f < 1.0


def test_compare_when_there_is_dc_or_clipping_then_it_shows() -> None:
    assert compared(RECORDING + 0.002).dc_db == pytest.approx(-54.0, abs=1.0)
    assert compared(RECORDING * 10.0).peak_db > 0.0


def test_compare_when_the_limiter_had_work_then_the_share_of_its_samples_though_no_peak_is_above_full_scale() -> None:
    quiet = RECORDING / np.abs(RECORDING).max() * 0.5
    loud = level.limit(quiet * np.float32(20.0))
    found = compared(loud)
    assert found.peak_db < 0.0
    assert found.limited == pytest.approx(100.0 * np.mean(np.abs(quiet * 20.0) > 10.0 ** (-1.0 / 20.0)), rel=1e-3)
    assert found.limited > what.MOST_LIMITED
    assert compared(quiet).limited == 0.0
    assert compared(np.where(np.arange(LENGTH) < LENGTH // 1000, 0.95, 0.0)).limited == pytest.approx(0.1, abs=0.001)


def test_compare_when_only_louder_then_distance_and_correlation_do_not_care() -> None:
    assert compared(RECORDING * 0.1).distance == pytest.approx(0.0, abs=1e-6)


def test_compare_when_there_is_no_sound_at_all_then_no_number_flatters() -> None:
    found = compared(np.zeros(LENGTH))
    assert found.f == 0.0
    assert np.isnan(found.error_ms)
    assert np.isnan(found.correlation)


@pytest.fixture(scope="module")
def trials(clips_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Trial]:
    folder = tmp_path_factory.mktemp("examples")
    return [trial for clip in clips.load(clips_folder) if (trial := Trial.of(clip, keep=folder)) is not None]


def test_trial_when_made_then_the_clips_onsets_with_strengths_against_the_loudest(trials: list[Trial]) -> None:
    np.testing.assert_allclose(trials[0].onsets_s, HITS[trials[0].clip.name])
    assert trials[0].strengths.max() == 1.0
    assert np.all(np.diff(trials[0].strengths) >= 0.0)
    assert trials[0].example.is_file()
    assert len(trials[0].recording) == LENGTH


def test_trial_when_nothing_is_struck_in_the_beginning_then_none(clips_folder: Path, tmp_path: Path) -> None:
    clip = clips.load(clips_folder)[0]
    late = clips.Clip(**{**vars(clip), "heard_s": np.array([5.8]), "heard_level": np.ones(1)})
    assert Trial.of(late, keep=tmp_path) is None


def test_replayed_when_judged_then_as_good_as_timing_alone_can_be(trials: list[Trial]) -> None:
    found = trials[0].compared(trials[0].replayed())
    assert found.f == 1.0
    assert found.correlation > 0.8


def test_sound_when_strengths_are_measured_then_they_are_asked_for(trials: list[Trial]) -> None:
    box = box_of({})
    trials[0].sound(box, FULL, seed=0)
    trials[0].sound(box, MEASURED, seed=0)
    full, measured = (one["onsets"] for one in box.asked)  # type: ignore[attr-defined]
    assert {strength for _, strength in full} == {1.0}
    assert [strength for _, strength in measured] == trials[0].strengths.tolist()
    assert box.asked[0]["prompt"] == "wood hit"  # type: ignore[attr-defined]


class Early(FakeBox):
    """Adds a hit long before the annotation begins."""

    keep: Path

    def sound(self, video: Path, *, name: str, onsets: list[tuple[float, float]], end_s: float, **rest: Any) -> Sound:
        found = super().sound(video, name=name, onsets=[(0.4, 1.0), *onsets], end_s=end_s, **rest)
        path = self.keep / "sound"
        path.write_bytes(found.samples.tobytes())
        return replace(found, path=path)


def test_part_when_a_sound_is_wrong_before_the_annotation_then_the_correlation_that_counts_is_over_the_whole_stretch(
    trials: list[Trial], tmp_path: Path
) -> None:
    box = Early({}, box_of({}).manifest)
    box.keep = tmp_path
    part = what.part(trials, cast(Box, box))
    names = list(part.figures)
    for manner in (FULL, MEASURED):
        whole = part.figures[f"envelope correlation, {manner}"]
        annotated = part.figures[f"envelope correlation where annotated, {manner}"]
        assert whole.value < annotated.value - 0.05
        assert (whole.at_least, annotated.at_least) == (0.74, None)
        limited = part.figures[f"above the limiter's knee, {manner}"]
        assert (limited.statistic, limited.unit, limited.at_most) == ("most", "%", 0.1)
    assert names.index(f"envelope correlation, {FULL}") < names.index(f"envelope correlation, {MEASURED}")
    assert "part of the recording's envelope is handed in" in " ".join(part.notes)
