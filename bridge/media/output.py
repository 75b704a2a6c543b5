"""How a finished sound is wanted; ``finish`` makes it so.

Only the wish, so that settings can be checked without the libraries that measure sound.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.errors import RequestError
from bridge.media.riff import BITS

LONGEST_FADE_MS = 10_000.0


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a finished sound is wanted.

    Attributes:
        subtype: "PCM_16", "PCM_24", "PCM_32" or "FLOAT".
        loudness_lufs: integrated loudness, -60 to 0; None to leave it.
        true_peak_db: ceiling of the true peak, -40 to 0; None for none. An integer file with a loudness target has
            the ceiling 0 in any case: beyond it, it would be clipped.
        fade_in_ms, fade_out_ms: at the two ends, 0 to 10000.
    """

    subtype: str = "PCM_24"
    loudness_lufs: float | None = None
    true_peak_db: float | None = None
    fade_in_ms: float = 0.0
    fade_out_ms: float = 0.0

    def __post_init__(self) -> None:
        if self.subtype not in BITS:
            raise RequestError(f"a sound file cannot be {self.subtype}", hint=f"Choose one of {', '.join(BITS)}")
        _within("loudness target", self.loudness_lufs, -60.0, 0.0, "LUFS")
        _within("true-peak ceiling", self.true_peak_db, -40.0, 0.0, "dB")
        _within("fade-in", self.fade_in_ms, 0.0, LONGEST_FADE_MS, "ms")
        _within("fade-out", self.fade_out_ms, 0.0, LONGEST_FADE_MS, "ms")

    @property
    def ceiling_db(self) -> float | None:
        """The ceiling that holds."""
        if self.true_peak_db is None and self.loudness_lufs is not None and self.subtype != "FLOAT":
            return 0.0
        return self.true_peak_db


def _within(name: str, value: float | None, low: float, high: float, unit: str) -> None:
    if value is not None and not low <= value <= high:
        raise RequestError(
            f"the {name} cannot be {value:g} {unit}", hint=f"Choose a value from {low:g} to {high:g} {unit}"
        )
