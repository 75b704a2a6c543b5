"""Training material of the *what* stage: recorded one-shots placed on real rhythms.

Convention: 48 kHz mono float32. A one-shot is kept with its attack ``LEAD_SAMPLES`` after its first sample, so that
placing it means subtracting the lead. Held-out originals never take part in training.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy import signal

from bridge.errors import RequestError
from onnx_export.nets.mdct import HOP
from onnx_export.train.what_tags import TAGS, tags_of

RATE_HZ = 48000
LEAD_SAMPLES = 48
LONGEST_S = 1.6
FADE_S = 0.3
LOUDNESS = 0.16
PEAK = 0.8
HELD_OUT_OF_256 = 26
MATERIAL_WEIGHT = {"wood": 4.0, "metal": 5.0, "glass": 4.5, "plastic": 1.2, "generic": 1.0}
BRIGHT_HZ, DULL_HZ = 2500.0, 600.0
LONG_S, SHORT_S = 0.15, 0.04
ACTION_WEIGHT = {"hit": 3.0, "footstep": 1.5, "other": 0.6, "scrape": 0.5}


@dataclass(frozen=True, kw_only=True, eq=False)
class Shot:
    """One recorded event, aligned and levelled.

    Attributes:
        samples: float32, shape (n,); the attack is at LEAD_SAMPLES.
        tags: indices into TAGS.
        family: takes of the same thing share it.
        category: the manifest's material.
        action: the manifest's action.
        held_out: kept away from training.
    """

    samples: NDArray[np.float32]
    tags: tuple[int, ...]
    family: str
    category: str
    action: str
    held_out: bool


def load_shots(folder: Path) -> list[Shot]:
    """Every usable one-shot that ``folder/manifest.csv`` lists, in its order; unusable: no attack, or several."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    shots = []
    for row in rows:
        if "several hits" in row["detail"] or ("not impulsive" in row["detail"] and row["action"] != "scrape"):
            continue
        samples, rate = soundfile.read(folder / row["file"], dtype="float32")
        if rate != RATE_HZ or samples.ndim != 1:
            continue
        aligned = align(np.asarray(samples, np.float32), slow=row["action"] == "scrape")
        if aligned is None:
            continue
        shots.append(
            Shot(
                samples=aligned,
                tags=tags_of(category=row["category"], action=row["action"], detail=row["detail"]) + timbre_of(aligned),
                family=family_of(row["file"]),
                category=row["category"],
                action=row["action"],
                held_out=int(row["original_sha256"][:2], 16) < HELD_OUT_OF_256,
            )
        )
    return shots


def family_of(file: str) -> str:
    """The file's name without take, round-robin, velocity and segment numbers."""
    path = Path(file)
    stem = re.sub(r"(_s\d+|_?(rr|vl)\d+|[_-]?\d+)(?=_|$)", "", path.stem)
    return f"{path.parent.as_posix()}/{re.sub(r'[_-]?[0-9]+$', '', stem)}"


