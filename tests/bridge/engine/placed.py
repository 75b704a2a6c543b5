"""What tests of placed sound share: knocks of known pitch, requests, and what is heard where."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.engine.place import Placer
from bridge.media import reference as references

RATE_HZ = 48000
TAKES_HZ = (500.0, 700.0, 900.0, 1150.0, 1450.0)


def knock(pitch_hz: float, *, level: float = 0.4, decay_s: float = 0.02, rate_hz: int = RATE_HZ) -> np.ndarray:
    times = np.arange(round(8 * decay_s * rate_hz)) / rate_hz
    return level * np.cos(2 * np.pi * pitch_hz * times) * np.exp(-times / decay_s)


def written(path: Path, samples: np.ndarray, *, rate_hz: int = RATE_HZ) -> Reference:
    soundfile.write(path, samples, rate_hz, subtype="FLOAT")
    return references.named(path)


def knocks(path: Path, pitches: Sequence[float] = TAKES_HZ, *, rate_hz: int = RATE_HZ) -> Reference:
    """One knock after the other, 0.2 s apart, the first after 30 ms."""
    samples = np.zeros(round((0.1 + 0.2 * len(pitches)) * rate_hz))
    for index, pitch in enumerate(pitches):
        start = round((0.03 + 0.2 * index) * rate_hz)
        sound = knock(pitch, rate_hz=rate_hz)
        samples[start : start + len(sound)] += sound
    return written(path, samples, rate_hz=rate_hz)


def ask(
    reference: Reference | None,
    times: Sequence[float],
    *,
    seconds: float = 8.0,
    strengths: Sequence[float] | None = None,
    seed: int = 7,
    mix: tuple[tuple[int, float], ...] = (),
    rate_hz: int = RATE_HZ,
) -> Request:
    strengths = [1.0] * len(times) if strengths is None else strengths
    return Request(
        length_samples=round(seconds * rate_hz),
        rate_hz=rate_hz,
        onsets=tuple(Onset(time_s=at, strength=hard) for at, hard in zip(times, strengths, strict=True)),
        prompt="",
        seed=seed,
        reference=reference,
        mix=mix,
    )


def sound(request: Request, *, variation: float = 1.0) -> np.ndarray:
    audio = Placer(variation=variation).render(request)
    assert audio.samples.shape == (1, request.length_samples)
    assert audio.rate_hz == request.rate_hz
    return audio.samples[0]


def heard_at(samples: np.ndarray, near_s: float, *, rate_hz: int = RATE_HZ) -> float:
    """Where the level jumps, in seconds: a third of the loudest around."""
    first = max(0, round((near_s - 0.05) * rate_hz))
    around = np.abs(samples[first : round((near_s + 0.05) * rate_hz)])
    return (first + int(np.flatnonzero(around > around.max() / 3)[0])) / rate_hz


def after(samples: np.ndarray, at_s: float, *, seconds: float = 0.12, rate_hz: int = RATE_HZ) -> np.ndarray:
    start = round(at_s * rate_hz)
    return samples[start : start + round(seconds * rate_hz)]


def take_at(samples: np.ndarray, at_s: float) -> int:
    """Which of the knocks sounds, by its pitch."""
    spectrum = np.abs(np.fft.rfft(after(samples, at_s), 1 << 16))
    pitch = np.argmax(spectrum) * RATE_HZ / (1 << 16)
    return int(np.argmin(np.abs(np.log(np.array(TAKES_HZ) / pitch))))


def level_db(samples: np.ndarray, at_s: float) -> float:
    return float(10 * np.log10(np.mean(after(samples, at_s) ** 2)))


EVENTS = tuple(0.2 + 0.31 * index + 0.013 * (index % 5) for index in range(24))
