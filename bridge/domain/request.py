"""Everything that a render depends on, in one immutable object."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.errors import RequestError

MAX_SEED = 2**31 - 1
MAX_SAMPLES = 2**31
"""A WAV of 16 bits cannot be longer."""
MAX_RATE_HZ = 1_000_000


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to make. Same request and same pack: same bytes.

    Attributes:
        length_samples: samples to make, at ``rate_hz``; equals the item's length to the sample.
        rate_hz: sampling rate of the answer.
        onsets: events in clip time, ascending.
        prompt: words; an onset's own prompt wins over it. May be empty where there is a reference.
        seed: 0..2**31-1.
        guidance: classifier-free guidance scale; None takes the pack's default.
        steps: sampler steps; None takes the pack's default.
        reference: an example sound that takes the prompt's place; an onset's own prompt wins over it too.
        sampler: name of the sampler; None takes the pack's default.
        mix: (seed, amount 0..1) pairs: the noise of these seeds is mixed in, one after the other, each turning what was
            so far towards its own by a quarter turn times the amount. So a take can be varied a little, and again.
    """

    length_samples: int
    rate_hz: int
    onsets: tuple[Onset, ...]
    prompt: str
    seed: int = 0
    guidance: float | None = None
    steps: int | None = None
    reference: Reference | None = None
    sampler: str | None = None
    mix: tuple[tuple[int, float], ...] = ()

    def __post_init__(self) -> None:
        if self.length_samples < 1:
            raise RequestError(
                "there is nothing to render: the item is shorter than one sample", hint="Lengthen the item"
            )
        if self.length_samples > MAX_SAMPLES or not 1 <= self.rate_hz <= MAX_RATE_HZ:
            raise RequestError(
                f"no sound file can hold {self.length_samples} samples at {self.rate_hz} Hz", hint="Shorten the item"
            )
        for seed in (self.seed, *(seed for seed, _ in self.mix)):
            if not 0 <= seed <= MAX_SEED:
                raise RequestError(f"seed must lie in 0..{MAX_SEED}, got {seed}")
        for _, amount in self.mix:
            if not 0.0 <= amount <= 1.0:
                raise RequestError(f"an amount of noise must lie in 0..1, got {amount}")
        times = [onset.time_s for onset in self.onsets]
        if times != sorted(times):
            raise RequestError("onsets must be in ascending order")

    def prompt_of(self, onset: Onset) -> str:
        """The words that apply to one onset."""
        return onset.prompt or self.prompt

    def meaning_of(self, onset: Onset) -> str | Reference:
        """What one onset shall sound like: its own words, else the reference, else the prompt."""
        return onset.prompt or self.reference or self.prompt

    def digest(self) -> str:
        """SHA-256 over every field, hex; equal requests have equal digests."""
        fields: dict[str, object] = {
            "length_samples": self.length_samples,
            "rate_hz": self.rate_hz,
            "onsets": [[repr(o.time_s), repr(o.strength), self.prompt_of(o)] for o in self.onsets],
            "prompt": self.prompt,
            "seed": self.seed,
            "guidance": self.guidance,
            "steps": self.steps,
        }
        if self.reference is not None:
            fields["reference"] = repr(self.reference)
        if self.sampler is not None:
            fields["sampler"] = self.sampler
        if self.mix:
            fields["mix"] = [[seed, repr(amount)] for seed, amount in self.mix]
        if any(onset.force is not None for onset in self.onsets):
            fields["forces"] = [repr(onset.force) for onset in self.onsets]
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()
