"""What an evaluation found: one object per table, from the videos' own figures.

Convention: a figure is a ``Figure``: what was measured, how sure it is, and over how many of what. Percentages are
0..100 as in the paper's tables. The paper's own figures stand beside ours by key, ``PAPER``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from bridge.dsp import metrics
from onnx_export.evaluate import onset_metrics
from onnx_export.evaluate.protocol import Compared, Seen

FAD_RESAMPLINGS = 50

PAPER: Mapping[str, Mapping[str, Mapping[str, float]]] = MappingProxyType(
    {
        "table 1": {
            "paper, without augmentation": {"bce": 3.79, "count accuracy": 43.07, "AP": 87.71},
            "paper, with augmentation": {"bce": 2.64, "count accuracy": 49.39, "AP": 88.83},
        },
        "table 2": {
            "paper, audio": {"count accuracy": 89.38, "AP": 98.75, "FAD": 1.48},
            "paper, text": {"count accuracy": 84.38, "AP": 98.12, "FAD": 1.68},
        },
        "table 3": {
            "paper, without augmentation": {"count accuracy": 56.87, "AP": 84.37, "FAD": 5.50},
            "paper, with augmentation": {"count accuracy": 49.38, "AP": 79.11, "FAD": 5.38},
            "paper, CondFoleyGen": {"count accuracy": 23.94, "AP": 62.44, "FAD": 6.10},
        },
    }
)
"""Comunita et al., SyncFusion, ICASSP 2024 (arXiv 2310.15247), Tables 1 to 3. Their FAD is of VGGish embeddings, ours
of CLAP's: the two are on different scales and may not be compared."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number of a table.

    Attributes:
        value: what was measured. spread: standard deviation over ``of``, or of the bootstrap for a distance.
        low, high: 95 % bootstrap interval; NaN where there is none. count, of: how many of what.
        official: made as the authors make it; else strict, or an addition.
    """

    value: float
    spread: float
    low: float
    high: float
    count: int
    of: str
    official: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """One table.

    Attributes:
        name: key in ``PAPER``. title: in words. figures: by key; those of the paper have its keys.
        notes: what to know, in sentences. clips: one row of plain values per clip.
    """

    name: str
    title: str
    figures: Mapping[str, Figure]
    notes: tuple[str, ...]
    clips: tuple[Mapping[str, Any], ...] = field(repr=False)


def onset_table(seen: Sequence[tuple[str, Seen]], *, seed: int) -> Table:
    """Table 1.

    Args:
        seen: video id and what the onset net says, in the test list's order. seed: of the bootstrap.
    """
    chunks = [chunk for _, one in seen for chunk in one.chunks]
    batches = onset_metrics.batches(chunks)

    def batched(name: str, scale: float) -> Figure:
        values = [getattr(batch, name) * scale for batch in batches]
        summary = metrics.mean_of(values, seed=seed)
        mean = onset_metrics.weighted_mean(batches, name) * scale
        return _figure(summary, value=mean, of="batches", official=True)

    def per_video(get: Callable[[Seen], float]) -> Figure:
        return _figure(metrics.mean_of([100 * get(one) for _, one in seen], seed=seed), of="videos", official=False)

    empty = sum(np.isnan(batch.bce) for batch in batches)
    notes = [f"Chunks of 2 s: {len(chunks)}, {onset_metrics.BATCH_CHUNKS} to a batch."]
    if empty:
        notes.append(f"Batches without an onset, which have no loss and no AP (NaN in the official code): {empty}.")
    return Table(
        name="table 1",
        title="Table 1: onsets found in the picture",
        figures={
            "bce": batched("bce", 1.0),
            "count accuracy": batched("count_accuracy", 100.0),
            "AP": batched("ap", 100.0),
            "binary accuracy": batched("binary_accuracy", 100.0),
            "strict F, 50 ms": per_video(lambda one: one.strict_f),
            "strict AP, 50 ms": per_video(lambda one: one.strict_ap),
            "exact count in 2 s": per_video(lambda one: float(np.mean(one.exact)) if one.exact else float("nan")),
        },
        notes=tuple(notes),
        clips=tuple(
            {
                "video": name,
                "chunks": len(one.chunks),
                "strict F": one.strict_f,
                "strict AP": one.strict_ap,
                "exact": sum(one.exact),
            }
            for name, one in seen
        ),
    )


def sound_table(
    number: int, compared: Sequence[Compared], *, passed_over: Mapping[str, str], conditioning: str, seed: int
) -> Table:
    """Table 2 or 3.

    Args:
        number: 2 or 3. compared: one per clip. passed_over: video id to why it takes no part.
        conditioning: "audio" or "text". seed: of the bootstrap.
    """

    def mean(get: Callable[[Compared], float], *, official: bool = False, scale: float = 100.0) -> Figure:
        values = [scale * get(one) for one in compared]
        return _figure(metrics.mean_of(values, seed=seed), of="clips", official=official)

    titles = {2: "Table 2: sound made from annotated onsets", 3: "Table 3: sound made from onsets found in the picture"}
    reasons: dict[str, int] = {}
    for why in passed_over.values():
        reasons[why] = reasons.get(why, 0) + 1
    notes = [f"Videos that take no part since they have {why}: {count}." for why, count in sorted(reasons.items())]
    notes.append(
        "FAD is of CLAP embeddings of 1 s windows; the paper's is of VGGish: not to be compared. With few clips it is "
        "biased upwards."
    )
    return Table(
        name=f"table {number}",
        title=f"{titles[number]}, {conditioning}",
        figures={
            "count accuracy": mean(lambda one: one.same_count, official=True),
            "AP": mean(lambda one: one.ap, official=True),
            "hit rate": mean(lambda one: one.hit_rate, official=True),
            "AP, 50 ms": mean(lambda one: one.ap_50, official=True),
            "hit rate, 50 ms": mean(lambda one: one.hit_rate_50, official=True),
            "FAD (CLAP)": _distance(compared, seed=seed),
            "strict F, 50 ms": mean(lambda one: one.strict_f),
            "strict AP, 50 ms": mean(lambda one: one.strict_ap),
            "recording's strict F": mean(lambda one: one.recording_f),
            "recording's strict AP": mean(lambda one: one.recording_ap),
            "envelope correlation": mean(lambda one: one.envelope_correlation, scale=1.0),
            "envelope L1": mean(lambda one: one.envelope_l1, scale=1.0),
        },
        notes=tuple(notes),
        clips=tuple(
            {key: value for key, value in vars(one).items() if not key.endswith("_embeddings")} for one in compared
        ),
    )


def _distance(compared: Sequence[Compared], *, seed: int) -> Figure:
    """FAD over all windows of all clips; its spread from drawing clips again, which makes it a little larger."""
    if not compared:
        return Figure(value=np.nan, spread=np.nan, low=np.nan, high=np.nan, count=0, of="clips", official=False)

    def distance(picks: Sequence[int]) -> float:
        made, recorded = (
            np.concatenate([getattr(compared[pick], name) for pick in picks])
            for name in ("made_embeddings", "recorded_embeddings")
        )
        return metrics.frechet_distance(made, recorded)

    generator = np.random.default_rng(seed)
    count = len(compared)
    again = [distance(generator.integers(0, count, count).tolist()) for _ in range(FAD_RESAMPLINGS)]
    return Figure(
        value=distance(range(count)),
        spread=float(np.std(again, ddof=1)),
        low=np.nan,
        high=np.nan,
        count=count,
        of="clips",
        official=False,
    )


def _figure(summary: metrics.Summary, *, of: str, official: bool, value: float | None = None) -> Figure:
    return Figure(
        value=summary.mean if value is None else value,
        spread=summary.spread,
        low=summary.low,
        high=summary.high,
        count=summary.count,
        of=of,
        official=official,
    )
