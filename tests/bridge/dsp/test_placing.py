"""A recording cut into takes, pitched, and split for brightness."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.dsp.placing import LONGEST_S, Take, cut, lead_samples, pitched, treble

RATE_HZ = 48000


def knock(pitch_hz: float = 800.0, *, seconds: float = 0.15, level: float = 0.5, rate_hz: int = RATE_HZ) -> np.ndarray:
    """Begins at once and rings off."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return (level * np.cos(2 * np.pi * pitch_hz * times) * np.exp(-times / 0.02)).astype(np.float32)


def recording(sounds: dict[float, np.ndarray], *, seconds: float, noise: float = 0.0, rate_hz: int = RATE_HZ):
    """Sounds by the second at which they begin, over noise of a room."""
    whole = np.random.default_rng(5).standard_normal(round(seconds * rate_hz)).astype(np.float32) * np.float32(noise)
    for start_s, sound in sounds.items():
        start = round(start_s * rate_hz)
        whole[start : start + len(sound)] += sound
    return whole


def pitch_of(samples: np.ndarray, rate_hz: int = RATE_HZ) -> float:
    spectrum = np.abs(np.fft.rfft(samples, 1 << 17))
    return float(np.argmax(spectrum) * rate_hz / (1 << 17))


@pytest.mark.parametrize("rate_hz", [16000, 44100, 48000, 96000])
@pytest.mark.parametrize("noise", [0.0, 0.0005])
def test_cut_when_five_knocks_are_recorded_gives_each_with_its_attack_at_the_lead(rate_hz: int, noise: float) -> None:
    pitches = (400.0, 600.0, 800.0, 1000.0, 1200.0)
    starts = (0.1, 0.35, 0.6, 0.9, 1.2)
    sounds = {at: knock(hz, rate_hz=rate_hz) for at, hz in zip(starts, pitches, strict=True)}
    takes = cut(recording(sounds, seconds=1.5, noise=noise, rate_hz=rate_hz), rate_hz=rate_hz)
    assert len(takes) == 5
    for take, pitch in zip(takes, pitches, strict=True):
        assert take.lead == lead_samples(rate_hz)
        loud = np.flatnonzero(np.abs(take.samples) > 0.1)[0]
        assert abs(int(loud) - take.lead) <= 0.001 * rate_hz
        assert pitch_of(take.samples[take.lead :], rate_hz) == pytest.approx(pitch, rel=0.03)
        assert take.samples[-1] == 0.0
        assert len(take.samples) - take.lead < 0.25 * rate_hz


def test_cut_when_a_long_recording_has_an_odd_rate_still_finds_late_attacks() -> None:
    rate_hz = 44100
    sounds = {at: knock(rate_hz=rate_hz) for at in (0.5, 29.0)}
    takes = cut(recording(sounds, seconds=30.0, rate_hz=rate_hz), rate_hz=rate_hz)
    assert [int(np.flatnonzero(np.abs(take.samples) > 0.1)[0]) - take.lead for take in takes] == [0, 0]


def test_cut_when_the_recording_begins_with_its_attack_keeps_the_first_sample() -> None:
    (take,) = cut(knock(), rate_hz=RATE_HZ)
    assert np.flatnonzero(take.samples)[0] == take.lead
    assert take.samples[take.lead] == np.float32(0.5)


def test_cut_when_knocks_differ_in_level_makes_them_as_loud_as_the_loudest() -> None:
    sounds = {0.1: knock(level=0.2), 0.5: knock(level=0.6), 0.9: knock(level=0.3)}
    takes = cut(recording(sounds, seconds=1.2), rate_hz=RATE_HZ)
    peaks = [float(np.abs(take.samples).max()) for take in takes]
    assert np.allclose(20 * np.log10(np.array(peaks) / 0.6), 0.0, atol=0.3)


def test_cut_when_a_take_is_a_mere_spike_does_not_raise_it_above_the_highest_peak() -> None:
    spike = knock(2000.0, level=0.5)
    spike[20:] *= 0.1
    takes = cut(recording({0.1: knock(level=0.6), 0.5: spike}, seconds=0.8), rate_hz=RATE_HZ)
    assert [float(np.abs(take.samples).max()) for take in takes] == pytest.approx([0.6, 0.6], abs=0.01)


def test_cut_when_the_file_ends_within_the_sound_ends_without_a_click() -> None:
    tone = knock(200.0, seconds=1.0)
    tone[:] = 0.3 * np.cos(2 * np.pi * 200 * np.arange(len(tone)) / RATE_HZ)
    (take,) = cut(tone, rate_hz=RATE_HZ)
    assert take.samples[-1] == 0.0
    assert np.abs(np.diff(take.samples[-2000:])).max() < 0.01
    assert np.abs(take.samples[-100:]).max() < 0.01


def test_cut_when_the_hand_is_heard_before_the_knock_aligns_the_knock() -> None:
    (take,) = cut(recording({0.10: knock(level=0.1), 0.17: knock(level=0.4)}, seconds=0.5), rate_hz=RATE_HZ)
    assert abs(np.argmax(np.abs(take.samples)) - take.lead) <= 48
    takes = cut(recording({0.1: knock(level=0.04), 0.5: knock(level=0.6)}, seconds=0.8), rate_hz=RATE_HZ)
    assert len(takes) == 1


