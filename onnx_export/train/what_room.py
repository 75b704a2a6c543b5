"""Small rooms for dry one-shots: made-up impulse responses.

Convention: float32, 48 kHz; the first sample is the direct sound and is 1, so that an attack stays where it was.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import signal

LONGEST_S = 0.45


def impulse_response(rng: np.random.Generator, *, rate_hz: int) -> NDArray[np.float32]:
    """A room from a cupboard to a hall: a handful of early reflections, then noise that decays, sooner in the highs.

    Args:
        rng: chooses the room. rate_hz: of the sound.
    """
    samples = int(LONGEST_S * rate_hz)
    response = np.zeros(samples)
    wet = 10.0 ** (rng.uniform(-30.0, -12.0) / 20.0)
    decay_s = rng.uniform(0.08, 0.5)
    size_s = rng.uniform(0.002, 0.012)
    for _ in range(rng.integers(4, 10)):
        late_s = size_s * rng.uniform(0.6, 4.0)
        sign = 1.0 if rng.random() < 0.6 else -1.0
        response[int(late_s * rate_hz)] += sign * wet * rng.uniform(0.5, 1.5) * 10.0 ** (-3.0 * late_s / decay_s)
    time_s = np.arange(samples) / rate_hz
    noise = rng.standard_normal((2, samples))
    crossover = signal.butter(1, rng.uniform(1500.0, 5000.0), fs=rate_hz, output="sos")
    low = signal.sosfilt(crossover, noise[0])
    tail = low * 10.0 ** (-3.0 * time_s / decay_s) + 0.5 * noise[1] * 10.0 ** (-3.0 * time_s / (0.35 * decay_s))
    tail *= np.clip((time_s - size_s) / size_s, 0.0, 1.0)
    energy = np.sqrt(np.sum(tail**2)) + 1e-9
    response += tail * (wet * rng.uniform(0.7, 2.0) / energy)
    response *= np.clip((LONGEST_S - time_s) / 0.05, 0.0, 1.0)
    response[0] = 1.0
    return response.astype(np.float32)


def in_room(samples: NDArray[np.float32], response: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound with its room, longer by as much as the response is."""
    return signal.oaconvolve(samples, response).astype(np.float32)
