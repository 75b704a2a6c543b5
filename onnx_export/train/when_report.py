"""What onset nets are worth in numbers, for logs and model cards."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from bridge.dsp.metrics import mean_of
from onnx_export.train.clips import Example
from onnx_export.train.when_fit import Answer
from onnx_export.train.when_score import best_threshold, counted, f_measure, precision, rank_correlation

Figures = dict[str, float | str | None]
HELD_QUIET = frozenset({"still", "pan", "flicker", "cut"})
MOST_FALSE_PER_10_S = 1.0


def figures(clips: Sequence[Example], answers: Sequence[Answer], thresholds: Sequence[float]) -> Figures:
    """Means over the clips; where it says so, with standard deviation and the interval of 95 %.

    Args:
        clips: annotated. answers: one per clip. thresholds: one per clip, chosen without it.
    """
    best, at = best_threshold(clips, [answer.peaks for answer in answers])
    each = list(zip(clips, answers, thresholds, strict=True))
    f = mean_of([f_measure(clip, answer.peaks, limit) for clip, answer, limit in each])
    strength = mean_of([rank_correlation(clip, answer, limit) for clip, answer, limit in each])
    return {
        "clips": len(clips),
        "F within 50 ms": _number(f.mean),
        "over clips": f"s.d. {f.spread:.3f}, {f.low:.3f} to {f.high:.3f}",
        "F at one threshold for all": f"{best:.3f} at {at:.2f}",
        "AP within 50 ms": _mean([precision(clip, answer.peaks) for clip, answer, _ in each]),
        "exact count per 2 s": _mean([counted(clip, answer.peaks, limit) for clip, answer, limit in each]),
        "rank correlation of strengths": f"{strength.mean:.2f}, s.d. {strength.spread:.2f}, {strength.count} clips",
    }


def quiet_threshold(
    quiet: Sequence[Example],
    answers: Sequence[Answer],
    threshold: float,
    *,
    kind: Callable[[Example], str],
    most_per_10_s: float = MOST_FALSE_PER_10_S,
) -> float:
    """The lowest threshold from a given one up at which no kind of quiet picture gives too many onsets.

    Only kinds in ``HELD_QUIET`` count; others, as gestures, are hard to tell from contacts even for people.
    """
    while threshold < 1.0:
        false = false_per_10_s(quiet, answers, threshold, kind=kind)
        if all(per_10_s <= most_per_10_s for name, per_10_s in false.items() if name in HELD_QUIET):
            break
        threshold = round(threshold + 0.01, 6)
    return threshold


def at_threshold(clips: Sequence[Example], answers: Sequence[Answer], threshold: float) -> Figures:
    """What answers are worth at one threshold for all clips."""
    each = list(zip(clips, answers, strict=True))
    return {
        "threshold": round(threshold, 3),
        "F within 50 ms": _mean([f_measure(clip, answer.peaks, threshold) for clip, answer in each]),
        "exact count per 2 s": _mean([counted(clip, answer.peaks, threshold) for clip, answer in each]),
    }


def false_per_10_s(
    quiet: Sequence[Example], answers: Sequence[Answer], threshold: float, *, kind: Callable[[Example], str]
) -> dict[str, float]:
    """Onsets found per 10 s where nothing happens, by kind of picture, and over all of them."""
    found: dict[str, list[float]] = {}
    for example, answer in zip(quiet, answers, strict=True):
        count = sum(peak.height >= threshold for peak in answer.peaks)
        per_10_s = 10.0 * count * example.rate_hz / len(example.motion)
        for name in (kind(example), "all"):
            found.setdefault(name, []).append(per_10_s)
    return {name: round(float(np.mean(each)), 2) for name, each in sorted(found.items())}


def _mean(values: ArrayLike) -> float | None:
    return _number(mean_of(values).mean)


def _number(value: float) -> float | None:
    return round(value, 4) if np.isfinite(value) else None
