"""The last touches on a rendered sound: where it may sound at all, how loud, and how pieces are joined.

Convention: every function acts on each sample by itself or on its close surroundings, never on the level of the whole,
so that a part made again does not change the rest.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

KNEE = 10.0 ** (-1.0 / 20.0)
"""The limiter leaves everything up to -1 dBFS as it is."""

FADE_IN_S = 0.0015
"""A sound rises this long before its first onset."""
FADE_OUT_S = 0.050
"""A sound falls this long where nothing of it is made any more."""
SPLICE_S = 0.005
"""Two sounds give way to each other within this."""
BLOCK_SAMPLES = 1 << 20
"""Long sounds are worked on in blocks of this length, which no sample can tell."""

Array = NDArray[np.float32]


def limit(samples: Array) -> Array:
    """Never reaches full scale; unchanged up to ``KNEE``, bent by tanh above it."""
    limited = samples.astype(np.float32)
    room = 1.0 - KNEE
    for start in range(0, len(samples), BLOCK_SAMPLES):
        part = limited[start : start + BLOCK_SAMPLES]
        size = np.abs(part)
        if size.max(initial=0.0) <= KNEE:
            continue
        bent = KNEE + room * np.tanh((size - KNEE) / room) * 0.999
        part[:] = np.where(size > KNEE, np.sign(part) * bent, part)
    return limited


def gate(length: int, *, opens: int, fade_in: int, closes: int | None, fade_out: int) -> Array:
    """1 from ``opens`` on, up over the ``fade_in`` samples before; down over ``fade_out`` to 0 at ``closes``."""
    index = np.arange(length, dtype=np.float64)
    rise = np.clip((index - (opens - fade_in)) / fade_in, 0.0, 1.0)
    fall = np.ones(1) if closes is None else np.clip((closes - index) / fade_out, 0.0, 1.0)
    return (np.sin(0.5 * np.pi * rise) ** 2 * np.sin(0.5 * np.pi * fall) ** 2).astype(np.float32)


def resample(samples: Array, *, from_hz: int, to_hz: int, length: int) -> Array:
    """At another rate, with exactly ``length`` samples."""
    if from_hz != to_hz:
        common = int(np.gcd(from_hz, to_hz))
        samples = signal.resample_poly(samples, to_hz // common, from_hz // common).astype(np.float32)
    if len(samples) >= length:
        return samples[:length]
    return np.concatenate([samples, np.zeros(length - len(samples), np.float32)])
