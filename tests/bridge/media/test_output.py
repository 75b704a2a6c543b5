"""A finished sound: as loud as was asked, never over the ceiling, without clicks at its ends."""

from __future__ import annotations

import json
import math
import tracemalloc
from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.dsp import loudness
from bridge.errors import RequestError
from bridge.media import wav
from bridge.media.finish import Finished, apply, apply_blocks, finish, finish_blocks
from bridge.media.output import Output


def knocks(seconds: float = 4.0, *, level: float = 0.2, channels: int = 1) -> Audio:
    random = np.random.default_rng(0)
    samples = random.standard_normal((channels, round(seconds * 48_000))) * 1e-4
    for begin in range(0, samples.shape[1], 24_000):
        tail = samples[:, begin : begin + 12_000]
        tail += level * np.exp(-np.arange(tail.shape[1]) / 1_500) * random.uniform(-1, 1, tail.shape)
    return Audio(samples=samples.astype(np.float32), rate_hz=48_000)


def hum(seconds: float = 3.0, *, db: float = -30.0, rate_hz: int = 48_000) -> Audio:
    steps = np.arange(round(seconds * rate_hz)) / rate_hz
    wave = 10 ** (db / 20) * np.sin(2 * np.pi * 997.0 * steps)
    return Audio(samples=wave.astype(np.float32)[None], rate_hz=rate_hz)


def by_the_library(audio: Audio) -> float:
    meter = pyloudnorm.Meter(audio.rate_hz, filter_class="DeMan")
    return meter.integrated_loudness(audio.samples.T.astype(np.float64))


def cut(audio: Audio, size: int) -> Iterator[NDArray[np.float32]]:
    for at in range(0, audio.length_samples, size):
        yield audio.samples[:, at : at + size]


@pytest.mark.parametrize("target", [-40.0, -23.0, -18.0])
@pytest.mark.parametrize("audio", [hum(), hum(db=-10.0), hum(db=-45.0, rate_hz=44_100)])
def test_finish_when_a_loudness_is_wanted_then_the_library_measures_it(audio, target):
    done, told = finish(audio, Output(loudness_lufs=target))
    assert by_the_library(done) == pytest.approx(target, abs=0.02)
    assert told.loudness_lufs == pytest.approx(target, abs=0.011)
    assert told.true_peak_db == pytest.approx(loudness.true_peak_db(done), abs=0.011)
    assert told.note == ""
    assert np.allclose(done.samples, audio.samples * 10 ** (told.gain_db / 20), rtol=1e-6), "one gain for all of it"


@pytest.mark.parametrize("ceiling", [-1.0, -3.5, -12.0])
@pytest.mark.parametrize("target", [None, -30.0, -14.0, -6.0])
@pytest.mark.parametrize("level", [0.02, 0.2, 1.5])
def test_finish_when_there_is_a_ceiling_then_never_over_it_and_no_quieter_than_needed(ceiling, target, level):
    audio = knocks(level=level)
    done, told = finish(audio, Output(loudness_lufs=target, true_peak_db=ceiling))
    peak = loudness.true_peak_db(done)
    assert peak <= ceiling + 0.001
    wish = 0.0 if target is None else target - by_the_library(audio)
    assert told.gain_db == pytest.approx(min(wish, ceiling - loudness.true_peak_db(audio)), abs=0.0101)
    held = wish > ceiling - loudness.true_peak_db(audio)
    assert ("held at" in told.note) == (held and target is not None)


def test_finish_when_an_integer_file_would_be_clipped_then_held_at_full_scale_but_float_goes_on():
    audio = knocks()
    whole, told = finish(audio, Output(loudness_lufs=-3.0))
    assert np.abs(whole.samples).max() <= 1.0
    assert told.true_peak_db == pytest.approx(0.0, abs=0.011)
    assert "below -3 LUFS, because its true peak is held at 0 dB" in told.note
    floating, told = finish(audio, Output(loudness_lufs=-3.0, subtype="FLOAT"))
    assert np.abs(floating.samples).max() > 1.0
    assert (told.loudness_lufs, told.note) == (pytest.approx(-3.0, abs=0.011), "")


