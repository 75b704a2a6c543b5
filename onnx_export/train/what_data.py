"""Training material of the *what* stage: recorded one-shots.

Convention: 48 kHz mono float32. A one-shot is kept with its attack ``LEAD_SAMPLES`` after its first sample, so that
placing it means subtracting the lead. Held-out originals never take part in training.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

from bridge.errors import RequestError

RATE_HZ = 48000
LEAD_SAMPLES = 48
LONGEST_S = 2.0
FADE_S = 0.4
LOUDNESS = 0.16
PEAK = 0.8
HELD_OUT_OF_256 = 26
ENVELOPE_SAMPLES = 48
STRICT = ("metal", "generic")
"""Materials with so much data that only clear attacks are taken."""
TEXTURES = ("water", "paper", "rock_gravel", "cloth", "dirt", "grass_leaf")
"""Materials with so little that events are cut out of what goes on and on."""
CARVED, CARVED_S, CARVED_DECAY_S = 3, 0.6, 0.13


@dataclass(frozen=True, kw_only=True, eq=False)
class Shot:
    """One recorded event, aligned and levelled.

    Attributes:
        samples: float32, shape (n,); the attack is at LEAD_SAMPLES.
        row: its line of the manifest.
        family: takes of the same thing share it.
        held_out: kept away from training.
        loud: of its loudest 20 ms as recorded, RMS; 1 is full scale.
    """

    samples: NDArray[np.float32]
    row: Mapping[str, str]
    family: str
    held_out: bool
    loud: float = 1.0

    @property
    def material(self) -> str:
        """The manifest's."""
        return self.row["category"]

    @property
    def action(self) -> str:
        """The manifest's."""
        return self.row["action"]


def load_shots(folder: Path) -> list[Shot]:
    """Every usable one-shot that ``folder/manifest.csv`` lists, in its order; unusable: no attack, or several.

    Raises:
        RequestError: there is no manifest, or a sound that it lists cannot be read.
    """
    table = folder / "manifest.csv"
    if not table.is_file():
        raise RequestError(f"there is no {table}", hint="Give the folder of the one-shots with --sounds")
    with table.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    shots = []
    for row in rows:
        scraped = row["action"] == "scrape"
        if "several hits" in row["detail"] or ("not impulsive" in row["detail"] and not scraped):
            continue
        path = folder / row["file"]
        try:
            read, rate = soundfile.read(path, dtype="float32")
        except (OSError, soundfile.LibsndfileError) as error:
            raise RequestError(f"sound {path} cannot be read ({error})", hint="Copy the sounds again") from error
        if rate != RATE_HZ or read.ndim != 1:
            continue
        samples = np.asarray(read, np.float32)
        slow = scraped or (row["action"] != "hit" and row["category"] not in STRICT) or row["action"] == "footstep"
        aligned = align(samples, slow=slow, repeats=scraped)
        events = [aligned] if aligned is not None else carve(samples) if row["category"] in TEXTURES else []
        held_out = int(row["original_sha256"][:2], 16) < HELD_OUT_OF_256
        family = family_of(row["file"])
        loud = loudest(samples)
        shots += [Shot(samples=one, row=row, family=family, held_out=held_out, loud=loud) for one in events]
    return shots


def family_of(file: str) -> str:
    """The file's name without take, round-robin, velocity and segment numbers."""
    path = Path(file)
    stem = re.sub(r"(_s\d+|_?(rr|vl)\d+|[_-]?\d+)(?=_|$)", "", path.stem)
    return f"{path.parent.as_posix()}/{re.sub(r'[_-]?[0-9]+$', '', stem)}"


