"""What CLAP hears: the log-mel picture of a waveform, as a net without weights.

Convention: the front end of LAION-CLAP (github.com/LAION-AI/CLAP, ``laion_clap/clap_module/htsat.py``, which builds it
from torchlibrosa): frames centred on every hop, waveform reflected at its ends, periodic Hann window, power spectrum,
mel bands of Slaney's scale and area (M. Slaney, Auditory Toolbox, 1998), decibels re 1 with a floor of -100 dB. Bands
begin at 50 Hz; ports that begin at 0 hear something else. Kernels are worked out in float64.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

FLOOR = 1e-10
LINEAR_STEP_HZ = 200.0 / 3.0
LOG_FROM_HZ = 1000.0
LOG_STEP = np.log(6.4) / 27.0


@dataclass(frozen=True, kw_only=True)
class MelShape:
    """Sizes of the picture; the defaults are LAION-CLAP's.

    Attributes:
        rate_hz: of the waveform. clip_samples: length of the waveform that the net takes.
        window_samples, hop_samples: of the analysis.
        bands: from ``low_hz`` to ``high_hz``.
    """

    rate_hz: int = 48_000
    clip_samples: int = 480_000
    window_samples: int = 1024
    hop_samples: int = 480
    bands: int = 64
    low_hz: float = 50.0
    high_hz: float = 14_000.0

    @property
    def frames(self) -> int:
        """Columns of the picture."""
        return self.clip_samples // self.hop_samples + 1


class LogMel(nn.Module):
    """Waveform (batch, clip) -> decibels (batch, 1, frames, bands)."""

    fourier: Tensor
    mel: Tensor

    def __init__(self, shape: MelShape) -> None:
        super().__init__()
        self.shape = shape
        self.register_buffer("fourier", torch.from_numpy(fourier_kernels(shape)), persistent=False)
        self.register_buffer("mel", torch.from_numpy(mel_weights(shape)), persistent=False)

    def forward(self, waveform: Tensor) -> Tensor:
        """Frames by convolution with the windowed sines, so that the graph needs no Fourier operator."""
        half = self.shape.window_samples // 2
        padded = functional.pad(waveform[:, None, :], (half, half), mode="reflect")
        spectrum = functional.conv1d(padded, self.fourier, stride=self.shape.hop_samples)
        real, imaginary = spectrum.chunk(2, dim=1)
        power = (real.square() + imaginary.square()).transpose(1, 2)
        decibels = 10.0 * torch.log10(torch.clamp(power @ self.mel, min=FLOOR))
        return decibels[:, None]

    def official(self) -> Mapping[str, Tensor]:
        """The same numbers by the names, below ``audio_branch.``, under which a checkpoint stores them."""
        real, imaginary = self.fourier.chunk(2, dim=0)
        return {
            "spectrogram_extractor.stft.conv_real.weight": real,
            "spectrogram_extractor.stft.conv_imag.weight": imaginary,
            "logmel_extractor.melW": self.mel,
        }


def fourier_kernels(shape: MelShape) -> NDArray[np.float32]:
    """Windowed cosines, then minus sines, of every frequency from 0 to half the rate: (2 x bins, 1, window)."""
    size = shape.window_samples
    time = np.arange(size)
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * time / size)
    turns = np.arange(size // 2 + 1)[:, None] * time[None, :] % size
    phase = 2.0 * np.pi * turns / size
    kernels = np.concatenate([np.cos(phase), -np.sin(phase)]) * window
    return kernels[:, None, :].astype(np.float32)


def mel_weights(shape: MelShape) -> NDArray[np.float32]:
    """How much of each frequency's power goes to each band: triangles of equal area, (bins, bands)."""
    edges = _hz(np.linspace(_mel(shape.low_hz), _mel(shape.high_hz), shape.bands + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    frequency = np.linspace(0.0, shape.rate_hz / 2.0, shape.window_samples // 2 + 1)[:, None]
    rising = (frequency - low) / (centre - low)
    falling = (high - frequency) / (high - centre)
    weights = np.maximum(0.0, np.minimum(rising, falling)) * (2.0 / (high - low))
    return weights.astype(np.float32)


def _mel(frequency_hz: float) -> float:
    """Slaney's scale: linear up to 1 kHz, logarithmic above."""
    if frequency_hz < LOG_FROM_HZ:
        return frequency_hz / LINEAR_STEP_HZ
    return LOG_FROM_HZ / LINEAR_STEP_HZ + float(np.log(frequency_hz / LOG_FROM_HZ)) / LOG_STEP


def _hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    knee = LOG_FROM_HZ / LINEAR_STEP_HZ
    return np.where(mel < knee, mel * LINEAR_STEP_HZ, LOG_FROM_HZ * np.exp(LOG_STEP * (mel - knee)))
