"""How loud a sound is: integrated loudness (EBU R 128, ITU-R BS.1770) and true peak, with memory that does not grow.

Convention: blocks of float32, shape (channels, n), in order; how a sound is cut into blocks does not change the answer.
Nothing to measure (silence, less than one gating block) is minus infinity. The K-weighting filters are pyloudnorm's, in
De Man's form, which are those of BS.1770's own table at 48 kHz; the answer is that of its
``Meter(rate, filter_class="DeMan")``, which wants the whole sound at once.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyloudnorm
import soxr
from numpy.typing import NDArray
from scipy import signal

from bridge.domain.audio import Audio
from bridge.errors import RequestError

GATING_BLOCK_S = 0.4
HOPS_PER_SECOND = 10
"""Gating blocks begin every 100 ms, and are four of these long."""
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)
"""Of left, right, centre and the two surrounds; more channels than these are not measured."""
_OFFSET_DB = -0.691
_PIECE_SAMPLES = 1 << 15
_NOTHING = 1e-30
"""Below this a filter's memory is emptied: numbers that are smaller still take the processor a hundred times longer."""
_SHELF = (3.99984385397, 0.7071752369554193, 1681.9744509555319)
_HIGH_PASS = (0.0, 0.5003270373253953, 38.13547087613982)

Block = NDArray[np.float32]


class LoudnessMeter:
    """Integrated loudness of a sound that comes in blocks. It keeps ten numbers a second and channel.

    Raises:
        RequestError: more than five channels.
    """

    def __init__(self, *, rate_hz: int, channels: int) -> None:
        if not 1 <= channels <= len(WEIGHTS):
            raise RequestError(
                f"the loudness of {channels} channels cannot be measured", hint=f"Use 1 to {len(WEIGHTS)} channels"
            )
        self._rate_hz = rate_hz
        self._length_samples = 0
        self._hops: list[NDArray[np.float64]] = []
        self._open = np.zeros(channels)
        self._stages = []
        for shape, kind in ((_SHELF, "high_shelf_DeMan"), (_HIGH_PASS, "high_pass_DeMan")):
            stage = pyloudnorm.IIRfilter(*shape, rate_hz, kind)
            self._stages.append((np.asarray(stage.b), np.asarray(stage.a), np.zeros((channels, 2))))

    def add(self, block: Block) -> None:
        """The next samples, shape (channels, n)."""
        for start in range(0, block.shape[1], _PIECE_SAMPLES):
            self._add(np.asarray(block[:, start : start + _PIECE_SAMPLES], np.float64))

    def lufs(self) -> float:
        """Loudness of all that came, gated; minus infinity if it is silent or shorter than 400 ms."""
        length_s = self._length_samples / self._rate_hz
        if length_s < GATING_BLOCK_S:
            return -np.inf
        count = int(np.round((length_s - GATING_BLOCK_S) * HOPS_PER_SECOND)) + 1
        energy = np.array([*self._hops, self._open, *[np.zeros_like(self._open)] * 4])  # (hops, channels)
        blocks = sum(energy[hop : hop + count] for hop in range(4)) / (GATING_BLOCK_S * self._rate_hz)
        power = np.asarray(blocks) @ np.asarray(WEIGHTS[: energy.shape[1]])
        kept = power[_lufs(power) >= ABSOLUTE_GATE_LUFS]
        if not len(kept):
            return -np.inf
        kept = kept[_lufs(kept) > _lufs(kept.mean()) + RELATIVE_GATE_LU]
        return float(_lufs(kept.mean()))

    def _add(self, samples: NDArray[np.float64]) -> None:
        for b, a, state in self._stages:
            samples, state[:] = signal.lfilter(b, a, samples, axis=1, zi=state)
            state[np.abs(state) < _NOTHING] = 0.0
        power = samples**2
        at = 0
        while at < samples.shape[1]:
            end = (len(self._hops) + 1) * self._rate_hz // HOPS_PER_SECOND
            stop = min(samples.shape[1], at + end - self._length_samples)
            self._open += power[:, at:stop].sum(axis=1)
            self._length_samples += stop - at
            at = stop
            if self._length_samples == end:
                self._hops.append(self._open)
                self._open = np.zeros_like(self._open)


class TruePeakMeter:
    """Largest level between the samples too (BS.1770 annex 2), of a sound that comes in blocks.

    Oversampled to about 192 kHz: four times at 48 kHz, twice at 96 kHz.
    """

    def __init__(self, *, rate_hz: int, channels: int) -> None:
        times = 4 if rate_hz < 80_000 else 2 if rate_hz < 160_000 else 1
        self._stream = soxr.ResampleStream(rate_hz, times * rate_hz, channels, dtype="float32", quality="HQ")
        self._channels = channels
        self._peak = 0.0
        self._ended = False

    def add(self, block: Block) -> None:
        """The next samples, shape (channels, n). Not after ``db``."""
        for start in range(0, block.shape[1], _PIECE_SAMPLES):
            piece = np.ascontiguousarray(block[:, start : start + _PIECE_SAMPLES].T, np.float32)
            self._take(piece)
            self._take(self._stream.resample_chunk(piece))

    def db(self) -> float:
        """Of all that came, dB relative to full scale; minus infinity for silence."""
        if not self._ended:
            self._ended = True
            self._take(self._stream.resample_chunk(np.zeros((0, self._channels), np.float32), last=True))
        with np.errstate(divide="ignore"):
            return float(20.0 * np.log10(self._peak))

    def _take(self, samples: NDArray[np.float32]) -> None:
        self._peak = max(self._peak, float(np.abs(samples).max(initial=0.0)))


def integrated(audio: Audio) -> float:
    """Integrated loudness in LUFS; minus infinity if it is silent or shorter than 400 ms."""
    meter = LoudnessMeter(rate_hz=audio.rate_hz, channels=audio.samples.shape[0])
    meter.add(audio.samples)
    return meter.lufs()


def true_peak_db(audio: Audio) -> float:
    """True peak in dB relative to full scale; minus infinity for silence."""
    meter = TruePeakMeter(rate_hz=audio.rate_hz, channels=audio.samples.shape[0])
    meter.add(audio.samples)
    return meter.db()


def measured(blocks: Iterable[Block], *, rate_hz: int, channels: int) -> tuple[float, float]:
    """(integrated loudness in LUFS, true peak in dB) of a sound that comes in blocks, in one pass."""
    loudness = LoudnessMeter(rate_hz=rate_hz, channels=channels)
    peak = TruePeakMeter(rate_hz=rate_hz, channels=channels)
    for block in blocks:
        loudness.add(block)
        peak.add(block)
    return loudness.lufs(), peak.db()


def _lufs(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    with np.errstate(divide="ignore"):
        return np.asarray(_OFFSET_DB + 10.0 * np.log10(power))
