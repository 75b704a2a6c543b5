"""A kept detection answers other questions without the net: more onsets, fewer, and how loud the picture is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.domain.clip import Clip
from bridge.engine.when import Detection, Detector
from bridge.errors import RequestError
from tests.bridge.engine.test_when_strength import LENGTH_S, STOPS_S, Pack, decode, opened


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Pack:
    folder: Path = tmp_path_factory.mktemp("packs")
    return Pack(opened(folder, strength=True))


@pytest.fixture(scope="module")
def clip() -> Clip:
    return Clip.whole("film.mp4", LENGTH_S)


@pytest.fixture(scope="module")
def kept(pack: Pack, clip: Clip) -> Detection:
    return Detector(pack, decode=decode).detect(clip)


def test_picked_when_the_threshold_moves_then_what_detecting_with_it_gives_and_no_net_is_asked(
    pack: Pack, clip: Clip, kept: Detection
) -> None:
    for threshold in (0.0, 0.05, 0.3, 0.9, 1.0):
        wanted = Detector(pack, decode=decode).detect(clip, threshold=threshold)
        pack.calls = 0
        got = Detector.picked(kept, threshold)
        assert pack.calls == 0
        assert (got.onsets, got.peaks, got.threshold) == (wanted.onsets, wanted.peaks, threshold)
        assert got.activation is kept.activation
    assert Detector.picked(Detector.picked(kept, 1.0), kept.threshold).onsets == kept.onsets


def test_thresholds_when_stepped_through_then_each_adds_onsets_and_nothing_lies_between(kept: Detection) -> None:
    steps = kept.thresholds()
    assert len(steps) >= len(STOPS_S)
    assert list(steps) == sorted(set(steps), reverse=True)
    counts = [len(kept.picked(step).onsets) for step in steps]
    assert counts[0] >= 1
    assert (np.diff(counts) >= 1).all()
    assert counts[-1] == len(kept.peaks)
    for step, after, count in zip(steps, steps[1:], counts, strict=False):
        assert len(kept.picked((step + after) / 2).onsets) == count


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_picked_when_the_threshold_makes_no_sense_then_one_that_does_is_named(
    kept: Detection, threshold: float
) -> None:
    with pytest.raises(RequestError, match="threshold") as caught:
        kept.picked(threshold)
    assert caught.value.hint


def test_level_when_drawn_from_the_picture_then_each_onset_is_as_high_as_it_is_strong(
    kept: Detection, clip: Clip
) -> None:
    curve = kept.level(clip)
    strengths = [onset.strength for onset in kept.onsets]
    assert len(set(strengths)) > 2
    assert curve.at([onset.time_s for onset in kept.onsets]) == pytest.approx(strengths, abs=1e-6)
    assert curve.times_s[-1] <= LENGTH_S
    fewer = kept.picked(kept.thresholds()[0]).level(clip)
    assert fewer.at(np.linspace(0, LENGTH_S, 100)).sum() < curve.at(np.linspace(0, LENGTH_S, 100)).sum()
