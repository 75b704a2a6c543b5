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
from onnx_export.nets.denoiser import Denoiser, DenoiserShape
from onnx_export.nets.embed import DIM
from onnx_export.nets.mdct import HOP, Decoder, analyse, mdct_basis
from onnx_export.recipes.what import EMBED, stage
from onnx_export.train import what
from onnx_export.train.run import CHECKPOINT, LOG
from onnx_export.train.what import (
    TrainPlan,
    WhatModel,
    band_scale,
    diffusion_losses,
    load_model,
    local_power,
    main,
    to_batch,
    train,
)
from onnx_export.train.what_data import load_rhythms, load_shots
from onnx_export.train.what_level import Level
from onnx_export.train.what_meaning import CAPTIONS
from onnx_export.train.what_scenes import VARIANTS, SceneMaker
from tests.onnx_export.train.what_sounds import ToyEmbedder, shot, write_rhythms, write_sounds

SMALL = DenoiserShape(widths=(16, 16, 16, 16), blocks=(1, 1, 1, 1), condition=16, bumps=8, resonators=2)


@pytest.fixture
def plan(tmp_path: Path) -> TrainPlan:
    sounds = write_sounds(tmp_path / "sounds", ["a_1.wav", "a_2.wav", "b_1.wav", "c_1.wav"])
    rhythms = write_rhythms(tmp_path / "rhythms.csv")
    embed = tmp_path / "embed.safetensors"
    embed.write_bytes(b"an embedder")
    return TrainPlan(
        sounds=sounds,
        rhythms=rhythms,
        embed=embed,
        out=tmp_path / "out",
        minutes=0.0,
        steps=6,
        frames=128,
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
    with plan.rhythms.open("a") as table:
        table.write("one,30.0\n")
    with pytest.raises(PackError, match="rhythms was"):
        trained(plan)


def test_train_leaves_a_log_and_says_in_the_checkpoint_what_it_was_trained_with(plan: TrainPlan) -> None:
    trained(plan)
    facts = read_facts(plan.out / CHECKPOINT)
    assert facts[EMBED] == hashlib.sha256(b"an embedder").hexdigest()
    assert 0.0 < float(facts["loss"]) < 10.0
    assert 0.0 < float(facts["held_out_loss"]) < 10.0
    with (plan.out / LOG).open(newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["6"]
    made = stage(plan.out / CHECKPOINT)
    assert {recipe.role for recipe in made.recipes} == {"denoiser", "decoder"}
    trained(replace(plan, level=Level(power=0.5, gain=0.25)))
    softer = stage(plan.out / CHECKPOINT)
    before, after = ({recipe.role: recipe.module for recipe in one.recipes} for one in (made, softer))
    assert torch.allclose(after["decoder"].get_buffer("scale"), 0.25 * before["decoder"].get_buffer("scale"))
    track = torch.zeros(1, 1, 64)
    track[0, 0, 8] = 0.25
    denoiser = after["denoiser"]
    assert isinstance(denoiser, Denoiser)
    features = denoiser.onsets(track)
    assert float(denoiser.onsets.level(features)[0, 0, 20]) == pytest.approx(0.5**0.5, abs=1e-3)


def test_train_tells_the_net_what_embeddings_lie_around(plan: TrainPlan) -> None:
    denoiser = trained(replace(plan, steps=1)).denoiser
    with np.load(plan.out / "meanings.npz") as kept:
        known = np.concatenate([kept["heard"][1:], kept["read"][1:]], axis=1).reshape(-1, DIM)
    assert len(known) == 3 * (VARIANTS + CAPTIONS)
    seen = (torch.from_numpy(known) - denoiser.centre) / denoiser.spread
    assert float(seen.mean(dim=0).abs().max()) < 1e-4
    assert torch.allclose(seen.std(dim=0), torch.ones(DIM), atol=1e-3)


def test_train_when_given_some_steps_knows_more_than_at_the_start(plan: TrainPlan) -> None:
    model = trained(replace(plan, steps=60, rate=3e-2))
    shots = load_shots(plan.sounds)
    maker = SceneMaker(shots, range(len(shots)), load_rhythms(plan.rhythms), frames=128)
    rng = np.random.default_rng(5)
    nothing = [np.zeros(DIM, np.float32)] * 8
    batch = to_batch([maker.draw(rng) for _ in range(8)], nothing, mdct_basis(), model.scale)
    losses = []
    for one in (WhatModel(SMALL), model):
        torch.manual_seed(0)
        with torch.no_grad():
            losses.append(np.array(diffusion_losses(one, batch)))
    assert np.all(losses[1] < 0.8 * losses[0])
    assert losses[1][1] > 0.0


def test_band_scale_makes_loud_frames_loud_and_does_not_blow_up_empty_bands() -> None:
    scale = band_scale([shot("a")], mdct_basis())
    assert scale.shape == (HOP,)
    assert float(scale.min()) >= 0.009 * float(scale.max())
    samples = torch.from_numpy(shot("a").samples[: 20 * HOP])[None]
    latent = what.compress(analyse(samples, mdct_basis()), scale)
    assert 1.0 < float(latent[:, 8:200, :4].square().mean().sqrt()) < 4.0
    back = Decoder(scale)(latent)[0, 0]
    assert torch.allclose(back[HOP:-HOP], samples[0, HOP:-HOP], atol=1e-4)


def test_local_power_is_sharp_in_time_and_in_frequency() -> None:
    generator = torch.Generator().manual_seed(0)
    envelope = torch.where(torch.arange(200) >= 80, torch.exp(-torch.arange(-80, 120) / 40.0), torch.zeros(()))
    partials = torch.where(torch.arange(256) % 16 == 3, 3.0, 0.1)
    truth = (envelope[None, :] * partials[:, None]).square()
    power = local_power(truth.sqrt()[None] * torch.randn(1, 256, 200, generator=generator))[0]
    assert float(power[:, :79].max()) < 1e-6
    assert float(power[:, 80].mean()) > 0.5 * float(truth[:, 80].mean())
    assert float(power.mean()) == pytest.approx(float(truth.mean()), rel=0.1)
    loud, faint = power[3::16, 90:150].mean(), power[11::16, 90:150].mean()
    assert float(loud) > 200.0 * float(faint)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    real = what.train
    monkeypatch.setattr(
        what, "train", lambda plan: real(replace(plan, shape=SMALL, frames=64, batch=2), load=lambda _: ToyEmbedder())
    )


@pytest.mark.usefixtures("toy")
def test_train_command_when_time_is_up_leaves_a_checkpoint(plan: TrainPlan) -> None:
    assert main([*words_for(plan), "--minutes", "0.0001"]) == 0
    assert load_model(plan.out / CHECKPOINT)[0].denoiser.shape == SMALL


@pytest.mark.usefixtures("toy")
def test_train_command_when_it_cannot_says_why(plan: TrainPlan) -> None:
    with pytest.raises(RequestError, match="no end"):
        main([*words_for(plan), "--minutes", "0"])
    with pytest.raises(RequestError, match="3 usable one-shots, 0 usable rhythms"):
        main([*words_for(plan), "--leave-out", str(plan.rhythms)])
    with pytest.raises(RequestError, match="no column id"):
        main([*words_for(plan), "--leave-out", str(plan.sounds / "manifest.csv")])
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
        load_checkpoint(path, WhatModel(replace(SMALL, widths=(8, 8, 8, 8))), prefix="average.")
    monkeypatch.setattr(what, "POWER", 0.7)
    with pytest.raises(PackError, match="made for other latents"):
        load_model(path)


def words_for(plan: TrainPlan) -> list[str]:
    paths = {"--sounds": plan.sounds, "--rhythms": plan.rhythms, "--embed": plan.embed, "--out": plan.out}
    return [word for pair in paths.items() for word in map(str, pair)]
