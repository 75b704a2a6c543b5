"""How close found events and made sounds are to known ones. Pure functions, numpy and scipy only.

Convention: times in seconds, sounds mono at a rate that the caller knows, everything else plain numbers. What cannot
be told (no reference, a sound that stands still) is NaN, never a flattering 0 or 1; ``mean_of`` leaves NaN out and says
how many numbers it stands on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from bridge.dsp.matching import ROUNDING_S
from bridge.errors import RequestError

Array = NDArray[np.float64]

RESAMPLINGS = 1000
INTERVAL = 0.95


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A mean over clips and how sure it is.

    Attributes:
        mean, spread: over the clips; spread is the standard deviation (n - 1), NaN below two clips.
        low, high: bootstrap percentile interval of the mean, ``INTERVAL`` wide.
        count: clips that had a number.
    """

    mean: float
    spread: float
    low: float
    high: float
    count: int


def mean_of(values: ArrayLike, *, seed: int = 0) -> Summary:
    """Mean, spread and bootstrap interval (Efron 1979) of one number per clip; NaN is left out.

    Args:
        values: shape (clips,). seed: of the resampling.
    """
    numbers = np.asarray(values, np.float64)
    numbers = numbers[~np.isnan(numbers)]
    if not len(numbers):
        return Summary(mean=np.nan, spread=np.nan, low=np.nan, high=np.nan, count=0)
    picks = np.random.default_rng(seed).integers(0, len(numbers), (RESAMPLINGS, len(numbers)))
    low, high = np.quantile(numbers[picks].mean(axis=1), [0.5 - INTERVAL / 2, 0.5 + INTERVAL / 2])
    spread = float(np.std(numbers, ddof=1)) if len(numbers) > 1 else np.nan
    return Summary(mean=float(np.mean(numbers)), spread=spread, low=float(low), high=float(high), count=len(numbers))


def hits(reference_s: ArrayLike, estimate_s: ArrayLike, confidence: ArrayLike, tolerance_s: float) -> NDArray[np.bool_]:
    """Which estimates count as right when the surest choose first, each the nearest reference that is still free.

    Args:
        reference_s: known times, shape (n,). estimate_s: found times, shape (m,).
        confidence: shape (m,); of equals the first comes first. tolerance_s: inclusive.
    """
    reference, estimate = np.asarray(reference_s, np.float64), np.asarray(estimate_s, np.float64)
    sure = np.asarray(confidence, np.float64)
    free, right = np.ones(len(reference), bool), np.zeros(len(estimate), bool)
    for index in np.argsort(-sure, kind="stable"):
        away = np.where(free, np.abs(reference - estimate[index]), np.inf)
        if len(away) and away.min() <= tolerance_s + ROUNDING_S:
            free[int(np.argmin(away))] = False
            right[index] = True
    return right


def average_precision(
    reference_s: ArrayLike, estimate_s: ArrayLike, confidence: ArrayLike, tolerance_s: float
) -> float:
    """Average precision of detections matched one to one: a reference that nobody found is never retrieved.

    The sum over descending confidence of precision x gained recall, equal confidences counted together (as
    scikit-learn's average_precision_score does, with recall taken over all references). NaN without references.

    Args:
        reference_s, estimate_s, confidence, tolerance_s: as in ``hits``.
    """
    total = len(np.asarray(reference_s))
    if not total:
        return float("nan")
    sure = np.asarray(confidence, np.float64)
    order = np.argsort(-sure, kind="stable")
    found = np.cumsum(hits(reference_s, estimate_s, sure, tolerance_s)[order])
    if not len(found):
        return 0.0
    last = np.r_[np.flatnonzero(np.diff(sure[order])), len(found) - 1]
    gained = np.diff(found[last], prepend=0)
    return float(np.sum(found[last] / (last + 1) * gained) / total)


def frechet_distance(left: NDArray[np.floating], right: NDArray[np.floating]) -> float:
    """Squared Frechet distance between the normal distributions fitted to two sets (Kilgour et al. 2018, FAD).

    |m1 - m2|^2 + tr(C1 + C2 - 2 sqrt(C1 C2)), with covariances over n - 1. The trace of the root is taken from the
    singular values of the two centred sets' product, which are its eigenvalues: exact also where there are fewer rows
    than dimensions and a matrix root would be complex. With few rows the distance is biased upwards.

    Args:
        left, right: embeddings, shape (rows, dim), at least two rows each.

    Raises:
        RequestError: too few rows, or dimensions that differ.
    """
    one, two = np.asarray(left, np.float64), np.asarray(right, np.float64)
    if one.ndim != 2 or two.ndim != 2 or one.shape[1] != two.shape[1] or min(len(one), len(two)) < 2:
        raise RequestError(
            f"a Frechet distance needs two sets of two or more embeddings of one size, got {one.shape} and {two.shape}"
        )
    centred = [(side - side.mean(axis=0)) / np.sqrt(len(side) - 1) for side in (one, two)]
    root = np.sum(np.asarray(linalg.svdvals(centred[0] @ centred[1].T)))
    apart = np.sum((one.mean(axis=0) - two.mean(axis=0)) ** 2)
    return float(max(0.0, apart + np.sum(centred[0] ** 2) + np.sum(centred[1] ** 2) - 2.0 * root))


def rms_envelope(samples: NDArray[np.floating], *, window: int, hop: int) -> Array:
    """Root mean square of every whole window, shape (1 + (n - window) // hop,).

    Args:
        samples: shape (n,), at least one window. window, hop: samples.

    Raises:
        RequestError: shorter than a window.
    """
    sound = np.asarray(samples, np.float64)
    if sound.ndim != 1 or len(sound) < window:
        raise RequestError(f"an envelope needs {window} samples in one channel, got shape {sound.shape}")
    total = np.concatenate([[0.0], np.cumsum(sound**2)])
    first = np.arange(0, len(sound) - window + 1, hop)
    return np.sqrt(np.maximum(0.0, total[first + window] - total[first]) / window)


def envelope_correlation(
    left: NDArray[np.floating], right: NDArray[np.floating], *, window: int = 1536, hop: int = 384
) -> float:
    """Pearson correlation of two sounds' envelopes, -1..1; NaN if one of them does not move.

    Args:
        left, right: same rate, same length. window, hop: samples; 32 ms and 8 ms at 48 kHz.
    """
    one, two = rms_envelope(left, window=window, hop=hop), rms_envelope(right, window=window, hop=hop)
    one, two = one - one.mean(), two - two.mean()
    size = np.linalg.norm(one) * np.linalg.norm(two)
    return float(one @ two / size) if size > 0 else float("nan")


def envelope_distance(
    left: NDArray[np.floating], right: NDArray[np.floating], *, window: int = 1536, hop: int = 384
) -> float:
    """Mean absolute difference of two sounds' envelopes, the E-L1 of Video-Foley and Fol-AI; 0 for equal ones.

    Args:
        left, right: same rate, same length. window, hop: samples; theirs are 32 ms and 8 ms.
    """
    one, two = rms_envelope(left, window=window, hop=hop), rms_envelope(right, window=window, hop=hop)
    return float(np.mean(np.abs(one - two)))
