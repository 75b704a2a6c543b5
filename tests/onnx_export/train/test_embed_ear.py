"""The ear learns on while the words stay as they are, and a generator of those words takes it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from bridge.errors import PackError, RequestError
from onnx_export.checkpoints import read_facts
from onnx_export.nets.embed import RATE_HZ, EmbedShape
from onnx_export.recipe import Stage
from onnx_export.recipes import embed as recipe
from onnx_export.starter import Trained, check_together, trained
from onnx_export.train.embed_ear import TEXT_OF, EarPlan, main, train
from onnx_export.train.embed_model import Learner, load_model
from onnx_export.train.run import CHECKPOINT, Run
from tests import packs
from tests.onnx_export.embed_data import WORDS, write_sounds

VOCABULARY = ("[PAD]", "[UNK]", *sorted(WORDS))
SMALL = EmbedShape(vocabulary=len(VOCABULARY), word=8, audio=(4, 4, 8, 8), hidden=16)


def write_embedder(out: Path, *, seed: int = 0) -> Path:
    """A checkpoint of an embedder that has learned nothing yet."""
    torch.manual_seed(seed)
    sizes = {name: size for name, size in asdict(SMALL).items() if name != "mel"}
    about = {"vocabulary": json.dumps(VOCABULARY), "shape": json.dumps(sizes)}
    run = Run(Learner(SMALL), out=out, rate=1e-3, about=about)
    run.save()
    return run.path


@pytest.fixture
def plan(tmp_path: Path) -> EarPlan:
    return EarPlan(
        sounds=write_sounds(tmp_path / "sounds", originals=8),
        text=write_embedder(tmp_path / "first"),
        out=tmp_path / "ear",
        steps=3,
        pictures=2,
        batch=6,
    )


def weights_of(path: Path, tower: str) -> dict[str, torch.Tensor]:
    return getattr(load_model(path).net, tower).state_dict()


def test_train_when_done_then_the_words_stay_to_the_bit_and_the_ear_has_moved(plan: EarPlan) -> None:
    made = train(plan)
    before, after = (weights_of(path, "text_tower") for path in (plan.text, plan.out / CHECKPOINT))
    assert before.keys() == after.keys()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert np.array_equal(load_model(plan.text).of_texts(["oak door"]), made.of_texts(["oak door"]))
    heard, hears = (weights_of(path, "audio_tower") for path in (plan.text, plan.out / CHECKPOINT))
    assert any(not torch.equal(value, hears[name]) for name, value in heard.items() if value.is_floating_point())
    clips = np.random.default_rng(0).standard_normal((2, 96_000)).astype(np.float32) * np.float32(0.1)
    again = load_model(plan.out / CHECKPOINT)
    assert np.array_equal(again.of_clips(clips), made.of_clips(clips))
    assert np.allclose(np.linalg.norm(again.of_clips(clips), axis=1), 1.0, atol=1e-5)


def test_train_when_held_out_sounds_are_others_then_it_learns_the_same_and_from_its_own_ones_not(
    plan: EarPlan,
) -> None:
    def learned(out: str) -> dict[str, torch.Tensor]:
        train(replace(plan, out=plan.out.parent / out))
        return weights_of(plan.out.parent / out / CHECKPOINT, "audio_tower")

    def replace_sounds(*, held_out: bool) -> None:
        noise = np.random.default_rng(1).standard_normal(RATE_HZ // 2).astype(np.float32) * np.float32(0.1)
        for line in (plan.sounds / "manifest.csv").read_text().splitlines()[1:]:
            file, digest = line.split(",")[0], line.split(",")[-1]
            if digest.startswith("00") is held_out:
                soundfile.write(plan.sounds / file, noise, RATE_HZ)

    first = learned("a")
    replace_sounds(held_out=True)
    second = learned("b")
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    replace_sounds(held_out=False)
    third = learned("c")
    assert any(not torch.equal(value, third[name]) for name, value in first.items())


def test_ear_when_bundled_then_only_a_generator_that_learned_from_this_very_ear_is_taken(plan: EarPlan) -> None:
    train(plan)
    words = hashlib.sha256(plan.text.read_bytes()).hexdigest()
    assert read_facts(plan.out / CHECKPOINT)[TEXT_OF] == words
    ear = trained(plan.out / CHECKPOINT, recipe.stage)
    what = Stage(recipes=(), what=packs.draft().what)

    def generator(embed: str) -> Trained:
        return Trained(stage=what, facts={"embed": embed}, digest="of the generator")

    check_together((ear, generator(ear.digest)))
    foreign = hashlib.sha256(write_embedder(plan.out.parent / "foreign", seed=1).read_bytes()).hexdigest()
    for named in (foreign, words, ""):
        with pytest.raises(PackError, match="trained with another embedder"):
            check_together((ear, generator(named)))


def test_train_when_other_words_are_given_then_it_does_not_go_on_with_the_ear(plan: EarPlan) -> None:
    train(plan)
    other = write_embedder(plan.out.parent / "foreign", seed=1)
    with pytest.raises(PackError, match="text_of was"):
        train(replace(plan, text=other))


def test_train_when_there_is_nothing_to_hear_then_says_so(plan: EarPlan) -> None:
    table = plan.sounds / "manifest.csv"
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines[1:] if line.split(",")[-1].startswith("00"))]))
    with pytest.raises(RequestError, match="no sound to train on"):
        train(plan)


def test_main_when_the_training_has_no_end_then_refuses_before_it_begins(tmp_path: Path) -> None:
    words = ["--text", "none", "--sounds", "none", "--out", str(tmp_path / "out"), "--steps", "0"]
    with pytest.raises(RequestError, match="no end"):
        main(words)
    assert not (tmp_path / "out").exists()