def align(samples: NDArray[np.float32], *, slow: bool) -> NDArray[np.float32] | None:
    """The event with its attack at LEAD_SAMPLES, rumble removed, levelled; None if it has no clear single attack.

    The attack is where the 1 ms envelope first passes a tenth of its peak (a quarter for slow, scraping sounds).
    """
    sections = signal.butter(2, 50.0, "highpass", fs=RATE_HZ, output="sos")
    clean = np.asarray(signal.sosfilt(sections, samples.astype(np.float64)))
    step = 48
    count = len(clean) // step
    if count < 30:
        return None
    envelope = np.sqrt(np.mean(clean[: count * step].reshape(count, step) ** 2, axis=1))
    peak = float(envelope.max())
    if peak < 1e-3:
        return None
    start = int(np.argmax(envelope > peak * (0.25 if slow else 0.1)))
    rise = int(np.argmax(envelope[start:] > 0.5 * peak))
    if rise > (120 if slow else 25) or start > 600:
        return None
    if not slow and _hits_again(envelope, start, peak):
        return None
    attack = start * step
    body = clean[max(0, attack - LEAD_SAMPLES) : attack - LEAD_SAMPLES + int(LONGEST_S * RATE_HZ)]
    lead = LEAD_SAMPLES - min(LEAD_SAMPLES, attack)
    body = np.concatenate([np.zeros(lead), body])
    fade_in = min(LEAD_SAMPLES, len(body))
    body[:fade_in] *= np.linspace(0.0, 1.0, fade_in) ** 2
    fade = min(int(FADE_S * RATE_HZ), len(body) // 3)
    body[len(body) - fade :] *= np.cos(np.linspace(0.0, np.pi / 2, fade)) ** 2
    loud = np.sqrt(np.convolve(body**2, np.ones(960) / 960, "same").max())
    gain = min(LOUDNESS / max(loud, 1e-6), PEAK / max(np.abs(body).max(), 1e-6))
    return (body * gain).astype(np.float32)


def timbre_of(samples: NDArray[np.float32]) -> tuple[int, ...]:
    """Tags for what can be measured: bright or dull (spectral centroid), long or short (until 90 % of the energy)."""
    power = np.abs(np.fft.rfft(samples, 1 << 16)) ** 2
    centroid_hz = float(np.sum(power * np.fft.rfftfreq(1 << 16, 1.0 / RATE_HZ)) / np.sum(power))
    energy = np.cumsum(samples.astype(np.float64) ** 2)
    length_s = (np.searchsorted(energy, 0.9 * energy[-1]) - LEAD_SAMPLES) / RATE_HZ
    measured = {
        "bright": centroid_hz > BRIGHT_HZ,
        "dull": centroid_hz < DULL_HZ,
        "long": length_s > LONG_S,
        "short": length_s < SHORT_S,
    }
    return tuple(index for index, tag in enumerate(TAGS) if measured.get(tag.name))


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


def load_rhythms(table: Path, *, leave_out: Sequence[str] = ()) -> list[NDArray[np.float64]]:
    """Ascending onset times of every recording of ``table`` (columns id, time_s), without the ids to leave out."""
    by_id: dict[str, list[float]] = {}
    with table.open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["id"] not in leave_out:
                by_id.setdefault(row["id"], []).append(float(row["time_s"]))
    return [np.sort(np.asarray(times)) for times in by_id.values() if len(times) >= 3]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """One training example: sound, onset strengths at frames, multi-hot tags."""

    audio: NDArray[np.float32]
    onset_track: NDArray[np.float32]
    tags: NDArray[np.float32]


class SceneMaker:
    """Draws scenes: one family of takes on a stretch of somebody's real rhythm.

    Raises:
        RequestError: there are no one-shots or no rhythms.
    """

    def __init__(self, shots: Sequence[Shot], rhythms: Sequence[NDArray[np.float64]], *, frames: int) -> None:
        if not shots or not rhythms:
            raise RequestError(
                f"there is nothing to train on: {len(shots)} usable one-shots, {len(rhythms)} usable rhythms",
                hint="Give a manifest with single hits of several originals and a table of onset times",
            )
        self.rhythms = list(rhythms)
        self.frames = frames
        families: dict[str, list[Shot]] = {}
        for shot in shots:
            families.setdefault(shot.family, []).append(shot)
        self.families = list(families.values())
        heads = [takes[0] for takes in self.families]
        per_class: dict[tuple[str, str], float] = {}
        sizes = [min(len(takes), 4) for takes in self.families]
        for head, size in zip(heads, sizes, strict=True):
            key = (head.category, head.action)
            per_class[key] = per_class.get(key, 0.0) + size
        weights = []
        for head, size in zip(heads, sizes, strict=True):
            total = per_class[head.category, head.action]
            want = MATERIAL_WEIGHT.get(head.category, 0.6) * ACTION_WEIGHT.get(head.action, 1.0)
            weights.append(want * min(1.0, total / 12.0) * size / total)
        self.weights = np.asarray(weights) / np.sum(weights)

    def draw(self, rng: np.random.Generator) -> Scene:
        """One scene; silent up to its first onset."""
        samples = self.frames * HOP
        takes = self.families[rng.choice(len(self.families), p=self.weights)]
        speed = float(np.exp(rng.normal(0.0, 0.03)))
        audio = np.zeros(samples + int(LONGEST_S * RATE_HZ * 1.3), np.float32)
        track = np.zeros(self.frames, np.float32)
        order = rng.permutation(len(takes))
        used: list[Shot] = []
        level = rng.uniform(0.5, 1.0)
        for turn, frame in enumerate(self._frames_of_onsets(rng)):
            shot = takes[order[turn % len(takes)]]
            strength = float(np.clip(level * np.exp(rng.normal(0.0, 0.35)), 0.15, 1.0))
            sound = _repitch(shot.samples, speed * float(np.exp(rng.normal(0.0, 0.006))))
            start = max(0, frame * HOP - round(LEAD_SAMPLES / speed))
            audio[start : start + len(sound)] += sound * np.float32(strength * np.exp(rng.normal(0.0, 0.1)))
            track[frame] = strength
            used.append(shot)
        tags = np.zeros(len(TAGS), np.float32)
        if used and rng.random() > 0.12:
            keep = {"object": rng.random() < 0.5, "timbre": rng.random() < 0.5}
            for index in used[0].tags:
                if keep.get(TAGS[index].kind, True):
                    tags[index] = 1.0
        return Scene(audio=audio[:samples], onset_track=track, tags=tags)

    def _frames_of_onsets(self, rng: np.random.Generator) -> list[int]:
        if rng.random() < 0.03:
            return []
        times = self.rhythms[rng.integers(len(self.rhythms))]
        stretch = float(np.exp(rng.normal(-0.15, 0.35)))
        first = rng.integers(len(times))
        relative = (times[first:] - times[first]) * stretch
        relative = relative + rng.normal(0.0, 0.02, len(relative)) * (np.arange(len(relative)) > 0)
        frames = rng.integers(1, 200) + np.round(relative * RATE_HZ / HOP).astype(int)
        kept: list[int] = []
        for frame in frames:
            if frame >= self.frames:
                break
            if not kept or frame - kept[-1] >= 15:
                kept.append(int(frame))
        return kept


def _repitch(samples: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Play faster or slower, as tape does."""
    positions = np.arange(0.0, len(samples) - 1, speed)
    whole = positions.astype(np.int64)
    part = (positions - whole).astype(np.float32)
    return (samples[whole] * (1.0 - part) + samples[whole + 1] * part).astype(np.float32)
