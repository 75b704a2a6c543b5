"""A reference placed on the onsets themselves: no model, at once.

Convention: how an onset varies belongs to the seed, to the sample that it falls on, and to its neighbours where they
would be alike. Of two neighbours the one of higher priority, which is drawn too, chooses first: so a moved onset
changes itself and at most a few around it. Onsets that make no sound are no neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.dsp.placing import TAKES, Take, cut, pitched, treble
from bridge.engine import level
from bridge.engine.callbacks import Cancelled, Progress, ignore, never
from bridge.errors import JobCancelled, RequestError
from bridge.media import reference as references

PITCH_CENTS = 60.0
LEVEL_DB = 1.5
BRIGHT_DB = 2.0
DULL_DB = 1.0
"""An onset without force is duller by this."""
LEAD_S = 0.003
"""What is heard before a rise; it varies between almost nothing and twice this."""
SHORTEST_S = 0.005
SILENT = 10.0 ** (-90.0 / 20.0)
END_S = 0.005
"""The item's last samples fade out, whatever still sounds."""
APART = 0.7
"""Neighbours are at least this far apart in (pitch, brightness, level), each in parts of its greatest amount."""
PITCHES = 25
FEWEST_PITCHES = 5
PITCHED_S = 30.0
"""As many pitches are made as there is room for in this, all takes together."""
BLOCK_SAMPLES = 1 << 17

_CANDIDATES = 16
_DRAWS = 2 + TAKES + 3 * _CANDIDATES

Array = NDArray[np.float32]
Draws = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Placement:
    """How the sound is placed on one onset.

    Attributes:
        at: the sample that the attack falls on.
        take: which of the recording's takes.
        cents: pitch. bright_db: gain of the top. level_db: gain besides the onset's own.
        strength: linear amplitude of the onset.
        lead_s: how long before the rise the sound fades in.
    """

    at: int
    take: int
    cents: float
    bright_db: float
    level_db: float
    strength: float
    lead_s: float

    def apart(self, other: Placement) -> float:
        """How unlike another one this sounds, takes aside."""
        return float(
            np.sqrt(
                ((self.cents - other.cents) / PITCH_CENTS) ** 2
                + ((self.bright_db - other.bright_db) / BRIGHT_DB) ** 2
                + ((self.level_db - other.level_db) / LEVEL_DB) ** 2
            )
        )


