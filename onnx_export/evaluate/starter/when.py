"""Onsets found in the picture of real clips, judged by where the picture shows contacts.

Convention: as ``score_onsets.py`` of the clips: one-to-one matching, only what lies in the annotated span counts, but a
find just outside may meet a contact just inside; every clip counts the same. Peaks come from ``foley-bridge detect
--all``, the threshold is the pack's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from bridge.dsp import matching, metrics
from bridge.packs import contract
from onnx_export.evaluate.starter.box import Box, Peaks
from onnx_export.evaluate.starter.clips import Clip
from onnx_export.evaluate.starter.figures import Figure, Part, Table, figure

NEAR_S, WIDE_S = 0.050, 0.100
COUNT_S = 2.0
FEWEST = 5
"""Fewer matched onsets tell no order of strengths."""
SEEN = ("Greatest Hits", "picture")
"""A pack whose training data is named with these words has an onset net that has seen the clips."""

WANTED = {"F, 50 ms": 0.60, "AP, 50 ms": 0.55, "exact count in 2 s": 0.45}


@dataclass(frozen=True, kw_only=True)
class Score:
    """One clip's figures, as in ``WANTED``; ``strength`` is Spearman's rank correlation of matched onsets."""

    f_50: float
    f_100: float
    precision_50: float
    recall_50: float
    ap_50: float
    ap_100: float
    exact: float
    late_ms: float
    strength: float
    found: int
    known: int


def part(clips: Sequence[Clip], box: Box, *, seed: int = 0) -> Part:
    """Runs the onset net over every clip.

    Args:
        clips: annotated. box: the pack. seed: of the bootstrap, over recording hours.
    """
    threshold = box.manifest.require_when().threshold
    scores = [score(clip, box.peaks(clip.path), threshold=threshold) for clip in clips]
    seen = any(all(word in data.name for word in SEEN) for data in box.manifest.training_data)
    columns = ("clip", "F 50", "P 50", "R 50", "F 100", "AP 50", "exact", "late ms", "strength", "found", "known")
    return Part(
        name="when",
        title="Onsets found in the picture" + (", on clips that the net was trained on" if seen else ""),
        figures=figures(scores, [clip.hour for clip in clips], wanted=not seen, seed=seed),
        notes=(
            "These clips are among the training data: the figures show the way from file to onsets, not what new "
            "scenes get. Those are the cross-validated ones of the checkpoint, on the card."
            if seen
            else "The net has seen none of these clips, nor any recording.",
            f"Threshold {threshold:g} of the pack; intervals by drawing recording hours (places and days) again.",
            f"Strength: Spearman's rank correlation of matched onsets with the recorded peak, {FEWEST} or more.",
        ),
        tables=(
            Table(
                title="Onsets, clip by clip",
                columns=columns,
                rows=tuple(
                    (
                        clip.name, one.f_50, one.precision_50, one.recall_50, one.f_100, one.ap_50, one.exact,
                        one.late_ms, one.strength, one.found, one.known,
                    )
                    for clip, one in zip(clips, scores, strict=True)
                ),
            ),
        ),
        roles=(contract.ONSET,),
    )  # fmt: skip


def figures(scores: Sequence[Score], groups: Sequence[str], *, wanted: bool, seed: int) -> dict[str, Figure]:
    """Means over clips.

    Args:
        scores: one per clip. groups: of the bootstrap. wanted: whether the figures are held to what was wanted.
    """
    columns = {
        "F, 50 ms": [one.f_50 for one in scores],
        "F, 100 ms": [one.f_100 for one in scores],
        "AP, 50 ms": [one.ap_50 for one in scores],
        "AP, 100 ms": [one.ap_100 for one in scores],
        "exact count in 2 s": [one.exact for one in scores],
        "strength, rank correlation": [one.strength for one in scores],
    }
    found = {
        name: figure(values, of="clips", groups=groups, at_least=WANTED.get(name) if wanted else None, seed=seed)
        for name, values in columns.items()
    }
    late = figure([one.late_ms for one in scores], of="clips", statistic="median", groups=groups, unit="ms", seed=seed)
    return {**found, "picture's contact to find, signed": late}


def score(clip: Clip, peaks: Peaks, *, threshold: float) -> Score:
    """One clip's figures."""
    low, high = clip.span_s
    sure = peaks.above(threshold)
    near, wide = (_counted(clip, sure.times_s, tolerance_s) for tolerance_s in (NEAR_S, WIDE_S))
    pairs = matching.match(clip.seen_s, sure.times_s[near], NEAR_S)
    loose = matching.match(clip.seen_s, sure.times_s[wide], WIDE_S)
    late = [sure.times_s[wide][j] - clip.seen_s[i] for i, j in loose]
    total = int(near.sum())
    return Score(
        f_50=matching.f_score(clip.seen_s, sure.times_s[near], NEAR_S),
        f_100=matching.f_score(clip.seen_s, sure.times_s[wide], WIDE_S),
        precision_50=len(pairs) / total if total else 0.0,
        recall_50=len(pairs) / len(clip.seen_s) if len(clip.seen_s) else float("nan"),
        ap_50=_ap(clip, peaks, NEAR_S),
        ap_100=_ap(clip, peaks, WIDE_S),
        exact=_exact(clip.seen_s, sure.times_s, low, high),
        late_ms=1000.0 * float(np.median(late)) if late else float("nan"),
        strength=_order(
            np.array([clip.seen_level[i] for i, _ in pairs]), np.array([sure.strength[near][j] for _, j in pairs])
        ),
        found=int(((sure.times_s >= low) & (sure.times_s <= high)).sum()),
        known=len(clip.seen_s),
    )


def _counted(clip: Clip, times_s: NDArray[np.float64], tolerance_s: float) -> NDArray[np.bool_]:
    """Which finds count: in the annotated span, or near enough to a contact in it."""
    low, high = clip.span_s
    inside = (times_s >= low) & (times_s <= high)
    if not len(clip.seen_s) or not len(times_s):
        return inside
    return inside | (np.abs(times_s[:, None] - clip.seen_s[None, :]).min(axis=1) <= tolerance_s)


def _ap(clip: Clip, peaks: Peaks, tolerance_s: float) -> float:
    counted = _counted(clip, peaks.times_s, tolerance_s)
    return metrics.average_precision(clip.seen_s, peaks.times_s[counted], peaks.confidence[counted], tolerance_s)


def _exact(known_s: NDArray[np.float64], found_s: NDArray[np.float64], low: float, high: float) -> float:
    """Share of the span's stretches of two seconds with as many finds as contacts."""
    starts = np.arange(low, high - COUNT_S + 1e-6, COUNT_S)
    same = [
        int(((known_s >= at) & (known_s < at + COUNT_S)).sum())
        == int(((found_s >= at) & (found_s < at + COUNT_S)).sum())
        for at in starts
    ]
    return float(np.mean(same)) if same else float("nan")


def _order(known: NDArray[np.float64], told: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; NaN where too few, or where one of them does not move."""
    told_too = ~(np.isnan(known) | np.isnan(told))
    known, told = known[told_too], told[told_too]
    if len(known) < FEWEST or np.ptp(known) == 0.0 or np.ptp(told) == 0.0:
        return float("nan")
    return float(np.corrcoef(stats.rankdata(known), stats.rankdata(told))[0, 1])
