"""What must be put into a sound whose request changed: stretches of new samples, joined with what stands around them.

Convention: spans and places are samples at the request's rate. A stretch ends by itself where old and new sound agree
again, or where new gives way to old as a tail ends or the next attack begins; or it is cut by the time selection, and
then the seam moves inward to the quietest place near the edge. Old and new always cross-fade: where they agree that
changes no bit, nor does it where the old one was rounded by its file and the patch will be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.domain.request import Request
from bridge.engine import level
from bridge.engine.spans import CLEAR_S, Span, changed_onsets, changed_spans
from bridge.errors import RequestError

SEAM_S = 0.015
"""Two sounds give way to each other within this where a time selection cuts them; less where an attack is near."""
SHORTEST_SEAM_S = 0.001
INWARD_S = 0.250
"""A seam lies at most this far from the selection's edge."""
ATTACK_S = 0.030
"""This much after an onset belongs to its attack."""

Array = NDArray[np.float32]


class Sound(Protocol):
    """A sound that can be read in parts; a file, say."""

    @property
    def length_samples(self) -> int: ...

    @property
    def rate_hz(self) -> int: ...

    def read(self, start: int, stop: int) -> Array:
        """Samples of a span, float32 (1, n)."""
        ...


class InMemory:
    """Audio as a sound that is read in parts.

    Args:
        audio: mono.
    """

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self.length_samples, self.rate_hz = audio.length_samples, audio.rate_hz

    def read(self, start: int, stop: int) -> Array:
        """Samples of a span, float32 (1, n)."""
        return self._audio.samples[:, start:stop]


