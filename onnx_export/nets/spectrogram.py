"""The picture of one contact that stands between sound and latent: compressed magnitudes, and the way back to sound.

Convention: frames are ``HOP`` samples apart, ``WINDOW`` long (Hann) and centred on their own sample; frame 0 is centred
on the window's first sample, and the first onset of a window falls on frame ``LEAD_FRAMES``. ``BINS`` magnitudes are
kept, the one at half the rate is not. Magnitudes are raised to ``POWER``: a tail 40 dB down is a quarter, not a
hundredth, of its attack. Then every bin is moved and scaled so that its values spread by about ``SPREAD`` around 0.

Phases are not part of the picture, because a struck thing needs none: before the contact there is silence, so every
partial starts there with the phase of an impulse and turns from frame to frame by its own frequency, which the slope
of the magnitudes over frequency tells (Prusa, Balazs and Sondergaard 2017, "A noniterative method for reconstruction of
phase from STFT magnitude", equation 18, integrated along time alone). A few rounds of the fast Griffin-Lim algorithm
(Perraudin, Balazs and Sondergaard 2013) then make phases and magnitudes agree.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

HOP = 256
WINDOW = 1024
BINS = WINDOW // 2
POWER = 0.3
SPREAD = 0.4
LEAD_FRAMES = 1
"""Frames of a window before its first onset."""
FADE_IN_SAMPLES = 48
"""What sounds earlier than this before the first onset is none of the contact."""
ROUNDS = 12
MOMENTUM = 0.99
HANN_GAMMA = 0.25645
"""The Gaussian that is most like a Hann window of length 1 is exp(-pi t**2 / HANN_GAMMA)."""
_TINY = 1e-5


def analyse(audio: Tensor) -> Tensor:
    """Compressed magnitudes (batch, BINS, frames) of windows (batch, samples), samples a multiple of HOP."""
    window = torch.hann_window(WINDOW, device=audio.device)
    spectrum = torch.stft(
        audio, WINDOW, HOP, window=window, center=True, pad_mode="constant", return_complex=True, onesided=True
    )
    return spectrum[:, :BINS, : audio.shape[1] // HOP].abs() ** POWER


class Standard(nn.Module):
    """What moves and scales the bins: ``centre`` and ``spread``, both (BINS,)."""

    centre: Tensor
    spread: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("centre", torch.zeros(BINS))
        self.register_buffer("spread", torch.ones(BINS))

    def fit(self, pictures: Tensor) -> None:
        """Learns from compressed magnitudes (pictures, BINS, frames); neighbouring bins share what they say."""
        mean = pictures.mean(dim=(0, 2))
        deviation = (pictures - mean[None, :, None]).square().mean(dim=(0, 2)).sqrt()
        self.centre.copy_(_smooth(mean))
        smooth = _smooth(deviation)
        self.spread.copy_(torch.maximum(smooth, 0.1 * smooth.max()) / SPREAD)

    def forward(self, pictures: Tensor) -> Tensor:
        """Compressed magnitudes -> latent, both (batch, BINS, frames)."""
        return (pictures - self.centre[None, :, None]) / self.spread[None, :, None]

    def undo(self, latent: Tensor) -> Tensor:
        """Latent -> magnitudes (batch, BINS, frames), none below 0."""
        compressed = latent * self.spread[None, :, None] + self.centre[None, :, None]
        return functional.relu(compressed) ** (1.0 / POWER)


class Decoder(nn.Module):
    """Latent (batch, bins, frames) -> sound (batch, 1, frames * HOP): the pack's ``decoder`` graph.

    Args:
        standard: of the latent. gain: of the sound. rounds: of Griffin-Lim.
    """

    basis: Tensor
    window: Tensor

    def __init__(self, standard: Standard, *, gain: float = 1.0, rounds: int = ROUNDS) -> None:
        super().__init__()
        self.standard, self.gain, self.rounds = standard, gain, rounds
        sample = torch.arange(WINDOW, dtype=torch.float64)
        bins = torch.arange(BINS, dtype=torch.float64)
        angle = 2.0 * math.pi / WINDOW * bins[:, None] * sample[None, :]
        window = torch.hann_window(WINDOW, dtype=torch.float64)
        basis = torch.cat([torch.cos(angle), -torch.sin(angle)]) * window[None, :]
        self.register_buffer("basis", basis.float())
        self.register_buffer("window", window.square().float())

    def forward(self, latent: Tensor) -> Tensor:
        """Magnitudes, phases, sound."""
        magnitude = self.standard.undo(latent)
        spectrum = _turned(magnitude, *_first_phase(magnitude))
        norm, allowed = self._overlap(latent)
        before = spectrum
        for turn in range(self.rounds):
            heard = self._spectrum(self._sound(spectrum, norm) * allowed)
            ahead = heard if turn == 0 else heard + MOMENTUM * (heard - before)
            real, imaginary = ahead.chunk(2, dim=1)
            size = torch.sqrt(real.square() + imaginary.square() + _TINY**2)
            spectrum, before = _turned(magnitude, real / size, imaginary / size), heard
        return self._sound(spectrum, norm) * allowed * self.gain

    def _spectrum(self, sound: Tensor) -> Tensor:
        padded = functional.pad(sound, (WINDOW // 2, WINDOW // 2 - HOP))
        return functional.conv1d(padded, self.basis[:, None, :], stride=HOP)

    def _sound(self, spectrum: Tensor, norm: Tensor) -> Tensor:
        """Least squares over the overlapping frames; the outermost bin counts once, all others for two."""
        return self._added(spectrum, self.basis[:, None, :]) / norm

    def _added(self, frames: Tensor, kernel: Tensor) -> Tensor:
        added = functional.conv_transpose1d(frames, kernel, stride=HOP)
        return added[:, :, WINDOW // 2 : frames.shape[2] * HOP + WINDOW // 2]

    def _overlap(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, 1, samples) each: what overlap-add multiplies by, and 0 before the contact, 1 after."""
        ones = torch.ones_like(latent[:, :1])
        norm = self._added(ones, self.window[None, None, :]) * (WINDOW / 2)
        place = torch.cumsum(torch.ones_like(norm), dim=2)
        allowed = (place > LEAD_FRAMES * HOP - FADE_IN_SAMPLES).to(latent.dtype)
        return norm.clamp_min(_TINY), allowed


