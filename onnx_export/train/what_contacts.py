"""Training examples of the *what* stage: one contact, as hard as it was, in a room.

Convention: an example is the picture of one take (see ``onnx_export.nets.picture``) in one of its variants: a place on
the tape's speed dial and a room, which takes of one family share. All examples are equally loud. Rhythms are not
learned: contacts are made one by one and add up, so that whatever rhythm is asked for is played exactly.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from bridge.errors import RequestError
from onnx_export.nets.picture import SAMPLES, analyse
from onnx_export.train.what_data import FADE_S, LEAD_SAMPLES, LONGEST_S, RATE_HZ, Shot, fade_out
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
SPREAD_TAKES, SPREAD = 3, 1.5
"""A family of so many takes, the loudest so many times the softest, knows how hard each was struck."""
WEAKEST = 0.1
END_S = 0.2
"""A contact is faded out over its last part."""
_BATCH = 64


@dataclass(frozen=True, kw_only=True, eq=False)
class Contact:
    """One training example.

    Attributes:
        picture: (ROWS, COLUMNS). strength: 0..1, how hard beside the hardest of its family.
        takes: the take itself, then others of its family. variant: which of its variants.
    """

    picture: NDArray[np.float32]
    strength: float
    takes: tuple[int, ...]
    variant: int


class Contacts:
    """Draws contacts.

    Args:
        shots: what may sound; a contact's ``takes`` count in this list. chosen: indices that this one uses.

    Raises:
        RequestError: there are no one-shots.
    """

    def __init__(self, shots: Sequence[Shot], chosen: Sequence[int]) -> None:
        if not chosen:
            raise RequestError(
                "there is nothing to train on: no usable one-shots",
                hint="Give a manifest with single hits of several originals",
            )
        self._shots = shots
        families: dict[str, list[int]] = {}
        for index in chosen:
            families.setdefault(shots[index].family, []).append(index)
        self._families = list(families.values())
        self._weights = _weights([(shots[takes[0]], len(takes)) for takes in self._families])
        self._strengths = {
            take: level for takes in self._families for take, level in strengths([shots[one] for one in takes], takes)
        }
        self._pictures: dict[tuple[int, int], NDArray[np.float16]] = {}

    def draw(self, rng: np.random.Generator) -> Contact:
        """One contact; the same for the same state of ``rng``."""
        family = self._families[rng.choice(len(self._families), p=self._weights)]
        takes = tuple(int(take) for take in rng.permutation(family))
        number = int(rng.integers(VARIANTS))
        anything = float(rng.uniform(WEAKEST, 1.0))
        known = self._strengths[takes[0]]
        return Contact(
            picture=self._picture(takes[0], number),
            strength=anything if known is None else known,
            takes=takes,
            variant=number,
        )

    def _picture(self, take: int, number: int) -> NDArray[np.float32]:
        """Made for a whole number of takes at once, as most of the work is the transform's."""
        if (take, number) not in self._pictures:
            around = sorted(one for family in self._families for one in family if (one, number) not in self._pictures)
            batch = [take, *[one for one in around if one != take][: _BATCH - 1]]
            sounds = np.stack([window(variant(self._shots[one], number)) for one in batch])
            for one, picture in zip(batch, analyse(torch.from_numpy(sounds)).numpy(), strict=True):
                self._pictures[one, number] = picture.astype(np.float16)
        return self._pictures[take, number].astype(np.float32)


def strengths(shots: Sequence[Shot], takes: Sequence[int]) -> list[tuple[int, float | None]]:
    """How hard each take of a family was struck, 0..1; None where their levels do not tell."""
    loud = np.array([shot.loud for shot in shots])
    told = len(loud) >= SPREAD_TAKES and loud.max() >= SPREAD * loud.min()
    levels = np.clip(loud / loud.max(), WEAKEST, 1.0)
    return [(take, float(level) if told else None) for take, level in zip(takes, levels, strict=True)]


def window(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """A contact that begins with its attack, (SAMPLES,), faded out at the end."""
    body = sound[LEAD_SAMPLES : LEAD_SAMPLES + SAMPLES]
    whole = np.concatenate([body, np.zeros(SAMPLES - len(body), np.float32)])
    fade_out(whole, int(END_S * RATE_HZ))
    return whole


def variant(shot: Shot, number: int) -> NDArray[np.float32]:
    """A one-shot at another speed and in a room; takes of one family share both, and 0 is the recording itself."""
    if number == 0:
        return shot.samples
    rng = np.random.default_rng((zlib.crc32(shot.family.encode()), number))
    sound = _at_speed(shot.samples, float(np.exp(rng.normal(0.0, 0.06))))
    if rng.random() < 0.7:
        sound = in_room(sound, impulse_response(rng, rate_hz=RATE_HZ))
    sound = sound[: int(LONGEST_S * RATE_HZ)]
    fade_out(sound, min(int(FADE_S * RATE_HZ), len(sound) // 3))
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
