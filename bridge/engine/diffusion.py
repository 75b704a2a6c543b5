"""A pack's denoiser with everything around it: what it takes, prepared as seldom as possible, and what it gives.

Convention: the denoiser's inputs beyond the noisy signal are wired by name (see ``bridge.packs.contract``): each is a
source itself (noise level, onset track, embedding) or comes out of a graph that looks at one source alone. What depends
on the noise level is prepared once for all steps, what depends on words once for each, what depends on onsets once for
each window. A span is in latent frames counted from the item's start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.engine import samplers
from bridge.engine.callbacks import Cancelled, Progress
from bridge.engine.samplers import Sampler
from bridge.engine.spans import Span
from bridge.engine.tiles import mixed
from bridge.errors import JobCancelled, PackError
from bridge.packs import contract
from bridge.packs.manifest import Manifest

Array = NDArray[np.float32]
Tensors = Mapping[str, NDArray[Any]]
"""What the denoiser takes, by its names; first axis: batch."""

_AGAIN = "Get the pack again, or export it again with foley-export"


class Pack(Protocol):
    """What this needs of a loaded pack."""

    @property
    def manifest(self) -> Manifest: ...

    def graph(self, role: str) -> Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """Onsets that share their meaning.

    Attributes:
        onsets: place to strength, 0..1: how loud the sound is where the windowing sets its level.
        meaning: what the denoiser takes of the words or the reference, prepared; batch of 1.
        forces: place to how hard the net is told that the onset is, where that is not its strength.
    """

    onsets: Mapping[int, float]
    meaning: Tensors
    forces: Mapping[int, float] = field(default_factory=dict)

    def told(self, place: int) -> float:
        """How hard the net is told that the onset at a place is, 0..1."""
        return self.forces.get(place, self.onsets[place])

    def track(self, window: Span, *, within: Span) -> Array:
        """The onset track of a window, shape (1, 1, frames); nothing outside ``within`` is on it."""
        track = np.zeros((1, 1, window[1] - window[0]), np.float32)
        for frame in self.onsets:
            if max(window[0], within[0]) <= frame < min(window[1], within[1]):
                track[0, 0, frame - window[0]] = self.told(frame)
        return track


@dataclass(frozen=True, kw_only=True, eq=False)
class Manner:
    """How a render is made.

    Attributes:
        seed: of the noise. mix: see ``Request.mix``. steps: of the sampler. guidance: 1 for none.
        sampler: takes noise to data.
        times: noise level to what the denoiser takes of it, for every level that the sampler will ask for.
        null: like a layer's meaning, of no words; None if there is no guidance.
        noise_range: see ``samplers.sigmas``.
    """

    seed: int
    steps: int
    guidance: float
    sampler: Sampler
    times: Mapping[float, Tensors]
    null: Tensors | None
    noise_range: tuple[float, float] | None = None
    mix: tuple[tuple[int, float], ...] = ()

    def noise(self, noise_of: Callable[[int], Array]) -> Array:
        """What the sampler begins with, from what gives a seed's noise."""
        return mixed(noise_of, self.seed, self.mix)


@dataclass(kw_only=True)
class Watch:
    """Counts calls of graphs, tells how far they are and stops when asked."""

    progress: Progress
    cancelled: Cancelled
    total: int = 1
    done: int = 0

    def check(self) -> None:
        """Raises JobCancelled if somebody cancelled."""
        if self.cancelled():
            raise JobCancelled("making sound was cancelled")

    def tick(self) -> None:
        """One call is done."""
        self.skip(1)

    def skip(self, calls: int) -> None:
        """So many calls need not be done, or are."""
        self.done += calls
        self.progress(min(1.0, self.done / max(1, self.total)))


