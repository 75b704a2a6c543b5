"""Sound in memory: float32, channels first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.errors import RequestError


@dataclass(frozen=True, kw_only=True, eq=False)
class Audio:
    """A stretch of sound.

    Attributes:
        samples: float32, shape (channels, samples), full scale is 1.0.
        rate_hz: sampling rate.
    """

    samples: NDArray[np.float32]
    rate_hz: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.samples.dtype != np.float32:
            raise RequestError(
                f"audio must be float32 of shape (channels, samples), got {self.samples.dtype} {self.samples.shape}"
            )
        if self.rate_hz <= 0:
            raise RequestError(f"sampling rate must be positive, got {self.rate_hz}")

    @property
    def length_samples(self) -> int:
        """Samples per channel."""
        return int(self.samples.shape[1])

    @property
    def length_s(self) -> float:
        """Duration in seconds."""
        return self.length_samples / self.rate_hz

    @classmethod
    def silence(cls, *, length_samples: int, rate_hz: int, channels: int = 1) -> Audio:
        """Exact digital silence."""
        return cls(samples=np.zeros((channels, length_samples), np.float32), rate_hz=rate_hz)
