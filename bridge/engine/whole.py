"""Sound from a net whose answer depends on the whole window: every window has its full length and its fixed place.

Convention: windows begin at multiples of (window - overlap) from the item's start and are sampled to the end one after
the other, so that memory does not grow with the item. An item that fits into one window is made exactly as the net's
authors do it: noise, sampler, sound, silence before the first onset.

A further window knows the sound of the one before where they overlap. There its noisy signal is held on the straight
way from the noise to that sound, so that the sampler lands on it, and the net, which sees it at every step, carries on
what rings (the replacement method of Song et al. 2021, section 5, for the deterministic process of Salimans and Ho
2022). In the same way a window made again knows all that shall stay.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bridge.engine import level
from bridge.engine.diffusion import Array, Diffusion, Layer, Manner, Watch
from bridge.engine.samplers import Velocity
from bridge.engine.spans import Span, intersect
from bridge.engine.tiles import noise
from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.stages import What


@dataclass(frozen=True, kw_only=True, eq=False)
class Known:
    """What of a window stands already.

    Attributes:
        latent: (channels, frames); anything where it is not known.
        mask: (frames,), true where it is.
    """

    latent: Array
    mask: NDArray[np.bool_]

    def held(self, velocity: Velocity, start: Array) -> Velocity:
        """The velocity of a process that ends on what is known: exact there, the network's own elsewhere.

        Args:
            velocity: the network. start: the noise at sigma 1.
        """
        if not self.mask.any():
            return velocity

        def with_known(x: Array, sigma: float) -> Array:
            phi = math.pi / 2 * sigma
            a, b = np.float32(math.cos(phi)), np.float32(math.sin(phi))
            v = velocity(np.where(self.mask, a * self.latent + b * start, x), sigma)
            return np.where(self.mask, a * start - b * self.latent, v)

        return with_known


@dataclass(frozen=True, kw_only=True)
class _Piece:
    """One window of a layer.

    Attributes:
        span: its frames. opens: the first onset of the run of windows that it belongs to.
        closes: frame at which that run falls silent; None where the item ends before.
        follows, leads: whether the window before, or after, is sampled too.
    """

    span: Span
    opens: int
    closes: int | None
    follows: bool
    leads: bool


class WholeWindows:
    """Makes sound window by window.

    Args:
        diffusion: runs the graphs. what: the pack's numbers.

    Raises:
        PackError: windows overlap by more than half.
    """

    keeps = True
    """Whether what was there before may guide what is made again."""
    adds = False
    """Whether what sounds at one onset does not depend on the others."""

    def __init__(self, diffusion: Diffusion, what: What) -> None:
        self._diffusion, self._what = diffusion, what
        self.place_samples = what.hop_samples
        self._window, self._overlap = what.window_frames, what.overlap_frames
        self._stride = self._window - self._overlap
        if self._overlap > self._stride:
            raise PackError(
                f"windows of {self._window} frames with an overlap of {self._overlap} overlap by more than half",
                hint="Get the pack again, or export it again with foley-export",
            )
        self._seam = min(-(-int(level.SPLICE_S * what.rate_hz) // what.hop_samples), self._overlap)
        self.tail_frames = self._window

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
            previous: the sound so far, at the pack's rate: outside ``wanted`` it stays, and is known to the net if it
                is a waveform that the net makes and of one layer.

        Raises:
            EngineError: a graph failed. JobCancelled: the watch said so.
        """
        hop = self._what.hop_samples
        plans = [(layer, list(self._plan(layer, frames, wanted))) for layer in layers]
        watch.total = sum(len(pieces) for _, pieces in plans) * self._diffusion.calls(manner)
        if self._what.hop_samples != 1 or self._what.latent_channels != 1 or len(layers) > 1:
            previous = None
        mix = np.zeros(frames * hop, np.float32)
        for layer, pieces in plans:
            latent = np.zeros((self._what.latent_channels, self._window), np.float32)
            for piece in pieces:
                known = self._known(piece, latent[:, self._stride :], frames, wanted, previous)
                latent = self._made(layer, piece, frames, known, manner, watch)
                sound = self._diffusion.decoded(latent, watch) * self._gate(piece)
                start = piece.span[0] * hop
                mix[start : piece.span[1] * hop] += sound[: len(mix) - start]
        return mix

    def _plan(self, layer: Layer, frames: int, wanted: Sequence[Span] | None) -> Iterator[_Piece]:
        """The windows of a layer that must be sampled, in order.

        A window is silent, and skipped, if no onset lies in it and none before it has less than half a window of its
        ring in what came before: so a hit may ring for half a window at least, whatever follows.
        """
        count = 1 + max(0, -(-(frames - self._window) // self._stride))
        spans = [(number * self._stride, number * self._stride + self._window) for number in range(count)]
        active = [self._sounds(layer, span) for span in spans]
        wants = active if wanted is None else self._needed(spans, active, wanted)
        opens = 0
        for number, span in enumerate(spans):
            if not active[number]:
                continue
            if number == 0 or not active[number - 1]:
                opens = min(frame for frame in layer.onsets if span[0] <= frame < span[1])
            last = next(
                (later for later in range(number, count) if later + 1 == count or not active[later + 1]), number
            )
            if wants[number]:
                yield _Piece(
                    span=span,
                    opens=opens,
                    closes=spans[last][1] if spans[last][1] < frames else None,
                    follows=number > 0 and active[number - 1] and wants[number - 1],
                    leads=number + 1 < count and active[number + 1] and wants[number + 1],
                )

    def _needed(self, spans: Sequence[Span], active: Sequence[bool], wanted: Sequence[Span]) -> list[bool]:
        """Which windows make the wanted spans: as few as can be, each beginning well before what it is wanted for."""
        needed = [False] * len(spans)
        lead = [self._overlap // 2 if number and active[number - 1] else 0 for number in range(len(spans))]
        sounding = [number for number in range(len(spans)) if active[number]]
        for at, end in wanted:
            while at < end:
                here = [number for number in sounding if spans[number][0] + lead[number] <= at < spans[number][1]]
                later = [number for number in sounding if at < spans[number][0] < end]
                if here:
                    needed[here[-1]] = True
                    at = spans[here[-1]][1]
                elif later:
                    at = spans[later[0]][0]
                else:
                    break
        return needed

    def _sounds(self, layer: Layer, span: Span) -> bool:
        earliest = min(span[0], span[0] + self._overlap - self._window // 2 + 1)
        return any(earliest <= frame < span[1] for frame in layer.onsets)

    def _known(
        self, piece: _Piece, before: Array, frames: int, wanted: Sequence[Span] | None, previous: Array | None
    ) -> Known:
        """What stands already: the sound so far outside ``wanted``, and the window before where they overlap."""
        start, end = piece.span
        latent = np.zeros((self._what.latent_channels, self._window), np.float32)
        mask = np.zeros(self._window, np.bool_)
        if previous is not None and wanted is not None:
            here = previous[start : min(end, frames)]
            latent[0, : len(here)] = here
            mask[: len(here)] = True
            for first, last in intersect([piece.span], wanted):
                mask[first - start : last - start] = False
        if piece.follows:
            latent[:, : self._overlap] = np.where(mask[: self._overlap], latent[:, : self._overlap], before)
            mask[: self._overlap - self._seam] = True
        return Known(latent=latent, mask=mask)

    def _made(self, layer: Layer, piece: _Piece, frames: int, known: Known, manner: Manner, watch: Watch) -> Array:
        """One window, sampled to the end: (channels, window frames)."""
        watch.check()
        track = self._diffusion.prepared(contract.ONSET_TRACK, layer.track(piece.span, within=(0, frames)))
        start = manner.noise(partial(self._noise, piece.span))

        def velocity(x: Array, sigma: float) -> Array:
            return self._diffusion.velocity(x, sigma, layer, track, manner, watch)

        return manner.sampler(known.held(velocity, start), start, steps=manner.steps, noise_range=manner.noise_range)

    def _noise(self, span: Span, seed: int) -> Array:
        return noise(span, seed=seed, channels=self._what.latent_channels, block=self._what.align_frames)

    def _gate(self, piece: _Piece) -> Array:
        """Silent before the run's first onset and after its end; neighbours give way to each other at the seam."""
        hop, rate = self._what.hop_samples, self._what.rate_hz
        start, length = piece.span[0], self._window * hop
        weight = level.gate(
            length,
            opens=(piece.opens - start) * hop,
            fade_in=int(level.FADE_IN_S * rate),
            closes=None if piece.closes is None else (piece.closes - start) * hop,
            fade_out=int(level.FADE_OUT_S * rate),
        )
        seam, overlap = self._seam * hop, self._overlap * hop
        rise = (np.arange(seam, dtype=np.float32) + 1.0) / np.float32(seam + 1.0)
        if piece.follows:
            weight[: overlap - seam] = 0.0
            weight[overlap - seam : overlap] *= rise
        if piece.leads:
            weight[length - seam :] *= 1.0 - rise
        return weight