@pytest.mark.parametrize("audio", [knocks(level=3.0), knocks(0.2), Audio.silence(length_samples=9, rate_hz=48_000)])
def test_finish_when_nothing_is_asked_then_not_a_bit_differs(audio):
    done, told = finish(audio, Output())
    assert done.samples.tobytes() == audio.samples.tobytes()
    assert told == Finished(gain_db=0.0, loudness_lufs=None, true_peak_db=None)
    length = audio.length_samples
    blocks, again = finish_blocks(lambda: [audio.samples], Output(), rate_hz=48_000, channels=1, length_samples=length)
    assert (np.hstack(list(blocks)).tobytes(), again) == (audio.samples.tobytes(), told)


@pytest.mark.parametrize(
    ("audio", "says"),
    [
        (knocks(0.39), "shorter than 0.4 s"),
        (Audio.silence(length_samples=48_000, rate_hz=48_000), "silent"),
        (hum(db=-80.0), "silent"),
        (Audio.silence(length_samples=0, rate_hz=48_000), "shorter than 0.4 s"),
    ],
)
def test_finish_when_the_loudness_cannot_be_measured_then_no_gain_and_it_says_so(audio, says):
    done, told = finish(audio, Output(loudness_lufs=-23.0))
    assert done.samples.tobytes() == audio.samples.tobytes()
    assert (told.gain_db, told.loudness_lufs) == (0.0, None)
    assert says in told.note
    assert "-23 LUFS" in told.note


def test_finish_when_too_short_for_loudness_then_the_ceiling_still_holds():
    done, told = finish(knocks(0.3, level=0.9), Output(loudness_lufs=-23.0, true_peak_db=-6.0))
    assert loudness.true_peak_db(done) <= -6.0
    assert told.gain_db < 0
    assert "shorter than 0.4 s" in told.note


def test_finish_when_done_twice_then_the_second_changes_nothing():
    output = Output(loudness_lufs=-30.0, true_peak_db=-1.0)
    once, _ = finish(knocks(), output)
    _, told = finish(once, output)
    assert abs(told.gain_db) <= 0.01


@pytest.mark.parametrize("size", [1_000, 48_001, 10**6])
@pytest.mark.parametrize("fades", [{}, {"fade_in_ms": 30.0, "fade_out_ms": 45.0}])
def test_finish_blocks_when_cut_anyhow_then_the_bits_of_the_whole(size, fades):
    audio = knocks(channels=2)
    output = Output(loudness_lufs=-20.0, true_peak_db=-2.0, **fades)
    whole, expected = finish(audio, output)
    length = audio.length_samples
    blocks, told = finish_blocks(lambda: cut(audio, size), output, rate_hz=48_000, channels=2, length_samples=length)
    assert np.hstack(list(blocks)).tobytes() == whole.samples.tobytes()
    assert told == expected


def test_apply_when_a_part_is_made_again_then_the_bits_that_it_has_in_the_whole():
    audio = knocks()
    output = Output(loudness_lufs=-20.0, fade_in_ms=500.0, fade_out_ms=700.0)
    whole, told = finish(audio, output)
    length = audio.length_samples
    for start, stop in ((0, 100), (23_000, 25_000), (60_000, 60_001), (150_000, length), (0, length), (length, length)):
        part = Audio(samples=audio.samples[:, start:stop], rate_hz=48_000)
        again = apply(part, told.gain_db, output, start_samples=start, length_samples=length)
        assert again.samples.tobytes() == whole.samples[:, start:stop].tobytes()


@pytest.mark.parametrize(("start", "whole"), [(-1, None), (1, 100), (0, 99)])
def test_apply_when_the_part_lies_outside_the_whole_then_error_says_so(start, whole):
    audio = Audio.silence(length_samples=100, rate_hz=48_000)
    with pytest.raises(RequestError, match="part of 100 samples"):
        apply(audio, 0.0, Output(), start_samples=start, length_samples=whole)


def test_fades_when_wanted_then_smooth_at_both_ends_and_nowhere_else():
    audio = Audio(samples=np.ones((2, 48_000), np.float32), rate_hz=48_000)
    done = apply(audio, 0.0, Output(fade_in_ms=5.0, fade_out_ms=10.0)).samples
    assert np.array_equal(done[0], done[1])
    assert 0 < done[0, 0] < 0.001 > done[0, -1] > 0
    assert np.all(np.diff(done[0, :240]) > 0)
    assert np.all(np.diff(done[0, -480:]) < 0)
    assert np.all(done[0, 240:-480] == 1.0)
    assert done[0, 119:121].mean() == pytest.approx(0.5, abs=1e-3), "half the level at half the way: not equal-power"
    assert np.all(audio.samples == 1.0), "what was given is not changed"


