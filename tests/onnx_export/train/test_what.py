"""Training learns, stops on time, goes on where it stopped, and its checkpoint becomes a stage."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.errors import PackError, RequestError
from onnx_export.checkpoints import load_checkpoint, read_facts, save_checkpoint
from onnx_export.nets.denoiser import DenoiserShape
from onnx_export.nets.embed import DIM
from onnx_export.nets.picture import COLUMNS
from onnx_export.recipes.what import EMBED, stage
from onnx_export.train import what
from onnx_export.train.run import CHECKPOINT, LOG
from onnx_export.train.what import (
    TrainPlan,
    WhatModel,
    diffusion_loss,
    load_model,
    main,
    noise_levels,
    to_batch,
    train,
)
from onnx_export.train.what_contacts import VARIANTS, Contacts
from onnx_export.train.what_data import load_shots
from onnx_export.train.what_meaning import CAPTIONS
from tests.onnx_export.train.what_sounds import ToyEmbedder, write_sounds

SMALL = DenoiserShape(widths=(16, 16, 16), blocks=(1, 1, 1), heads=2, condition=16, bumps=8)


@pytest.fixture
def plan(tmp_path: Path) -> TrainPlan:
    sounds = write_sounds(tmp_path / "sounds", ["a_1.wav", "a_2.wav", "b_1.wav", "c_1.wav"])
    embed = tmp_path / "embed.safetensors"
    embed.write_bytes(b"an embedder")
    return TrainPlan(
        sounds=sounds,
        embed=embed,
        out=tmp_path / "out",
        minutes=0.0,
        steps=6,
        batch=4,
        shape=SMALL,
    )


def trained(plan: TrainPlan) -> WhatModel:
    return train(plan, load=lambda _: ToyEmbedder())


def same(one: WhatModel, other: WhatModel) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def interrupted(plan: TrainPlan, monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """Somebody presses Ctrl-C while the batch after so many is drawn."""
    real, calls = what._drawn, iter(range(10**6))

    def drawn(*arguments: object) -> what.Batch:
        if next(calls) == what.CHECK_BATCHES + after:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as context:
        context.setattr(what, "_drawn", drawn)
        with pytest.raises(KeyboardInterrupt):
            trained(plan)


def test_train_when_interrupted_and_called_again_ends_as_if_it_had_not_been(
    plan: TrainPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(what, "SAVE_EVERY", 2)
    unbroken = trained(plan)
    other = replace(plan, out=plan.out.with_name("other"))
    interrupted(other, monkeypatch, after=5)
    assert same(trained(other), unbroken)
    assert not same(trained(replace(plan, out=plan.out.with_name("third"), seed=1)), unbroken)


def test_train_when_the_folder_holds_a_run_with_another_embedder_or_data_refuses(plan: TrainPlan) -> None:
    trained(replace(plan, steps=1))
    plan.embed.write_bytes(b"another embedder")
    with pytest.raises(PackError, match="embed was"):
        trained(plan)
    plan.embed.write_bytes(b"an embedder")
    with pytest.raises(PackError, match="plan was"):
        trained(replace(plan, batch=5))


def test_train_leaves_a_log_and_says_in_the_checkpoint_what_it_was_trained_with(plan: TrainPlan) -> None:
    trained(plan)
    facts = read_facts(plan.out / CHECKPOINT)
    assert facts[EMBED] == hashlib.sha256(b"an embedder").hexdigest()
    assert 0.0 < float(facts["training_loss"]) < 10.0
    assert 0.0 < float(facts["held_out_loss"]) < 10.0
    with (plan.out / LOG).open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["6"]
    made = stage(plan.out / CHECKPOINT)
    assert {recipe.role for recipe in made.recipes} == {"denoiser", "decoder"}


def test_train_tells_the_net_what_embeddings_lie_around(plan: TrainPlan) -> None:
    denoiser = trained(replace(plan, steps=1)).denoiser
    with np.load(plan.out / "meanings.npz") as kept:
        known = np.concatenate([kept["heard"][1:], kept["read"][1:]], axis=1).reshape(-1, DIM)
    assert len(known) == 3 * (VARIANTS + CAPTIONS)
    seen = (torch.from_numpy(known) - denoiser.centre) / denoiser.spread
    assert float(seen.mean(dim=0).abs().max()) < 1e-4
    assert torch.allclose(seen.std(dim=0), torch.ones(DIM), atol=1e-3)


def test_train_when_given_some_steps_knows_more_than_at_the_start(plan: TrainPlan) -> None:
    model = trained(replace(plan, steps=60, rate=1e-2))
    shots = load_shots(plan.sounds)
    maker = Contacts(shots, range(len(shots)))
    rng = np.random.default_rng(5)
    batch = to_batch([maker.draw(rng) for _ in range(8)], [np.zeros(DIM, np.float32)] * 8)
    losses = []
    for one in (WhatModel(SMALL), model):
        torch.manual_seed(0)
        with torch.no_grad():
            losses.append(float(diffusion_loss(one, batch)))
    assert losses[1] < 0.7 * losses[0]


def test_batch_tells_the_net_how_hard_at_the_first_column(plan: TrainPlan) -> None:
    shots = load_shots(plan.sounds)
    contacts = [Contacts(shots, [0]).draw(np.random.default_rng(seed)) for seed in (1, 2)]
    pictures, track, meanings = to_batch(contacts, [np.full(DIM, value, np.float32) for value in (0.0, 1.0)])
    assert track.shape == (2, 1, COLUMNS)
    assert track[:, 0, 0].tolist() == pytest.approx([contact.strength for contact in contacts])
    assert not track[:, 0, 1:].any()
    assert np.array_equal(pictures.numpy(), np.stack([contact.picture for contact in contacts]))
    assert meanings[:, 0].tolist() == [0.0, 1.0]


def test_noise_levels_of_a_batch_cover_little_and_much() -> None:
    torch.manual_seed(0)
    levels = torch.cat([noise_levels(24) for _ in range(50)])
    assert 0.0 < float(levels.min()) < 0.02
    assert 0.97 < float(levels.max()) < 1.0
    assert 0.2 < float(levels.median()) < 0.6
    assert bool((noise_levels(24).diff() > 0.0).all())


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    real = what.train
    monkeypatch.setattr(
        what, "train", lambda plan: real(replace(plan, shape=SMALL, batch=2), load=lambda _: ToyEmbedder())
    )


@pytest.mark.usefixtures("toy")
def test_train_command_when_time_is_up_leaves_a_checkpoint(plan: TrainPlan) -> None:
    assert main([*words_for(plan), "--minutes", "0.0001"]) == 0
    assert load_model(plan.out / CHECKPOINT)[0].denoiser.shape == SMALL


@pytest.mark.usefixtures("toy")
def test_train_command_when_it_cannot_says_why(plan: TrainPlan) -> None:
    with pytest.raises(RequestError, match="no end"):
        main([*words_for(plan), "--minutes", "0"])
    plan.embed.unlink()
    with pytest.raises(PackError, match="there is no checkpoint"):
        main(words_for(plan))


def test_load_model_when_the_checkpoint_is_missing_damaged_or_of_another_net_says_so(
    plan: TrainPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = plan.out / CHECKPOINT
    with pytest.raises(PackError, match="there is no checkpoint"):
        load_model(path)
    save_checkpoint(path, torch.nn.Linear(2, 2), facts={"shape": "{}"})
    with pytest.raises(PackError, match="no generator of this version"):
        load_model(path)
    path.unlink()
    trained(replace(plan, steps=1))
    with pytest.raises(PackError, match="does not fit the net"):
        load_checkpoint(path, WhatModel(replace(SMALL, widths=(8, 8, 8))), prefix="average.")
    monkeypatch.setattr(what, "LATENT", {**what.LATENT, "scale_db": 1.0})
    with pytest.raises(PackError, match="made for other latents"):
        load_model(path)


def words_for(plan: TrainPlan) -> list[str]:
    paths = {"--sounds": plan.sounds, "--embed": plan.embed, "--out": plan.out}
    return [word for pair in paths.items() for word in map(str, pair)]
