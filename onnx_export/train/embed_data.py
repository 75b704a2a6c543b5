"""What the embedder trains on: one-shots as clips of two seconds, and what can be done to their pictures.

Convention: a clip is what ``bridge.engine.tokens.clip_of_reference`` makes of a sound, 48 kHz mono. What a room, a
microphone and a noisy place do is done to the log-mel picture, where it costs little. Originals are held out by the
rule of the generator's data, so that both stages keep the same ones unheard.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from scipy import signal
from torch import Tensor

from bridge.engine.tokens import clip_of_reference
from bridge.errors import RequestError
from onnx_export.nets.embed import CLIP_SAMPLES, MEL, RATE_HZ
from onnx_export.train.captions import ACTIONS, GENERIC, MATERIALS, Known, known_of
from onnx_export.train.what_data import HELD_OUT_OF_256, family_of

MATERIAL_POWER = 0.4
"""Materials are drawn by their count to this power, so that rare ones are heard."""
Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """One recording.

    Attributes:
        samples: float32, shape (n,).
        known: what is known of it in words.
        family: takes of the same thing share it.
        original: digest of the recording that it was cut from.
        held_out: kept away from training.
    """

    samples: Array
    known: Known
    family: str
    original: str
    held_out: bool

    @property
    def material(self) -> int:
        """Place in ``MATERIALS``; -1 for none of them."""
        return MATERIALS.index(self.known.material) if self.known.material != GENERIC else -1


def load_sounds(folder: Path, lexicon: frozenset[str]) -> list[Sound]:
    """Every one-shot that ``folder/manifest.csv`` lists, in its order.

    Raises:
        RequestError: no manifest, a row that no caption fits, or a sound that is missing or not 48 kHz mono.
    """
    sounds = []
    for row in manifest_rows(folder):
        path = folder / row["file"]
        try:
            samples, rate = soundfile.read(path, dtype="float32")
        except (OSError, soundfile.LibsndfileError) as error:
            raise RequestError(f"sound {path} cannot be read ({error})", hint="Copy the sounds again") from error
        if rate != RATE_HZ or samples.ndim != 1 or not len(samples):
            raise RequestError(f"sound {path} is not {RATE_HZ} Hz mono", hint="Convert it, or take it off the list")
        sounds.append(
            Sound(
                samples=np.asarray(samples, np.float32),
                known=known_of(row, lexicon),
                family=family_of(row["file"]),
                original=row["original_sha256"],
                held_out=int(row["original_sha256"][:2], 16) < HELD_OUT_OF_256,
            )
        )
    return sounds


def manifest_rows(folder: Path) -> list[dict[str, str]]:
    """Rows of ``folder/manifest.csv``.

    Raises:
        RequestError: there is no such file, or a row has a material or an action that captions have no words for.
    """
    path = folder / "manifest.csv"
    if not path.is_file():
        raise RequestError(f"there is no {path}", hint="Give the folder of the one-shots with --sounds")
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    for row in rows:
        if row["category"] not in (*MATERIALS, GENERIC) or row["action"] not in ACTIONS:
            raise RequestError(
                f'{path}: {row["file"]} is "{row["category"]}, {row["action"]}", which captions have no words for',
                hint=f"Materials are {', '.join((*MATERIALS, GENERIC))}; actions are {', '.join(ACTIONS)}",
            )
    return rows


def digest_of(folder: Path) -> str:
    """SHA-256 of the manifest, which itself holds one for each sound."""
    manifest_rows(folder)
    return hashlib.sha256((folder / "manifest.csv").read_bytes()).hexdigest()


def strangers(sounds: Sequence[Sound]) -> list[Sound]:
    """Held-out sounds of things no take of which may be heard in training; the other held-out ones have such takes."""
    heard = {sound.family for sound in sounds if not sound.held_out}
    return [sound for sound in sounds if sound.held_out and sound.family not in heard]


def plain_clips(sounds: Sequence[Sound]) -> Array:
    """Each sound as a reference, untouched: (sounds, CLIP_SAMPLES)."""
    return np.concatenate([clip_of_reference(sound.samples, CLIP_SAMPLES) for sound in sounds])


class Mixer:
    """Draws sounds, material by material, and makes clips of them.

    Attributes:
        sounds: those that are not held out. weights: chance of each, (sounds,).

    Raises:
        RequestError: there is nothing to train on.
    """

    def __init__(self, sounds: Sequence[Sound]) -> None:
        self.sounds = [sound for sound in sounds if not sound.held_out]
        if not self.sounds:
            raise RequestError("there is no sound to train on", hint="Give a manifest with several originals")
        self._takes: dict[str, list[int]] = {}
        per_material: dict[int, list[int]] = {}
        for place, sound in enumerate(self.sounds):
            self._takes.setdefault(sound.family, []).append(place)
            per_material.setdefault(sound.material, []).append(place)
        weights = np.zeros(len(self.sounds))
        for places in per_material.values():
            share = np.array([len(self._takes[self.sounds[place].family]) ** -0.5 for place in places])
            weights[places] = share / share.sum() * len(places) ** MATERIAL_POWER
        self.weights = weights / weights.sum()

    def draw(self, rng: np.random.Generator, count: int) -> tuple[Array, list[Sound]]:
        """Clips (count, CLIP_SAMPLES) and the sounds in them."""
        places = rng.choice(len(self.sounds), size=count, p=self.weights)
        return np.stack([self.clip(place, rng) for place in places]), [self.sounds[place] for place in places]

    def clip(self, place: int, rng: np.random.Generator) -> Array:
        """A clip (CLIP_SAMPLES,) of one of ``sounds``: after a rest, inside silence, or with takes of its family."""
        speed = float(np.exp(rng.normal(0.0, 0.05)))
        sound = _at_speed(self.sounds[place].samples, speed)
        kind = rng.random()
        if kind < 0.4:
            lead = np.zeros(rng.integers(1, 4800), np.float32)
            tail = np.zeros(rng.integers(1, 24000) if rng.random() < 0.5 else 1, np.float32)
            return clip_of_reference(np.concatenate([lead, sound, tail]), CLIP_SAMPLES)[0]
        clip = np.zeros(CLIP_SAMPLES, np.float32)
        takes = self._takes[self.sounds[place].family]
        start = int(rng.integers(0, CLIP_SAMPLES // 3))
        hits = 1 if kind < 0.55 else 9
        for hit in range(hits):
            if hit:
                sound = _at_speed(self.sounds[takes[rng.integers(len(takes))]].samples, speed)
            end = min(CLIP_SAMPLES, start + len(sound))
            clip[start:end] += sound[: end - start] * np.float32(np.exp(rng.normal(0.0, 0.4)))
            start += int(rng.uniform(0.12, 0.7) * RATE_HZ)
            if start > CLIP_SAMPLES - 4800:
                break
        return clip


def disturbed(picture: Tensor, rng: np.random.Generator) -> Tensor:
    """Pictures (batch, 1, frames, bands) in decibels with another tone, some room, noise and missing bands."""
    power = 10.0 ** (picture.numpy()[:, 0].astype(np.float32) / 10.0)
    batch, frames, bands = power.shape
    ground = np.linspace(0.0, 4.0, bands)
    for row in range(batch):
        tone = np.interp(ground, np.arange(5), rng.normal(0.0, 4.0, 5))
        if rng.random() < 0.3:
            tone -= np.clip(rng.uniform(0.0, 12.0) - np.arange(bands), 0.0, None) * 4.0
        if rng.random() < 0.25:
            tone -= np.clip(np.arange(bands) - rng.uniform(40.0, bands), 0.0, None) * 2.0
        if rng.random() < 0.2:
            first = int(rng.integers(0, bands - 8))
            tone[first : first + int(rng.integers(2, 8))] -= 40.0
        power[row] *= (10.0 ** (tone / 10.0)).astype(np.float32)
        if rng.random() < 0.35:
            keep = 10.0 ** (-6.0 * MEL.hop_samples / RATE_HZ / rng.uniform(0.15, 1.2))
            wet = 10.0 ** (rng.uniform(-22.0, -6.0) / 10.0)
            tail = signal.lfilter([0.0, wet * (1.0 - keep) * 10.0], [1.0, -keep], power[row], axis=0)
            power[row] += np.asarray(tail, np.float32)
    peak = power.max(axis=(1, 2), keepdims=True)
    below = 10.0 ** (-rng.uniform(25.0, 80.0, (batch, 1, 1)) / 10.0)
    slope = 10.0 ** (rng.uniform(-2.0, 0.5, (batch, 1, 1)) * np.linspace(0.0, 1.0, bands))
    grain = rng.standard_gamma(3.0, (batch, frames, bands)).astype(np.float32) / 3.0
    power += (peak * below * slope).astype(np.float32) * grain
    return torch.from_numpy(10.0 * np.log10(np.maximum(power, 1e-10)))[:, None]


def _at_speed(samples: Array, speed: float) -> Array:
    """Faster or slower, as tape does; of what lasts long, a part that fills a clip."""
    samples = samples[: int(CLIP_SAMPLES * speed) + 2]
    if len(samples) < 3:
        return samples
    positions = np.arange(0.0, len(samples) - 1, speed, dtype=np.float64)
    return np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
