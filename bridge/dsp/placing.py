"""A recorded sound made ready to be placed: cut into its takes, pitched, split so that its brightness can be set.

Convention: mono float32 in and out. A take begins ``lead_samples`` before its attack, whatever there was to hear; the
attack is the sample of steepest energy, and stays a whole sample at every pitch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy import signal

from bridge.dsp.attacks import attacks

LEAD_S = 0.060
"""Every take holds this much before its attack."""
APART_S = 0.120
"""Attacks closer than this are one take: heel and toe are one step."""
ECHO_S = 0.300
ECHO_DB = -6.0
"""So are those less than ``ECHO_S`` apart if the later one is this much quieter: it bounces, or is the toe."""
QUIETER_DB = -15.0
"""An attack this far below the loudest begins no take: it is handling noise."""
LOUDER_DB = 6.0
"""Of two attacks in one take the later one counts if it is louder by this: the first was a touch before the blow."""
DECAYED_DB = -60.0
"""A take is over where it has fallen this far below its loudest."""
NOISE_DB = -30.0
"""Noise of the room ends a take earlier, but never above this."""
FADE_S = 0.050
LONGEST_S = 8.0
"""A take is faded out after this, within ``LONG_FADE_S``."""
LONG_FADE_S = 0.5
TAKES = 12
TAKES_S = 20.0
"""No more takes are kept than these: first so many, then so long together."""
SHELF_HZ = 2500.0
"""Brightness acts above this, gently."""

_DETECT_HZ = 48000
_LEVEL_S = 0.050
_BLOCK_S = 0.010
_CLEAR_S = 0.003
_WIDTH_S = 0.001

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """One sound of a recording.

    Attributes:
        samples: float32, shape (n,), faded out at its end; the attack is sample ``lead``.
        lead: samples before the attack.
        rise: how many of these belong to the attack's own rise; 0..lead.
    """

    samples: Array = field(repr=False)
    lead: int
    rise: int


def lead_samples(rate_hz: int) -> int:
    """Samples of a take before its attack."""
    return max(1, round(LEAD_S * rate_hz))


def cut(samples: Array, *, rate_hz: int) -> list[Take]:
    """The takes of a recording, in its order, at one level; at least one.

    A recording without a clear attack is one take that begins where the recording does.

    Args:
        samples: shape (n,), n at least 1, not silent.
        rate_hz: sampling rate.
    """
    rises = _rises(samples, rate_hz)
    if not rises:
        whole = samples.copy()
        ramp = min(len(whole), round(2 * _WIDTH_S * rate_hz))
        whole[:ramp] *= _fall(ramp)[::-1]
        return [_take(whole, 0, 0, len(whole), 0.0, rate_hz)]
    before = samples[: max(0, rises[0][0] - round(_CLEAR_S * rate_hz))]
    noise = float(np.percentile(_levels(before, rate_hz), 20.0)) if len(before) > LEAD_S * rate_hz / 2 else 0.0
    stops = [begin - round(_CLEAR_S * rate_hz) for begin, _ in rises[1:]] + [len(samples)]
    takes: list[Take] = []
    for (begin, attack), stop in zip(rises, stops, strict=True):
        takes.append(_take(samples, begin, attack, stop, noise, rate_hz))
        if len(takes) >= TAKES or sum(len(take.samples) for take in takes) >= TAKES_S * rate_hz:
            break
    return _evened(takes, rate_hz)


def pitched(take: Take, *, cents: float) -> Take:
    """A take played faster (cents > 0) or slower. The speed is rounded so that the attack falls on a sample."""
    lead = max(1, round(take.lead * 2.0 ** (-cents / 1200.0)))
    if lead == take.lead:
        return take
    samples = np.asarray(soxr.resample(take.samples, take.lead, lead, quality="HQ"), np.float32)
    return Take(samples=samples, lead=lead, rise=min(lead, -(-take.rise * lead // take.lead)))


def treble(samples: Array, *, rate_hz: int) -> Array:
    """What a sound holds above ``SHELF_HZ``, shape as given: adding g - 1 times this raises the top g-fold."""
    corner = np.tan(np.pi * min(SHELF_HZ / rate_hz, 0.2))
    scale = 1.0 / (1.0 + corner)
    numerator, denominator = np.array([scale, -scale]), np.array([1.0, (corner - 1.0) * scale])
    return np.asarray(signal.lfilter(numerator.astype(np.float32), denominator.astype(np.float32), samples), np.float32)


def _rises(samples: Array, rate_hz: int) -> list[tuple[int, int]]:
    """(where the rise begins, the attack) of every take, in samples, ascending."""
    pad = round(LEAD_S * _DETECT_HZ)
    heard = samples if rate_hz == _DETECT_HZ else soxr.resample(samples, rate_hz, _DETECT_HZ)
    times = attacks(np.pad(heard, (pad, pad)), rate_hz=_DETECT_HZ) - pad / _DETECT_HZ
    found = []
    for time_s in times:
        begin = min(max(0, round(time_s * rate_hz)), len(samples) - 1)
        attack = _steepest(samples, begin, rate_hz)
        found.append((min(begin, attack), attack, _loudness(samples, attack, rate_hz)))
    loudest = max((level for *_, level in found), default=0.0)
    kept: list[tuple[int, int, float]] = []
    for one in found:
        if one[2] <= loudest * 10.0 ** (QUIETER_DB / 20.0):
            continue
        if kept and one[1] - kept[-1][1] < APART_S * rate_hz:
            if one[2] > kept[-1][2] * 10.0 ** (LOUDER_DB / 20.0):
                kept[-1] = one
            continue
        if kept and one[1] - kept[-1][1] < ECHO_S * rate_hz and one[2] < kept[-1][2] * 10.0 ** (ECHO_DB / 20.0):
            continue
        kept.append(one)
    return [(begin, attack) for begin, attack, _ in kept]


def _steepest(samples: Array, begin: int, rate_hz: int) -> int:
    """Where the energy of the next millisecond most exceeds that of the last one, around the begin of a rise."""
    width = max(1, round(_WIDTH_S * rate_hz))
    low, high = begin - 5 * width, begin + 15 * width
    padded = np.zeros(high - low + 2 * width + 1)
    first, last = max(0, low - width), min(len(samples), high + width + 1)
    padded[first - low + width : last - low + width] = samples[first:last].astype(np.float64) ** 2
    total = np.concatenate([[0.0], np.cumsum(padded)])
    middle = np.arange(width, len(padded) - width)
    rise = total[middle + width] - 2.0 * total[middle] + total[middle - width]
    steep = np.flatnonzero(rise >= 0.999 * rise.max())
    return int(np.clip(low + steep[-1], 0, len(samples) - 1))


def _loudness(samples: Array, attack: int, rate_hz: int) -> float:
    """Root mean square of what follows an attack; what is missing at the end counts as silence."""
    length = round(_LEVEL_S * rate_hz)
    return float(np.sqrt(np.sum(samples[attack : attack + length].astype(np.float64) ** 2) / length))


def _levels(samples: Array, rate_hz: int) -> NDArray[np.float64]:
    """Root mean square of each block of ``_BLOCK_S``, at least one."""
    block = max(1, round(_BLOCK_S * rate_hz))
    filled = np.pad(samples.astype(np.float64), (0, -len(samples) % block)).reshape(-1, block)
    return np.sqrt(np.mean(filled**2, axis=1)) if len(filled) else np.zeros(1)


def _take(samples: Array, begin: int, attack: int, stop: int, noise: float, rate_hz: int) -> Take:
    """From before an attack to where it has decayed, or to ``stop``."""
    longest = attack + round(LONGEST_S * rate_hz)
    fade = FADE_S if stop <= longest else LONG_FADE_S
    stop = max(attack + 1, min(stop, longest))
    levels = _levels(samples[attack:stop], rate_hz)
    top = float(levels.max())
    limit = max(top * 10.0 ** (DECAYED_DB / 20.0), min(1.4 * noise, top * 10.0 ** (NOISE_DB / 20.0)))
    over = np.flatnonzero(levels > limit)
    if len(over) and over[-1] + 1 < len(levels):
        fade = FADE_S
        stop = min(stop, attack + (int(over[-1]) + 1) * max(1, round(_BLOCK_S * rate_hz)))
    lead = lead_samples(rate_hz)
    first = max(0, attack - lead)
    sound = np.zeros(lead + stop - attack, np.float32)
    sound[lead - (attack - first) :] = samples[first:stop]
    ramp = min(round(fade * rate_hz), (stop - attack) // 2)
    sound[len(sound) - ramp :] *= _fall(ramp)
    return Take(samples=sound, lead=lead, rise=min(lead, attack - begin))


def _fall(length: int) -> Array:
    """From near 1 to 0, a half turn of a cosine."""
    return (0.5 + 0.5 * np.cos(np.pi * np.arange(1, length + 1) / max(1, length))).astype(np.float32)


def _evened(takes: Sequence[Take], rate_hz: int) -> list[Take]:
    """All as loud as the loudest, unless its peaks would then be the higher ones."""
    levels = [_loudness(take.samples, take.lead, rate_hz) for take in takes]
    peaks = [float(np.abs(take.samples[take.lead :]).max()) for take in takes]
    even = []
    for take, level, peak in zip(takes, levels, peaks, strict=True):
        gain = min(max(levels) / level, max(peaks) / peak) if level > 0.0 and peak > 0.0 else 1.0
        even.append(Take(samples=take.samples * np.float32(gain), lead=take.lead, rise=take.rise))
    return even
