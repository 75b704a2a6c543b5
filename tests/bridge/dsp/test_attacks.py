"""Attacks are found where sounds begin, in material whose onsets are known by construction."""

from __future__ import annotations

import numpy as np
import pytest
import soxr

from bridge.dsp.attacks import attacks
from bridge.dsp.matching import f_score

RATE_HZ = 48000


def hits(
    times_s: list[float], *, length_s: float, decay_s: float, tone_hz: float = 0.0, levels: list[float] | None = None
):
    """Decaying noise or tones that begin exactly at the times."""
    rng = np.random.default_rng(1)
    sound = np.zeros(round(length_s * RATE_HZ))
    for index, time_s in enumerate(times_s):
        start = round(time_s * RATE_HZ)
        t = np.arange(len(sound) - start) / RATE_HZ
        body = np.sin(2 * np.pi * tone_hz * t) if tone_hz else rng.standard_normal(len(t))
        click = rng.standard_normal(len(t)) * np.exp(-t / 0.003)
        sound[start:] += (levels[index] if levels else 0.3) * (body * np.exp(-t / decay_s) + click)
    return sound


@pytest.mark.parametrize(("decay_s", "tone_hz"), [(0.02, 0.0), (0.15, 0.0), (0.6, 1800.0)])
def test_attacks_when_hits_are_known_are_found_within_three_ms(decay_s: float, tone_hz: float) -> None:
    times = [0.2, 0.61, 0.9, 1.5, 1.8, 2.4]
    found = attacks(hits(times, length_s=3.0, decay_s=decay_s, tone_hz=tone_hz), rate_hz=RATE_HZ)
    assert len(found) == len(times)
    assert np.abs(found - times).max() < 0.003


def test_attacks_when_a_hit_is_quiet_among_loud_ones_are_still_found() -> None:
    times = [0.2, 0.8, 1.4]
    found = attacks(hits(times, length_s=2.0, decay_s=0.05, levels=[0.5, 0.05, 0.5]), rate_hz=RATE_HZ)
    assert f_score(times, found, 0.05) == 1.0


def test_attacks_when_nothing_starts_are_none() -> None:
    steady = np.random.default_rng(0).standard_normal(2 * RATE_HZ) * 0.1
    assert len(attacks(np.zeros(RATE_HZ), rate_hz=RATE_HZ)) == 0
    assert len(attacks(steady, rate_hz=RATE_HZ)) == 0
    assert len(attacks(np.zeros(10), rate_hz=RATE_HZ)) == 0


def test_attacks_when_times_are_asked_that_are_not_there_score_low() -> None:
    found = attacks(hits([0.2, 0.9, 1.6], length_s=2.2, decay_s=0.1), rate_hz=RATE_HZ)
    assert f_score([0.5, 1.2, 1.9], found, 0.05) == 0.0


def test_attacks_when_the_rate_is_another_are_at_the_same_times() -> None:
    sound = hits([0.3, 1.1], length_s=2.0, decay_s=0.1)
    halved = sound.reshape(-1, 2).mean(axis=1)
    assert np.allclose(attacks(halved, rate_hz=RATE_HZ // 2), attacks(sound, rate_hz=RATE_HZ), atol=0.002)


def test_attacks_when_the_rate_is_44100_then_late_ones_are_at_the_same_times() -> None:
    sound = hits([0.3, 19.1], length_s=20.0, decay_s=0.1)
    other = soxr.resample(sound, RATE_HZ, 44100)
    assert np.allclose(attacks(other, rate_hz=44100), [0.3, 19.1], atol=0.003)
