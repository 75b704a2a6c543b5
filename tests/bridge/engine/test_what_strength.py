"""An onset's strength is the level of its sound, and a changed one renews its own neighbourhood alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.diffusion import Layer
from bridge.engine.loader import load
from bridge.engine.what import Generator
from bridge.packs.store import Store
from tests.bridge.engine.waves import alone
from tests.packs import NAME, tiny_pack

RATE_HZ = 48_000
TIMES = (0.2, 1.2, 2.2)


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    folder: Path = tmp_path_factory.mktemp("packs")
    tiny_pack(folder)
    return Generator(load(Store([folder]), NAME, provider="cpu", threads=1))


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    return Generator(alone(tmp_path_factory.mktemp("packs")))


def request(*strengths: float) -> Request:
    onsets = tuple(Onset(time_s=time, strength=level) for time, level in zip(TIMES, strengths, strict=True))
    return Request(length_samples=3 * RATE_HZ, rate_hz=RATE_HZ, onsets=onsets, prompt="wood", seed=2)


def levels_db(samples: np.ndarray) -> list[float]:
    """RMS of the 0.1 s after each onset."""
    parts = (samples[round(time * RATE_HZ) : round((time + 0.1) * RATE_HZ)] for time in TIMES)
    return [20 * float(np.log10(np.sqrt(np.mean(part**2)))) for part in parts]


def test_layer_when_onsets_differ_in_strength_then_the_onset_track_does() -> None:
    track = Layer(onsets={3: 1.0, 5: 0.25}, meaning={}).track((0, 8), within=(0, 8))
    assert track.tolist() == [[[0, 0, 0, 1.0, 0, 0.25, 0, 0]]]


def test_render_when_an_onset_is_half_as_strong_then_its_sound_is_6_db_softer(generator: Generator) -> None:
    full, mixed = (generator.render(one).samples[0] for one in (request(1, 1, 1), request(1, 0.5, 0.1)))
    differences = np.subtract(levels_db(mixed), levels_db(full))
    assert differences == pytest.approx([0.0, -6.02, -20.0], abs=0.1)


def test_remake_when_one_level_was_edited_then_the_rest_stays_to_the_bit(generator: Generator) -> None:
    before, after = request(1, 0.8, 1), request(1, 0.4, 1)
    old = generator.render(before)
    new, spans = generator.remake(after, previous_request=before, previous=old)
    differs = np.flatnonzero(old.samples[0] != new.samples[0]) / RATE_HZ
    assert 1.15 < differs.min() < differs.max() < 2.2
    assert len(spans) == 1
    assert levels_db(new.samples[0])[1] - levels_db(old.samples[0])[1] == pytest.approx(-6.02, abs=0.1)
    same, spans = generator.remake(replace(before, onsets=before.onsets), previous_request=before, previous=old)
    assert (same, spans) == (old, [])


def test_layer_when_an_onset_is_told_another_force_then_the_track_carries_that() -> None:
    track = Layer(onsets={3: 1.0, 5: 0.25}, meaning={}, forces={3: 0.5}).track((0, 8), within=(0, 8))
    assert track.tolist() == [[[0, 0, 0, 0.5, 0, 0.25, 0, 0]]]


def forced(strength: float, force: float | None) -> Request:
    onsets = tuple(Onset(time_s=time, strength=strength, force=force) for time in TIMES)
    return Request(length_samples=3 * RATE_HZ, rate_hz=RATE_HZ, onsets=onsets, prompt="wood", seed=2)


def test_render_when_the_windowing_sets_no_level_then_force_is_what_is_heard(generator: Generator) -> None:
    told, strong = (generator.render(one).samples for one in (forced(1.0, 0.5), forced(0.5, None)))
    assert np.array_equal(told, strong)
    assert not generator.render(forced(1.0, 0.0)).samples.any()


def test_render_when_contacts_stand_alone_then_strength_sets_the_level_and_force_what_the_net_is_told(
    apart: Generator,
) -> None:
    """The tiny net's sound follows what it is told, so both factors are heard."""
    full, soft, told, both = (
        apart.render(one).samples[0]
        for one in (forced(1.0, None), forced(0.5, 1.0), forced(1.0, 0.5), forced(0.5, None))
    )
    assert np.array_equal(soft, np.float32(0.5) * full)
    assert np.subtract(levels_db(told), levels_db(full)) == pytest.approx([-6.02] * 3, abs=0.1)
    assert np.subtract(levels_db(both), levels_db(told)) == pytest.approx([-6.02] * 3, abs=0.1)


def test_render_when_two_onsets_lie_on_one_sample_then_the_greater_strength_and_the_greater_force_count(
    apart: Generator,
) -> None:
    pair = (Onset(time_s=0.5, strength=0.3, force=1.0), Onset(time_s=0.5, strength=0.6, force=0.2))
    one = (Onset(time_s=0.5, strength=0.6, force=1.0),)
    both, single = (apart.render(replace(request(1, 1, 1), onsets=onsets)).samples for onsets in (pair, one))
    assert np.array_equal(both, single)
