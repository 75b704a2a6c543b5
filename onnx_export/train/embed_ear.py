"""A better ear for words that stay as they are: the audio tower learns on, beside a text tower that no longer moves.

Convention: the checkpoint has the layout of ``embed`` and the same text tower to the bit, so a generator that follows
the words of the first follows those of the second; ``TEXT_OF`` among its texts names the first by SHA-256. Each
recording is drawn as a few pictures once, and what a room or microphone does is done to the pictures, so that a step
costs little more than the net.
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
from torch import Tensor
from torch.nn import functional

from bridge.errors import RequestError
from onnx_export.checkpoints import read_facts, sha256_of
from onnx_export.train.arguments import check_usual, usual_arguments
from onnx_export.train.captions import compose
from onnx_export.train.embed_data import Mixer, Sound, digest_of, load_sounds, plain_clips
from onnx_export.train.embed_loss import alike, loss_of
from onnx_export.train.embed_model import CHECK_EVERY, SAVE_EVERY, Check, EmbedModel, Learner, load_model, shape_of
from onnx_export.train.run import CHECKPOINT, Run, load_average

TEXT_OF = "text_of"
"""A checkpoint's text that names the checkpoint whose text tower it has, by SHA-256."""
CAPTIONS = 8
_DRAWN_AT_ONCE = 64

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class EarPlan:
    """What to train on and for how long.

    Attributes:
        sounds: folder with manifest.csv and the one-shots. text: checkpoint of ``embed`` whose words stay.
        out: the run's folder. minutes, steps: whichever runs out first, 0 is no limit.
        pictures: of each recording; the first is the recording itself, the others have hits, rests and other speeds.
        batch: sounds of a step. struck: see ``EmbedShape``. rate, seed: the usual.
    """

    sounds: Path
    text: Path
    out: Path
    minutes: float = 0.0
    steps: int = 1500
    pictures: int = 4
    batch: int = 64
    struck: int = 384
    rate: float = 1.5e-3
    seed: int = 0


def train(plan: EarPlan) -> EmbedModel:
    """Train until the minutes or steps are used up; going on where a stopped run was.

    Returns:
        The model with averaged weights, which is also on disk.

    Raises:
        RequestError: no data. PackError: ``text`` is no embedder, or the folder holds another run.
    """
    torch.manual_seed(plan.seed)
    first, facts = load_model(plan.text), read_facts(plan.text)
    sounds = load_sounds(plan.sounds, frozenset(first.vocabulary))
    heard = [sound for sound in sounds if not sound.held_out]
    if not heard:
        raise RequestError("there is no sound to train on", hint="Give a manifest with several originals")
    base = Learner(shape_of(facts["shape"]))
    load_average(plan.text, base)
    shape = replace(shape_of(facts["shape"]), struck=plan.struck)
    learner = Learner(shape)
    learner.load_state_dict(base.state_dict(), strict=False)
    learner.net.text_tower.requires_grad_(False)
    learner.heads.directions.requires_grad_(False)
    learner.net.audio_tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    settings = {"batch": plan.batch, "pictures": plan.pictures, "rate": plan.rate}
    about = {
        "vocabulary": facts["vocabulary"],
        "shape": json.dumps({**json.loads(facts["shape"]), "struck": plan.struck}, sort_keys=True),
        "sounds": digest_of(plan.sounds),
        "seed": str(plan.seed),
        "plan": json.dumps(settings, sort_keys=True),
        TEXT_OF: sha256_of(plan.text),
    }
    run = Run(learner, out=plan.out, rate=plan.rate, about=about)
    run.resume()
    _listen(run, learner, plan, first, sounds, heard)
    return load_model(plan.out / CHECKPOINT)


