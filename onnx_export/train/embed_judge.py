"""A second ear, which only judges: the material of a hit, by other means than the embedder's.

Convention: a hit is looked at from its loudest moment on (spectrum at four distances, decay, how tonal each region is,
nothing beyond ``SEEN_FRAMES`` and nothing ``FLOOR_DB`` below its peak), and compared with the training originals by a
Gaussian kernel (kernel ridge regression on one-hot materials; Saunders et al., ICML 1998). It shares no weights and no
training with the net that conditions a generator. It may pick among the materials that one-shots cover best; held-out
originals tell how far it can be trusted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridge.engine.tokens import clip_of_reference
from bridge.errors import PackError, RequestError
from onnx_export.checkpoints import load_checkpoint, read_facts, save_checkpoint
from onnx_export.nets.clap_mel import mel_weights
from onnx_export.nets.embed import CLIP_SAMPLES, MEL, RATE_HZ
from onnx_export.train.arguments import check_usual, usual_arguments
from onnx_export.train.embed_data import Sound, digest_of, load_sounds, plain_clips, strangers
from onnx_export.train.run import CHECKPOINT

JUDGED = ("metal", "wood", "plastic", "flesh_soft", "glass", "rock_gravel", "paper", "water")
"""The eight materials that the one-shots cover best."""
SEEN_FRAMES = 30
FLOOR_DB = 60.0
SHORTEST_S, LONGEST_S = 0.2, 0.8
WIDTH, RIDGE, SHARPNESS = 1.5, 0.1, 6.0
"""Of the kernel (1 is one over the count of features), of the regression (both by cross-validation over training
originals), of the shares."""

_STEPS = ((0, 3), (3, 8), (8, 16), (16, SEEN_FRAMES))
_REGIONS = ((10, 100), (100, 400), (400, 1200), (1200, 4095))
_FOURIER = 16_384
Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class JudgePlan:
    """What the judge learns from.

    Attributes:
        sounds: folder with manifest.csv and the one-shots. out: where the checkpoint goes.
        copies: how often each sound is learned: whole, then cut off early, with another tone and some noise.
        seed: of the copies.
    """

    sounds: Path
    out: Path
    copies: int = 3
    seed: int = 1000


class Judge(nn.Module):
    """Hits and how they vote.

    Args:
        hits: how many it learned from. features: see ``heard``.
    """

    known: Tensor
    votes: Tensor
    middle: Tensor
    spread: Tensor

    def __init__(self, hits: int, features: int) -> None:
        super().__init__()
        self.register_buffer("known", torch.zeros(hits, features))
        self.register_buffer("votes", torch.zeros(hits, len(JUDGED)))
        self.register_buffer("middle", torch.zeros(features))
        self.register_buffer("spread", torch.ones(features))

    def forward(self, features: Tensor) -> Tensor:
        """How likely each of ``JUDGED`` is (batch, 8), of features (batch, features)."""
        near = kernel((features - self.middle) / self.spread, self.known)
        return torch.softmax(SHARPNESS * (near @ self.votes), dim=1)

    def of_clips(self, clips: Array) -> Array:
        """Shares (clips, 8) of clips as ``clip_of_reference`` prepares them."""
        return self(torch.from_numpy(np.stack([heard(clip) for clip in clips]))).numpy()


def heard(clip: Array) -> Array:
    """What counts of a hit, whatever its level; a clip that repeats a sound is heard once."""
    sound = clip[: _period(clip)]
    decibels = _decibels(sound)
    power = 10.0 ** (decibels / 10.0)
    loudness = power.sum(axis=1)
    start = max(0, int(loudness.argmax()) - 2)
    seen = np.full((SEEN_FRAMES, MEL.bands), 10.0 ** (-FLOOR_DB / 10.0))
    part = power[start : start + SEEN_FRAMES]
    seen[: len(part)] = part
    coarse = [10.0 * np.log10(seen[a:b].mean(axis=0)).reshape(16, -1).mean(axis=1) for a, b in _STEPS]
    tone = 10.0 * np.log10(seen.mean(axis=0))
    course = 10.0 * np.log10(seen.sum(axis=1))[::2]
    begin = max(0, (start - 1) * MEL.hop_samples)
    spectrum = np.abs(np.fft.rfft(sound[begin : begin + _FOURIER], _FOURIER))[1:] ** 2 + 1e-12
    regions = [spectrum[a:b] for a, b in _REGIONS]
    tonal = [5.0 * (np.log(one).mean() - np.log(one.mean())) for one in regions]
    peaks = [5.0 * np.log(one.max() / one.mean()) for one in regions]
    return np.concatenate([*coarse, tone - tone.max(), course - course.max(), tonal, peaks]).astype(np.float32)


def kernel(one: Tensor, other: Tensor) -> Tensor:
    """Gaussian likeness of rows of features, (ones, others)."""
    return torch.exp(-(WIDTH / one.shape[1]) * torch.cdist(one, other).square())


def load_judge(path: Path) -> Judge:
    """The judge of a checkpoint.

    Raises:
        PackError: the checkpoint is missing, damaged or of another kind.
    """
    try:
        hits, features = json.loads(read_facts(path)["judge"])
        judge = Judge(hits, features)
    except (KeyError, TypeError, ValueError) as error:
        raise PackError(f"checkpoint {path} is no judge ({error})", hint="Train one, or correct the path") from error
    load_checkpoint(path, judge)
    return judge.eval()


def train_judge(plan: JudgePlan) -> Judge:
    """Learns from the training originals; the checkpoint lies in ``out`` afterwards.

    Raises:
        RequestError: there is nothing to learn from.
    """
    sounds = [one for one in load_sounds(plan.sounds, frozenset()) if one.known.material in JUDGED and not one.held_out]
    if not sounds:
        raise RequestError(f"{plan.sounds} has no sound to learn from", hint="Give a manifest with several originals")
    rng = np.random.default_rng((plan.seed, 3))
    rows = [heard(clip) for clip in plain_clips(sounds)]
    for _ in range(plan.copies - 1):
        rows += [heard(_varied(sound.samples, rng)) for sound in sounds]
    materials = _places(sounds).repeat(plan.copies)
    features = torch.from_numpy(np.stack(rows))
    judge = fitted(features, materials)
    facts = {"judge": json.dumps(list(features.shape)), "sounds": digest_of(plan.sounds), "seed": str(plan.seed)}
    save_checkpoint(plan.out / CHECKPOINT, judge, facts=facts)
    return judge


def fitted(features: Tensor, materials: Tensor) -> Judge:
    """Kernel ridge regression in which every material weighs nearly the same."""
    judge = Judge(*features.shape)
    judge.middle, judge.spread = features.mean(dim=0), features.std(dim=0, correction=0) + 1e-3
    judge.known = (features - judge.middle) / judge.spread
    wanted = torch.nn.functional.one_hot(materials, len(JUDGED)).float()
    counts = wanted.sum(dim=0).clamp(min=1.0)[materials]
    ridge = RIDGE * (counts / counts.mean()).sqrt()
    judge.votes = torch.linalg.solve(kernel(judge.known, judge.known) + torch.diag(ridge), wanted)
    return judge


def accuracy(judge: Judge, folder: Path, *, actions: Sequence[str] = (), strange: bool = False) -> dict[str, float]:
    """Share of held-out one-shots whose material the judge tells: in all, as a mean of materials, and of each.

    Args:
        actions: only these; none named takes all. strange: only things no take of which was heard.

    Returns:
        By what it is a share of, and how many there were as "count"; no such sounds give NaN.
    """
    loaded = load_sounds(folder, frozenset())
    sounds = strangers(loaded) if strange else [one for one in loaded if one.held_out]
    sounds = [one for one in sounds if one.known.material in JUDGED]
    sounds = [one for one in sounds if not actions or one.known.action in actions]
    if not sounds:
        return {"all": float("nan"), "mean of materials": float("nan"), "count": 0.0}
    right = judge.of_clips(plain_clips(sounds)).argmax(axis=1) == _places(sounds).numpy()
    each: dict[str, list[bool]] = {}
    for hit, sound in zip(right, sounds, strict=True):
        each.setdefault(sound.known.material, []).append(bool(hit))
    shares = {material: float(np.mean(each[material])) for material in JUDGED if material in each}
    mean = float(np.mean(list(shares.values())))
    return {"all": float(right.mean()), "mean of materials": mean, "count": float(len(sounds)), **shares}


def main(argv: Sequence[str] | None = None) -> int:
    """``--sounds DIR --out DIR``: what ``foley-export train embed --judge`` does."""
    parser = argparse.ArgumentParser(
        prog="foley-export train embed --judge", description="Train the judge of materials."
    )
    usual_arguments(parser, seed=JudgePlan.seed)
    given = parser.parse_args(argv)
    check_usual(given)
    judge = train_judge(JudgePlan(sounds=given.sounds, out=given.out, seed=given.seed))
    for name, actions in (("all held-out", ()), ("held-out hits", ("hit",))):
        for whose, strange in (("", False), (", of things no take of which was heard", True)):
            shares = accuracy(judge, given.sounds, actions=actions, strange=strange)
            print(f"{name}{whose}: " + ", ".join(f"{kind} {value:.3g}" for kind, value in shares.items()))
    return 0


def _varied(samples: Array, rng: np.random.Generator) -> Array:
    """A sound cut off early, with another tone and some noise, as a clip."""
    kept = samples[: int(rng.uniform(SHORTEST_S, LONGEST_S) * RATE_HZ)]
    spectrum = np.fft.rfft(kept)
    tone_db = np.interp(np.linspace(0.0, 5.0, len(spectrum)) ** 0.5, np.linspace(0.0, 5.0**0.5, 5), rng.normal(0, 2, 5))
    kept = np.fft.irfft(spectrum * 10.0 ** (tone_db / 20.0), len(kept))
    noise = rng.standard_normal(len(kept)) * np.abs(kept).max() * 10.0 ** (-rng.uniform(45.0, 75.0) / 20.0)
    level = rng.uniform(0.3, 0.9) / max(float(np.abs(kept).max()), 1e-4)
    return clip_of_reference(((kept + noise) * level).astype(np.float32), CLIP_SAMPLES)[0]


def _period(clip: Array) -> int:
    """Length of the sound that a clip repeats, or the clip's."""
    sounding = np.flatnonzero(clip)
    if not len(sounding):
        return len(clip)
    first, found = int(sounding[0]) * clip.itemsize, clip.tobytes()
    start = found[first : first + 256 * clip.itemsize]
    place = found.find(start, first + 1)
    while 0 <= place - first <= len(found) // 2:
        length, rest = divmod(place - first, clip.itemsize)
        if not rest and np.array_equal(clip[length : 2 * length], clip[:length]):
            return length
        place = found.find(start, place + 1)
    return len(clip)


@cache
def _bands() -> Array:
    return mel_weights(MEL)


def _decibels(sound: Array) -> NDArray[np.float64]:
    """Picture of a sound below its peak, (frames, bands), not lower than ``-FLOOR_DB``."""
    half = MEL.window_samples // 2
    padded = np.pad(sound.astype(np.float64), (half, half + MEL.hop_samples))
    frames = np.lib.stride_tricks.sliding_window_view(padded, MEL.window_samples)[:: MEL.hop_samples]
    window = 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(MEL.window_samples) / MEL.window_samples)
    bands = 10.0 * np.log10(np.abs(np.fft.rfft(frames * window, axis=1)) ** 2 @ _bands() + 1e-10)
    return np.maximum(bands - bands.max(), -FLOOR_DB)


def _places(sounds: Sequence[Sound]) -> Tensor:
    return torch.tensor([JUDGED.index(sound.known.material) for sound in sounds])
