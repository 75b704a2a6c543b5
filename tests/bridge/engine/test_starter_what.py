"""What the shipped pack promises: sound where onsets are, silence before, words and seeds that matter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.dsp.attacks import attacks
from bridge.dsp.matching import f_score
from bridge.engine.loader import load
from bridge.engine.what import Generator
from bridge.errors import RequestError
from bridge.packs.store import SHIPPED_FOLDER, STARTER, Store

RATE_HZ = 48000
STEPS = 12
"""Fewer than the pack's own, to be quick; worse sound, not better."""


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator(load(Store([SHIPPED_FOLDER]), STARTER, provider="cpu", threads=1))


def sound(
    generator: Generator, times: Sequence[float] | NDArray[np.floating[Any]], prompt: str, **fields: Any
) -> NDArray[np.float32]:
    onsets = tuple(Onset(time_s=float(time)) for time in times)
    values: dict[str, Any] = {"length_samples": round((float(times[-1]) + 0.6) * RATE_HZ), "seed": 0, "steps": STEPS}
    return generator.render(Request(rate_hz=RATE_HZ, onsets=onsets, prompt=prompt, **{**values, **fields})).samples[0]


def centroid_hz(samples: NDArray[np.float32]) -> float:
    """Median over hits 0.6 s apart of the spectral centroid, Hz."""
    values = []
    for hit in samples.reshape(-1, round(0.6 * RATE_HZ)):
        power = np.abs(np.fft.rfft(hit.astype(np.float64))) ** 2
        values.append(np.sum(power * np.fft.rfftfreq(len(hit), 1 / RATE_HZ)) / np.sum(power))
    return float(np.median(values))


@pytest.mark.parametrize("prompt", ["oak knocks", "metal hit", "glass hit", "footsteps on gravel"])
def test_starter_when_rhythms_are_asked_sounds_there_and_nowhere_else(generator: Generator, prompt: str) -> None:
    rng = np.random.default_rng(len(prompt))
    times = 0.4 + np.cumsum(rng.uniform(0.3, 0.9, 9))
    samples = sound(generator, times, prompt)
    assert f_score(times, attacks(samples, rate_hz=RATE_HZ), 0.050) >= 0.8
    assert not samples[: round((times[0] - 0.01) * RATE_HZ)].any()
    assert 0.05 < np.abs(samples).max() < 1.0


def test_starter_when_materials_differ_sounds_differ(generator: Generator) -> None:
    """Ten hits each: wood is darker than metal and than glass; glass and metal differ in how they ring."""
    times = np.arange(10) * 0.6
    wood, metal, glass = (sound(generator, times, f"{word} hit") for word in ("wood", "metal", "glass"))
    assert centroid_hz(metal) > 1.5 * centroid_hz(wood)
    assert centroid_hz(glass) > 1.5 * centroid_hz(wood)
    assert np.abs(np.log(bands(metal) / bands(glass))).max() > np.log(2.0)


def bands(samples: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of the energy in octaves from 60 Hz."""
    power = np.abs(np.fft.rfft(samples.astype(np.float64))) ** 2
    octave = np.digitize(np.fft.rfftfreq(len(samples), 1 / RATE_HZ), 60.0 * 2.0 ** np.arange(8))
    sums = np.array([power[octave == index].sum() for index in range(1, 8)])
    return sums / sums.sum()


def test_starter_when_the_seed_changes_sounds_different_at_the_same_times(generator: Generator) -> None:
    times = np.array([0.3, 0.9, 1.4])
    one, other = (sound(generator, times, "metal hit", seed=seed) for seed in (1, 2))
    difference = np.sqrt(np.mean((one - other) ** 2))
    assert difference > 0.5 * np.sqrt(np.mean(one**2))
    assert f_score(times, attacks(other, rate_hz=RATE_HZ), 0.050) >= 0.8


def test_starter_when_run_twice_gives_the_same_bytes(generator: Generator) -> None:
    times = np.array([0.1, 0.5])
    one, other = (sound(generator, times, "wood", steps=3) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_starter_when_a_time_is_a_samples_but_for_rounding_then_the_sound_is_that_samples(generator: Generator) -> None:
    """Moving an item with its markers, or saving and loading, changes the last digits of times."""
    one, other = (sound(generator, [time, 0.5], "wood", steps=2) for time in (0.04 + 4e-17, 0.04 - 4e-17))
    assert np.array_equal(one, other)
    one, other = (sound(generator, [time, 0.5], "wood", steps=2) for time in (0.04 + 4e-14, 0.04 - 4e-14))
    assert np.array_equal(one, other)


def test_starter_when_an_onset_moves_then_the_part_made_again_makes_the_sound_of_making_all(
    generator: Generator,
) -> None:
    """Rings of what moved vanish under later onsets too, and what lies apart is not touched."""

    def asked(*times: float) -> Request:
        onsets = tuple(Onset(time_s=time) for time in times)
        return Request(length_samples=5 * RATE_HZ, rate_hz=RATE_HZ, onsets=onsets, prompt="metal bowl", steps=3)

    before, after = asked(0.2, 1.9, 2.5, 4.2), asked(0.2, 2.0, 2.5, 4.2)
    old, fresh = generator.render(before), generator.render(after)
    new, spans = generator.remake(after, previous_request=before, previous=old)
    assert np.abs(new.samples - fresh.samples).max() < 1e-6
    assert len(spans) == 1
    start, end = spans[0]
    assert np.array_equal(new.samples[0, :start], old.samples[0, :start])
    assert np.array_equal(new.samples[0, end:], old.samples[0, end:])
    assert 1.8 * RATE_HZ < start < end < 3.5 * RATE_HZ


def test_starter_when_onsets_are_half_as_strong_then_they_sound_about_6_db_softer(generator: Generator) -> None:
    times = np.arange(6) * 0.6

    def levels_db(strength: float) -> NDArray[np.float64]:
        onsets = tuple(Onset(time_s=float(time), strength=strength) for time in times)
        asked = Request(length_samples=3 * RATE_HZ + 28800, rate_hz=RATE_HZ, onsets=onsets, prompt="wood", steps=STEPS)
        hits = generator.render(asked).samples[0].reshape(6, -1)[:, : round(0.3 * RATE_HZ)]
        return 20 * np.log10(np.sqrt(np.mean(hits.astype(np.float64) ** 2, axis=1)))

    assert float(np.median(levels_db(0.5) - levels_db(1.0))) == pytest.approx(-6.0, abs=2.5)


def test_starter_when_words_mean_nothing_to_it_then_they_are_named_and_none_else_is_refused(
    generator: Generator,
) -> None:
    assert generator.check_prompt("qwxyz knocking on an oak door") == ("qwxyz",)
    assert generator.check_prompt("wood") == ()
    with pytest.raises(RequestError, match="not understood") as caught:
        generator.check_prompt("qwxyz vbnmk")
    assert "qwxyz" in caught.value.message
    assert caught.value.hint
