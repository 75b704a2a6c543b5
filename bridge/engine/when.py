"""The *when* stage: a clip's picture in, its onsets out.

Convention: inside this file times are source time; ``Detection`` speaks clip time and ``Clip`` converts. Frames are
streamed and the graph runs in overlapping windows, of which only the middle is used, so that the answer does not
depend on where windows fall and memory does not grow with the video.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.domain.clip import Clip
from bridge.domain.onsets import Activation, Onset
from bridge.dsp.peaks import Peak, pick
from bridge.engine.callbacks import Cancelled, Progress, ignore, never
from bridge.engine.frontends import FrontEnd, front_end
from bridge.errors import JobCancelled, PackError, RequestError
from bridge.media import video
from bridge.media.video import Frame
from bridge.packs import contract
from bridge.packs.manifest import Manifest
from bridge.packs.stages import When


class Pack(Protocol):
    """What this stage asks of a loaded pack."""

    @property
    def manifest(self) -> Manifest: ...

    def graph(self, role: str) -> Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]: ...


class Decode(Protocol):
    """How frames are read; ``video.decode`` unless a test says otherwise."""

    def __call__(
        self, path: Path | str, *, start_s: float, end_s: float | None, max_width: int | None
    ) -> Iterable[Frame]: ...


@dataclass(frozen=True, kw_only=True)
class Detection:
    """What the picture of a clip shows.

    Attributes:
        activation: source time, from the first to the last instant that the clip shows; 0 where it skips some.
        onsets: peaks from the threshold up, clip time, ascending, each as hard as the graph says at its peak.
        peaks: every peak, clip time, ascending.
        threshold: the one in force.
    """

    activation: Activation = field(repr=False)
    onsets: tuple[Onset, ...]
    peaks: tuple[Onset, ...] = field(repr=False)
    threshold: float


class Detector:
    """Finds onsets with a pack's ``onset`` graph.

    Args:
        pack: a loaded pack.
        decode: reads a video's frames.

    Raises:
        PackError: the pack has no *when* stage, or its numbers do not fit together.
    """

    def __init__(self, pack: Pack, *, decode: Decode = video.decode) -> None:
        self._name = f'pack "{pack.manifest.name}"'
        if pack.manifest.when is None:
            raise PackError(
                f"{self._name} cannot find onsets",
                hint="Set onset_pack to one that can (--onset-pack starter), or place markers by hand",
            )
        self._pack = pack
        self._when: When = pack.manifest.when
        self._decode = decode
        front, (seen, *_) = self._front_end(), pack.manifest.entry(contract.ONSET).inputs
        if front.rate_hz != self._when.rate_hz:
            raise PackError(f"{self._name}: its front end and its onset graph disagree on the rate", hint="Repair it")
        if (front.tensor, front.shape) != (seen.name, seen.axes[2:]):
            raise PackError(
                f"{self._name}: its front end gives {front.tensor} of {front.shape}, its onset graph takes {seen}",
                hint="Repair it",
            )

    def warm_up(self) -> None:
        """Opens the graph."""
        self._pack.graph(contract.ONSET)

    def detect(
        self,
        clip: Clip,
        *,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
        threshold: float | None = None,
    ) -> Detection:
        """Onsets of a clip's visible part.

        Every source span that the clip shows is read once, with some picture around it for context, however often the
        clip repeats it.

        Args:
            clip: what to look at.
            progress: is told the fraction done, 0..1.
            cancelled: is asked between frames.
            threshold: activation 0..1 from which a peak counts; None takes the pack's.

        Raises:
            RequestError: the clip shows nothing of its source, or the threshold is outside 0..1.
            MediaError: the video cannot be read. JobCancelled: ``cancelled`` said so.
        """
        limit = self._when.threshold if threshold is None else threshold
        _check_threshold(limit)
        spans = clip.spans()
        if not spans:
            raise RequestError(
                f"{clip.title} shows nothing of its source", hint="Check its start offset, length and section"
            )
        context_s = (self._when.overlap_steps / 2 + 1) / self._when.rate_hz
        width = self._front_end().max_width
        total_s = sum(end_s - start_s for start_s, end_s in spans)
        done_s = 0.0
        curves, peaks = [], []
        for start_s, end_s in spans:
            share, base = (end_s - start_s) / total_s, done_s / total_s
            begin_s, until_s = max(0.0, start_s - context_s), min(clip.source_length_s, end_s + context_s)
            frames = self._decode(clip.source_path, start_s=begin_s, end_s=until_s, max_width=width)
            curve = self.activation(
                frames,
                start_s=begin_s,
                end_s=until_s,
                progress=lambda part, base=base, share=share: progress(base + share * part),
                cancelled=cancelled,
            )
            curves.append(_cut(curve, start_s, end_s))
            here = (peak for peak in self._peaks(curve) if start_s <= peak.time_s <= end_s)
            peaks += [(peak, curve.strength_at(peak.time_s)) for peak in here]
            done_s += end_s - start_s
        progress(1.0)
        found = _in_clip(clip, peaks)
        return Detection(
            activation=_joined(curves),
            onsets=_above(found, limit),
            peaks=found,
            threshold=limit,
        )

    def activation(
        self,
        frames: Iterable[Frame],
        *,
        start_s: float,
        end_s: float,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> Activation:
        """The graph's answer for a stretch of picture of any length.

        Args:
            frames: in order of time; the first may begin before ``start_s``.
            start_s, end_s: source time between which frames are expected; the last one stands until ``end_s`` where
                the front end looks at pictures.
            progress, cancelled: as for ``detect``.

        Returns:
            One value per step of the front end's clock, from the first frame on, with strengths if the graph gives
            them; empty without frames.

        Raises:
            JobCancelled: ``cancelled`` said so.
        """
        front = self._front_end()
        graph = self._pack.graph(contract.ONSET)
        given = [tensor.name for tensor in self._pack.manifest.entry(contract.ONSET).outputs]

        def steps() -> Iterator[NDArray[np.float32]]:
            for frame in frames:
                if cancelled():
                    raise JobCancelled("finding onsets was cancelled")
                progress(min(1.0, max(0.0, (frame.time_s - start_s) / max(1e-6, end_s - start_s))))
                yield front.feed(frame.time_s, frame.image)
            yield front.finish(end_s)

        def run(block: NDArray[np.float32]) -> NDArray[np.float32]:
            if cancelled():
                raise JobCancelled("finding onsets was cancelled")
            answer = graph({front.tensor: block[None]})
            return np.stack([answer[name][0] for name in given], axis=1)

        parts = list(in_windows(steps(), run, window=self._when.window_steps, overlap=self._when.overlap_steps))
        rows = np.concatenate(parts) if parts else np.zeros((0, len(given)), np.float32)
        curves = {name: np.clip(rows[:, column], 0.0, 1.0) for column, name in enumerate(given)}
        return Activation(
            values=curves[contract.ACTIVATION],
            rate_hz=self._when.rate_hz,
            start_s=front.first_s - self._when.latency_s,
            strengths=curves.get(contract.STRENGTH),
        )

    def _front_end(self) -> FrontEnd:
        return front_end(self._when.frontend, where=self._name)

    def _peaks(self, curve: Activation) -> tuple[Peak, ...]:
        return pick(
            curve.values, rate_hz=curve.rate_hz, start_s=curve.start_s, min_distance_s=self._when.min_distance_s
        )


def in_windows(
    steps: Iterable[NDArray[np.float32]],
    run: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    *,
    window: int,
    overlap: int,
) -> Iterator[NDArray[np.float32]]:
    """A function of a whole sequence, computed in windows.

    Where the function looks no further than half an overlap to either side, the answer is that of one pass.

    Args:
        steps: arrays (some steps, ...) that follow one another, of any length; two windows are held at most.
        run: gives one value, or one row of values, for each step of a window.
        window: steps per window; the last one may be shorter.
        overlap: steps that neighbours share, less than a window.

    Yields:
        Values or rows, as many as there were steps in all.
    """
    margin = overlap // 2
    waiting: list[NDArray[np.float32]] = []
    count, first = 0, True
    for piece in (part[i : i + window] for part in steps for i in range(0, len(part), window)):
        waiting.append(piece)
        count += len(piece)
        while count > window:
            block = np.concatenate(waiting)
            values = run(block[:window])
            yield values[0 if first else margin : window - margin]
            waiting = [block[window - 2 * margin :]]
            count, first = len(waiting[0]), False
    if count:
        yield run(np.concatenate(waiting))[0 if first else margin :]


def _check_threshold(threshold: float) -> None:
    if not 0.0 <= threshold <= 1.0:
        raise RequestError(f"the onset threshold must lie in 0..1, got {threshold:g}", hint="Try 0.3")


def _above(peaks: Iterable[Onset], threshold: float) -> tuple[Onset, ...]:
    """The peaks that count as onsets."""
    _check_threshold(threshold)
    return tuple(peak for peak in peaks if peak.confidence >= threshold)


def _in_clip(clip: Clip, peaks: Iterable[tuple[Peak, float]]) -> tuple[Onset, ...]:
    """Peaks with their strengths as onsets in clip time, as often as the clip shows them."""
    onsets = [
        Onset(time_s=max(0.0, float(time_s)), confidence=min(1.0, peak.height), strength=strength)
        for peak, strength in peaks
        for time_s in clip.clip_time(clip.to_project(peak.time_s))
    ]
    return tuple(sorted(onsets, key=lambda onset: onset.time_s))


def _cut(curve: Activation, start_s: float, end_s: float) -> Activation:
    """The steps whose middle lies in a span."""
    times = curve.times_s()
    inside = np.flatnonzero((times >= start_s) & (times < end_s))
    part = slice(inside[0], inside[-1] + 1) if len(inside) else slice(0, 0)
    return Activation(
        values=curve.values[part],
        rate_hz=curve.rate_hz,
        start_s=float(times[inside[0]]) if len(inside) else start_s,
        strengths=None if curve.strengths is None else curve.strengths[part],
    )


def _joined(curves: list[Activation]) -> Activation:
    """Curves on one clock, ascending and apart, as one, with zeros between them."""
    first = curves[0]
    places, length = [], 0
    for curve in curves:
        length = max(length, round((curve.start_s - first.start_s) * first.rate_hz))
        places.append(length)
        length += len(curve.values)

    def laid(parts: Iterable[NDArray[np.float32]]) -> NDArray[np.float32]:
        whole = np.zeros(length, np.float32)
        for at, part in zip(places, parts, strict=True):
            whole[at : at + len(part)] = part
        return whole

    strengths = [curve.strengths for curve in curves if curve.strengths is not None]
    return Activation(
        values=laid(curve.values for curve in curves),
        rate_hz=first.rate_hz,
        start_s=first.start_s,
        strengths=laid(strengths) if len(strengths) == len(curves) else None,
    )