def align(samples: NDArray[np.float32], *, slow: bool, repeats: bool = False) -> NDArray[np.float32] | None:
    """The event with its onset at LEAD_SAMPLES, rumble removed, levelled; None if it has no clear single onset.

    The onset is where the 1 ms envelope first passes a tenth of its peak.

    Args:
        samples: 48 kHz mono. slow: it may take up to 0.15 s to half its peak. repeats: it may swell again.
    """
    clean, envelope = _clean(samples)
    if len(envelope) < 30:
        return None
    peak = float(envelope.max())
    if peak < 1e-3:
        return None
    start = int(np.argmax(envelope > peak * 0.1))
    rise = int(np.argmax(envelope[start:] > 0.5 * peak))
    if rise > (150 if slow else 25) or start > 600:
        return None
    if not repeats and _hits_again(envelope, start, peak):
        return None
    attack = start * ENVELOPE_SAMPLES
    body = clean[max(0, attack - LEAD_SAMPLES) : attack - LEAD_SAMPLES + int(LONGEST_S * RATE_HZ)]
    lead = LEAD_SAMPLES - min(LEAD_SAMPLES, attack)
    return _finished(np.concatenate([np.zeros(lead), body]))


def carve(samples: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Up to CARVED events out of a sound that goes on: from its steepest rises on, made to die away.

    Args:
        samples: 48 kHz mono.
    """
    clean, envelope = _clean(samples)
    if len(envelope) < 100 or envelope.max() < 1e-3:
        return []
    means = np.convolve(envelope, np.ones(15) / 15, "valid")
    after, before = means[15:], means[:-15]
    score = after / (before + 0.1 * envelope.max())
    events = []
    for _ in range(CARVED):
        place = int(np.argmax(score))
        attack = (place + 15) * ENVELOPE_SAMPLES
        if score[place] < 1.0 or len(clean) - attack < 0.2 * RATE_HZ:
            break
        score[max(0, place - 500) : place + 500] = 0.0
        body = clean[attack - LEAD_SAMPLES : attack + int(CARVED_S * RATE_HZ)].copy()
        time_s = np.arange(len(body)) / RATE_HZ
        events.append(_finished(body * np.exp(-np.maximum(0.0, time_s - 0.02) / CARVED_DECAY_S)))
    return events


def _clean(samples: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Without rumble and DC, and its envelope by the millisecond."""
    sections = signal.butter(2, 50.0, "highpass", fs=RATE_HZ, output="sos")
    clean = np.asarray(signal.sosfilt(sections, samples.astype(np.float64)))
    count = len(clean) // ENVELOPE_SAMPLES
    pieces = clean[: count * ENVELOPE_SAMPLES].reshape(count, ENVELOPE_SAMPLES)
    return clean, np.sqrt(np.mean(pieces**2, axis=1))


def _finished(body: NDArray[np.float64]) -> NDArray[np.float32]:
    """Faded in over the lead and out at the end, levelled by its loudest 20 ms."""
    fade_in = min(LEAD_SAMPLES, len(body))
    body[:fade_in] *= np.linspace(0.0, 1.0, fade_in) ** 2
    fade_out(body, min(int(FADE_S * RATE_HZ), len(body) // 3))
    gain = min(LOUDNESS / max(loudest(body), 1e-6), PEAK / max(np.abs(body).max(), 1e-6))
    return (body * gain).astype(np.float32)


def fade_out(samples: NDArray[np.floating[Any]], length: int) -> None:
    """Lets a sound's last samples, so many, fall to silence in place."""
    samples[len(samples) - length :] *= np.cos(np.linspace(0.0, np.pi / 2, length)).astype(samples.dtype) ** 2


def loudest(samples: NDArray[np.floating[Any]]) -> float:
    """RMS of the loudest 20 ms."""
    return float(
        np.sqrt(max(0.0, signal.oaconvolve(samples.astype(np.float64) ** 2, np.ones(960) / 960, "same").max()))
    )


def _hits_again(envelope: NDArray[np.float64], start: int, peak: float) -> bool:
    """Whether a second attack, more than 8 dB up within 10 ms and within 14 dB of the peak, follows after 70 ms."""
    late = np.maximum.accumulate(envelope[start + 70 :][::-1])[::-1] if len(envelope) > start + 80 else np.zeros(0)
    for index in range(start + 70, len(envelope) - 10):
        if late[index - start - 70] < 0.2 * peak:
            return False
        before = float(np.mean(envelope[index - 15 : index])) + 1e-9
        if envelope[index : index + 10].max() > 0.2 * peak and envelope[index : index + 10].max() > 4.0 * before:
            return True
    return False
