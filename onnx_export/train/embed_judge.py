"""A second ear, which only judges: the material of a sound, by a net that no generator was conditioned with.

Convention: the audio tower's kind of net with other weights, another seed and a plain classifier, trained on the same
training originals; it may pick among the materials that one-shots cover best. Held-out originals tell how far it can
be trusted.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from bridge.errors import PackError
from onnx_export.checkpoints import read_facts
from onnx_export.nets.embed import AudioTower, EmbedShape
from onnx_export.train.embed_data import Mixer, Pool, Sound, digest_of, load_sounds, plain_clips
from onnx_export.train.run import CHECKPOINT, Run, load_average

JUDGED = ("metal", "wood", "plastic", "flesh_soft", "glass", "rock_gravel", "paper", "water")
"""The eight materials that the one-shots cover best."""
SCALE = 12.0
CHECK_EVERY = 100
SHAPE = EmbedShape(vocabulary=0, audio=(16, 32, 64, 128))


@dataclass(frozen=True, kw_only=True)
class JudgePlan:
    """How the judge learns.

    Attributes:
        sounds: folder with manifest.csv and the one-shots. out: the run's folder.
        minutes, steps: whichever runs out first, 0 is no limit. batch, rate, seed: the usual; the seed is not the
            embedder's. pictures: how many to draw once and use again. shape: of the tower.
    """

    sounds: Path
    out: Path
    minutes: float = 6.0
    steps: int = 0
    batch: int = 48
    rate: float = 2e-3
    seed: int = 1000
    pictures: int = 6000
    shape: EmbedShape = SHAPE


class Judge(nn.Module):
    """Clips (batch, CLIP_SAMPLES) -> how likely each of ``JUDGED`` is (batch, 8)."""

    def __init__(self, shape: EmbedShape) -> None:
        super().__init__()
        self.tower = AudioTower(shape)
        self.directions = nn.Parameter(torch.randn(len(JUDGED), shape.dim))

    def forward(self, waveform: Tensor) -> Tensor:
        """Shares that sum to 1."""
        return torch.softmax(self.scores(self.tower.quick_mel(waveform)), dim=1)

    def scores(self, picture: Tensor) -> Tensor:
        """Logits (batch, 8) of pictures."""
        return SCALE * self.tower.seen(picture) @ functional.normalize(self.directions, dim=1).T

    @torch.no_grad()
    def of_clips(self, clips: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shares (clips, 8) of prepared clips."""
        made = [self(torch.from_numpy(clips[first : first + 32])).numpy() for first in range(0, len(clips), 32)]
        return np.concatenate(made)


def load_judge(path: Path) -> Judge:
    """The judge with the averaged weights of a checkpoint.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    try:
        audio = tuple(json.loads(read_facts(path)["audio"]))
    except (KeyError, TypeError, ValueError) as error:
        raise PackError(f"checkpoint {path} is no judge ({error})", hint="Train one, or correct the path") from error
    judge = Judge(EmbedShape(vocabulary=0, audio=audio))
    load_average(path, judge)
    return judge.eval().requires_grad_(False)


def train_judge(plan: JudgePlan) -> Judge:
    """Train until the minutes or steps are used up; going on where a stopped run was.

    Raises:
        RequestError: no data. PackError: the folder holds another run.
    """
    torch.manual_seed(plan.seed)
    sounds = [sound for sound in load_sounds(plan.sounds, frozenset()) if sound.known.material in JUDGED]
    mixer, held_out = Mixer(sounds), [sound for sound in sounds if sound.held_out]
    judge = Judge(replace(plan.shape))
    judge.tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    about = {
        "audio": json.dumps(list(plan.shape.audio)),
        "sounds": digest_of(plan.sounds),
        "plan": json.dumps({"batch": plan.batch, "rate": plan.rate, "seed": plan.seed, "pictures": plan.pictures}),
    }
    run = Run(judge, out=plan.out, rate=plan.rate, about=about)
    run.resume()
    with torch.no_grad():
        pool = Pool(mixer, judge.tower.quick_mel, size=plan.pictures, seed=plan.seed)
    clips = plain_clips(held_out) if held_out else np.zeros((0, 1), np.float32)
    judge.train()
    with run.bar(plan.steps or 1000):
        while (done := run.used(minutes=plan.minutes, steps=plan.steps)) < 1.0:
            rng = run.draws(plan.seed)
            picture, drawn = pool.draw(rng, plan.batch)
            with torch.autocast("cpu", torch.bfloat16):
                scores = judge.scores(picture.to(memory_format=torch.channels_last))
            loss = functional.cross_entropy(scores.float(), _places(drawn), label_smoothing=0.05)
            run.update(loss, done=done)
            if run.step % CHECK_EVERY == 0:
                run.log(loss=loss.item(), **_check(run, clips, held_out))
                run.save()
    run.save()
    return load_judge(plan.out / CHECKPOINT)


def accuracy(judge: Judge, folder: Path) -> dict[str, float]:
    """Share of held-out one-shots whose material the judge tells: in all, as a mean of materials, and of each."""
    sounds = [s for s in load_sounds(folder, frozenset()) if s.held_out and s.known.material in JUDGED]
    right = judge.of_clips(plain_clips(sounds)).argmax(axis=1) == _places(sounds).numpy()
    each = {
        material: float(
            np.mean([hit for hit, sound in zip(right, sounds, strict=True) if sound.known.material == material])
        )
        for material in JUDGED
        if any(sound.known.material == material for sound in sounds)
    }
    return {"all": float(right.mean()), "mean of materials": float(np.mean(list(each.values()))), **each}


def _places(sounds: Sequence[Sound]) -> Tensor:
    return torch.tensor([JUDGED.index(sound.known.material) for sound in sounds])


def _check(run: Run, clips: NDArray[np.float32], sounds: Sequence[Sound]) -> dict[str, float]:
    if not sounds:
        return {}
    with run.averaged() as judge:
        assert isinstance(judge, Judge)
        guess = judge.of_clips(clips).argmax(axis=1)
    return {"held_out": float(np.mean(guess == _places(sounds).numpy()))}


def main(argv: Sequence[str] | None = None) -> int:
    """``--sounds DIR --out DIR --minutes N``: what ``foley-export train judge`` does."""
    parser = argparse.ArgumentParser(prog="foley-export train judge", description="Train the judge of materials.")
    parser.add_argument("--sounds", type=Path, required=True, help="folder with manifest.csv and one-shots")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=6.0)
    parser.add_argument("--steps", type=int, default=0, help="stop after as many; 0: no limit")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1000)
    given = parser.parse_args(argv)
    torch.set_num_threads(given.threads)
    plan = JudgePlan(sounds=given.sounds, out=given.out, minutes=given.minutes, steps=given.steps, seed=given.seed)
    for name, share in accuracy(train_judge(plan), given.sounds).items():
        print(f"{name} {share:.3f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
