"""One layer's sound over one span: noise in, the network window by window, latent decoded.

Convention: a span is in latent frames counted from the item's start. Windows see as far as the network looks, so that
the result does not depend on where they fall.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.engine import samplers
from bridge.engine.spans import Span
from bridge.engine.tiles import Windowing, noise
from bridge.errors import JobCancelled, PackError
from bridge.packs import contract
from bridge.packs.manifest import What

Array = NDArray[np.float32]


class Graphs(Protocol):
    """What this needs of a loaded pack."""

    def graph(self, role: str) -> Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Layer:
    """Onsets that share their words.

    Attributes:
        onsets: frame to strength, 0..1.
        embedding: of the words, shape (1, dim).
    """

    onsets: Mapping[int, float]
    embedding: Array

    def track(self, window: Span, *, within: Span) -> Array:
        """The onset track of a window, shape (1, 1, frames); nothing outside ``within`` is on it."""
        track = np.zeros((1, 1, window[1] - window[0]), np.float32)
        for frame, strength in self.onsets.items():
            if max(window[0], within[0]) <= frame < min(window[1], within[1]):
                track[0, 0, frame - window[0]] = strength
        return track


@dataclass(frozen=True, kw_only=True, eq=False)
class Manner:
    """How a render is made.

    Attributes:
        seed: of the noise. steps: of the sampler. guidance: 1 for none.
        null: embedding of no words, shape (1, dim); None if there is no guidance.
    """

    seed: int
    steps: int
    guidance: float
    null: Array | None


@dataclass(kw_only=True)
class Watch:
    """Counts calls of graphs, tells how far they are and stops when asked."""

    total: int
    progress: Callable[[float], None]
    cancelled: Callable[[], bool]
    done: int = 0

    def check(self) -> None:
        """Raises JobCancelled if somebody cancelled."""
        if self.cancelled():
            raise JobCancelled("making sound was cancelled")

    def tick(self) -> None:
        """One call is done."""
        self.done += 1
        self.progress(min(1.0, self.done / self.total))


class Diffusion:
    """Runs a pack's ``text``, ``denoiser`` and ``decoder`` graphs.

    Args:
        graphs: a loaded pack. what: its numbers. windowing: how long spans are cut.

    Raises:
        PackError: the pack asks for a sampler that is not known.
    """

    def __init__(self, graphs: Graphs, what: What, windowing: Windowing) -> None:
        self._graphs, self._what, self._windowing = graphs, what, windowing
        self._sampler = samplers.sampler(what.sampler)

    def embed(self, tags: Array) -> Array:
        """Multi-hot tags (vocabulary,) -> embedding (1, dim)."""
        return self._graphs.graph(contract.TEXT)({contract.TAGS: tags[None]})[contract.EMBEDDING]

    def calls(self, span: Span, steps: int) -> int:
        """How many calls of graphs ``sound`` takes for a span."""
        return len(list(self._windowing.pieces(span))) * (steps + 1)

    def sound(self, layer: Layer, span: Span, manner: Manner, watch: Watch) -> Array:
        """Samples at the pack's rate, shape (frames of the span * hop,).

        Raises:
            EngineError: a graph failed. JobCancelled: the watch said so.
        """

        def velocity(x: Array, sigma: float) -> Array:
            def in_window(window: Span) -> Array:
                part = x[:, window[0] - span[0] : window[1] - span[0]]
                return self._velocity(part, sigma, layer.track(window, within=span), layer.embedding, manner)

            return self._windowing.run(watched(in_window), span)

        def decoded(window: Span) -> Array:
            part = latent[:, window[0] - span[0] : window[1] - span[0]]
            audio = self._graphs.graph(contract.DECODER)({contract.LATENT: part[None]})[contract.AUDIO][0, 0]
            if len(audio) != part.shape[1] * self._what.hop_samples:
                raise PackError(
                    f"the decoder gives {len(audio) / part.shape[1]:g} samples a frame, "
                    f"where the pack's hop_samples says {self._what.hop_samples}",
                    hint="Get the pack again, or export it again with foley-export",
                )
            return audio

        def watched(function: Callable[[Span], Array]) -> Callable[[Span], Array]:
            def call(window: Span) -> Array:
                watch.check()
                answer = function(window)
                watch.tick()
                return answer

            return call

        start = noise(span, seed=manner.seed, channels=self._what.latent_channels)
        latent = self._sampler(velocity, start, steps=manner.steps)
        return self._windowing.run(watched(decoded), span)

    def _velocity(self, x: Array, sigma: float, track: Array, embedding: Array, manner: Manner) -> Array:
        """One call of the network; with guidance, the unconditional answer comes in the same call."""
        embeddings = embedding if manner.null is None else np.concatenate([embedding, manner.null])
        count = len(embeddings)
        arrays = {
            contract.NOISY: np.repeat(x[None], count, axis=0),
            contract.SIGMA: np.full(count, sigma, np.float32),
            contract.ONSET_TRACK: np.repeat(track, count, axis=0),
            contract.EMBEDDING: embeddings,
        }
        answer = self._graphs.graph(contract.DENOISER)(arrays)[contract.VELOCITY]
        return answer[0] if manner.null is None else samplers.guided(answer[0], answer[1], manner.guidance)