def _first_phase(magnitude: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the phase that each bin would have if all of it began with one impulse at the onset."""
    slope = torch.log(magnitude + _TINY)
    slope = functional.pad((slope[:, 2:] - slope[:, :-2]) / 2.0, (0, 0, 1, 1))
    bins = torch.cumsum(torch.ones_like(magnitude), dim=1) - 1.0
    frames = torch.cumsum(torch.ones_like(magnitude), dim=2) - 1.0
    own = HOP / (HANN_GAMMA * WINDOW) * slope
    first = LEAD_FRAMES + 1
    since = torch.cumsum(own, dim=2)
    since = since - since[:, :, first : first + 1]
    turned = torch.where(frames > first, since, torch.zeros_like(since))
    # The bin's own frequency turns it by 2 pi bins HOP / WINDOW a frame, which is a whole number of quarter turns.
    quarters = torch.remainder(bins * (frames - LEAD_FRAMES), WINDOW // HOP)
    phase = turned + 2.0 * math.pi * HOP / WINDOW * quarters + math.pi * bins
    return torch.cos(phase), torch.sin(phase)


def _turned(magnitude: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """(batch, 2 * BINS, frames): real parts, then imaginary parts."""
    return torch.cat([magnitude * cosine, magnitude * sine], dim=1)


def _smooth(values: Tensor) -> Tensor:
    return functional.avg_pool1d(values[None, None], 9, 1, 4, count_include_pad=False)[0, 0]