def test_cut_when_heel_and_toe_follow_closely_leaves_them_together() -> None:
    (take,) = cut(recording({0.1: knock(level=0.5), 0.19: knock(level=0.4)}, seconds=0.5), rate_hz=RATE_HZ)
    after = np.abs(take.samples[take.lead :])
    assert after[0] > 0.4
    assert after[round(0.09 * RATE_HZ)] > 0.3


def test_cut_when_a_cup_bounces_leaves_the_bounce_with_its_drop_and_a_later_one_is_its_own() -> None:
    sounds = {
        0.1: knock(level=0.5),
        0.3: knock(level=0.15),
        0.8: knock(level=0.5),
        1.0: knock(level=0.4),
        1.5: knock(level=0.15),
    }
    bounced, second, third, _ = cut(recording(sounds, seconds=1.8), rate_hz=RATE_HZ)
    assert np.abs(bounced.samples[bounced.lead + round(0.2 * RATE_HZ) :][:100]).max() > 0.1
    assert max(len(second.samples), len(third.samples)) < 0.3 * RATE_HZ


def test_cut_when_a_room_is_heard_leaves_its_noise_out() -> None:
    quiet = recording({0.5: knock(level=0.6)}, seconds=3.0, noise=0.003)
    (take,) = cut(quiet, rate_hz=RATE_HZ)
    assert len(take.samples) - take.lead < 0.3 * RATE_HZ


def test_cut_when_there_is_no_clear_attack_gives_the_whole_from_its_beginning() -> None:
    times = np.arange(2 * RATE_HZ) / RATE_HZ
    swell = (0.3 * np.sin(2 * np.pi * 300 * times) * np.sin(0.5 * np.pi * times) ** 2).astype(np.float32)
    (take,) = cut(swell, rate_hz=RATE_HZ)
    sound = take.samples[take.lead :]
    assert not take.samples[: take.lead].any()
    assert len(sound) > 1.9 * RATE_HZ
    middle = slice(RATE_HZ // 2, 3 * RATE_HZ // 2)
    assert np.array_equal(sound[middle], swell[middle])


def test_cut_when_the_sound_does_not_end_fades_it_out() -> None:
    drone = np.random.default_rng(1).standard_normal(20 * RATE_HZ).astype(np.float32) * np.float32(0.1)
    (take,) = cut(drone, rate_hz=RATE_HZ)
    assert len(take.samples) <= (LONGEST_S + 0.1) * RATE_HZ
    assert take.samples[-1] == 0.0
    ends = np.abs(take.samples[-RATE_HZ // 2 :].reshape(10, -1)).max(axis=1)
    assert ends[-1] < 0.1 * ends[0]


@pytest.mark.parametrize("cents", [-60.0, -37.0, -1.0, 0.0, 15.0, 60.0])
def test_pitched_when_faster_or_slower_keeps_the_attack_on_its_sample(cents: float) -> None:
    lead = lead_samples(RATE_HZ)
    samples = np.concatenate([np.zeros(lead, np.float32), knock(1000.0)])
    samples[lead - 6 : lead + 7] = np.hanning(13)
    take = Take(samples=samples, lead=lead, rise=5)
    other = pitched(take, cents=cents)
    ratio = 2.0 ** (cents / 1200.0)
    assert int(np.argmax(np.abs(other.samples))) == other.lead
    assert pitch_of(other.samples) == pytest.approx(pitch_of(take.samples) * ratio, rel=0.002)
    assert len(other.samples) == pytest.approx(len(take.samples) / ratio, rel=0.001)
    assert other.samples.dtype == np.float32


def test_pitched_when_a_band_is_full_folds_nothing_back() -> None:
    times = np.arange(RATE_HZ) / RATE_HZ
    tone = np.concatenate([np.zeros(5000), 0.5 * np.sin(2 * np.pi * 23500 * times)]).astype(np.float32)
    take = cut(tone, rate_hz=RATE_HZ)[0]
    spectrum = np.abs(np.fft.rfft(pitched(take, cents=60.0).samples[10000:40000] * np.hanning(30000)))
    loudest = np.abs(np.fft.rfft(take.samples[10000:40000] * np.hanning(30000))).max()
    assert spectrum.max() < 0.01 * loudest


def test_treble_when_added_raises_the_top_and_leaves_the_bottom() -> None:
    times = np.arange(RATE_HZ) / RATE_HZ
    for gain_db in (-3.0, 3.0):
        gain = 10.0 ** (gain_db / 20.0)
        for hz, expected in ((100.0, 0.0), (15000.0, gain_db)):
            tone = np.sin(2 * np.pi * hz * times).astype(np.float32)
            shelved = tone + (gain - 1.0) * treble(tone, rate_hz=RATE_HZ)
            level_db = 10 * np.log10(np.mean(shelved[1000:] ** 2) / np.mean(tone[1000:] ** 2))
            assert level_db == pytest.approx(expected, abs=0.25)
