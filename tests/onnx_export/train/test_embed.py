"""The embedder learns, stops, goes on where it stopped, and refuses what does not belong to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bridge.errors import PackError, RequestError
from onnx_export.nets.embed import EmbedShape
from onnx_export.train import embed, embed_words
from onnx_export.train.captions import Known
from onnx_export.train.embed import TrainPlan, load_model, train
from onnx_export.train.embed_data import load_sounds, plain_clips
from onnx_export.train.embed_distil import DistilPlan
from onnx_export.train.embed_judge import JudgePlan, train_judge
from onnx_export.train.embed_loss import Heads, alike, loss_of
from onnx_export.train.run import CHECKPOINT
from tests.onnx_export.embed_data import write_sounds, write_teacher

SMALL = EmbedShape(vocabulary=0, word=8, audio=(4, 4, 8, 8), hidden=16)


@pytest.fixture(autouse=True)
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed_words, "household_words", lambda: frozenset({"oak", "steel", "knocking"}))
    monkeypatch.setattr(embed, "CAPTIONS_FOR_WORDS", 50)


@pytest.fixture
def plan(tmp_path: Path) -> TrainPlan:
    return TrainPlan(
        sounds=write_sounds(tmp_path / "sounds"),
        teacher=write_teacher(tmp_path / "teacher"),
        out=tmp_path / "out",
        steps=4,
        minutes=0.0,
        batch=8,
        things=4,
        shape=SMALL,
        distil=DistilPlan(phrases=700, steps=3, batch=32),
    )


def test_train_when_stopped_and_called_again_then_it_equals_a_run_that_was_not(plan: TrainPlan) -> None:
    whole = train(replace(plan, out=plan.out.parent / "whole", steps=6))
    train(replace(plan, steps=6, minutes=1e-9))
    continued = train(replace(plan, steps=6))
    state = continued.net.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in whole.net.state_dict().items())
    again = load_model(plan.out / CHECKPOINT)
    assert np.array_equal(again.of_texts(["oak door"]), continued.of_texts(["oak door"]))
    assert again.of_texts(["Oak-Door"]).shape == (1, SMALL.dim)


def test_train_when_sounds_or_plan_are_others_then_it_refuses_to_go_on(plan: TrainPlan) -> None:
    train(plan)
    with pytest.raises(PackError, match=r"plan was .*batch"):
        train(replace(plan, batch=6))
    write_sounds(plan.sounds, originals=14)
    with pytest.raises(PackError, match="sounds was"):
        train(plan)


def test_train_when_the_teacher_is_another_then_its_answers_are_not_taken_for_the_firsts(plan: TrainPlan) -> None:
    train(plan)
    weights = next(plan.teacher.rglob("model.safetensors"))
    save_file({name: -value for name, value in load_file(weights).items()}, weights)
    with pytest.raises(PackError, match="teacher was"):
        train(plan)


def test_command_when_no_end_is_given_then_one_sentence_and_when_given_a_seed_then_all_of_it_has_it(
    plan: TrainPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["--sounds", str(plan.sounds), "--teacher", str(plan.teacher), "--out", str(plan.out)]
    taken: list[TrainPlan] = []
    monkeypatch.setattr(embed, "train", taken.append)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    with pytest.raises(RequestError, match="there is no end to this training"):
        embed.main([*words, "--minutes", "0"])
    assert embed.main([*words, "--minutes", "0", "--steps", "3", "--seed", "7"]) == 0
    assert [(one.seed, one.distil.seed) for one in taken] == [(7, 7)]


def test_train_when_given_time_then_most_unheard_sounds_find_their_material(plan: TrainPlan) -> None:
    model = train(replace(plan, steps=60, rate=1e-2, things=0, batch=16))
    sounds = [sound for sound in load_sounds(plan.sounds, frozenset()) if sound.held_out]
    scores = model.of_clips(plain_clips(sounds)) @ model.of_texts(["wooden door hit", "metal bell hit"]).T
    truth = [("wood", "metal").index(sound.known.material) for sound in sounds]
    assert np.mean(scores.argmax(axis=1) == truth) >= 0.75


def test_word_vectors_when_pairs_are_trained_then_they_stay_where_the_teacher_put_them(plan: TrainPlan) -> None:
    model = train(plan)
    words = model.net.text_tower.table.weight.clone()
    longer = train(replace(plan, steps=12))
    assert torch.equal(words, longer.net.text_tower.table.weight)
    before, after = (one.net.text_tower.head.state_dict()["1.weight"] for one in (model, longer))
    assert not torch.equal(before, after)


def test_load_model_when_the_checkpoint_is_no_embedder_then_says_so(plan: TrainPlan, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="there is no checkpoint"):
        load_model(tmp_path / CHECKPOINT)
    train_judge(JudgePlan(sounds=plan.sounds, out=tmp_path / "judge"))
    with pytest.raises(PackError, match="no embedder"):
        load_model(tmp_path / "judge" / CHECKPOINT)


def test_loss_when_captions_are_of_their_sounds_then_it_is_lower_than_when_mixed_up() -> None:
    torch.manual_seed(0)
    heads = Heads(8, 12)
    audio = torch.nn.functional.normalize(torch.randn(6, 8), dim=1)
    none = torch.full((6,), -1)
    none[0] = 3
    right = loss_of(heads, audio, audio, torch.eye(6), none)
    assert right < loss_of(heads, audio, audio.roll(1, dims=0), torch.eye(6), none) - 5.0


def test_alike_when_sounds_are_takes_of_one_thing_or_share_words_then_captions_fit_them_more() -> None:
    wood = Known(material="wood", action="hit", detail=("door",), name=())
    rock = Known(material="rock_gravel", action="hit", detail=("door",), name=())
    generic = Known(material="generic", action="other", detail=(), name=())
    made = alike([wood, wood, rock, generic, generic], ["a", "b", "c", "d", "d"])
    assert torch.equal(made, made.T)
    assert made[0, 1] > made[0, 2] == 0.0
    assert made[3, 4] == 1.0
