"""The last steps before a sound is written: one gain towards a loudness, under a ceiling, and fades at its two ends.

Convention: the gain is one number for the whole sound, in hundredths of a dB, so that a part made again later gets the
very gain of its take (``apply``). It is the smaller of two wishes: what brings the loudness to its target, and what
brings the true peak to its ceiling. Fades belong to the ends of the whole file, never to those of a part.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.domain.audio import Audio
from bridge.dsp import loudness
from bridge.errors import RequestError
from bridge.media.output import Output

_BLOCK_SAMPLES = 1 << 17

Block = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Finished:
    """What was done to a sound.

    Attributes:
        gain_db: the one gain; 0 changes no sample.
        loudness_lufs, true_peak_db: of the finished sound; None where there is nothing to measure (silence; less than
            0.4 s has no loudness), and where neither a target nor a ceiling asked for it.
        note: a sentence for the designer where the loudness wanted was not reached; else "".
    """

    gain_db: float
    loudness_lufs: float | None
    true_peak_db: float | None
    note: str = ""


def finish(audio: Audio, output: Output) -> tuple[Audio, Finished]:
    """A sound as it is wanted, and what was done to it; the same length and rate."""

    def blocks() -> Iterator[Block]:
        for start in range(0, audio.length_samples, _BLOCK_SAMPLES):
            yield audio.samples[:, start : start + _BLOCK_SAMPLES]

    channels = audio.samples.shape[0]
    _, done = finish_blocks(
        blocks, output, rate_hz=audio.rate_hz, channels=channels, length_samples=audio.length_samples
    )
    return apply(audio, done.gain_db, output), done


def finish_blocks(
    blocks: Callable[[], Iterable[Block]], output: Output, *, rate_hz: int, channels: int, length_samples: int
) -> tuple[Iterator[Block], Finished]:
    """``finish`` of a sound of any length: measured now, and finished block by block as the answer is taken.

    Args:
        blocks: called twice, the same sound (channels, n) each time; for instance the ``blocks`` of a ``Reader``,
            which stays open until the answer is taken.
        length_samples: of the whole, which says where the fade-out lies.
    """

    def shaped(gain_db: float) -> Iterator[Block]:
        return apply_blocks(blocks(), gain_db, output, rate_hz=rate_hz, length_samples=length_samples)

    if output.loudness_lufs is None and output.true_peak_db is None:
        return shaped(0.0), Finished(gain_db=0.0, loudness_lufs=None, true_peak_db=None)
    loudness_lufs, peak_db = loudness.measured(shaped(0.0), rate_hz=rate_hz, channels=channels)
    gain_db, note = _gain(output, loudness_lufs, peak_db, length_samples / rate_hz)
    return shaped(gain_db), Finished(
        gain_db=gain_db, loudness_lufs=_told(loudness_lufs + gain_db), true_peak_db=_told(peak_db + gain_db), note=note
    )


def apply(
    audio: Audio, gain_db: float, output: Output, *, start_samples: int = 0, length_samples: int | None = None
) -> Audio:
    """A sound, or a part of one, with a gain that is already known, and the fades of the whole as far as they reach in.

    Args:
        start_samples: where the part begins in the whole.
        length_samples: of the whole; None if this is it.
    """
    whole = start_samples + audio.length_samples if length_samples is None else length_samples
    if start_samples < 0 or start_samples + audio.length_samples > whole:
        raise RequestError(
            f"a part of {audio.length_samples} samples at {start_samples} does not lie in a sound of {whole}"
        )
    shaped = _shaped(audio.samples, gain_db, output, audio.rate_hz, start_samples, whole)
    return Audio(samples=shaped, rate_hz=audio.rate_hz)


def apply_blocks(
    blocks: Iterable[Block], gain_db: float, output: Output, *, rate_hz: int, length_samples: int
) -> Iterator[Block]:
    """``apply`` of a whole sound that comes in blocks."""
    at = 0
    for block in blocks:
        yield _shaped(block, gain_db, output, rate_hz, at, length_samples)
        at += block.shape[1]


def _gain(output: Output, loudness_lufs: float, peak_db: float, length_s: float) -> tuple[float, str]:
    """(gain in whole hundredths of a dB, what to tell the designer)."""
    gain_db, note = 0.0, ""
    if output.loudness_lufs is not None:
        if math.isfinite(loudness_lufs):
            gain_db = round(output.loudness_lufs - loudness_lufs, 2)
        else:
            why = "shorter than 0.4 s" if length_s < loudness.GATING_BLOCK_S else "silent"
            note = f"The sound is {why}, so its level was not brought to {output.loudness_lufs:g} LUFS."
    ceiling_db = output.ceiling_db
    if ceiling_db is not None and peak_db + gain_db > ceiling_db:
        held_db = math.floor(round((ceiling_db - peak_db) * 100.0, 6)) / 100.0
        if output.loudness_lufs is not None and not note:
            note = (
                f"The sound stays {gain_db - held_db:.1f} LU below {output.loudness_lufs:g} LUFS, "
                f"because its true peak is held at {ceiling_db:g} dB."
            )
        gain_db = held_db
    return gain_db + 0.0, note


def _shaped(samples: Block, gain_db: float, output: Output, rate_hz: int, start: int, whole: int) -> Block:
    if gain_db:
        samples = samples * np.float32(10.0 ** (gain_db / 20.0))
    count = samples.shape[1]
    fade_in, fade_out = (round(ms * rate_hz / 1000.0) for ms in (output.fade_in_ms, output.fade_out_ms))
    if start < fade_in:
        stop = min(count, fade_in - start)
        samples = samples.copy()
        samples[:, :stop] *= _rise(np.arange(start, start + stop), fade_in)
    if start + count > whole - fade_out and fade_out:
        begin = max(0, whole - fade_out - start)
        samples = samples.copy()
        samples[:, begin:] *= _rise(whole - 1 - np.arange(start + begin, start + count), fade_out)
    return samples


def _rise(steps: NDArray[np.int_], length: int) -> Block:
    """Half a cosine from just above 0 to just below 1, at steps from the end of the file."""
    return (0.5 - 0.5 * np.cos(np.pi * (steps + 0.5) / length)).astype(np.float32)


def _told(value: float) -> float | None:
    return round(value, 2) if math.isfinite(value) else None
