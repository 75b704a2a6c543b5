"""How loud a trained generator is, beside how loud it should be: measured on what it makes, and set right.

Convention: a contact of strength 1 shall have its loudest 20 ms at LOUDNESS, as the one-shots have. Guidance bends
that; a gain of the sound bends it back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.errors import PackError

GAIN = "level_gain"
"""Fact of a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """What sets a generator's level right.

    Attributes:
        gain: of the sound.
    """

    gain: float = 1.0

    @classmethod
    def of(cls, facts: Mapping[str, str], *, where: str) -> Level:
        """From a checkpoint's facts; nothing to set right where they say nothing.

        Raises:
            PackError: it is no number between 0 and 4.
        """
        try:
            gain = float(facts.get(GAIN, "1"))
        except ValueError as error:
            raise PackError(f"checkpoint {where} has no level ({error})", hint="Train again") from error
        if not (math.isfinite(gain) and 0.0 < gain < 4.0):
            raise PackError(f"checkpoint {where} has a level out of range: {gain}", hint="Train again")
        return cls(gain=gain)

    def facts(self) -> dict[str, str]:
        """As a checkpoint keeps it."""
        return {GAIN: f"{self.gain:.4f}"}


AS_IT_IS = Level()
"""Nothing is set right."""