class Placer:
    """Places a request's reference on its onsets.

    Args:
        variation: 0..1, how much the placements differ; at 0 only their level does, which follows the onsets'.

    Raises:
        RequestError: variation is out of range.
    """

    def __init__(self, *, variation: float = 1.0) -> None:
        if not 0.0 <= variation <= 1.0:
            raise RequestError(f"variation must lie in 0..1, got {variation:g}")
        self.variation = variation

    def render(self, request: Request, *, progress: Progress = ignore, cancelled: Cancelled = never) -> Audio:
        """Sound for a request: mono, exactly its length and rate, digital silence where nothing sounds.

        Args:
            request: its reference, onsets, seed and mix count; onsets beyond the length, or of strength 0, make no
                sound, of several on one sample the strongest does.
            progress: is told the fraction done, 0..1. cancelled: is asked before every block.

        Raises:
            RequestError: there is no reference, it is silent or too short, or its file changed.
            MediaError: the file cannot be read. JobCancelled: ``cancelled`` said so.
        """
        samples = np.concatenate(list(self.stream(request, progress=progress, cancelled=cancelled)))
        return Audio(samples=samples[None], rate_hz=request.rate_hz)

    def stream(self, request: Request, *, progress: Progress = ignore, cancelled: Cancelled = never) -> Iterator[Array]:
        """The samples of ``render`` piece by piece, in memory that does not grow with the length.

        Raises:
            as ``render``, all but JobCancelled before the first piece.
        """
        if request.reference is None:
            raise RequestError("there is no sound to place", hint="Choose a reference first")
        if cancelled():
            raise JobCancelled("placing the sound was cancelled")
        rate = request.rate_hz
        takes = cut(_sound(request.reference, rate), rate_hz=rate)
        length_s = sum(len(take.samples) for take in takes) / rate
        return self._blocks(request, takes, self.plan(request, len(takes), length_s), progress, cancelled)

    def plan(self, request: Request, takes: int, length_s: float) -> list[Placement]:
        """What is placed where, in the order of the onsets.

        Args:
            request: as for ``render``. takes: how many there are. length_s: how long they are together.
        """
        strengths, forces = _heard(request)
        places = list(strengths)
        draws = {at: _draws(request, at) for at in places}
        grid = _cents(length_s)
        chosen: dict[int, Placement] = {}
        for index in sorted(range(len(places)), key=lambda index: (-draws[places[index]][0], index)):
            at = places[index]
            near = [
                chosen[places[other]]
                for other in (index - 1, index + 1)
                if 0 <= other < len(places) and places[other] in chosen
            ]
            take = self._take(draws[at], takes, index + request.seed, [one.take for one in near])
            best, distance = None, -1.0
            for cents, bright, gain in draws[at][2 + TAKES :].reshape(-1, 3) * 2.0 - 1.0:
                one = Placement(
                    at=at,
                    take=take,
                    cents=float(grid[round((cents + 1.0) / 2.0 * (len(grid) - 1))]),
                    bright_db=BRIGHT_DB * bright - DULL_DB * (1.0 - forces[at]),
                    level_db=LEVEL_DB * gain,
                    strength=strengths[at],
                    lead_s=LEAD_S * (0.1 + 1.9 * draws[at][1]),
                )
                least = min((one.apart(other) for other in near), default=np.inf)
                if least > distance:
                    best, distance = one, least
                if distance >= APART:
                    break
            assert best is not None
            chosen[at] = best
        return [self._scaled(chosen[at]) for at in places]

    def _take(self, draws: Draws, takes: int, turn: int, taken: Sequence[int]) -> int:
        """One that no neighbour has: two alternate, of more the onset has its own order of preference."""
        if takes == 1 or self.variation == 0.0:
            return 0
        if takes == 2:
            return turn % 2
        order = np.argsort(draws[2 : 2 + takes], kind="stable")
        return next(int(take) for take in order if take not in taken)

    def _scaled(self, full: Placement) -> Placement:
        amount = self.variation
        return Placement(
            at=full.at,
            take=full.take,
            cents=full.cents * amount,
            bright_db=full.bright_db * amount,
            level_db=full.level_db * amount,
            strength=full.strength,
            lead_s=LEAD_S + (full.lead_s - LEAD_S) * amount,
        )

    def _blocks(
        self,
        request: Request,
        takes: Sequence[Take],
        plan: Sequence[Placement],
        progress: Progress,
        cancelled: Cancelled,
    ) -> Iterator[Array]:
        """The sum of all placements, block by block; each sample adds them in the order of their onsets."""
        length, rate = request.length_samples, request.rate_hz
        shelf = _Shelf(takes, rate)
        most = max(take.lead for take in takes) * 2
        waiting, sounding = 0, list[_Sounding]()
        for start in range(0, length, BLOCK_SAMPLES):
            if cancelled():
                raise JobCancelled("placing the sound was cancelled")
            end = min(length, start + BLOCK_SAMPLES)
            while waiting < len(plan) and plan[waiting].at - most < end:
                sounding.append(shelf.sounding(plan[waiting]))
                waiting += 1
            block = np.zeros(end - start, np.float32)
            for one in sounding:
                one.add(block, start)
            sounding = [one for one in sounding if one.end > end]
            _fade_end(block, start, length, rate)
            yield level.limit(block)
            progress(end / length)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sounding:
    """A placement with its sound: ``gain * sound + top_gain * top``, the first samples faded in."""

    start: int
    sound: Array
    top: Array
    gain: np.float32
    top_gain: np.float32
    ramp: Array

    @property
    def end(self) -> int:
        return self.start + len(self.sound)

    def add(self, block: Array, block_start: int) -> None:
        """Adds what lies in a block."""
        first = max(0, block_start - self.start)
        last = min(len(self.sound), block_start + len(block) - self.start)
        if first >= last:
            return
        part = self.sound[first:last] * self.gain
        part += self.top[first:last] * self.top_gain
        ramp = self.ramp[first:last]
        part[: len(ramp)] *= ramp
        at = self.start + first - block_start
        block[at : at + len(part)] += part


