"""How well an onset net does on recordings that it has not seen.

Predictions are written as ``ID.csv`` (``time_s, confidence``), every peak with its confidence. The threshold for a clip
is chosen on the other folds' predictions only; the shipped one on all of them.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bridge.dsp.matching import f_score
from bridge.dsp.motion import MotionSettings
from bridge.dsp.peaks import Peak
from onnx_export.train.clips import Example, folds
from onnx_export.train.when_fit import Plan, predict, train

log = logging.getLogger(__name__)

TOLERANCE_S = 0.05


def cross_validate(
    clips: Sequence[Example],
    scenes: Sequence[Example],
    plan: Plan,
    *,
    settings: MotionSettings,
    count: int,
    by: str,
    out: Path,
) -> tuple[list[tuple[Peak, ...]], list[list[int]]]:
    """Each clip's peaks from a net that saw neither it nor its group; and the folds. Also written to ``out``."""
    division = folds(clips, count, by=by)
    answer: list[tuple[Peak, ...]] = [() for _ in clips]
    for number, tests in enumerate(division):
        learn = [clip for index, clip in enumerate(clips) if index not in tests]
        net = train(learn, scenes, replace(plan, seed=plan.seed + 10 * number), settings=settings)
        for index in tests:
            answer[index] = predict(net, clips[index])
            write_peaks(out / f"{clips[index].name}.csv", answer[index])
        score, threshold = best_threshold([clips[i] for i in tests], [answer[i] for i in tests])
        log.info("fold %d: at best F %.3f (threshold %.2f)", number, score, threshold)
    return answer, division


def fair_thresholds(
    clips: Sequence[Example], peaks: Sequence[tuple[Peak, ...]], division: Sequence[Sequence[int]]
) -> list[float]:
    """For each clip the threshold that is best on the clips of the other folds."""
    answer = [0.0] * len(clips)
    for tests in division:
        others = [i for i in range(len(clips)) if i not in tests]
        _, threshold = best_threshold([clips[i] for i in others], [peaks[i] for i in others])
        for index in tests:
            answer[index] = threshold
    return answer


def best_threshold(clips: Sequence[Example], peaks: Sequence[tuple[Peak, ...]]) -> tuple[float, float]:
    """Highest mean F and where it is reached."""
    scores = [
        (
            float(np.mean([f_measure(clip, found, threshold) for clip, found in zip(clips, peaks, strict=True)])),
            -threshold,
        )
        for threshold in np.arange(0.02, 0.96, 0.02)
    ]
    score, threshold = max(scores)
    return score, -threshold


def f_measure(clip: Example, peaks: Sequence[Peak], threshold: float, *, tolerance_s: float = TOLERANCE_S) -> float:
    """F of the peaks at or above a threshold, one to one within a tolerance, inside the annotated span."""
    low, high = clip.valid_s
    truth = clip.onsets_s[(clip.onsets_s >= low) & (clip.onsets_s <= high)]
    times = np.array([peak.time_s for peak in peaks if peak.height >= threshold])
    near = np.array([len(truth) > 0 and np.abs(truth - t).min() <= tolerance_s for t in times], bool)
    times = times[((times >= low) & (times <= high)) | near] if len(times) else times
    return f_score(truth, times, tolerance_s)


def write_peaks(path: Path, peaks: Sequence[Peak]) -> None:
    """Peaks as ``time_s, confidence``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", "confidence"])
        writer.writerows([f"{peak.time_s:.4f}", f"{peak.height:.5f}"] for peak in peaks)
