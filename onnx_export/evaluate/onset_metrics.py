"""Table 1: how well onsets are found in the picture, as SyncFusion's authors measure it.

Convention: a *chunk* is two seconds, 30 steps; a *batch* is 16 chunks that follow one another through the test list,
the last one shorter. Every figure is made per batch and averaged with the batches' sizes as weights, since that is what
Lightning's ``self.log`` makes of ``test_step`` (main/module_onset.py, mcomunita/syncfusion).

What is odd there, and done here too:

* the loss weighs onsets by (steps without) / (steps with) *of the batch*; a batch without an onset has no loss (theirs
  becomes infinite x 0 = NaN and takes the whole average with it; here it is left out and counted);
* AP is not taken over all steps but over as many steps without an onset as there are with one, and these are the
  *first* ones of the batch, so mostly of its first chunk: far easier than finding 1 onset among 15 steps;
* "binary accuracy" on the same steps, and the onset count, threshold the probability at 0.75, where the paper
  (section 3.2) says 0.5;
* of steps above the threshold that touch, the later is dropped, going left to right: a run of three leaves two;
* labels floor (time - chunk start) x 15 in double precision: annotated times are multiples of 1/15 s, so that some
  land one step early through rounding alone;
* the paper trains on means of its own data set; the code normalises by ImageNet's (that is in the pack's graph).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from onnx_export.evaluate.extras import library
from onnx_export.evaluate.greatest_hits import Hit

CHUNK_S = 2.0
RATE_HZ = 15
CHUNK_STEPS = 30
BATCH_CHUNKS = 16
METRIC_THRESHOLD = 0.75
ANNOTATION_LOGIT = 0.5
_SMALLEST = 2.0**-24

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunk:
    """Two seconds of one video.

    Attributes:
        video: its id. start_s: a multiple of 2. labels: 0 or 1, (30,). activation: what the net says, 0..1, (30,).
    """

    video: str
    start_s: float
    labels: NDArray[np.int64] = field(repr=False)
    activation: Array = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class BatchFigures:
    """One batch's figures; NaN where the batch has no onset. ``weight`` is its number of chunks."""

    bce: float
    ap: float
    binary_accuracy: float
    count_accuracy: float
    weight: int


def chunk_count(duration_s: float) -> int:
    """Whole chunks of a video; what is left over is not tested."""
    return int(duration_s / CHUNK_S)


def labels_of(hits: Sequence[Hit], start_s: float) -> NDArray[np.int64]:
    """The chunk's steps that hold an onset; see the module for the rounding."""
    times = np.array([hit.time_s for hit in hits], np.float64)
    inside = times[(times >= start_s) & (times < start_s + CHUNK_S)]
    labels = np.zeros(CHUNK_STEPS, np.int64)
    labels[((inside - start_s) * RATE_HZ).astype(int)] = 1
    return labels


def batches(chunks: Sequence[Chunk]) -> list[BatchFigures]:
    """Figures of every batch, in the test list's order."""
    return [batch_figures(chunks[at : at + BATCH_CHUNKS]) for at in range(0, len(chunks), BATCH_CHUNKS)]


def batch_figures(chunks: Sequence[Chunk]) -> BatchFigures:
    """One batch's figures."""
    activation = np.stack([chunk.activation for chunk in chunks]).astype(np.float64)
    labels = np.stack([chunk.labels for chunk in chunks])
    chosen = balanced(labels.reshape(-1))
    seen, truth = activation.reshape(-1)[chosen], labels.reshape(-1)[chosen]
    known = len(chosen) > 0
    return BatchFigures(
        bce=weighted_bce(activation.reshape(-1), labels.reshape(-1)),
        ap=float(library("sklearn.metrics").average_precision_score(truth, seen)) if known else float("nan"),
        binary_accuracy=float(np.mean((seen > METRIC_THRESHOLD) == truth)) if known else float("nan"),
        count_accuracy=float(np.mean(counts(activation) == labels.sum(axis=1))),
        weight=len(chunks),
    )


def weighted_bce(activation: Array, labels: NDArray[np.int64]) -> float:
    """Binary cross entropy with onsets weighted by (steps without) / (steps with); NaN without an onset.

    A probability that float32 cannot tell from 0 or 1 counts as 2^-24 away (theirs is computed from the logit, which a
    pack does not give).
    """
    with_onset = int(labels.sum())
    if not with_onset:
        return float("nan")
    weight = (len(labels) - with_onset) / with_onset
    sure = np.clip(activation, _SMALLEST, 1.0 - _SMALLEST)
    return float(-np.mean(weight * labels * np.log(sure) + (1 - labels) * np.log1p(-sure)))


def balanced(labels: NDArray[np.int64]) -> NDArray[np.intp]:
    """Places of the first onsets and of as many first steps without; empty without either."""
    with_onset, without = np.flatnonzero(labels == 1), np.flatnonzero(labels == 0)
    number = min(len(with_onset), len(without))
    return np.concatenate([with_onset[:number], without[:number]])


def counts(activation: Array, *, threshold: float = METRIC_THRESHOLD) -> NDArray[np.int64]:
    """Onsets per chunk, (chunks,), of steps above a threshold, after the odd removal of neighbours."""
    above = activation > threshold
    for step in range(above.shape[1] - 1):
        above[:, step + 1] &= ~above[:, step]
    return above.sum(axis=1)


def weighted_mean(figures: Sequence[BatchFigures], name: str) -> float:
    """One figure over all batches that have it; NaN if none has."""
    pairs = [(getattr(one, name), one.weight) for one in figures]
    pairs = [(value, weight) for value, weight in pairs if not np.isnan(value)]
    if not pairs:
        return float("nan")
    return sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs)


def annotated(chunks: Sequence[Chunk]) -> Array:
    """Times that the net would be taken to say for one video, ascending: what Table 3 conditions on.

    ``log_annotations`` in main/module_onset.py holds the *logit* against 0.5, so a probability against 0.62; its
    removal of neighbours compares step numbers with 1 and so removes nothing; a time is the step's beginning, written
    with four decimals.

    Args:
        chunks: of one video.
    """
    limit = 1.0 / (1.0 + np.exp(-ANNOTATION_LOGIT))
    times = [
        np.round((np.flatnonzero(chunk.activation > limit) + int(chunk.start_s * RATE_HZ)) / RATE_HZ, 4)
        for chunk in chunks
    ]
    return np.sort(np.concatenate(times)) if times else np.zeros(0)
