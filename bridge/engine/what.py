"""The *what* stage: a request in, its sound out.

Convention: onsets with the same words make one layer; each layer is one pass of the diffusion over the stretches in
which it can sound, layers add up. Latent frames count from the item's start. The noise belongs to seed and place, the
network runs in windows that see as far as it looks, and nothing acts on the level of the whole: so a part made again
resembles what was there, and the same request gives the same bytes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.domain.request import Request
from bridge.engine import level
from bridge.engine.callbacks import Cancelled, Progress, ignore, never
from bridge.engine.diffusion import Diffusion, Layer, Manner, Watch
from bridge.engine.spans import Span, changed_onsets, changed_spans, intersect, widen
from bridge.engine.tiles import ALIGN_FRAMES, Windowing
from bridge.engine.words import Vocabulary
from bridge.errors import RequestError
from bridge.packs.manifest import MAX_GUIDANCE, MAX_STEPS, Manifest

log = logging.getLogger(__name__)

LEAD_FRAMES = ALIGN_FRAMES
FADE_IN_S = 0.0015
FADE_OUT_S = 0.050
SPLICE_S = 0.005

Array = NDArray[np.float32]


class Pack(Protocol):
    """What this stage asks of a loaded pack."""

    @property
    def manifest(self) -> Manifest: ...

    def graph(self, role: str) -> Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]: ...

    def path(self, name: str) -> Path: ...


class Generator:
    """Makes sound with a pack's ``text``, ``denoiser`` and ``decoder`` graphs.

    Args:
        pack: a loaded pack.

    Raises:
        PackError: the pack has no *what* stage, or one that this version cannot run.
    """

    def __init__(self, pack: Pack) -> None:
        self._pack = pack
        self._what = pack.manifest.require_what()
        self._vocabulary = Vocabulary.read(pack.path(self._what.vocabulary))
        self._windowing = Windowing.of(window=self._what.window_frames, overlap=self._what.overlap_frames)
        self._diffusion = Diffusion(pack, self._what, self._windowing)

    @property
    def rate_hz(self) -> int:
        """Sampling rate that the pack makes sound at."""
        return self._what.rate_hz

    @property
    def tail_s(self) -> float:
        """How long the pack can hold a sound after its onset: as far as its windows look back."""
        return self._windowing.before * self._what.hop_samples / self._what.rate_hz

    def warm_up(self) -> None:
        """Opens the graphs and runs each once."""
        null = self._diffusion.embed(np.zeros(len(self._vocabulary.tags), np.float32))
        manner = Manner(seed=0, steps=1, guidance=2.0, null=null)
        watch = Watch(total=2, progress=ignore, cancelled=never)
        self._diffusion.sound(Layer(onsets={}, embedding=null), (0, 2 * ALIGN_FRAMES), manner, watch)

    def check_prompt(self, prompt: str) -> tuple[str, ...]:
        """Words that will be ignored.

        Raises:
            RequestError: the prompt is empty, or none of its words is understood; the hint names what is.
        """
        return self._vocabulary.understand(prompt).ignored

    def render(
        self,
        request: Request,
        *,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> Audio:
        """Sound for a request: mono, exactly its length and rate, digital silence where nothing can sound.

        Args:
            request: onsets beyond the length, or of strength 0, make no sound.
            progress: is told the fraction done, 0..1. cancelled: is asked before every call of the network.

        Raises:
            RequestError: words are not understood, or guidance or steps are out of range.
            EngineError: a graph failed. JobCancelled: ``cancelled`` said so.
        """
        samples = self._sound(request, None, progress, cancelled)
        return Audio(samples=samples[None], rate_hz=request.rate_hz)

    def remake(
        self,
        request: Request,
        *,
        previous_request: Request,
        previous: Audio,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> tuple[Audio, list[Span]]:
        """Sound for a request that differs from one whose sound exists; only what the change touches is new.

        A changed onset is made again up to where its tail is over or the next unchanged onset begins; outside these
        spans the samples are those of ``previous``. If more than onsets changed, everything is made again.

        Returns:
            The sound, and the spans in samples that may differ from ``previous``.

        Raises:
            as ``render``.
        """
        whole = [(0, request.length_samples)]
        if not _same_frame(request, previous_request, previous):
            return self.render(request, progress=progress, cancelled=cancelled), whole
        changed, unchanged = changed_onsets(previous_request, request)
        if not changed:
            progress(1.0)
            return previous, []
        if not unchanged:
            return self.render(request, progress=progress, cancelled=cancelled), whole
        length_s = request.length_samples / request.rate_hz
        spans_s = changed_spans(changed, unchanged, tail_s=self.tail_s, length_s=length_s)
        spans = [(int(start * request.rate_hz), int(end * request.rate_hz)) for start, end in spans_s]
        spans = [(start, end) for start, end in spans if start < end]
        new = self._sound(request, spans, progress, cancelled)
        fade = int(SPLICE_S * request.rate_hz)
        return Audio(
            samples=level.splice(previous.samples[0], new, spans, fade=fade)[None], rate_hz=request.rate_hz
        ), spans

    def _sound(
        self,
        request: Request,
        wanted: Sequence[Span] | None,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> Array:
        """Samples at the request's rate; right inside ``wanted`` (everywhere if None), anything elsewhere."""
        manner = self._manner(request)
        rate, hop = self._what.rate_hz, self._what.hop_samples
        total = -(-request.length_samples * rate // request.rate_hz)
        frames = -(-total // hop)
        allowed = [(-LEAD_FRAMES, frames + ALIGN_FRAMES)]
        if wanted is not None:
            scale = rate / request.rate_hz / hop
            near = [(int(start * scale) - 2, int(end * scale) + 3) for start, end in wanted]
            allowed = widen(near, before=self._windowing.before, after=self._windowing.after, align=ALIGN_FRAMES)
        parts = [
            (layer, stretch, span)
            for layer in self._layers(request, frames)
            for stretch in self._stretches(layer, frames)
            for span in intersect([stretch], allowed)
        ]
        calls = sum(self._diffusion.calls(span, manner.steps) for _, _, span in parts)
        watch = Watch(total=max(1, calls), progress=progress, cancelled=cancelled)
        mix = np.zeros(frames * hop, np.float32)
        for layer, stretch, span in parts:
            sound = self._gated(self._diffusion.sound(layer, span, manner, watch), layer, stretch, span)
            skip, room = max(0, -span[0] * hop), len(mix) - span[0] * hop
            mix[max(0, span[0] * hop) : span[1] * hop] += sound[skip:room]
        progress(1.0)
        return level.limit(
            level.resample(mix[:total], from_hz=rate, to_hz=request.rate_hz, length=request.length_samples)
        )

    def _manner(self, request: Request) -> Manner:
        steps = self._what.steps if request.steps is None else request.steps
        guidance = self._what.guidance if request.guidance is None else request.guidance
        if not 1 <= steps <= MAX_STEPS:
            raise RequestError(f"steps must lie in 1..{MAX_STEPS}, got {steps}", hint="Leave it to the pack")
        if not 0.0 <= guidance <= MAX_GUIDANCE:
            raise RequestError(
                f"guidance must lie in 0..{MAX_GUIDANCE:g}, got {guidance:g}", hint="Leave it to the pack"
            )
        null = None if guidance == 1.0 else self._diffusion.embed(np.zeros(len(self._vocabulary.tags), np.float32))
        return Manner(seed=request.seed, steps=steps, guidance=guidance, null=null)

    def _layers(self, request: Request, frames: int) -> Iterator[Layer]:
        """One layer for each different prompt, in order of first appearance."""
        by_prompt: dict[str, dict[int, float]] = {}
        for onset in request.onsets:
            frame = min(round(onset.time_s * self._what.rate_hz / self._what.hop_samples), frames - 1)
            inside = 0 <= onset.time_s < request.length_samples / request.rate_hz
            if inside and onset.strength > 0.0:
                strengths = by_prompt.setdefault(request.prompt_of(onset), {})
                strengths[frame] = max(onset.strength, strengths.get(frame, 0.0))
        for prompt, strengths in by_prompt.items():
            meaning = self._vocabulary.understand(prompt)
            if meaning.ignored:
                log.debug("words without a meaning to the pack: %s", ", ".join(meaning.ignored))
            yield Layer(onsets=strengths, embedding=self._diffusion.embed(meaning.tags))

    def _stretches(self, layer: Layer, frames: int) -> list[Span]:
        """Where a layer can sound."""
        spans = [(frame, frame + 1) for frame in layer.onsets]
        end = -(-frames // ALIGN_FRAMES) * ALIGN_FRAMES
        grown = widen(spans, before=LEAD_FRAMES, after=self._windowing.before, align=ALIGN_FRAMES)
        return [(start, min(stop, end)) for start, stop in grown]

    def _gated(self, sound: Array, layer: Layer, stretch: Span, span: Span) -> Array:
        """Silent before the stretch's first onset, faded where the stretch ends."""
        hop, rate = self._what.hop_samples, self._what.rate_hz
        first = min(frame for frame in layer.onsets if stretch[0] <= frame < stretch[1])
        return sound * level.gate(
            len(sound),
            opens=(first - span[0]) * hop,
            fade_in=int(FADE_IN_S * rate),
            closes=(stretch[1] - span[0]) * hop,
            fade_out=int(FADE_OUT_S * rate),
        )


def _same_frame(request: Request, other: Request, audio: Audio) -> bool:
    """Whether two requests differ in their onsets at most, and the sound is one that fits them."""

    def frame(one: Request) -> tuple[object, ...]:
        return (one.length_samples, one.rate_hz, one.seed, one.guidance, one.steps)

    fits = audio.samples.shape == (1, request.length_samples) and audio.rate_hz == request.rate_hz
    return fits and frame(request) == frame(other)
