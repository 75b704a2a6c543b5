"""Sound from a net that looks at a neighbourhood only: any stretch can be made by itself, in windows that fit together.

Convention: only the stretches in which something can sound are made. Windows see as far as the network looks, so that
the result does not depend on where they fall. A window goes its next step as soon as its neighbours have gone as many
as it needs, and is heard when it has gone all: the numbers are those of taking each step everywhere before the next
one, and memory does not grow with the item.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from bridge.engine import level, samplers
from bridge.engine.diffusion import Array, Diffusion, Layer, Manner, Tensors, Watch
from bridge.engine.spans import Span, intersect, widen
from bridge.engine.tiles import Stream, Windowing, noise
from bridge.packs import contract
from bridge.packs.stages import What


class LocalWindows:
    """Makes stretches of sound.

    Args:
        diffusion: runs the graphs. what: the pack's numbers.

    Raises:
        PackError: windows and overlap leave nothing between.
    """

    keeps = False
    """Whether what was there before may guide what is made again."""
    adds = False
    """Whether what sounds at one onset does not depend on the others."""

    def __init__(self, diffusion: Diffusion, what: What) -> None:
        self._diffusion, self._what, self._align = diffusion, what, what.align_frames
        self.place_samples = what.hop_samples
        self._windowing = Windowing.of(window=what.window_frames, overlap=what.overlap_frames, align=self._align)
        self.tail_frames = self._windowing.before

    def sound(
        self,
        layers: Sequence[Layer],
        frames: int,
        manner: Manner,
        watch: Watch,
        *,
        wanted: Sequence[Span] | None,
        previous: Array | None,
    ) -> Array:
        """Samples (frames * hop,) of all layers together; digital silence where nothing can sound.

        Args:
            layers: what sounds. frames: length of the item. manner: how. watch: is told and asked.
            wanted: spans that must be right, anything may stand elsewhere; None for everything.
            previous: the sound so far, at the pack's rate; a neighbourhood does not need it.

        Raises:
            EngineError: a graph failed. JobCancelled: the watch said so.
        """
        hop, window = self._what.hop_samples, self._windowing
        allowed = [(-self._align, frames + self._align)]
        if wanted is not None:
            allowed = widen(wanted, before=window.before, after=window.after, align=self._align)
        parts = [
            (layer, stretch, span)
            for layer in layers
            for stretch in self._stretches(layer, frames)
            for span in intersect([stretch], allowed)
        ]
        pieces = sum(len(list(window.pieces(span))) for _, _, span in parts)
        watch.total = pieces * self._diffusion.calls(manner)
        mix = np.zeros(frames * hop, np.float32)
        for layer, stretch, span in parts:
            for core, sound in self._made(layer, span, manner, watch):
                start = core[0] * hop
                skip, room = max(0, -start), max(0, len(mix) - start)
                mix[max(0, start) : core[1] * hop] += self._gated(sound, layer, stretch, core)[skip:room]
        return mix

    def _made(self, layer: Layer, span: Span, manner: Manner, watch: Watch) -> Iterator[tuple[Span, Array]]:
        """(core, its samples) one after the other, all over a span of frames."""
        hop, windowing = self._what.hop_samples, self._windowing
        tracks: dict[Span, Tensors] = {}
        way = samplers.angles(manner.steps, manner.noise_range)

        def step(number: int, sigma: float, core: Span, window: Span, state: Array) -> Array:
            if number == 0:
                track = layer.track(window, within=span)
                tracks[window] = self._diffusion.prepared(contract.ONSET_TRACK, track)
            v = self._diffusion.velocity(state[0], sigma, layer, tracks[window], manner, watch)
            if number == manner.steps - 1:
                del tracks[window]
            here = slice(core[0] - window[0], core[1] - window[0])
            memory = state[1][:, here] if len(state) > 1 else None
            x, memory = manner.sampler.move(state[0][:, here], v[:, here], memory, number, way)
            return np.stack([x] if memory is None else [x, memory])

        def heard(core: Span, window: Span, state: Array) -> Array:
            sound = self._diffusion.decoded(state[0], watch)
            return sound[(core[0] - window[0]) * hop : (core[1] - window[0]) * hop]

        sigmas = samplers.sigmas(manner.steps, manner.noise_range)
        steps = [partial(step, number, sigma) for number, sigma in enumerate(sigmas)]
        streams = [Stream(windowing, span, function) for function in (*steps, heard)]
        finished = (core for core, _ in windowing.pieces(span))
        for core, _ in windowing.pieces(span):
            start = manner.noise(partial(self._noise, core))
            ready = [start[None]]
            for stream in streams:
                ready = [done for values in ready for done in stream.push(values)]
            for sound in ready:
                yield next(finished), sound

    def _noise(self, span: Span, seed: int) -> Array:
        return noise(span, seed=seed, channels=self._what.latent_channels, block=self._align)

    def _stretches(self, layer: Layer, frames: int) -> list[Span]:
        """Where a layer can sound."""
        spans = [(frame, frame + 1) for frame in layer.onsets]
        end = -(-frames // self._align) * self._align
        grown = widen(spans, before=self._align, after=self.tail_frames, align=self._align)
        return [(start, min(stop, end)) for start, stop in grown]

    def _gated(self, sound: Array, layer: Layer, stretch: Span, span: Span) -> Array:
        """The sound of a span, silent before the stretch's first onset, faded where the stretch ends."""
        hop, rate = self._what.hop_samples, self._what.rate_hz
        first = min(frame for frame in layer.onsets if stretch[0] <= frame < stretch[1])
        return sound * level.gate(
            len(sound),
            opens=(first - span[0]) * hop,
            fade_in=int(level.FADE_IN_S * rate),
            closes=(stretch[1] - span[0]) * hop,
            fade_out=int(level.FADE_OUT_S * rate),
        )
