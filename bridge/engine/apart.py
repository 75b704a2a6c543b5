"""Sound from a net that makes one contact at a time: every onset has a window of its own, and windows add up.

Convention: a window's first onset lies ``lead_frames`` after its beginning and sounds at its sample exactly, whatever
the hop. Onsets that follow within ``JOIN_S`` belong to the same contact (a flam, a rebound, a roll) and share its
window. Strengths in a window's onset track are told beside the hardest of them, and the sound is as loud as that one:
so a level is met exactly, a soft onset never cuts the ring of a loud one, and what sounds at one onset does not depend
on any other window.

All windows of a render share a part of their noise, the rest belongs to seed and place: several takes of one thing
rather than several things.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bridge.engine import level
from bridge.engine.diffusion import Array, Diffusion, Layer, Manner, Watch
from bridge.engine.spans import Span, intersect
from bridge.packs import contract
from bridge.packs.manifest import What

JOIN_S = 0.06
"""Onsets no further than this after a window's first share the window."""
_SHARED, _OWN = 0, 1


class OnsetWindows:
    """Makes contacts one after the other.

    Args:
        diffusion: runs the graphs. what: the pack's numbers.
    """

    keeps = False
    """Whether what was there before may guide what is made again."""
    place_samples = 1
    """Samples of the grid that onsets lie on."""

    def __init__(self, diffusion: Diffusion, what: What) -> None:
        self._diffusion, self._what = diffusion, what
        self.tail_frames = what.window_frames - what.lead_frames

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
        hop = self._what.hop_samples
        parts = [
            (layer, group)
            for layer in layers
            for group in self._groups(layer)
            if wanted is None or intersect([self._heard(group)], wanted)
        ]
        watch.total = len(parts) * self._diffusion.calls(manner)
        shared = self._noise(manner.seed, _SHARED, 0)
        mix = np.zeros(frames * hop, np.float32)
        for layer, group in parts:
            hardest = max(layer.onsets[sample] for sample in group)
            sound = self._made(layer, group, shared, manner, watch) * np.float32(hardest)
            start = group[0] - self._what.lead_frames * hop
            skip, room = max(0, -start), max(0, len(mix) - start)
            mix[max(0, start) : start + len(sound)] += sound[skip:room]
        return mix

    def _groups(self, layer: Layer) -> list[list[int]]:
        """Onsets that share a window, in samples, ascending."""
        join = round(JOIN_S * self._what.rate_hz)
        groups: list[list[int]] = []
        for sample in sorted(layer.onsets):
            if groups and sample - groups[-1][0] <= join:
                groups[-1].append(sample)
            else:
                groups.append([sample])
        return groups

    def _heard(self, group: Sequence[int]) -> Span:
        """Frames in which a window may sound."""
        hop = self._what.hop_samples
        return group[0] // hop - 1, -(-group[0] // hop) + self.tail_frames

    def _made(self, layer: Layer, group: Sequence[int], shared: Array, manner: Manner, watch: Watch) -> Array:
        """Samples of one window, (window frames * hop,), of strength 1."""
        watch.check()
        what = self._what
        hardest = max(layer.onsets[sample] for sample in group)
        onsets: dict[int, float] = {}
        for sample in group:
            frame = what.lead_frames + round((sample - group[0]) / what.hop_samples)
            onsets[frame] = max(layer.onsets[sample] / hardest, onsets.get(frame, 0.0))
        window = (0, what.window_frames)
        told = Layer(onsets=onsets, meaning=layer.meaning).track(window, within=window)
        track = self._diffusion.prepared(contract.ONSET_TRACK, told)

        def velocity(x: Array, sigma: float) -> Array:
            return self._diffusion.velocity(x, sigma, layer, track, manner, watch)

        own = self._noise(manner.seed, _OWN, group[0])
        start = math.sqrt(what.likeness) * shared + math.sqrt(1.0 - what.likeness) * own
        latent = manner.sampler(velocity, start.astype(np.float32), steps=manner.steps, noise_range=manner.noise_range)
        sound = self._diffusion.decoded(latent, watch)
        return sound * level.gate(
            len(sound),
            opens=what.lead_frames * what.hop_samples,
            fade_in=int(level.FADE_IN_S * what.rate_hz),
            closes=len(sound),
            fade_out=int(level.FADE_OUT_S * what.rate_hz),
        )

    def _noise(self, seed: int, kind: int, place: int) -> Array:
        generator = np.random.default_rng([seed, kind, place])
        return generator.standard_normal((self._what.latent_channels, self._what.window_frames), dtype=np.float32)
