"""Tables 2 and 3: how well a made sound's onsets agree with a recording's, as SyncFusion's authors measure it.

Convention: sounds are mono at 22.05 kHz, onsets are sample numbers at that rate as librosa finds them. The figures
follow script/evaluate_onset.py of mcomunita/syncfusion, which comes from CondFoleyGen (XYPB/CondFoleyGen,
predict_onset.py), with its defaults.

What is odd there, and done here too:

* the paper (section 4) compares with the onsets that the generator was given, within 50 ms; the code compares with
  onsets *heard in the recording*, within 100 ms (``--delta 0.1``; ``tolerance_s`` here, both are reported);
* the count is compared before the thinning of near onsets, the rest after it; thinning runs over a list while it takes
  things out of it, so that of two near neighbours in a row the second is passed over;
* recorded onsets choose in time order, each the made onset whose *one sample* is loudest, with the peak within 50 ms as
  its confidence;
* a recorded onset that finds none enters AP as a positive with confidence 0, and so is still retrieved, last: where
  nothing false was made, AP is 1 however much was missed (which is why their stop once no made onset is free, left out
  here, changes nothing);
* no onsets in both sounds is a failure in every figure.

One thing is not done: an onset within 50 ms of a sound's start makes their slice begin before the start, which is
empty, and the script stops; here the slice begins at the start.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onnx_export.evaluate.extras import library

RATE_HZ = 22_050
DELTA = 0.3
TOLERANCE_S = 0.1
PAPER_TOLERANCE_S = 0.05
NEAR_S = 0.05
AROUND_SAMPLES = int(0.05 * RATE_HZ)

Array = NDArray[np.float32]
Places = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """One clip's figures.

    Attributes:
        same_count: whether both have as many onsets. hit_rate: recorded onsets that were met, 0..1. ap: 0..1.
    """

    same_count: bool
    hit_rate: float
    ap: float


def onsets(sound: Array) -> Places:
    """Where librosa hears onsets, sample numbers, ascending.

    ``librosa.onset.onset_detect`` with ``delta=0.3`` and nothing else changed, without backtracking: about 26 ms late.

    Args:
        sound: shape (n,), 22.05 kHz.
    """
    found = library("librosa.onset").onset_detect(y=np.asarray(sound), sr=RATE_HZ, units="samples", delta=DELTA)
    return np.asarray(found, np.int64)


def agreement(recorded: Places, made: Places, sound: Array, *, tolerance_s: float = TOLERANCE_S) -> Agreement:
    """How well a made sound's onsets agree with a recording's.

    Args:
        recorded, made: onsets of both. sound: the made one. tolerance_s: exclusive.
    """
    if not len(recorded) or not len(made):
        return Agreement(same_count=False, hit_rate=0.0, ap=0.0)
    level = _level(sound)
    kept = thinned(made, [_peak(level, place) for place in made])
    truth, confidence, hits = _pair(recorded, kept, level, tolerance_s)
    ap = float(library("sklearn.metrics").average_precision_score(truth, confidence))
    return Agreement(same_count=len(recorded) == len(made), hit_rate=hits / len(recorded), ap=ap)


def thinned(places: Places, confidence: list[float]) -> list[int]:
    """Onsets without near neighbours, the surest first; see the module for what is passed over."""
    left, kept = [int(place) for place in places], []
    for index in np.argsort(confidence)[::-1]:
        place = int(places[index])
        if place not in left:
            continue
        kept.append(place)
        left.remove(place)
        at = 0
        while at < len(left):
            if abs(place - left[at]) < NEAR_S * RATE_HZ:
                del left[at]
            at += 1
    return sorted(kept)


def _pair(recorded: Places, made: list[int], level: Array, tolerance_s: float) -> tuple[list[int], list[float], int]:
    """(truth, confidence) for AP, and how many recorded onsets were met."""
    free, hits = list(made), 0
    truth: list[int] = []
    confidence: list[float] = []
    for place in recorded:
        truth.append(1)
        near = [other for other in free if abs(other - place) < tolerance_s * RATE_HZ]
        if not near:
            confidence.append(0.0)
            continue
        best = near[int(np.argsort([level[other] for other in near])[-1])]
        hits += 1
        confidence.append(_peak(level, best))
        free.remove(best)
    truth += [0] * len(free)
    confidence += [_peak(level, place) for place in free]
    return truth, confidence, hits


def _level(sound: Array) -> Array:
    """Magnitude from 0 to 1."""
    size = np.abs(sound)
    low, high = size.min(), size.max()
    return (size - low) / (high - low) if high > low else np.zeros_like(size)


def _peak(level: Array, place: int) -> float:
    """The loudest sample within 50 ms."""
    return float(level[max(0, place - AROUND_SAMPLES) : place + AROUND_SAMPLES].max())
