"""Sound from a net that looks at a neighbourhood only: any stretch can be made by itself, in windows that fit together.

Convention: only the stretches in which something can sound are made. Windows see as far as the network looks, so that
the result does not depend on where they fall.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bridge.engine import level
from bridge.engine.diffusion import Array, Diffusion, Layer, Manner, Tensors, Watch
from bridge.engine.spans import Span, intersect, widen
from bridge.engine.tiles import Windowing, noise
from bridge.packs import contract
from bridge.packs.manifest import What


class LocalWindows:
    """Makes stretches of sound.

    Args:
        diffusion: runs the graphs. what: the pack's numbers.

    Raises:
        PackError: windows and overlap leave nothing between.
    """

    keeps = False
    """Whether what was there before may guide what is made again."""

    def __init__(self, diffusion: Diffusion, what: What) -> None:
        self._diffusion, self._what, self._align = diffusion, what, what.align_frames
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
            sound = self._gated(self._made(layer, span, manner, watch), layer, stretch, span)
            skip, room = max(0, -span[0] * hop), len(mix) - span[0] * hop
            mix[max(0, span[0] * hop) : span[1] * hop] += sound[skip:room]
        return mix

    def _made(self, layer: Layer, span: Span, manner: Manner, watch: Watch) -> Array:
        """Samples (frames of the span * hop,)."""
        tracks: dict[Span, Tensors] = {}

        def part(array: Array, window: Span) -> Array:
            return array[:, window[0] - span[0] : window[1] - span[0]]

        def velocity(x: Array, sigma: float) -> Array:
            def in_window(window: Span) -> Array:
                if window not in tracks:
                    track = layer.track(window, within=span)
                    tracks[window] = self._diffusion.prepared(contract.ONSET_TRACK, track)
                return self._diffusion.velocity(part(x, window), sigma, layer, tracks[window], manner, watch)

            return self._windowing.run(in_window, span)

        start = noise(span, seed=manner.seed, channels=self._what.latent_channels, block=self._align)
        latent = manner.sampler(velocity, start, steps=manner.steps)
        return self._windowing.run(lambda window: self._diffusion.decoded(part(latent, window), watch), span)

    def _stretches(self, layer: Layer, frames: int) -> list[Span]:
        """Where a layer can sound."""
        spans = [(frame, frame + 1) for frame in layer.onsets]
        end = -(-frames // self._align) * self._align
        grown = widen(spans, before=self._align, after=self.tail_frames, align=self._align)
        return [(start, min(stop, end)) for start, stop in grown]

    def _gated(self, sound: Array, layer: Layer, stretch: Span, span: Span) -> Array:
        """Silent before the stretch's first onset, faded where the stretch ends."""
        hop, rate = self._what.hop_samples, self._what.rate_hz
        first = min(frame for frame in layer.onsets if stretch[0] <= frame < stretch[1])
        return sound * level.gate(
            len(sound),
            opens=(first - span[0]) * hop,
            fade_in=int(level.FADE_IN_S * rate),
            closes=(stretch[1] - span[0]) * hop,
            fade_out=int(level.FADE_OUT_S * rate),
        )