class Diffusion:
    """Runs a pack's ``denoiser``, ``decoder`` and preparing graphs.

    Args:
        pack: a loaded pack.

    Raises:
        PackError: a preparing graph gives the denoiser something that has no batch.
    """

    def __init__(self, pack: Pack) -> None:
        self._pack, self._what = pack, pack.manifest.require_what()
        graphs = pack.manifest.graphs
        taken = {tensor.name for tensor in graphs[contract.DENOISER].inputs[1:]}
        self._direct = taken & set(contract.SOURCES)
        self._preparing: dict[str, tuple[str, list[str]]] = {}
        for role, source in contract.PREPARING.items():
            given = [tensor for tensor in graphs[role].outputs if tensor.name in taken] if role in graphs else []
            if any(not tensor.axes or tensor.axes[0] != contract.BATCH for tensor in given):
                raise PackError(f'graph "{role}" gives a tensor whose first axis is not the batch', hint=_AGAIN)
            if given:
                self._preparing[source] = (role, [tensor.name for tensor in given])
        self._decodes = contract.DECODER in graphs

    def open(self) -> None:
        """Opens the denoiser: while it opens it holds its weights twice, so before the others take memory."""
        self._pack.graph(contract.DENOISER)

    def providers(self) -> tuple[str, ...]:
        """What the denoiser and the decoder run on now, by ONNX Runtime's names; nothing of a graph that does not say.

        A card that fails gives way to the CPU, whose numbers differ in their last digits.
        """
        roles = (contract.DENOISER, contract.DECODER) if self._decodes else (contract.DENOISER,)
        return tuple(name for role in roles for name in getattr(self._pack.graph(role), "providers", ())[:1])

    def prepared(self, source: str, value: NDArray[Any]) -> Tensors:
        """What the denoiser takes of a source.

        Args:
            source: one of ``contract.SOURCES``. value: as the contract wants it.
        """
        tensors = {source: value} if source in self._direct else {}
        if source in self._preparing:
            role, names = self._preparing[source]
            answer = self._pack.graph(role)({source: value})
            tensors |= {name: answer[name] for name in names}
        return tensors

    def times(self, steps: int) -> Mapping[float, Tensors]:
        """What the denoiser takes of every noise level of a schedule, made in one batch."""
        sigmas = samplers.sigmas(steps, self._what.noise_range)
        table = self.prepared(contract.SIGMA, np.array(sigmas, np.float32))
        return {sigma: {name: rows[row : row + 1] for name, rows in table.items()} for row, sigma in enumerate(sigmas)}

    def calls(self, manner: Manner) -> int:
        """How many calls of graphs one stretch takes that is sampled and decoded in one piece."""
        apart = manner.null is not None and not self._what.guidance_batched
        return manner.steps * (2 if apart else 1) + (1 if self._decodes else 0)

    def velocity(self, x: Array, sigma: float, layer: Layer, track: Tensors, manner: Manner, watch: Watch) -> Array:
        """The network's answer, guided (``samplers``' convention).

        Args:
            x: (channels, frames). sigma: one of the manner's. track: of these frames, prepared.

        Raises:
            EngineError: a graph failed. JobCancelled: the watch said so.
        """
        known = {**manner.times[sigma], **track}
        if manner.null is None:
            return self._call(x[None], {**known, **layer.meaning}, watch)[0]
        if self._what.guidance_batched:
            known = {name: np.repeat(array, 2, axis=0) for name, array in known.items()}
            both = {name: np.concatenate([array, manner.null[name]]) for name, array in layer.meaning.items()}
            answers = self._call(np.repeat(x[None], 2, axis=0), {**known, **both}, watch)
            return samplers.guided(answers[0], answers[1], manner.guidance)
        prompted = self._call(x[None], {**known, **layer.meaning}, watch)[0]
        unprompted = self._call(x[None], {**known, **manner.null}, watch)[0]
        return samplers.guided(prompted, unprompted, manner.guidance)

    def decoded(self, latent: Array, watch: Watch) -> Array:
        """Samples (frames * hop,) of a latent (channels, frames); where there is no decoder it is the waveform.

        Raises:
            as ``velocity``; PackError: the decoder's hop is not the pack's.
        """
        if not self._decodes:
            return latent[0]
        watch.check()
        audio = self._pack.graph(contract.DECODER)({contract.LATENT: latent[None]})[contract.AUDIO][0, 0]
        if len(audio) != latent.shape[1] * self._what.hop_samples:
            raise PackError(
                f"the decoder gives {len(audio) / latent.shape[1]:g} samples a frame, "
                f"where the pack's hop_samples says {self._what.hop_samples}",
                hint=_AGAIN,
            )
        watch.tick()
        return audio

    def _call(self, noisy: Array, tensors: Tensors, watch: Watch) -> Array:
        watch.check()
        answer = self._pack.graph(contract.DENOISER)({contract.NOISY: noisy, **tensors})[contract.VELOCITY]
        watch.tick()
        return answer
