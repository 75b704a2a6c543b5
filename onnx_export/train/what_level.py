"""How loud a trained generator is, beside how loud it should be: measured on what it makes, and set right.

Convention: a sound of strength 1 shall have its loudest 20 ms at LOUDNESS, as the one-shots have, and its level shall
be proportional to the strength. Guidance and what the net has learned of strengths both bend that; two numbers bend it
back, the power of the level that the net's answer is multiplied by, and a gain of the sound.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.errors import PackError

POWER, GAIN = "level_power", "level_gain"
"""Facts of a checkpoint."""


@dataclass(frozen=True, kw_only=True)
class Level:
    """What sets a generator's level right.

    Attributes:
        power: of the strength's part in the net's answer. gain: of the sound.
    """

    power: float = 1.0
    gain: float = 1.0

    @classmethod
    def of(cls, facts: Mapping[str, str], *, where: str) -> Level:
        """From a checkpoint's facts; nothing to set right where they say nothing.

        Raises:
            PackError: they are no numbers between 0 and 4.
        """
        try:
            level = cls(power=float(facts.get(POWER, "1")), gain=float(facts.get(GAIN, "1")))
        except ValueError as error:
            raise PackError(f"checkpoint {where} has no level ({error})", hint="Train again") from error
        if not all(math.isfinite(number) and 0.0 < number < 4.0 for number in (level.power, level.gain)):
            raise PackError(f"checkpoint {where} has a level out of range: {level}", hint="Train again")
        return level

    def facts(self) -> dict[str, str]:
        """As a checkpoint keeps it."""
        return {POWER: f"{self.power:.4f}", GAIN: f"{self.gain:.4f}"}


AS_IT_IS = Level()
"""Nothing is set right."""
