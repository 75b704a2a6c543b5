"""Training examples of the *what* stage: one thing, hit once, or again and again on somebody's real rhythm.

Convention: a scene is ``frames`` latent frames long and silent up to its first onset, which falls on ``LEAD_FRAMES``.
All its hits are of one family of takes in one variant: the same place on the tape's speed dial, the same room. The
sound's level is proportional to an onset's strength, and the hardest of a scene has strength 1: how loud a scene is as
a whole is not the net's affair.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bridge.errors import RequestError
from onnx_export.nets.spectrogram import HOP, LEAD_FRAMES
from onnx_export.train.what_data import FADE_S, LEAD_SAMPLES, LONGEST_S, RATE_HZ, Shot
from onnx_export.train.what_room import impulse_response, in_room

VARIANTS = 4
"""Of every one-shot; the first is as it was recorded."""
MATERIAL_WEIGHT = {
    "metal": 1.5,
    "wood": 1.5,
    "glass": 1.2,
    "plastic": 1.0,
    "flesh_soft": 1.0,
    "rock_gravel": 1.0,
    "paper": 1.0,
    "water": 1.0,
    "generic": 0.8,
}
OTHER_MATERIAL_WEIGHT = 0.4
ACTION_WEIGHT = {"hit": 3.0, "footstep": 1.5, "other": 0.8, "scrape": 1.0}
RHYTHM = 0.2
"""Share of scenes that go on after their first hit."""
CLOSEST_FRAMES = 4
WEAKEST = 0.1
END_S = 0.2
"""A scene is faded out over its last part."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """One training example.

    Attributes:
        audio: (frames * HOP,). onset_track: (frames,), strengths 0..1.
        takes: indices of the one-shots that sound. variant: which of their variants.
    """

    audio: NDArray[np.float32]
    onset_track: NDArray[np.float32]
    takes: tuple[int, ...]
    variant: int


class SceneMaker:
    """Draws scenes.

    Args:
        shots: what may sound; a scene's ``takes`` count in this list. chosen: indices that this maker uses.
        rhythms: ascending onset times in seconds. frames: length of a scene.

    Raises:
        RequestError: there are no one-shots or no rhythms.
    """

    def __init__(
        self, shots: Sequence[Shot], chosen: Sequence[int], rhythms: Sequence[NDArray[np.float64]], *, frames: int
    ) -> None:
        if not chosen or not rhythms:
            raise RequestError(
                f"there is nothing to train on: {len(chosen)} usable one-shots, {len(rhythms)} usable rhythms",
                hint="Give a manifest with single hits of several originals and a table of onset times",
            )
        self._shots, self._rhythms, self._frames = shots, list(rhythms), frames
        families: dict[str, list[int]] = {}
        for index in chosen:
            families.setdefault(shots[index].family, []).append(index)
        self._families = list(families.values())
        self._weights = _weights([(shots[takes[0]], len(takes)) for takes in self._families])
        self._made: dict[tuple[int, int], NDArray[np.float32]] = {}

    def draw(self, rng: np.random.Generator) -> Scene:
        """One scene; the same for the same state of ``rng``."""
        length = self._frames * HOP
        takes = self._families[rng.choice(len(self._families), p=self._weights)]
        number = int(rng.integers(VARIANTS))
        audio = np.zeros(length + int((LONGEST_S + 0.5) * RATE_HZ), np.float32)
        track = np.zeros(self._frames, np.float32)
        order = rng.permutation(len(takes))
        frames = self._onsets(rng)
        levels = np.exp(rng.normal(0.0, rng.uniform(0.1, 0.8), len(frames)))
        strengths = np.clip(levels / levels.max(), WEAKEST, 1.0)
        used: list[int] = []
        for turn, frame in enumerate(frames):
            take = takes[order[turn % len(takes)]]
            sound = self._variant(take, number)
            start = frame * HOP - LEAD_SAMPLES
            audio[start : start + len(sound)] += sound * np.float32(strengths[turn])
            track[frame] = strengths[turn]
            used.append(take)
        fade = int(END_S * RATE_HZ)
        audio[length - fade : length] *= np.cos(np.linspace(0.0, np.pi / 2, fade)).astype(np.float32) ** 2
        return Scene(audio=audio[:length], onset_track=track, takes=tuple(dict.fromkeys(used)), variant=number)

    def _variant(self, take: int, number: int) -> NDArray[np.float32]:
        if (take, number) not in self._made:
            self._made[take, number] = variant(self._shots[take], number)
        return self._made[take, number]

    def _onsets(self, rng: np.random.Generator) -> list[int]:
        """Frames, ascending."""
        if rng.random() >= RHYTHM:
            return [LEAD_FRAMES]
        times = self._rhythms[rng.integers(len(self._rhythms))]
        stretch = float(np.exp(rng.normal(-0.7, 0.6)))
        first = rng.integers(len(times))
        relative = (times[first:] - times[first]) * stretch
        frames = LEAD_FRAMES + np.round(relative * RATE_HZ / HOP).astype(int)
        kept: list[int] = []
        for frame in frames:
            if frame >= self._frames:
                break
            if not kept or frame - kept[-1] >= CLOSEST_FRAMES:
                kept.append(int(frame))
        return kept


def variant(shot: Shot, number: int) -> NDArray[np.float32]:
    """A one-shot at another speed and in a room; takes of one family share both, and 0 is the recording itself."""
    if number == 0:
        return shot.samples
    rng = np.random.default_rng((zlib.crc32(shot.family.encode()), number))
    sound = _at_speed(shot.samples, float(np.exp(rng.normal(0.0, 0.06))))
    if rng.random() < 0.7:
        sound = in_room(sound, impulse_response(rng, rate_hz=RATE_HZ))
    sound = sound[: int(LONGEST_S * RATE_HZ)]
    fade = min(int(FADE_S * RATE_HZ), len(sound) // 3)
    sound[len(sound) - fade :] *= np.cos(np.linspace(0.0, np.pi / 2, fade)).astype(np.float32) ** 2
    return sound * np.float32(min(1.0, 0.95 / max(1e-6, float(np.abs(sound).max()))))


def _weights(families: Sequence[tuple[Shot, int]]) -> NDArray[np.float64]:
    """How often each family is drawn: by material, in it by action, in that by the root of its takes."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, (shot, _) in enumerate(families):
        groups.setdefault((shot.material, shot.action), []).append(index)
    within = np.array([min(takes, 16) ** 0.5 for _, takes in families])
    share = {
        key: ACTION_WEIGHT.get(key[1], 1.0) * sum(families[index][1] for index in indices) ** 0.5
        for key, indices in groups.items()
    }
    weights = np.zeros(len(families))
    for key, indices in groups.items():
        material = sum(part for (name, _), part in share.items() if name == key[0])
        wanted = MATERIAL_WEIGHT.get(key[0], OTHER_MATERIAL_WEIGHT) * share[key] / material
        weights[indices] = wanted * within[indices] / within[indices].sum()
    return weights / weights.sum()


def _at_speed(samples: NDArray[np.float32], speed: float) -> NDArray[np.float32]:
    """Faster or slower, as tape does; the attack stays at its lead."""
    positions = np.arange(0.0, len(samples) - 1 - LEAD_SAMPLES, speed) + LEAD_SAMPLES
    body = np.interp(positions, np.arange(len(samples)), samples).astype(np.float32)
    return np.concatenate([samples[:LEAD_SAMPLES], body])
