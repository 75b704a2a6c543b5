"""Gate, limiter and resampling."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge.engine.level import KNEE, gate, limit, resample


@given(st.lists(st.floats(-50, 50, width=32), min_size=1, max_size=40))
def test_limit_never_reaches_full_scale_and_leaves_quiet_samples_alone(values) -> None:
    samples = np.array(values, np.float32)
    limited = limit(samples)
    assert np.abs(limited).max() < 1.0
    quiet = np.abs(samples) <= KNEE
    assert np.array_equal(limited[quiet], samples[quiet])
    assert np.all(np.diff(limited[np.argsort(samples)]) >= 0)


def test_limit_when_a_sound_is_barely_too_loud_then_it_is_bent_all_the_same() -> None:
    for loud in (1.001 * KNEE, 1.0, 1.5 * KNEE):
        (there,) = limit(np.array([loud], np.float32))
        assert KNEE < there < min(1.0, loud)


def test_gate_is_shut_before_open_at_the_onset_and_shut_at_the_end() -> None:
    shape = gate(1000, opens=100, fade_in=70, closes=900, fade_out=200)
    assert not shape[:31].any()
    assert np.all(shape[100:700] == 1.0)
    assert not shape[900:].any()
    assert np.abs(np.diff(shape)).max() < 0.05


def test_resample_gives_exactly_the_length_and_keeps_the_pitch() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(48000) / 48000).astype(np.float32)
    for rate, length in ((44100, 44100), (44100, 44099), (96000, 96001), (48000, 50000)):
        other = resample(tone, from_hz=48000, to_hz=rate, length=length)
        assert other.dtype == np.float32
        assert len(other) == length
        crossings = np.count_nonzero(np.diff(np.signbit(other)))
        assert abs(crossings - 2000) <= 4