@pytest.mark.parametrize("length", [0, 1, 100])
def test_fades_when_longer_than_the_sound_then_still_from_nothing_to_nothing(length):
    audio = Audio(samples=np.ones((1, length), np.float32), rate_hz=48_000)
    done = apply(audio, 0.0, Output(fade_in_ms=50.0, fade_out_ms=50.0)).samples
    assert done.shape == (1, length)
    assert np.all((done >= 0) & (done < 0.01))


def test_fades_when_none_at_the_start_then_an_onset_at_0_keeps_its_edge():
    audio = Audio(samples=np.ones((1, 4_800), np.float32), rate_hz=48_000)
    done = apply(audio, 0.0, Output(fade_out_ms=5.0)).samples[0]
    assert np.all(done[:-240] == 1.0)


def test_gain_when_told_then_one_number_of_hundredths_that_json_can_hold():
    for target in (-23.0, -17.77):
        _, told = finish(knocks(), Output(loudness_lufs=target, true_peak_db=-1.0))
        assert round(told.gain_db, 2) == told.gain_db
        assert json.loads(json.dumps(asdict(told), allow_nan=False)) == asdict(told)
    _, told = finish(Audio.silence(length_samples=48_000, rate_hz=48_000), Output(loudness_lufs=-23.0))
    assert json.dumps(asdict(told), allow_nan=False)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"subtype": "MP3"}, "cannot be MP3"),
        ({"loudness_lufs": 3.0}, "loudness target cannot be 3 LUFS"),
        ({"loudness_lufs": -80.0}, "loudness target cannot be -80 LUFS"),
        ({"loudness_lufs": math.nan}, "loudness target cannot be nan LUFS"),
        ({"true_peak_db": 0.5}, "true-peak ceiling cannot be 0.5 dB"),
        ({"true_peak_db": -math.inf}, "true-peak ceiling cannot be -inf dB"),
        ({"fade_in_ms": -1.0}, "fade-in cannot be -1 ms"),
        ({"fade_out_ms": 20_000.0}, "fade-out cannot be 20000 ms"),
    ],
)
def test_output_when_a_value_is_wrong_then_error_names_it_and_the_range(wrong, says):
    with pytest.raises(RequestError, match=says) as caught:
        Output(**wrong)
    assert "Choose" in caught.value.hint


def test_a_long_sound_when_written_finished_and_patched_then_memory_of_a_few_blocks(tmp_path):
    """The way of a long item: raw to disk, measured, finished, and a part made again with the same gain."""
    length = 240 * 48_000
    block = knocks(1.0).samples
    output = Output(loudness_lufs=-20.0, true_peak_db=-1.0, fade_out_ms=5.0)
    tracemalloc.start()
    try:
        raw = wav.write_blocks(
            tmp_path / "raw.wav", (block for _ in range(240)), rate_hz=48_000, channels=1, subtype="FLOAT"
        )
        with wav.Reader(raw) as reader:
            blocks, told = finish_blocks(reader.blocks, output, rate_hz=48_000, channels=1, length_samples=length)
            take = wav.write_blocks(tmp_path / "take.wav", blocks, rate_hz=48_000, channels=1, length_samples=length)
            part = Audio(samples=reader.read(480_000, 528_000), rate_hz=48_000)
        part = apply(part, told.gain_db, output, start_samples=480_000, length_samples=length)
        again = wav.patched(take, [(480_000, part.samples)], tmp_path / "again.wav")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 10_000_000, "the sound has 46 MB"
    assert again.read_bytes() == take.read_bytes(), "the same part with the same gain is the same take"
    with wav.Reader(take) as reader:
        found = loudness.measured(reader.blocks(), rate_hz=48_000, channels=1)
    assert found == pytest.approx((told.loudness_lufs, told.true_peak_db), abs=0.02)
    assert max(-20.0 - found[0], -1.0 - found[1]) >= -0.01
    assert min(-20.0 - found[0], -1.0 - found[1]) == pytest.approx(0.0, abs=0.02)


def test_apply_blocks_when_blocks_are_given_then_taken_one_by_one():
    taken = []

    def blocks() -> Iterator[NDArray[np.float32]]:
        for number in range(3):
            taken.append(number)
            yield np.ones((1, 10), np.float32)

    shaped = apply_blocks(blocks(), -6.0, Output(), rate_hz=48_000, length_samples=30)
    assert taken == []
    next(shaped)
    assert taken == [0]
