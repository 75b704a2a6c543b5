"""How hard contacts were, told from their sound.

Convention: a contact's loudness is the largest root mean square over 5 ms, above 100 Hz, from 20 ms before its sound
begins to 80 ms after it; its strength is that amplitude over the 95th percentile of the clip's contacts, held to
``FLOOR`` .. 1. So 1 means as hard as they come in this clip, and half of it sounds 6 dB softer.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from bridge.errors import MediaError
from onnx_export.evaluate import media

FLOOR = 0.1
LOUD_PERCENTILE = 95.0
_HIGH_PASS_HZ = 100.0
_MEAN_OVER_S = 0.005
_BEFORE_S, _AFTER_S = 0.02, 0.08


def relative(amplitude: NDArray[np.floating]) -> NDArray[np.float64]:
    """Amplitudes of one clip's contacts as strengths.

    Args:
        amplitude: linear, 0 or more; NaN where there is none.

    Returns:
        ``FLOOR``..1, same shape; NaN stays NaN, and all of it is where nothing was above zero.
    """
    values = np.asarray(amplitude, dtype=np.float64)
    known = np.isfinite(values)
    loud = float(np.percentile(values[known], LOUD_PERCENTILE)) if known.any() else 0.0
    if loud <= 0.0:
        return np.full(values.shape, np.nan)
    return np.clip(values / loud, FLOOR, 1.0)


def amplitudes(samples: NDArray[np.float32], rate_hz: int, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """How loud each contact was.

    Args:
        samples: mono, shape (n,).
        rate_hz: their rate.
        times_s: when each contact's sound begins, on the samples' clock.

    Returns:
        Linear amplitude per contact; NaN where its stretch does not lie within the samples.
    """
    high = sosfilt(butter(2, _HIGH_PASS_HZ, "highpass", fs=rate_hz, output="sos"), samples.astype(np.float64))
    wide = max(1, round(_MEAN_OVER_S * rate_hz))
    envelope = np.sqrt(np.convolve(np.square(high), np.full(wide, 1.0 / wide), "same"))
    answer = np.full(len(times_s), np.nan)
    for index, time_s in enumerate(times_s):
        begin, end = round((time_s - _BEFORE_S) * rate_hz), round((time_s + _AFTER_S) * rate_hz)
        if begin >= 0 and end <= len(envelope):
            answer[index] = envelope[begin:end].max()
    return answer


def strengths_of_file(path: Path, times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Strength of each contact from a video's own sound; NaN for all of them where it has none.

    Args:
        path: the video.
        times_s: when each contact's sound begins, source time.
    """
    try:
        samples = media.sound(path)
    except MediaError:
        return np.full(len(times_s), np.nan)
    return relative(amplitudes(samples, media.RATE_HZ, times_s))