def _listen(
    run: Run, learner: Learner, plan: EarPlan, first: EmbedModel, sounds: Sequence[Sound], heard: Sequence[Sound]
) -> None:
    drawn = pictures_of(heard, first, plan)
    if not run.step:
        _scale(learner, drawn)
    rng = np.random.default_rng((plan.seed, CAPTIONS))
    read = first.of_texts([compose(sound.known, rng) for sound in heard for _ in range(CAPTIONS)])
    captions = torch.from_numpy(read.reshape(len(heard), CAPTIONS, -1))
    materials = torch.tensor([sound.material for sound in heard])
    chance = Mixer(heard).weights
    check = Check(sounds, {word: place for place, word in enumerate(first.vocabulary)})
    losses: list[float] = []
    with run.bar(plan.steps or 1000):
        while (done := run.used(minutes=plan.minutes, steps=plan.steps)) < 1.0:
            learner.train()
            rng = run.draws(plan.seed)
            places = rng.choice(len(heard), size=plan.batch, p=chance)
            which = torch.from_numpy(places)
            picture = retouched(drawn[which, torch.from_numpy(rng.integers(plan.pictures, size=plan.batch))].float())
            with torch.autocast("cpu", torch.bfloat16):
                audio = learner.net.audio_tower.seen(picture.to(memory_format=torch.channels_last))
            loss = loss_of(
                learner.heads,
                audio,
                captions[which, torch.from_numpy(rng.integers(CAPTIONS, size=plan.batch))],
                alike([heard[place].known for place in places], [heard[place].family for place in places]),
                materials[which],
            )
            run.update(loss, done=done)
            losses.append(loss.item())
            if run.step % CHECK_EVERY == 0:
                run.log(loss=float(np.mean(losses)), **check.of(run, learner))
                losses.clear()
            if run.step % SAVE_EVERY == 0:
                run.save()
    run.save()


@torch.no_grad()
def _scale(learner: Learner, drawn: Tensor) -> None:
    """Brings the features of hits to one scale, by those of the recordings themselves."""
    struck = learner.net.audio_tower.struck
    if struck is None:
        return
    level = [some - some.amax(dim=(2, 3), keepdim=True) for some in drawn[:, 0].float().split(256)]
    found = torch.cat([struck.features(some) for some in level])
    struck.middle.copy_(found.mean(dim=0))
    struck.spread.copy_(found.std(dim=0, correction=0) + 1e-3)


@torch.no_grad()
def pictures_of(heard: Sequence[Sound], first: EmbedModel, plan: EarPlan) -> Tensor:
    """Pictures of every recording, float16, (sounds, plan.pictures, 1, frames, bands), in decibels."""
    mixer, rng = Mixer(heard), np.random.default_rng((plan.seed, len(heard)))
    quick = first.net.audio_tower.quick_mel
    made: list[Tensor] = []
    for at in range(0, len(heard), _DRAWN_AT_ONCE):
        some = range(at, min(len(heard), at + _DRAWN_AT_ONCE))
        takes = [plain_clips([heard[place] for place in some])]
        takes += [np.stack([mixer.clip(place, rng) for place in some]) for _ in range(plan.pictures - 1)]
        made.append(torch.stack([quick(torch.from_numpy(clips)).half() for clips in takes], dim=1))
    return torch.cat(made)


def retouched(picture: Tensor) -> Tensor:
    """Pictures (batch, 1, frames, bands) in decibels with another tone, a noise floor, missing stretches, a shift."""
    batch, _, frames, bands = picture.shape
    knots = 4.0 * torch.randn(batch, 1, 5)
    tone = functional.interpolate(knots, size=bands, mode="linear", align_corners=True)[:, :, None, :]
    toned = picture + tone
    floor = toned.amax(dim=(2, 3), keepdim=True) - (25.0 + 60.0 * torch.rand(batch, 1, 1, 1))
    noisy = torch.maximum(toned, floor + 2.0 * torch.randn(batch, 1, frames, bands))
    missing = torch.randint(bands, (batch, 1, 1, 1)) - torch.arange(bands)
    gone = (missing >= 0) & (missing < torch.randint(1, 9, (batch, 1, 1, 1))) & (torch.rand(batch, 1, 1, 1) < 0.5)
    shift = int(torch.randint(0, frames // 8, ()))
    return torch.where(gone, floor, noisy).roll(shift, dims=2)


def main(argv: Sequence[str]) -> int:
    """``--text CKPT --sounds DIR --out DIR [--steps N] [--minutes M]``."""
    parser = argparse.ArgumentParser(prog="foley-export train embed", description="Train an embedder's audio tower on.")
    parser.add_argument("--text", type=Path, required=True, metavar="CKPT", help="embedder whose words stay")
    usual_arguments(parser, minutes=EarPlan.minutes, steps=EarPlan.steps)
    options = parser.parse_args(argv)
    check_usual(options)
    train(
        EarPlan(
            sounds=options.sounds,
            text=options.text,
            out=options.out,
            minutes=options.minutes,
            steps=options.steps,
            seed=options.seed,
        )
    )
    return 0
