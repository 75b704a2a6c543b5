"""First half of training the embedder: the text tower learns to make the teacher's sentence vectors.

Convention: a run of its own in ``out/words``, with the teacher's answers beside it in ``answers.npz`` (asked once).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from tqdm import tqdm

from onnx_export.nets.embed import SENTENCE, EmbedShape, TextTower
from onnx_export.train.captions import Known
from onnx_export.train.embed_teacher import Teacher
from onnx_export.train.embed_words import main_components, phrases_for, tokens_of
from onnx_export.train.run import Run

ANSWERS = "answers.npz"
CHECK_EVERY = 250
RELATION_WEIGHT = 5.0


@dataclass(frozen=True, kw_only=True)
class DistilPlan:
    """How the text tower learns.

    Attributes:
        phrases: how many the teacher is asked. steps, batch, rate, seed: the usual.
    """

    phrases: int = 100_000
    steps: int = 3000
    batch: int = 512
    rate: float = 3e-3
    seed: int = 0


def distil(
    tower: TextTower,
    vocabulary: Sequence[str],
    known: Sequence[Known],
    *,
    teacher: Callable[[], Teacher],
    out: Path,
    about: dict[str, str],
    shape: EmbedShape,
    plan: DistilPlan,
) -> float:
    """Teaches a text tower in place.

    Args:
        tower: new. vocabulary: its words. known: what captions are composed from.
        teacher: is only called when answers are missing.
        out: folder of this run. about: see ``Run``; "teacher" in it names the teacher. shape: sizes of the tower.

    Returns:
        Mean cosine to the teacher on phrases that it was not trained on.

    Raises:
        PackError: no teacher, or the folder holds another run.
    """
    rng = np.random.default_rng((plan.seed, 1))
    phrases = phrases_for(vocabulary, known, count=plan.phrases, rng=rng)
    asked = hashlib.sha256("\n".join((about.get("teacher", ""), *phrases)).encode()).hexdigest()
    run = Run(
        tower,
        out=out,
        rate=plan.rate,
        about={**about, "phrases": asked, "plan": json.dumps(vars(plan), sort_keys=True)},
        weight_decay=0.0,
        average_half_steps=100.0,
    )
    resumed = run.resume()
    answers = _answers(out / ANSWERS, phrases, asked, teacher)
    if not resumed:
        with torch.no_grad():
            words = main_components(answers[: len(vocabulary) - 2].astype(np.float32), shape.word)
            tower.table.weight[2:] = torch.from_numpy(words)
            tower.table.weight[:2] = 0.0
        run.average = {name: value.clone() for name, value in tower.state_dict().items()}
    index = {word: place for place, word in enumerate(vocabulary)}
    tokens = torch.from_numpy(tokens_of(phrases, index))
    unseen = np.arange(len(phrases)) >= max(len(vocabulary) - 2, len(phrases) - len(phrases) // 50)
    seen, checks = np.flatnonzero(~unseen), torch.from_numpy(np.flatnonzero(unseen))
    tower.train()
    with run.bar(plan.steps):
        while run.step < plan.steps:
            rows = torch.from_numpy(run.draws(plan.seed).choice(seen, plan.batch))
            loss = _loss(tower, tokens[rows], torch.from_numpy(answers[rows.numpy()].astype(np.float32)))
            run.update(loss, done=run.step / plan.steps)
            if run.step % CHECK_EVERY == 0:
                run.log(loss=loss.item(), held_out_cosine=_check(run, tokens, answers, checks))
                run.save()
    run.save()
    found = _check(run, tokens, answers, checks)
    tower.load_state_dict(run.average)
    return found


def _loss(tower: TextTower, tokens: Tensor, wanted: Tensor) -> Tensor:
    """One minus cosine, and how far the phrases' likeness to each other is off."""
    made = tower.sentence(tokens, (tokens > 0).long())
    relation = (made @ made.T - wanted @ wanted.T).square().mean()
    return (1.0 - (made * wanted).sum(dim=1)).mean() + RELATION_WEIGHT * relation


@torch.no_grad()
def _check(run: Run, tokens: Tensor, answers: NDArray[np.float16], rows: Tensor) -> float:
    if not len(rows):
        return float("nan")
    with run.averaged() as model:
        assert isinstance(model, TextTower)
        made = model.sentence(tokens[rows], (tokens[rows] > 0).long())
    return float(functional.cosine_similarity(made, torch.from_numpy(answers[rows.numpy()].astype(np.float32))).mean())


def _answers(path: Path, phrases: Sequence[str], asked: str, teacher: Callable[[], Teacher]) -> NDArray[np.float16]:
    """The teacher's vectors of the phrases, (phrases, SENTENCE); from the file if it answers the same."""
    if path.is_file():
        with np.load(path, allow_pickle=False) as stored:
            if str(stored["asked"]) == asked:
                return stored["vectors"]
    with tqdm(total=len(phrases), desc="asking the teacher", disable=not sys.stderr.isatty()) as bar:
        vectors = teacher().vectors(phrases, say=lambda done: _moved(bar, done))
    answers = vectors[:, :SENTENCE].astype(np.float16)
    np.savez(path, asked=np.array(asked), vectors=answers)
    return answers


def _moved(bar: tqdm[Any], done: int) -> None:
    bar.update(done - bar.n)


def frozen(tower: TextTower) -> None:
    """Leaves only the tower's last layers to be trained, so that words that no caption has keep their place."""
    for name, parameter in tower.named_parameters():
        parameter.requires_grad_(name.startswith("head."))
