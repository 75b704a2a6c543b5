"""Sound from a net that makes one contact at a time: every onset has a window of its own, and windows add up.

Convention: a window begins with its onset, at the sample exactly, and has the pack's full length. The net is told how
hard the onset is, and the sound is made as loud as that: so a level is met, a soft onset never cuts the ring of a loud
one, and what sounds at one onset does not depend on any other.

All windows of a render share a part of their noise, the rest belongs to seed and place: takes of one thing rather than
several things.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from bridge.engine import level
from bridge.engine.diffusion import Array, Diffusion, Layer, Manner, Watch
from bridge.engine.spans import Span, intersect
from bridge.packs import contract
from bridge.packs.stages import What

FADE_IN_S = 0.0003
"""A sound rises this long from its onset: too short to be heard, long enough not to click."""
_SHARED, _OWN = 0, 1


class OnsetWindows:
    """Makes contacts one after the other.

    Args:
        diffusion: runs the graphs. what: the pack's numbers.
    """

    keeps = False
    """Whether what was there before may guide what is made again."""
    adds = True
    """Whether what sounds at one onset does not depend on the others."""
    place_samples = 1
    """Samples of the grid that onsets lie on."""

    def __init__(self, diffusion: Diffusion, what: What) -> None:
        self._diffusion, self._what = diffusion, what
        self.tail_frames = what.window_frames

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
            layers: what sounds; their onsets count samples. frames: length of the item. manner: how.
            watch: is told and asked. wanted: spans of frames that must be right, anything may stand elsewhere; None
                for everything. previous: the sound so far; no contact needs it.

        Raises:
            EngineError: a graph failed. JobCancelled: the watch said so.
        """
        onsets = [
            (layer, sample)
            for layer in layers
            for sample in sorted(layer.onsets)
            if wanted is None or intersect([self._heard(sample)], wanted)
        ]
        watch.total = len(onsets) * self._diffusion.calls(manner)
        shared = manner.noise(partial(self._noise, _SHARED, 0))
        mix = np.zeros(frames * self._what.hop_samples, np.float32)
        for layer, sample in onsets:
            sound = self._made(layer, sample, shared, manner, watch) * np.float32(layer.onsets[sample])
            mix[sample : sample + len(sound)] += sound[: max(0, len(mix) - sample)]
        return mix

    def _heard(self, sample: int) -> Span:
        """Frames in which the window of an onset may sound."""
        hop = self._what.hop_samples
        return sample // hop, -(-sample // hop) + self.tail_frames

    def _made(self, layer: Layer, sample: int, shared: Array, manner: Manner, watch: Watch) -> Array:
        """Samples of one window, (window frames * hop,), not yet as loud as the onset is strong."""
        watch.check()
        what = self._what
        window = (0, what.window_frames)
        told = Layer(onsets={0: layer.told(sample)}, meaning=layer.meaning).track(window, within=window)
        track = self._diffusion.prepared(contract.ONSET_TRACK, told)

        def velocity(x: Array, sigma: float) -> Array:
            return self._diffusion.velocity(x, sigma, layer, track, manner, watch)

        own = manner.noise(partial(self._noise, _OWN, sample))
        start = np.float32(math.sqrt(what.likeness)) * shared + np.float32(math.sqrt(1.0 - what.likeness)) * own
        latent = manner.sampler(velocity, start, steps=manner.steps, noise_range=manner.noise_range)
        sound = self._diffusion.decoded(latent, watch)
        fade_in = max(1, int(FADE_IN_S * what.rate_hz))
        return sound * level.gate(
            len(sound),
            opens=fade_in,
            fade_in=fade_in,
            closes=len(sound),
            fade_out=int(level.FADE_OUT_S * what.rate_hz),
        )

    def _noise(self, kind: int, place: int, seed: int) -> Array:
        generator = np.random.default_rng([seed, kind, place])
        return generator.standard_normal((self._what.latent_channels, self._what.window_frames), dtype=np.float32)
