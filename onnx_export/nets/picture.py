"""The picture of one contact that stands between sound and latent: levels in time and frequency, and the way back.

Convention: a contact begins at the first sample of its ``SAMPLES``. Its picture has ``ROWS`` and ``COLUMNS``. Rows are
single bins of 47 Hz up to 9 kHz and bands above; columns are short at first and grow with time, as what is struck
changes ever more slowly: ``ATTACK`` columns of 1.3 ms, seen through windows of 256 samples, then columns of one to many
frames of ``HOP`` samples, seen through windows of 1024 that begin no earlier than the contact. A cell holds the mean
power in it, in decibels, moved and scaled so that all cells together spread by about ``SPREAD`` around 0.

Sound is made of a picture as a sum of what hisses and what rings (Serra and Smith 1990, "Spectral modeling synthesis").
What hisses is white noise with the picture's levels. What rings stands out of its neighbours in frequency; since there
was silence before the contact, every partial starts there with the phase of an impulse and turns by its own frequency,
which the slope of the levels over frequency tells (Prusa, Balazs and Sondergaard 2017, "A noniterative method for
reconstruction of phase from STFT magnitude", equation 18, along time alone). A few rounds of the fast Griffin-Lim
algorithm (Perraudin, Balazs and Sondergaard 2013) make both agree. The white noise is part of the latent, below the
picture (``NOISE_ROWS``): it is the noise that the sampler started from, and stays.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

SAMPLES = 65_536
WINDOW, HOP = 1024, 256
SHORT_WINDOW, SHORT_HOP = 256, 64
ATTACK = 8
WIDTHS = (1, 1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 9, 11, 13, 16, 20, 24, 32, 40, 49)
"""Frames of every column after the attack."""
COLUMNS = ATTACK + len(WIDTHS)
FRAMES = sum(WIDTHS)
FIRST = WINDOW // 2
"""The sample that the first frame is centred on."""
SINGLE, BAND = 192, 5
ROWS = SINGLE + (WINDOW // 2 - SINGLE) // BAND
NOISE_ROWS = SAMPLES // COLUMNS
CHANNELS = ROWS + NOISE_ROWS

FLOOR_DB, MIDDLE_DB, SCALE_DB, SPREAD = -75.0, -40.0, 44.0, 0.5
FAINTEST_DB, LOUDEST_DB = -150.0, 60.0
"""No cell is taken for fainter or louder; what a sampler is driven beyond by much guidance is still a sound."""
QUIET_DB, EXPAND = -62.0, 2.0
"""What is below this is made quieter by as much again: the noise of the rooms that contacts were recorded in."""
PEAK_DB, PEAK_SLOPE_DB, AROUND = 7.0, 2.0, 6
"""What rings is this much above the mean level of the bins up to AROUND away."""
ROUNDS, MOMENTUM = 6, 0.99
LOUDNESS, LOUD_SAMPLES, PEAK, MOST = 0.16, 960, 0.8, 8.0
"""A contact's loudest 20 ms have this RMS, unless its peak would pass PEAK or it would be raised by more than MOST."""
HANN_GAMMA = 0.25645
"""The Gaussian that is most like a Hann window of length 1 is exp(-pi t**2 / HANN_GAMMA)."""
_TINY = 1e-7


