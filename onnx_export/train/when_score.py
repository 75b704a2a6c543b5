"""How well onset nets do on recordings that they have not seen.

Predictions are written as ``ID.csv`` (``time_s, confidence, strength``), every peak with its confidence. The threshold
for a clip is chosen on the other folds' predictions only; the shipped one on all of them.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from bridge.dsp.matching import f_score, match
from bridge.dsp.metrics import average_precision
from bridge.dsp.motion import MotionSettings
from bridge.dsp.peaks import Peak
from onnx_export.nets.onset import OnsetNet
from onnx_export.train.clips import Example, folds
from onnx_export.train.run import CHECKPOINT, steps_done
from onnx_export.train.when_fit import Answer, Data, Plan, predict, train

log = logging.getLogger(__name__)

TOLERANCE_S = 0.05
COUNT_S = 2.0
"""Contacts are counted in stretches of this length."""
_FEWEST = 5


def train_seeds(data: Data, plan: Plan, *, settings: MotionSettings, count: int, out: Path) -> list[OnsetNet]:
    """Nets that differ in their seed only, each in a numbered folder of ``out``."""
    return [
        train(data, replace(plan, seed=plan.seed + number), settings=settings, out=out / str(number))
        for number in range(count)
    ]


def steps_told(folders: Sequence[Path]) -> str:
    """Optimiser steps that the nets in these folders have had, in words: one number if it is the same for all."""
    found = [str(steps_done(folder / CHECKPOINT)) for folder in folders]
    return found[0] if len(set(found)) == 1 else ", ".join(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """What nets say of clips that they have not seen.

    Attributes:
        clips: those that were held out. answers: one per clip.
        division: indices into them, fold by fold.
        nets: those of each fold. steps: that they have had, see ``steps_told``.
    """

    clips: Sequence[Example]
    answers: Sequence[Answer]
    division: Sequence[Sequence[int]]
    nets: Sequence[Sequence[OnsetNet]]
    steps: str


def cross_validate(
    data: Data,
    plan: Plan,
    *,
    settings: MotionSettings,
    count: int,
    seeds: int,
    by: str,
    out: Path,
    only: Sequence[int] | None = None,
) -> Held:
    """Each clip's answer from nets that saw neither it nor its group.

    Runs lie in ``out/folds/FOLD/SEED``, predictions in ``out/predictions``; what is there already is not done again.

    Args:
        data: to learn from and to judge by. plan: of each net; the fold moves its seed.
        settings: of the front end. count: of folds. seeds: nets per fold. by: what is never split. out: folder.
        only: numbers of the folds to do; None: all of them.
    """
    clips = data.clips
    division = folds(clips, count, by=by)
    wanted = range(count) if only is None else only
    answers: dict[int, Answer] = {}
    every: list[list[OnsetNet]] = []
    folders: list[Path] = []
    for number in wanted:
        tests = division[number]
        learn = data.without([clips[i] for i in tests], by=by)
        one = replace(plan, seed=plan.seed + 10 * number)
        nets = train_seeds(learn, one, settings=settings, count=seeds, out=out / "folds" / str(number))
        every.append(nets)
        folders += [out / "folds" / str(number) / str(seed) for seed in range(seeds)]
        for index in tests:
            answers[index] = predict(nets, clips[index])
            write_peaks(out / "predictions" / f"{clips[index].name}.csv", answers[index])
        score, threshold = best_threshold([clips[i] for i in tests], [answers[i].peaks for i in tests])
        log.info("fold %d: at best F %.3f (threshold %.2f)", number, score, threshold)
    kept = sorted(answers)
    return Held(
        clips=[clips[index] for index in kept],
        answers=[answers[index] for index in kept],
        division=[[kept.index(index) for index in division[number]] for number in wanted],
        nets=every,
        steps=steps_told(folders),
    )


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
    truth = annotated(clip)
    times = np.array([peak.time_s for peak in peaks if peak.height >= threshold])
    return f_score(truth, times[_counts(clip, truth, times, tolerance_s)], tolerance_s)


def precision(clip: Example, peaks: Sequence[Peak], *, tolerance_s: float = TOLERANCE_S) -> float:
    """Average precision of all peaks, detection style: a contact that nothing found is never retrieved."""
    truth = annotated(clip)
    times, heights = np.array([[peak.time_s, peak.height] for peak in peaks]).reshape(-1, 2).T
    inside = _counts(clip, truth, times, tolerance_s)
    return average_precision(truth, times[inside], heights[inside], tolerance_s)


def counted(clip: Example, peaks: Sequence[Peak], threshold: float) -> float:
    """Share of stretches of ``COUNT_S`` with the right number of peaks from a threshold up; NaN if there is none."""
    low, high = clip.valid_s
    if high - low < COUNT_S:
        return float("nan")
    edges = low + COUNT_S * np.arange(int((high - low) / COUNT_S + 1e-6) + 1)
    truth = np.histogram(annotated(clip), edges)[0]
    return float(np.mean(truth == np.histogram([p.time_s for p in peaks if p.height >= threshold], edges)[0]))


def rank_correlation(clip: Example, answer: Answer, threshold: float) -> float:
    """How well strengths are in the right order, of contacts that were found; NaN where that is too few to say."""
    kept = [i for i, peak in enumerate(answer.peaks) if peak.height >= threshold]
    times = np.array([answer.peaks[i].time_s for i in kept])
    pairs = [(t, kept[e]) for t, e in match(clip.onsets_s, times, TOLERANCE_S) if np.isfinite(clip.strengths[t])]
    truth, guess = clip.strengths[[t for t, _ in pairs]], answer.strengths[[e for _, e in pairs]]
    if len(pairs) < _FEWEST or np.ptp(truth) == 0 or np.ptp(guess) == 0:
        return float("nan")
    return float(np.corrcoef(rankdata(truth), rankdata(guess))[0, 1])


def annotated(clip: Example) -> NDArray[np.float64]:
    """Contacts within the annotated span."""
    return clip.onsets_s[(clip.onsets_s >= clip.valid_s[0]) & (clip.onsets_s <= clip.valid_s[1])]


def write_peaks(path: Path, answer: Answer) -> None:
    """Peaks as ``time_s, confidence, strength``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["time_s", "confidence", "strength"])
        for peak, strength in zip(answer.peaks, answer.strengths, strict=True):
            writer.writerow([f"{peak.time_s:.4f}", f"{peak.height:.5f}", f"{strength:.3f}"])


def _counts(
    clip: Example, truth: NDArray[np.float64], times: NDArray[np.float64], tolerance_s: float
) -> NDArray[np.bool_]:
    """Which times lie in the annotated span, or near one of its contacts."""
    inside = (times >= clip.valid_s[0]) & (times <= clip.valid_s[1])
    if not len(truth) or not len(times):
        return inside
    return inside | (np.abs(times[:, None] - truth).min(1) <= tolerance_s)