class _Shelf:
    """Takes at the pitches that were asked for so far; their number is bounded by what ``plan`` asks for."""

    def __init__(self, takes: Sequence[Take], rate_hz: int) -> None:
        self._takes, self._rate_hz = takes, rate_hz
        self._made: dict[tuple[int, float], tuple[Take, Array]] = {}

    def sounding(self, placement: Placement) -> _Sounding:
        """The sound of one placement; fades in no earlier than the item begins."""
        key = (placement.take, placement.cents)
        if key not in self._made:
            take = pitched(self._takes[placement.take], cents=placement.cents)
            self._made[key] = (take, treble(take.samples, rate_hz=self._rate_hz))
        take, top = self._made[key]
        gain = placement.strength * 10.0 ** (placement.level_db / 20.0)
        before = min(take.lead, placement.at, take.rise + max(1, round(placement.lead_s * self._rate_hz)))
        ramp = max(0, before - take.rise)
        skip = take.lead - before
        return _Sounding(
            start=placement.at - before,
            sound=take.samples[skip:],
            top=top[skip:],
            gain=np.float32(gain),
            top_gain=np.float32(gain * (10.0 ** (placement.bright_db / 20.0) - 1.0)),
            ramp=(np.sin(0.5 * np.pi * (np.arange(ramp) + 0.5) / max(1, ramp)) ** 2).astype(np.float32),
        )


def _sound(reference: Reference, rate_hz: int) -> Array:
    """The reference at a rate."""
    samples, own_hz = references.read(reference)
    if len(samples) < SHORTEST_S * own_hz:
        raise RequestError(
            f"the reference {reference.path} is shorter than {1000 * SHORTEST_S:g} ms", hint="Choose a longer part"
        )
    if np.abs(samples - samples.mean()).max() < SILENT:
        raise RequestError(f"the reference {reference.path} is silent", hint="Choose a part with sound")
    return samples if own_hz == rate_hz else np.asarray(soxr.resample(samples, own_hz, rate_hz), np.float32)


def _heard(request: Request) -> tuple[dict[int, float], dict[int, float]]:
    """(strength, force) of every sample on which something sounds, ascending."""
    strengths: dict[int, float] = {}
    forces: dict[int, float] = {}
    for onset in request.onsets:
        at = round(onset.time_s * request.rate_hz)
        if 0 <= at < request.length_samples and onset.strength > strengths.get(at, 0.0):
            strengths[at], forces[at] = onset.strength, onset.told
    return strengths, forces


def _draws(request: Request, at: int) -> Draws:
    """What chance gives to a sample: (priority, lead, preference of takes, candidates), each 0..1."""
    draws = np.random.default_rng((request.seed, at)).random(_DRAWS)
    for seed, amount in request.mix:
        draws += amount * (np.random.default_rng((seed, at)).random(_DRAWS) - draws)
    return draws


def _cents(length_s: float) -> Draws:
    """The pitches to choose from, an odd number of them: long takes have fewer."""
    room = int(PITCHED_S / length_s) if length_s > 0.0 else PITCHES
    count = min(PITCHES, max(FEWEST_PITCHES, room)) // 2 * 2 + 1
    return np.linspace(-PITCH_CENTS, PITCH_CENTS, min(PITCHES, count))


def _fade_end(block: Array, start: int, length: int, rate_hz: int) -> None:
    """The last samples of the item go to 0."""
    fade = min(round(END_S * rate_hz), length // 4)
    first = length - fade
    if fade and start + len(block) > first:
        index = np.arange(max(start, first), start + len(block))
        block[index[0] - start :] *= (0.5 + 0.5 * np.cos(np.pi * (index - first + 1) / fade)).astype(np.float32)