@dataclass(frozen=True, kw_only=True, eq=False)
class Patch:
    """Samples that take the place of those that were there.

    Attributes:
        start: where they begin. samples: float32 (n,), final.
    """

    start: int
    samples: Array = field(repr=False)

    @property
    def span(self) -> Span:
        """Where they lie."""
        return self.start, self.start + len(self.samples)


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What is made anew.

    Attributes:
        span: where. cut: whether its start, and its end, are the time selection's rather than its own.
        everything: whether it is all of the sound, of which nothing is kept.
    """

    span: Span
    cut: tuple[bool, bool] = (False, False)
    everything: bool = False


def stretches(
    request: Request,
    previous_request: Request,
    previous: Sound,
    *,
    within: Span | None,
    tail_s: float,
    adds: bool,
) -> list[Stretch]:
    """What must be made anew; ascending and apart, empty if nothing.

    Args:
        request: what is wanted. previous_request: what ``previous`` was made for. within: the time selection.
        tail_s: how long a sound lasts after its onset. adds: whether what sounds at one onset is all its own.

    Raises:
        RequestError: the selection is not on the sound, or the sound has not the request's length and rate.
    """
    length = request.length_samples
    fits = (previous.length_samples, previous.rate_hz) == (length, request.rate_hz)
    if within is not None:
        within = max(0, within[0]), min(length, within[1])
        if within[0] >= within[1]:
            raise RequestError(
                "the time selection does not lie on the item", hint="Select time over the item, or remove the selection"
            )
        if not fits or (previous_request.length_samples, previous_request.rate_hz) != (length, request.rate_hz):
            raise RequestError(
                "the item's length changed since its sound was made, so no part of it can be made again",
                hint="Remove the time selection and press Generate",
            )
    if not fits or not _same_but_onsets(request, previous_request):
        if within is None or within == (0, length):
            return [Stretch(span=(0, length), everything=True)]
        return [Stretch(span=within, cut=(True, True))]
    changed, unchanged = changed_onsets(previous_request, request)
    if not changed:
        return []
    if not unchanged and within is None:
        return [Stretch(span=(0, length), everything=True)]
    covering = unchanged
    if adds:
        covering, tail_s = [], tail_s + 2.0 * level.SPLICE_S
    spans_s = changed_spans(changed, covering, tail_s=tail_s, length_s=length / request.rate_hz)
    found = []
    for start_s, end_s in spans_s:
        start, stop = int(start_s * request.rate_hz), int(end_s * request.rate_hz)
        first, last = (start, stop) if within is None else (max(start, within[0]), min(stop, within[1]))
        if first < last:
            found.append(Stretch(span=(first, last), cut=(first > start, last < stop)))
    return found


def joined(stretch: Stretch, new: Array, previous: Sound, requests: Sequence[Request]) -> Patch:
    """A stretch of new sound, cross-faded with what stands at its ends.

    Args:
        stretch: where. new: its samples (n,). previous: is read near the ends alone.
        requests: the old and the new; a seam crosses no attack of theirs.
    """
    start, stop = stretch.span
    if stretch.everything:
        return Patch(start=start, samples=new)
    rate = requests[0].rate_hz
    half = (stop - start) // 2
    hits = [round(onset.time_s * rate) for request in requests for onset in request.onsets]
    inside = [hit for hit in hits if start <= hit < stop]
    room_before = min(half, min(inside, default=stop) - int(CLEAR_S * rate) - start)
    room_after = min(half, stop - max(inside, default=start - int(ATTACK_S * rate)) - int(ATTACK_S * rate))
    samples = new.copy()
    begin = finish = 0
    if start > 0:
        old = previous.read(start, start + min(half, int((INWARD_S + SEAM_S) * rate)))[0]
        begin = _blended(old, samples[: len(old)], cut=stretch.cut[0], room=room_before, rate_hz=rate)
    if stop < previous.length_samples:
        old = previous.read(stop - min(half, int((INWARD_S + SEAM_S) * rate)), stop)[0]
        ending = samples[len(samples) - len(old) :]
        finish = _blended(old[::-1], ending[::-1], cut=stretch.cut[1], room=room_after, rate_hz=rate)
    return Patch(start=start + begin, samples=samples[begin : len(samples) - finish])


def patched(audio: Audio, patches: Sequence[Patch], request: Request) -> Audio:
    """A mono sound with the patches of a request put in; one that is all of it takes its place.

    Without patches it is the very same object.
    """
    if not patches:
        return audio
    if patches[0].span == (0, request.length_samples):
        return Audio(samples=patches[0].samples[None], rate_hz=request.rate_hz)
    samples = audio.samples.copy()
    for patch in patches:
        samples[0, patch.start : patch.start + len(patch.samples)] = patch.samples
    return Audio(samples=samples, rate_hz=audio.rate_hz)


def only_within(request: Request, previous_request: Request, within: Span) -> Request:
    """A request with its own onsets inside a span of samples and the previous one's outside.

    So what is stored of a sound that was changed within a time selection tells what can be heard.
    """
    start, stop = within

    def inside(time_s: float) -> bool:
        return start <= time_s * request.rate_hz < stop

    onsets = [onset for onset in request.onsets if inside(onset.time_s)]
    onsets += [onset for onset in previous_request.onsets if not inside(onset.time_s)]
    return replace(request, onsets=tuple(sorted(onsets, key=lambda onset: onset.time_s)))


def _blended(old: Array, new: Array, *, cut: bool, room: int, rate_hz: int) -> int:
    """Lets ``old`` give way to ``new``, in ``new``; gives where. Both begin at the stretch's end, looking inward."""
    fade = min(int(level.SPLICE_S * rate_hz), len(new))
    at = 0
    if cut:
        fade = min(max(int(SHORTEST_SEAM_S * rate_hz), min(int(SEAM_S * rate_hz), room)), len(new))
        at = _quietest(old, new, fade, min(int(INWARD_S * rate_hz), room - fade, len(new) - fade))
    here = slice(at, at + fade)
    rise = (np.arange(fade, dtype=np.float32) + 1.0) / np.float32(fade + 1.0)
    new[here] = old[here] + rise * (new[here] - old[here])
    return at


def _quietest(old: Array, new: Array, length: int, last: int) -> int:
    """Where, from 0 to ``last``, that many samples have the least energy in both sounds; the first of equals."""
    if last <= 0:
        return 0
    energy = old.astype(np.float64) ** 2 + new.astype(np.float64) ** 2
    sums = np.concatenate([[0.0], np.cumsum(energy)])
    return int(np.argmin((sums[length:] - sums[:-length])[: last + 1]))


def _same_but_onsets(request: Request, other: Request) -> bool:
    """Whether two requests differ in their onsets, words or reference at most, which each onset tells by itself."""

    def frame(one: Request) -> tuple[object, ...]:
        return (one.length_samples, one.rate_hz, one.seed, one.guidance, one.steps, one.sampler, one.mix)

    return frame(request) == frame(other)