def analyse(audio: Tensor) -> Tensor:
    """Pictures (batch, ROWS, COLUMNS) of contacts (batch, SAMPLES)."""
    long = _power(functional.pad(audio, (0, WINDOW)), WINDOW, HOP)[:, : WINDOW // 2, :FRAMES]
    short = _power(functional.pad(audio, (SHORT_WINDOW // 2, 0)), SHORT_WINDOW, SHORT_HOP)[:, :, :ATTACK]
    short = functional.interpolate(short.transpose(1, 2), scale_factor=float(WINDOW // SHORT_WINDOW), mode="linear")
    columns = [short.transpose(1, 2)[:, : WINDOW // 2]]
    at = 0
    for width in WIDTHS:
        columns.append(long[:, :, at : at + width].mean(dim=2, keepdim=True))
        at += width
    power = torch.cat(columns, dim=2)
    bands = power[:, SINGLE:].reshape(len(audio), -1, BAND, COLUMNS).mean(dim=2)
    level_db = 10.0 * torch.log10(torch.cat([power[:, :SINGLE], bands], dim=1) + 10.0 ** (FLOOR_DB / 10.0))
    return (level_db - MIDDLE_DB) / SCALE_DB


def _power(audio: Tensor, window: int, hop: int) -> Tensor:
    """(batch, bins, frames); white noise has its own power in every bin."""
    shape = torch.hann_window(window)
    spectrum = torch.stft(audio, window, hop, window=shape, center=False, return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square()) / shape.square().sum()


class Decoder(nn.Module):
    """Latent (batch, CHANNELS, COLUMNS) -> sound (batch, 1, SAMPLES): the pack's ``decoder`` graph.

    Columns beyond COLUMNS are not looked at; silence stands for them.

    Every contact is made equally loud, as those of the training were: a guided one may come out too loud or too soft.

    Args:
        rounds: of Griffin-Lim.
    """

    bins: Tensor
    before: Tensor
    after: Tensor
    share: Tensor
    basis: Tensor
    overlap: Tensor
    short_basis: Tensor
    short_overlap: Tensor
    rise: Tensor

    def __init__(self, *, rounds: int = ROUNDS) -> None:
        super().__init__()
        self.rounds = rounds
        self.register_buffer("bins", torch.from_numpy(_bins()))
        before, after, share = (torch.from_numpy(array) for array in _ways())
        self.register_buffer("before", before)
        self.register_buffer("after", after)
        self.register_buffer("share", share)
        self.register_buffer("basis", _basis(WINDOW))
        self.register_buffer("short_basis", _basis(SHORT_WINDOW))
        self.register_buffer("overlap", _overlap(WINDOW, HOP, FRAMES + FIRST // HOP))
        self.register_buffer("short_overlap", _overlap(SHORT_WINDOW, SHORT_HOP, ATTACK + 2))
        ramp = torch.linspace(0.0, math.pi / 2, (ATTACK - 1) * SHORT_HOP)
        self.register_buffer("rise", torch.sin(ramp))

    def forward(self, latent: Tensor) -> Tensor:
        """Levels and noise apart, body and attack made and joined."""
        beyond = torch.zeros_like(latent[:, ROWS:, COLUMNS:]).flatten(1)[:, None]
        latent = latent[:, :, :COLUMNS]
        noise = latent[:, ROWS:].flatten(1)[:, None]
        noise = noise * torch.rsqrt(noise.square().mean(dim=2, keepdim=True) + _TINY)
        level_db = (latent[:, :ROWS] * SCALE_DB + MIDDLE_DB).clamp(FAINTEST_DB, LOUDEST_DB)
        level_db = level_db - EXPAND * functional.relu(QUIET_DB - level_db)
        level_db = torch.index_select(level_db, 1, self.bins)
        body, attack = self._body(level_db, noise), self._attack(level_db, noise)
        length = self.rise.shape[0]
        fall = self.rise.flip(0)
        head = body[:, :, :length] * self.rise + attack[:, :, :length] * fall
        return torch.cat([_levelled(torch.cat([head, body[:, :, length:]], dim=2)), beyond], dim=2)

    def _body(self, level_db: Tensor, noise: Tensor) -> Tensor:
        """What the long windows show, (batch, 1, SAMPLES)."""
        level_db = torch.index_select(level_db, 2, self.before) * (1.0 - self.share) + (
            torch.index_select(level_db, 2, self.after) * self.share
        )
        size = torch.exp(level_db * (math.log(10.0) / 20.0)) * math.sqrt(0.375 * WINDOW)
        rings = _rings(level_db)
        hiss = _size_and_way(_frames(noise, self.basis, HOP))
        hiss_size = hiss[0] / math.sqrt(0.375 * WINDOW)
        wanted = size * (rings + (1.0 - rings) * hiss_size)
        turned = _partials(level_db)
        cosine, sine = (rings * one + (1.0 - rings) * other for one, other in zip(turned, hiss[1:], strict=True))
        spectrum = torch.cat([wanted * cosine, wanted * sine], dim=1)
        before = spectrum
        for turn in range(self.rounds):
            heard = _frames(self._added(spectrum), self.basis, HOP)
            ahead = heard if turn == 0 else heard + MOMENTUM * (heard - before)
            _, cosine, sine = _size_and_way(ahead)
            spectrum, before = torch.cat([wanted * cosine, wanted * sine], dim=1), heard
        return self._added(spectrum)

    def _added(self, spectrum: Tensor) -> Tensor:
        return _sum(spectrum, self.basis, HOP, self.overlap, SAMPLES)

    def _attack(self, level_db: Tensor, noise: Tensor) -> Tensor:
        """What the short windows show, (batch, 1, at least (ATTACK - 1) * SHORT_HOP)."""
        wide = WINDOW // SHORT_WINDOW
        levels = (level_db[:, wide // 2 - 1 :: wide, :ATTACK] + level_db[:, wide // 2 :: wide, :ATTACK]) / 2.0
        levels = torch.cat([levels, levels[:, :, -1:], levels[:, :, -1:]], dim=2)
        size = torch.exp(levels * (math.log(10.0) / 20.0))
        length = (ATTACK + 2) * SHORT_HOP
        spectrum = _frames(noise[:, :, :length], self.short_basis, SHORT_HOP) * torch.cat([size, size], dim=1)
        return _sum(spectrum, self.short_basis, SHORT_HOP, self.short_overlap, length)


def _levelled(sound: Tensor) -> Tensor:
    """Equally loud: (batch, 1, samples)."""
    power = functional.avg_pool1d(sound.square(), LOUD_SAMPLES, LOUD_SAMPLES // 8)
    loud = torch.sqrt(power.amax(dim=2, keepdim=True) + _TINY**2)
    peak = sound.abs().amax(dim=2, keepdim=True) + _TINY
    gain = torch.minimum(LOUDNESS / loud, PEAK / peak)
    return sound * gain.clamp(max=MOST)


def _frames(sound: Tensor, basis: Tensor, hop: int) -> Tensor:
    """Frames centred on multiples of ``hop``: (batch, 1, samples) -> (batch, 2 * bins, samples / hop)."""
    window = basis.shape[1]
    padded = functional.pad(sound, (window // 2, window // 2 - hop))
    return functional.conv1d(padded, basis[:, None, :], stride=hop)


def _sum(spectrum: Tensor, basis: Tensor, hop: int, overlap: Tensor, length: int) -> Tensor:
    """Least squares over overlapping frames, from the first one's centre on: (batch, 1, length)."""
    window = basis.shape[1]
    added = functional.conv_transpose1d(spectrum, basis[:, None, :], stride=hop)
    return added[:, :, window // 2 : window // 2 + length] / overlap[:length]


def _size_and_way(spectrum: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Magnitude, cosine and sine of every bin."""
    real, imaginary = spectrum.chunk(2, dim=1)
    size = torch.sqrt(real.square() + imaginary.square() + _TINY)
    return size, real / size, imaginary / size


def _rings(level_db: Tensor) -> Tensor:
    """How much of every bin rings, 0..1: it stands out of the bins around it, and is one that has a row of its own."""
    around = functional.avg_pool1d(
        level_db.transpose(1, 2), 2 * AROUND + 1, 1, AROUND, count_include_pad=False
    ).transpose(1, 2)
    beside = functional.max_pool1d(level_db.transpose(1, 2), 3, 1, 1).transpose(1, 2)
    rings = torch.sigmoid((beside - around - PEAK_DB) / PEAK_SLOPE_DB)
    bins = torch.cumsum(torch.ones_like(level_db), dim=1)
    return rings * (bins <= SINGLE).to(level_db.dtype)


def _partials(level_db: Tensor) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the phases that the bins would have if all began with one impulse at the contact."""
    slope = level_db * (math.log(10.0) / 20.0)
    slope = functional.pad((slope[:, 2:] - slope[:, :-2]) / 2.0, (0, 0, 1, 1))
    bins = torch.cumsum(torch.ones_like(level_db), dim=1) - 1.0
    frames = torch.cumsum(torch.ones_like(level_db), dim=2) - 1.0
    since = torch.cumsum(HOP / (HANN_GAMMA * WINDOW) * slope, dim=2)
    # A bin's own frequency turns it by a whole number of quarter turns a frame; frames begin half a window early.
    quarters = torch.remainder(bins * frames, WINDOW // HOP)
    phase = since - since[:, :, :1] + 2.0 * math.pi * HOP / WINDOW * quarters + math.pi * bins
    return torch.cos(phase), torch.sin(phase)


def _bins() -> np.ndarray:
    """The row of every bin below half the rate."""
    bins = np.arange(WINDOW // 2)
    return np.where(bins < SINGLE, bins, SINGLE + (bins - SINGLE) // BAND).astype(np.int64)


def _ways() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every frame from the contact on: the columns before and after it, and how near it is to the second."""
    ends = np.cumsum(WIDTHS)
    middles = ends - (np.array(WIDTHS) + 1) / 2.0 + FIRST / HOP
    frame = np.clip(np.arange(SAMPLES // HOP), middles[0], middles[-1])
    after = np.clip(np.searchsorted(middles, frame), 1, len(middles) - 1)
    share = (frame - middles[after - 1]) / (middles[after] - middles[after - 1])
    return (after - 1 + ATTACK).astype(np.int64), (after + ATTACK).astype(np.int64), share.astype(np.float32)


def _basis(window: int) -> Tensor:
    """Windowed cosines, then sines turned over, (window, window): the bins below half the rate, without that at 0."""
    sample = torch.arange(window, dtype=torch.float64)
    bins = torch.arange(window // 2, dtype=torch.float64)
    angle = 2.0 * math.pi / window * bins[:, None] * sample[None, :]
    shape = torch.hann_window(window, dtype=torch.float64)
    above = (bins > 0).double()[:, None]
    return (torch.cat([above * torch.cos(angle), -torch.sin(angle)]) * shape[None, :]).float()


def _overlap(window: int, hop: int, frames: int) -> Tensor:
    """What adding up frames multiplies a sound by, from the first one's centre on."""
    shape = torch.hann_window(window, dtype=torch.float64).square() * (window / 2.0)
    total = torch.zeros(window + hop * (frames + window // hop))
    for frame in range(frames + window // hop):
        total[frame * hop : frame * hop + window] += shape.float()
    return total[window // 2 :].clamp_min(1e-3)
