"""Onsets and the activation they are picked from.

Convention: ``time_s`` is *clip time* wherever a docstring does not say otherwise: seconds since the item's left edge
(project time minus item position). ``Clip`` converts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bridge.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Onset:
    """One event.

    Attributes:
        time_s: clip time, seconds, >= 0.
        confidence: 0..1, how sure the *when* stage is; 1 for what a designer placed.
        strength: 0..1, how hard the event is, as linear amplitude; 1 is full. The sound's level follows it.
        prompt: words for this event alone; empty means the request's prompt.
        force: 0..1, how hard the generator is told that the event is, where its level is set elsewhere (by REAPER's own
            envelope, say): it colours the sound and leaves its level to ``strength``. None: as hard as strong.
    """

    time_s: float
    confidence: float = 1.0
    strength: float = 1.0
    prompt: str = ""
    force: float | None = None

    def __post_init__(self) -> None:
        if not np.isfinite(self.time_s):
            raise RequestError(f"onset time must be finite, got {self.time_s}")
        for name in ("confidence", "strength", "force"):
            value = getattr(self, name)
            if value is not None and not 0.0 <= value <= 1.0:
                raise RequestError(f"onset {name} must lie in 0..1, got {value} at {self.time_s:.3f} s")

    @property
    def told(self) -> float:
        """How hard the generator is told that the event is, 0..1."""
        return self.strength if self.force is None else self.force


@dataclass(frozen=True, kw_only=True, eq=False)
class Activation:
    """What an onset graph gives before peak picking.

    Attributes:
        values: float32 in 0..1, shape (steps,).
        rate_hz: steps per second.
        start_s: *source time* of the first step.
        strengths: float32 in 0..1, shape (steps,): how hard an onset at each step would be; None if the graph does not
            say.
    """

    values: NDArray[np.float32] = field(repr=False)
    rate_hz: float
    start_s: float = 0.0
    strengths: NDArray[np.float32] | None = field(default=None, repr=False)

    def times_s(self) -> NDArray[np.float64]:
        """Source time of every step, shape (steps,)."""
        return self.start_s + np.arange(len(self.values), dtype=np.float64) / self.rate_hz

    def strength_at(self, time_s: float) -> float:
        """How hard an onset at a source time is, 0..1, straight between steps; 1 if the graph does not say."""
        if self.strengths is None or not len(self.strengths):
            return 1.0
        return float(np.clip(np.interp(time_s, self.times_s(), self.strengths), 0.0, 1.0))
