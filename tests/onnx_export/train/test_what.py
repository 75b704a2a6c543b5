"""Training learns, stops on time, goes on where it stopped, and its checkpoint becomes a stage."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from bridge.errors import PackError, RequestError
from onnx_export.nets.denoiser import DenoiserShape
from onnx_export.nets.mdct import mdct_basis
from onnx_export.recipes.what import stage_of
from onnx_export.train.what import CHECKPOINT, TrainPlan, WhatModel, diffusion_loss, load_model, main, to_batch, train
from onnx_export.train.what_data import SceneMaker, load_rhythms, load_shots
from tests.onnx_export.train.test_what_data import write_sounds

SMALL = DenoiserShape(embedding=8, widths=(16, 16, 16, 16), condition=16, bumps=8)


@pytest.fixture
def plan(tmp_path: Path) -> TrainPlan:
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    write_sounds(sounds, ["a_1.wav", "a_2.wav", "b_1.wav", "c_1.wav"])
    rhythms = tmp_path / "rhythms.csv"
    rhythms.write_text("id,time_s\n" + "".join(f"one,{0.4 * index}\n" for index in range(20)))
    return TrainPlan(
        sounds=sounds, rhythms=rhythms, out=tmp_path / "out", minutes=9.0, steps=8, frames=256, batch=4, shape=SMALL
    )


def test_train_when_stopped_and_called_again_goes_on_from_its_checkpoint(plan: TrainPlan) -> None:
    said: list[str] = []
    train(plan, say=said.append)
    assert steps_of(plan.out) == 8
    model = train(replace(plan, steps=12), say=said.append)
    assert steps_of(plan.out) == 12
    assert "from step 8" in said[-1]
    again = load_model(plan.out / CHECKPOINT, shape=SMALL)
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), model.state_dict().values(), strict=True))
    assert float(again.scale.min()) > 0.0
    assert {recipe.role for recipe in stage_of(again).recipes} == {"text", "denoiser", "decoder"}


def test_train_when_given_some_steps_knows_more_than_at_the_start(plan: TrainPlan) -> None:
    trained = train(replace(plan, steps=150, rate=1e-2), say=lambda _: None)
    maker = SceneMaker(load_shots(plan.sounds), load_rhythms(plan.rhythms), frames=256)
    rng = np.random.default_rng(5)
    batch = to_batch([maker.draw(rng) for _ in range(8)], mdct_basis(), trained.scale)
    losses = []
    for model in (WhatModel(SMALL), trained):
        with torch.no_grad():
            losses.append(float(diffusion_loss(model, batch, generator=torch.Generator().manual_seed(0))))
    assert losses[1] < 0.8 * losses[0]


def test_train_command_when_time_is_up_leaves_a_checkpoint(plan: TrainPlan) -> None:
    assert main(words_for(plan)) == 0
    assert steps_of(plan.out) <= 2


def test_train_command_when_nothing_is_left_to_train_on_says_so(plan: TrainPlan) -> None:
    with pytest.raises(RequestError, match="3 usable one-shots, 0 usable rhythms"):
        main([*words_for(plan), "--leave-out", str(plan.rhythms)])


def test_load_model_when_the_checkpoint_is_missing_damaged_or_of_another_net_says_so(plan: TrainPlan) -> None:
    with pytest.raises(PackError, match="there is no checkpoint"):
        load_model(plan.out / CHECKPOINT)
    plan.out.mkdir()
    (plan.out / CHECKPOINT).write_bytes(b"not a checkpoint at all")
    with pytest.raises(PackError, match="does not fit"):
        load_model(plan.out / CHECKPOINT)
    (plan.out / CHECKPOINT).unlink()
    train(replace(plan, steps=1), say=lambda _: None)
    with pytest.raises(PackError, match="does not fit"):
        load_model(plan.out / CHECKPOINT, shape=DenoiserShape(embedding=8, widths=(8, 8, 8, 8), condition=16, bumps=8))


def words_for(plan: TrainPlan) -> list[str]:
    paths = {"--sounds": plan.sounds, "--rhythms": plan.rhythms, "--out": plan.out}
    return [*(word for pair in paths.items() for word in map(str, pair)), "--minutes", "0.0001"]


def steps_of(out: Path) -> int:
    with safe_open(out / CHECKPOINT, "pt") as handle:
        return int(json.loads(handle.metadata()["run"])["step"])
