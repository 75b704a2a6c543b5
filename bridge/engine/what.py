"""The *what* stage: a request in, its sound out.

Convention: onsets with the same meaning make one layer; each layer is one pass of the diffusion over the windows in
which it can sound, layers add up. Latent frames count from the item's start. The noise belongs to seed and place, and
nothing acts on the level of the whole: so a part made again resembles what was there, and the same request gives the
same bytes. How sound is cut into windows is the pack's choice: ``local``, ``whole`` or one for each ``onset``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.engine import level, samplers
from bridge.engine.apart import OnsetWindows
from bridge.engine.callbacks import Cancelled, Progress, ignore, never
from bridge.engine.contacts import KEEP_BYTES
from bridge.engine.diffusion import Array, Diffusion, Layer, Manner, Watch
from bridge.engine.local import LocalWindows
from bridge.engine.meaning import Meaning
from bridge.engine.patches import InMemory, Patch, Sound, joined, patched, stretches
from bridge.engine.rates import Rates
from bridge.engine.spans import Span
from bridge.engine.whole import WholeWindows
from bridge.errors import RequestError
from bridge.packs import contract
from bridge.packs.manifest import Manifest
from bridge.packs.stages import MAX_GUIDANCE, MAX_STEPS

log = logging.getLogger(__name__)


class Pack(Protocol):
    """What this stage asks of a loaded pack."""

    @property
    def manifest(self) -> Manifest: ...

    def graph(self, role: str) -> Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]: ...

    def path(self, name: str) -> Path: ...


class Generator:
    """Makes sound with a pack's graphs.

    Args:
        pack: a loaded pack.
        keep_bytes: of contacts that were made, for the next time; only for packs with a window for each onset.

    Raises:
        PackError: the pack has no *what* stage, or one that this version cannot run.
    """

    def __init__(self, pack: Pack, *, keep_bytes: int = KEEP_BYTES) -> None:
        self._what = pack.manifest.require_what()
        self._sampler = samplers.sampler(self._what.sampler)
        self._meaning = Meaning(pack)
        self._diffusion = Diffusion(pack)
        windows = {
            "local": LocalWindows,
            "whole": WholeWindows,
            "onset": partial(OnsetWindows, keep_bytes=keep_bytes),
        }[self._what.windows]
        self._windows: LocalWindows | WholeWindows | OnsetWindows = windows(self._diffusion, self._what)

    @property
    def rate_hz(self) -> int:
        """Sampling rate that the pack makes sound at."""
        return self._what.rate_hz

    @property
    def adds(self) -> bool:
        """Whether what sounds at one onset does not depend on the others."""
        return self._windows.adds

    @property
    def tail_s(self) -> float:
        """How long a sound may last after its onset."""
        return self._windows.tail_frames * self._what.hop_samples / self._what.rate_hz

    def warm_up(self) -> None:
        """Opens the graphs that a prompt needs and runs each once."""
        self._diffusion.open()
        self._meaning.warm_up()
        tensors = self._diffusion.prepared(contract.EMBEDDING, self._meaning.of_nothing())
        layer = Layer(onsets={}, meaning=tensors)
        times = self._diffusion.times(1)
        sigma = next(iter(times))
        manner = Manner(seed=0, steps=1, guidance=2.0, sampler=self._sampler, times=times, null=tensors)
        watch = Watch(progress=ignore, cancelled=never)
        span = (0, 2 * self._what.align_frames)
        track = self._diffusion.prepared(contract.ONSET_TRACK, layer.track(span, within=span))
        nothing = np.zeros((self._what.latent_channels, span[1]), np.float32)
        self._diffusion.decoded(self._diffusion.velocity(nothing, sigma, layer, track, manner, watch), watch)

    def check_prompt(self, prompt: str) -> tuple[str, ...]:
        """Words that will be ignored.

        Raises:
            RequestError: the prompt is empty, or none of its words is understood; the hint names what is.
        """
        return self._meaning.check(prompt)

    def check_reference(self, reference: Reference) -> None:
        """Looks whether the pack can listen to an example sound.

        Raises:
            RequestError: it cannot, or the file is not the one that was named. MediaError: the file cannot be read.
        """
        self._meaning.heard(reference)

    def check_sampler(self, name: str | None) -> None:
        """Raises RequestError, naming those that are known, unless there is a sampler of that name; None is fine."""
        if name is not None and name not in samplers.SAMPLERS:
            known = ", ".join(samplers.SAMPLERS)
            raise RequestError(f'there is no sampler "{name}"', hint=f"Known are {known}; the pack chooses one itself")

    def render(
        self,
        request: Request,
        *,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> Audio:
        """Sound for a request: mono, exactly its length and rate, digital silence where nothing can sound.

        Args:
            request: onsets beyond the length, or of strength or force 0, make no sound.
            progress: is told the fraction done, 0..1. cancelled: is asked before every call of the network.

        Raises:
            RequestError: words are not understood, guidance or steps are out of range, the sampler is unknown, or the
                reference is none that the pack can listen to. MediaError: the reference cannot be read.
            EngineError: a graph failed. JobCancelled: ``cancelled`` said so.
        """
        if isinstance(self._windows, OnsetWindows):
            samples = np.empty(request.length_samples, np.float32)
            whole = (0, request.length_samples)
            for at, block in self._contacts(self._windows, request, [whole], progress, cancelled):
                samples[at : at + len(block)] = block
        else:
            samples = self._sound(request, progress, cancelled)
        return Audio(samples=samples[None], rate_hz=request.rate_hz)

    def stream(
        self,
        request: Request,
        *,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> Iterator[Array]:
        """What ``render`` gives, bit for bit, as blocks (n,) one after the other.

        Where every onset has a window of its own, memory does not grow with the length; elsewhere the whole sound is
        made first.

        Raises:
            as ``render``, when a block is asked for.
        """
        whole = (0, request.length_samples)
        if isinstance(self._windows, OnsetWindows):
            for _, block in self._contacts(self._windows, request, [whole], progress, cancelled):
                yield block
            return
        sound = self._sound(request, progress, cancelled)
        for start in range(0, len(sound), level.BLOCK_SAMPLES):
            yield sound[start : start + level.BLOCK_SAMPLES]

    def _contacts(
        self,
        windows: OnsetWindows,
        request: Request,
        spans: Sequence[Span],
        progress: Progress,
        cancelled: Cancelled,
    ) -> Iterator[tuple[int, Array]]:
        """(first sample, samples) of spans at the request's rate, ascending, block by block; no more is made."""
        rates, total, frames = self._extent(request)
        self._diffusion.open()
        manner = self._manner(request)
        contacts = windows.contacts(self._layers(request, frames))
        near = [(max(0, start), min(total, stop)) for start, stop in map(rates.needed, spans)]
        watch = Watch(progress=progress, cancelled=cancelled, total=windows.calls(contacts, near, manner))
        for span, (start, stop) in zip(spans, near, strict=True):
            at = span[0]
            blocks = windows.blocks(contacts, (start, max(start, stop)), manner, watch)
            for block in rates.converted(blocks, start, span):
                yield at, level.limit(block)
                at += len(block)
        progress(1.0)

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
        spans the samples are those of ``previous``. If more than onsets changed, everything is made again. Where every
        onset has a window of its own, tails are made again to their end, and the result is that of ``render``,
        byte for byte, if ``previous`` was.

        Returns:
            The sound, and the spans in samples that may differ from ``previous``.

        Raises:
            as ``render``.
        """
        if len(previous.samples) != 1:
            audio = self.render(request, progress=progress, cancelled=cancelled)
            return audio, [(0, request.length_samples)]
        patches = self.changes(
            request,
            previous_request=previous_request,
            previous=InMemory(previous),
            progress=progress,
            cancelled=cancelled,
        )
        return patched(previous, patches, request), [patch.span for patch in patches]

    def changes(
        self,
        request: Request,
        *,
        previous_request: Request,
        previous: Sound,
        within: Span | None = None,
        progress: Progress = ignore,
        cancelled: Cancelled = never,
    ) -> list[Patch]:
        """The samples in which a request's sound differs from one that exists, ascending; see ``remake``.

        Args:
            request: what is wanted. previous_request: what ``previous`` was made for.
            previous: is read near the ends of what changes; whole windows read all of it.
            within: samples of the time selection: nothing outside changes, and where more than onsets changed
                everything inside is made anew. Its seams lie at quiet places inside (see ``patches``).

        Raises:
            as ``render``; RequestError: the selection is not on the sound, or the sound has another length or rate.
        """
        windows = self._windows
        found = stretches(request, previous_request, previous, within=within, tail_s=self.tail_s, adds=windows.adds)
        spans = [stretch.span for stretch in found]
        if not found:
            progress(1.0)
            return []
        if isinstance(windows, OnsetWindows):
            sounds = [np.empty(stop - start, np.float32) for start, stop in spans]
            for at, block in self._contacts(windows, request, spans, progress, cancelled):
                number = max(number for number, span in enumerate(spans) if span[0] <= at)
                sounds[number][at - spans[number][0] :][: len(block)] = block
        else:
            wanted = None if found[0].everything else spans
            known = previous.read(0, request.length_samples)[0] if windows.keeps and wanted else None
            sound = self._sound(request, progress, cancelled, wanted=wanted, previous=known)
            sounds = [sound[start:stop] for start, stop in spans]
        requests = (previous_request, request)
        return [joined(one, sound, previous, requests) for one, sound in zip(found, sounds, strict=True)]

    def _sound(
        self,
        request: Request,
        progress: Progress,
        cancelled: Cancelled,
        *,
        wanted: Sequence[Span] | None = None,
        previous: Array | None = None,
    ) -> Array:
        """Samples at the request's rate; right inside ``wanted`` (everywhere if None), anything elsewhere."""
        rate, hop = self._what.rate_hz, self._what.hop_samples
        _, total, frames = self._extent(request)
        self._diffusion.open()
        manner = self._manner(request)
        layers = self._layers(request, frames)
        near = None
        if wanted is not None:
            scale = rate / request.rate_hz / hop
            near = [(int(start * scale) - 2, int(end * scale) + 3) for start, end in wanted]
        if previous is not None:
            previous = level.resample(previous, from_hz=request.rate_hz, to_hz=rate, length=frames * hop)
        watch = Watch(progress=progress, cancelled=cancelled)
        mix = self._windows.sound(layers, frames, manner, watch, wanted=near, previous=previous)
        progress(1.0)
        return level.limit(
            level.resample(mix[:total], from_hz=rate, to_hz=request.rate_hz, length=request.length_samples)
        )

    def _extent(self, request: Request) -> tuple[Rates, int, int]:
        """From the pack's rate to the request's; samples and frames of the request's length at the pack's."""
        rate = self._what.rate_hz
        total = -(-request.length_samples * rate // request.rate_hz)
        return Rates(rate, request.rate_hz), total, -(-total // self._what.hop_samples)

    def _manner(self, request: Request) -> Manner:
        steps = self._what.steps if request.steps is None else request.steps
        guidance = self._what.guidance if request.guidance is None else request.guidance
        if not 1 <= steps <= MAX_STEPS:
            raise RequestError(f"steps must lie in 1..{MAX_STEPS}, got {steps}", hint="Leave it to the pack")
        if not 0.0 <= guidance <= MAX_GUIDANCE:
            raise RequestError(
                f"guidance must lie in 0..{MAX_GUIDANCE:g}, got {guidance:g}", hint="Leave it to the pack"
            )
        self.check_sampler(request.sampler)
        null = None
        if guidance != 1.0:
            null = self._diffusion.prepared(contract.EMBEDDING, self._meaning.of_nothing())
        return Manner(
            seed=request.seed,
            steps=steps,
            guidance=guidance,
            sampler=self._sampler if request.sampler is None else samplers.SAMPLERS[request.sampler],
            times=self._diffusion.times(steps),
            null=null,
            noise_range=self._what.noise_range,
            mix=request.mix,
        )

    def _layers(self, request: Request, frames: int) -> list[Layer]:
        """One layer for each different meaning, in order of first appearance."""
        places = frames * self._what.hop_samples // self._windows.place_samples
        by_meaning: dict[str | Reference, dict[int, tuple[float, float]]] = {}
        for onset in request.onsets:
            inside = 0 <= onset.time_s < request.length_samples / request.rate_hz
            if inside and onset.strength > 0.0 and onset.told > 0.0:
                hits = by_meaning.setdefault(request.meaning_of(onset), {})
                place = min(self._place(onset.time_s), places - 1)
                strength, told = hits.get(place, (0.0, 0.0))
                hits[place] = (max(onset.strength, strength), max(onset.told, told))
        return [
            Layer(
                onsets={place: strength for place, (strength, _) in hits.items()},
                meaning=self._diffusion.prepared(contract.EMBEDDING, self._embedding(meaning)),
                forces={place: told for place, (strength, told) in hits.items() if told != strength},
            )
            for meaning, hits in by_meaning.items()
        ]

    def _place(self, time_s: float) -> int:
        """Where an onset lies on the grid: at the nearest place; where latent frames are samples, the one it lies in.

        So the published SyncFusion counts; elsewhere a time that is a sample's, but for rounding, is that sample.
        """
        place = time_s * self._what.rate_hz / self._windows.place_samples
        return math.floor(place) if self._what.hop_samples == 1 else round(place)

    def _embedding(self, meaning: str | Reference) -> Array:
        if isinstance(meaning, Reference):
            return self._meaning.of_reference(meaning)
        ignored = self._meaning.check(meaning)
        if ignored:
            log.debug("words without a meaning to the pack: %s", ", ".join(ignored))
        return self._meaning.of_prompt(meaning)
