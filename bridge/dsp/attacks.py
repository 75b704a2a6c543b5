"""Attacks found in sound: where something starts, heard without knowing where it was asked for.

Convention: mono float samples in, ascending times in seconds out; a time is where the rise begins, not where it is
steepest. An attack is a rise of the level in several bands at once, against what was there in the 25 ms before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

EDGES_HZ = (60.0, 300.0, 1000.0, 3000.0, 8000.0)
STEP_S = 0.001
RISE_DB = 7.0
AUDIBLE_DB = -40.0
FLOOR_DB = -55.0
MIN_DISTANCE_S = 0.050
LOOK_BACK_S = 0.030

Array = NDArray[np.float64]


def attacks(samples: NDArray[np.floating], *, rate_hz: int, rise_db: float = RISE_DB) -> Array:
    """Times of attacks, seconds from the first sample, ascending.

    Args:
        samples: shape (n,).
        rate_hz: sampling rate, 20 kHz or more.
        rise_db: mean rise over the bands from which a peak counts.
    """
    novelty, broad = _novelty(np.asarray(samples, np.float64), rate_hz)
    if not len(novelty):
        return np.zeros(0)
    peaks, _ = signal.find_peaks(novelty, height=rise_db, distance=max(1, round(MIN_DISTANCE_S / STEP_S)))
    loudest = broad.max()
    step_s = round(STEP_S * rate_hz) / rate_hz
    found = []
    for peak in peaks:
        after = broad[peak : peak + 20].max()
        if after > loudest * 10.0 ** (AUDIBLE_DB / 20.0):
            found.append(_begin(broad, int(peak)) * step_s)
    return np.asarray(found)


def _novelty(samples: Array, rate_hz: int) -> tuple[Array, Array]:
    """(mean rise in dB per step, broadband level per step)."""
    step = round(STEP_S * rate_hz)
    count = len(samples) // step
    if count < 40 or not np.any(samples):
        return np.zeros(0), np.zeros(0)

    def envelope(band: Array) -> Array:
        return np.sqrt(np.mean(band[: count * step].reshape(count, step) ** 2, axis=1))

    broad = envelope(samples)
    floor = broad.max() * 10.0 ** (FLOOR_DB / 20.0)
    rises = []
    for low, high in zip(EDGES_HZ, (*EDGES_HZ[1:], min(16000.0, 0.45 * rate_hz)), strict=True):
        sections = signal.butter(2, [low, high], "bandpass", fs=rate_hz, output="sos")
        band = np.asarray(signal.sosfilt(sections, samples))
        level = 20.0 * np.log10(envelope(band) + floor)
        after = _running_mean(level, 8, ahead=True)
        before = _running_mean(level, 25, ahead=False)
        rises.append(np.clip(after - before, 0.0, 30.0))
    return np.mean(rises, axis=0), broad


def _running_mean(values: Array, width: int, *, ahead: bool) -> Array:
    """Mean of the ``width`` values from here on, or of those before; the ends repeat."""
    padded = np.pad(values, (width, width), mode="edge")
    total = np.concatenate([[0.0], np.cumsum(padded)])
    first = np.arange(len(values)) + (width if ahead else 0)
    return (total[first + width] - total[first]) / width


def _begin(broad: Array, peak: int) -> int:
    """The step at which the rise around a peak of novelty begins: a fifth of the way up from before to after."""
    back = max(0, peak - round(LOOK_BACK_S / STEP_S))
    ahead = broad[peak : peak + 12]
    top = float(ahead.max())
    last = peak + int(np.argmax(ahead))
    quiet = float(broad[back : last + 1].min())
    limit = quiet + 0.2 * (top - quiet)
    step = last
    while step > back and broad[step - 1] > limit:
        step -= 1
    return step
