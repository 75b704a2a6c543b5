"""Sound from a net that makes one contact at a time: every onset has a window of its own, and windows add up.

Convention: a window begins with its onset, at the sample exactly, and has the pack's full length. The net is told how
hard the onset is, and the sound is made as loud as that: so a level is met, a soft onset never cuts the ring of a loud
one, and what sounds at one onset does not depend on any other.

Contacts are added up in the order of time, so that any stretch can be made by itself, or block by block, with the same
bytes; those that were made are kept for the next render, which then makes only what is new.

All windows of a render share a part of their noise, the rest belongs to seed and place: takes of one thing rather than
several things.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from bridge.engine import level
from bridge.engine.contacts import KEEP_BYTES, Contacts
from bridge.engine.diffusion import Array, Diffusion, Layer, Manner, Watch
from bridge.engine.spans import Span, merge
from bridge.packs import contract
from bridge.packs.stages import What

FADE_IN_S = 0.0003
"""A sound rises this long from its onset: too short to be heard, long enough not to click."""
_SHARED, _OWN = 0, 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Contact:
    """One onset that sounds.

    Attributes:
        sample: where its window begins. layer: what it is of. meaning: SHA-256 of the layer's, hex.
    """

    sample: int
    layer: Layer
    meaning: str


class OnsetWindows:
    """Makes contacts one after the other.

    Args:
        diffusion: runs the graphs. what: the pack's numbers. keep_bytes: of contacts that were made, for the next time.
    """

    keeps = False
    """Whether what was there before may guide what is made again."""
    adds = True
    """Whether what sounds at one onset does not depend on the others."""
    place_samples = 1
    """Samples of the grid that onsets lie on."""

    def __init__(self, diffusion: Diffusion, what: What, *, keep_bytes: int = KEEP_BYTES) -> None:
        self._diffusion, self._what = diffusion, what
        self._kept = Contacts(keep_bytes)
        self.tail_frames = what.window_frames

    @property
    def _length(self) -> int:
        """Samples of a window."""
        return self._what.window_frames * self._what.hop_samples

    def contacts(self, layers: Sequence[Layer]) -> list[Contact]:
        """Every onset of every layer, in the order in which they are added up: by time, then by meaning."""
        found = [
            Contact(sample=sample, layer=layer, meaning=meaning)
            for layer, meaning in ((layer, _digest(layer)) for layer in layers)
            for sample in layer.onsets
        ]
        return sorted(found, key=lambda contact: (contact.sample, contact.meaning))

    def heard(self, contacts: Sequence[Contact], span: Span) -> list[Contact]:
        """Those whose window meets a span of samples."""
        return [contact for contact in contacts if span[0] - self._length < contact.sample < span[1]]

    def calls(self, contacts: Sequence[Contact], spans: Sequence[Span], manner: Manner) -> int:
        """How many calls of graphs the spans take, if nothing is kept."""
        return sum(len(self.heard(contacts, span)) for span in spans) * self._diffusion.calls(manner)

    def blocks(self, contacts: Sequence[Contact], span: Span, manner: Manner, watch: Watch) -> Iterator[Array]:
        """The samples of a span, block by block, each at most a window long; digital silence where nothing sounds.

        No more than the sum of one window is held, and any span gives the bytes that a longer one gives there.

        Args:
            contacts: in the order of ``contacts``. span: of samples. manner: how. watch: is told and asked.

        Raises:
            EngineError: a graph failed. JobCancelled: the watch said so.
        """
        at, stop = span
        held = np.zeros(self._length, np.float32)
        for contact in [*self.heard(contacts, span), None]:
            ready = stop if contact is None else contact.sample
            while at < ready:
                count = min(ready - at, self._length)
                yield held[:count].copy()
                held[: self._length - count] = held[count:]
                held[self._length - count :] = 0.0
                at += count
            if contact is not None:
                strength = np.float32(contact.layer.onsets[contact.sample])
                rest = self._sound(contact, manner, watch)[at - contact.sample :]
                held[: len(rest)] += rest * strength

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
            watch: is told and asked. wanted: spans of frames that must be right, silence stands elsewhere; None for
                everything. previous: the sound so far; no contact needs it.

        Raises:
            as ``blocks``.
        """
        hop = self._what.hop_samples
        mix = np.zeros(frames * hop, np.float32)
        whole = [(0, frames)] if wanted is None else merge(wanted)
        spans = [(max(0, start) * hop, min(frames, stop) * hop) for start, stop in whole]
        contacts = self.contacts(layers)
        watch.total = self.calls(contacts, spans, manner)
        for start, stop in spans:
            at = start
            for block in self.blocks(contacts, (start, stop), manner, watch):
                mix[at : at + len(block)] = block
                at += len(block)
        return mix

    def _sound(self, contact: Contact, manner: Manner, watch: Watch) -> Array:
        """Samples of one window, (window frames * hop,), not yet as loud as the onset is strong; kept or made."""
        watch.check()
        told = contact.layer.told(contact.sample)
        how = (manner.seed, manner.mix, manner.steps, manner.guidance, manner.sampler, manner.noise_range)
        key = (contact.meaning, told, contact.sample, *how, self._diffusion.providers())
        begun = watch.done
        sound = self._kept.made(key, lambda: self._made(contact.layer, contact.sample, told, manner, watch))
        if watch.done == begun:
            watch.skip(self._diffusion.calls(manner))
        return sound

    def _made(self, layer: Layer, sample: int, force: float, manner: Manner, watch: Watch) -> Array:
        """Samples of one window, made."""
        what = self._what
        window = (0, what.window_frames)
        told = Layer(onsets={0: force}, meaning=layer.meaning).track(window, within=window)
        track = self._diffusion.prepared(contract.ONSET_TRACK, told)

        def velocity(x: Array, sigma: float) -> Array:
            return self._diffusion.velocity(x, sigma, layer, track, manner, watch)

        shared = manner.noise(partial(self._noise, _SHARED, 0))
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


def _digest(layer: Layer) -> str:
    """SHA-256 of what a layer means, hex."""
    found = hashlib.sha256()
    for name, tensor in sorted(layer.meaning.items()):
        found.update(f"{name} {tensor.dtype} {tensor.shape} ".encode())
        found.update(np.ascontiguousarray(tensor).tobytes())
    return found.hexdigest()
