"""Loudness and true peak against pyloudnorm on whole sounds, and against what can be worked out by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pyloudnorm
import pytest

from bridge.domain.audio import Audio
from bridge.dsp import loudness
from bridge.errors import RequestError


def sine(hz: float, seconds: float, *, db: float = 0.0, rate_hz: int = 48_000, phase: float = 0.0, channels: int = 1):
    steps = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = 10 ** (db / 20) * np.sin(2 * np.pi * hz * steps + phase)
    return Audio(samples=np.tile(wave.astype(np.float32), (channels, 1)), rate_hz=rate_hz)


def foley(seconds: float, *, rate_hz: int = 48_000, channels: int = 1, seed: int = 0) -> Audio:
    """Knocks in near silence: a sound whose loudness depends on both gates."""
    random = np.random.default_rng(seed)
    samples = random.standard_normal((channels, round(seconds * rate_hz))) * 1e-4
    for begin in random.integers(0, samples.shape[1], max(1, round(2 * seconds))):
        tail = samples[:, begin : begin + rate_hz // 4]
        decay = np.exp(-np.arange(tail.shape[1]) / (0.03 * rate_hz))
        tail += random.uniform(0.05, 0.8) * decay * random.standard_normal(tail.shape)
    return Audio(samples=samples.astype(np.float32), rate_hz=rate_hz)


def joined(*sounds: Audio) -> Audio:
    return Audio(samples=np.hstack([sound.samples for sound in sounds]), rate_hz=sounds[0].rate_hz)


@pytest.mark.parametrize("seconds", [0.4, 0.43, 0.46, 0.5, 1.337, 12.01])
@pytest.mark.parametrize(("rate_hz", "channels"), [(48_000, 1), (44_100, 2), (96_000, 2), (16_000, 1), (22_050, 5)])
def test_integrated_when_compared_with_pyloudnorm_on_the_whole_then_within_a_hundredth(seconds, rate_hz, channels):
    audio = foley(seconds, rate_hz=rate_hz, channels=channels, seed=round(seconds * 10))
    expected = pyloudnorm.Meter(rate_hz, filter_class="DeMan").integrated_loudness(audio.samples.T.astype(np.float64))
    assert loudness.integrated(audio) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(("channels", "expected"), [(1, -3.01), (2, 0.0)])
@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000])
def test_integrated_when_a_full_scale_sine_of_997_hz_then_as_bs_1770_says(rate_hz, channels, expected):
    audio = sine(997.0, 5.0, rate_hz=rate_hz, channels=channels)
    assert loudness.integrated(audio) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([(-23.0, 20.0)], -23.0),
        ([(-33.0, 20.0)], -33.0),
        ([(-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0)], -23.0),
        ([(-72.0, 10.0), (-36.0, 10.0), (-23.0, 60.0), (-36.0, 10.0), (-72.0, 10.0)], -23.0),
        ([(-26.0, 20.0), (-20.0, 20.1), (-26.0, 20.0)], -23.0),
    ],
)
def test_integrated_when_given_the_signals_of_ebu_tech_3341_then_within_its_tenth(parts, expected):
    audio = joined(*(sine(1000.0, seconds, db=db, channels=2) for db, seconds in parts))
    assert loudness.integrated(audio) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("size", [1, 479, 4_800, 100_000])
def test_measured_when_cut_anyhow_then_the_same_answer(size):
    audio = foley(0.45 if size == 1 else 6.0, channels=2)
    blocks = (audio.samples[:, at : at + size] for at in range(0, audio.length_samples, size))
    found = loudness.measured(blocks, rate_hz=48_000, channels=2)
    assert found == pytest.approx((loudness.integrated(audio), loudness.true_peak_db(audio)), abs=1e-6)


@pytest.mark.parametrize(
    "audio",
    [
        Audio.silence(length_samples=96_000, rate_hz=48_000),
        sine(997.0, 0.399),
        sine(997.0, 2.0, db=-75.0),
        Audio.silence(length_samples=0, rate_hz=48_000),
    ],
)
def test_integrated_when_there_is_nothing_to_measure_then_minus_infinity(audio):
    assert loudness.integrated(audio) == -np.inf


def test_integrated_when_there_are_more_channels_than_the_standard_weighs_then_error_says_so():
    with pytest.raises(RequestError, match="loudness of 6 channels") as caught:
        loudness.integrated(Audio.silence(length_samples=48_000, rate_hz=48_000, channels=6))
    assert caught.value.hint


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("db", [0.0, -12.0])
def test_true_peak_when_the_top_of_a_sine_lies_between_samples_then_found_to_a_tenth(rate_hz, db):
    audio = sine(rate_hz / 4 if rate_hz < 100_000 else 997.0, 0.5, db=db, rate_hz=rate_hz, phase=np.pi / 4)
    ends = np.sin(np.linspace(0, np.pi, audio.length_samples)).astype(np.float32) ** 2  # without clicks at the ends
    audio = Audio(samples=audio.samples * ends, rate_hz=rate_hz)
    if rate_hz < 100_000:
        assert 20 * np.log10(np.abs(audio.samples).max()) == pytest.approx(db - 3.01, abs=0.01)
    assert loudness.true_peak_db(audio) == pytest.approx(db, abs=0.1)


@pytest.mark.parametrize("hz", [997.0, 5_997.0, 9_997.0, 15_997.0, 19_997.0])
def test_true_peak_when_a_sine_of_any_pitch_then_its_height_to_a_tenth(hz):
    audio = sine(hz, 0.5, db=-1.0)
    ends = np.sin(np.linspace(0, np.pi, audio.length_samples)).astype(np.float32) ** 0.5
    audio = Audio(samples=(audio.samples * ends).astype(np.float32), rate_hz=48_000)
    assert loudness.true_peak_db(audio) == pytest.approx(-1.0, abs=0.1)


def test_true_peak_when_a_sound_is_shorter_than_the_filter_then_its_top_is_not_missed():
    assert loudness.true_peak_db(sine(12_000.0, 0.002, phase=np.pi / 4)) == pytest.approx(0.0, abs=0.9)


def test_true_peak_when_one_channel_is_louder_or_the_top_is_at_the_very_end_then_that_is_found():
    samples = np.zeros((2, 50_000), np.float32)
    samples[1, -1] = 0.5
    assert loudness.true_peak_db(Audio(samples=samples, rate_hz=48_000)) == pytest.approx(-6.02, abs=0.3)
    assert loudness.true_peak_db(Audio(samples=samples, rate_hz=48_000)) >= -6.03, "never below the samples themselves"


@pytest.mark.parametrize("length", [0, 1, 5_000])
def test_true_peak_when_silent_then_minus_infinity(length):
    assert loudness.true_peak_db(Audio.silence(length_samples=length, rate_hz=48_000)) == -np.inf


def test_true_peak_meter_when_asked_twice_then_the_same():
    meter = loudness.TruePeakMeter(rate_hz=48_000, channels=1)
    meter.add(sine(997.0, 0.1).samples)
    assert meter.db() == meter.db()


def test_measured_when_long_then_memory_of_a_few_blocks():
    block = foley(1.0).samples
    tracemalloc.start()
    try:
        found = loudness.measured((block for _ in range(240)), rate_hz=48_000, channels=1)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.isfinite(found).all()
    assert most < 8_000_000, "the sound has 46 MB"
