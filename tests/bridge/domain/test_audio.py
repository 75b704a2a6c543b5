"""Sound in memory: its shape, its length, its silence."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.errors import RequestError


def test_audio_when_measured_then_samples_per_channel_and_seconds() -> None:
    audio = Audio(samples=np.zeros((2, 12_000), np.float32), rate_hz=48_000)
    assert audio.length_samples == 12_000
    assert audio.length_s == 0.25
    assert Audio(samples=np.zeros((1, 3), np.float32), rate_hz=1).length_s == 3.0


def test_silence_when_made_then_exact_zeros_of_that_shape() -> None:
    quiet = Audio.silence(length_samples=5, rate_hz=44_100)
    assert quiet.samples.tolist() == [[0.0] * 5]
    assert quiet.rate_hz == 44_100
    assert Audio.silence(length_samples=5, rate_hz=44_100, channels=2).samples.shape == (2, 5)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "said"),
    [
        (
            np.zeros(4, np.float32),
            48_000,
            "audio must be float32 of shape (channels, samples), got float32 (4,).",
        ),
        (
            np.zeros((1, 4), np.float64),
            48_000,
            "audio must be float32 of shape (channels, samples), got float64 (1, 4).",
        ),
        (np.zeros((1, 4), np.float32), 0, "sampling rate must be positive, got 0."),
        (np.zeros((1, 4), np.float32), -1, "sampling rate must be positive, got -1."),
    ],
)
def test_audio_when_it_is_none_then_said_what_it_is(samples: np.ndarray, rate_hz: int, said: str) -> None:
    with pytest.raises(RequestError) as caught:
        Audio(samples=samples, rate_hz=rate_hz)
    assert caught.value.sentence == said
