"""Train the *what* stage: ``train(TrainPlan(...))`` or ``main(argv)``.

Convention: a run lives in ``out`` (see ``run``): checkpoint, log, and beside them the embeddings of the one-shots,
which are made once. Held-out originals only serve to look how it goes (``held_out_loss``).
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from bridge.errors import PackError
from onnx_export.checkpoints import read_facts, sha256_of
from onnx_export.nets import picture
from onnx_export.nets.denoiser import Denoiser, DenoiserShape, preconditioned
from onnx_export.nets.picture import COLUMNS, ROWS, SPREAD
from onnx_export.train.arguments import check_usual, usual_arguments
from onnx_export.train.embed_model import load_model as load_embedder
from onnx_export.train.run import CHECKPOINT, Run, load_average
from onnx_export.train.what_contacts import Contact, Contacts
from onnx_export.train.what_data import load_shots
from onnx_export.train.what_meaning import Embedder, Meanings, meanings_of

CHECK_EVERY, SAVE_EVERY = 100, 200
CHECK_BATCHES = 3
TOLD = {"loss": "training_loss", "held_out_loss": "held_out_loss"}
"""Columns of the log to texts of a checkpoint, in which "loss" says what is minimised."""
MIDDLE, WIDTH = 0.3, 1.5
"""Of the logarithm of how much noise there is to what the latent spreads by, over a training (see ``noise_levels``)."""
HIGHEST_WEIGHT = 0.5
"""How much the topmost row counts in the loss, beside the lowest."""
LATENT = {"rows": ROWS, "columns": COLUMNS, "middle_db": picture.MIDDLE_DB, "scale_db": picture.SCALE_DB}
_NOT_OURS = "Train with foley-export train what, or correct the path"

Batch = tuple[Tensor, Tensor, Tensor]
"""Pictures (batch, ROWS, COLUMNS), onset track (batch, 1, COLUMNS), embedding (batch, dim)."""


@dataclass(frozen=True, kw_only=True)
class TrainPlan:
    """What to train on and for how long.

    Attributes:
        sounds: folder with manifest.csv and the one-shots.
        embed: checkpoint of the embedder that the pack will have. out: the run's folder.
        minutes, steps: whichever runs out first; 0 is no limit.
        batch: contacts a step. rate, seed: the usual. shape: of the net.
    """

    sounds: Path
    embed: Path
    out: Path
    minutes: float = 45.0
    steps: int = 0
    batch: int = 24
    rate: float = 1e-3
    seed: int = 0
    shape: DenoiserShape = field(default_factory=DenoiserShape)


class WhatModel(nn.Module):
    """What a checkpoint holds."""

    def __init__(self, shape: DenoiserShape) -> None:
        super().__init__()
        self.denoiser = Denoiser(shape)


def load_model(checkpoint: Path) -> tuple[WhatModel, dict[str, str]]:
    """The averaged weights of a checkpoint, ready to export, and the texts kept with them.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    facts = read_facts(checkpoint)
    try:
        sizes = json.loads(facts["shape"])
        if json.loads(facts["latent"]) != LATENT:
            raise ValueError("made for other latents")
        given: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in sizes.items()}
        shape = DenoiserShape(**given)
    except (KeyError, TypeError, ValueError) as error:
        raise PackError(f"checkpoint {checkpoint} is no generator of this version ({error})", hint=_NOT_OURS) from error
    model = WhatModel(shape)
    facts = load_average(checkpoint, model)
    return model.eval().requires_grad_(False), facts


def train(plan: TrainPlan, *, load: Callable[[Path], Embedder] = load_embedder) -> WhatModel:
    """Train until the minutes or steps are used up; goes on where a stopped run was.

    Args:
        plan: what and how long. load: gives the embedder of a checkpoint.

    Returns:
        The model with averaged weights, which is also on disk.

    Raises:
        RequestError: no data. PackError: no embedder, or the folder holds another run.
    """
    torch.manual_seed(plan.seed)
    shots = load_shots(plan.sounds)
    seen = [place for place, shot in enumerate(shots) if not shot.held_out]
    unseen = [place for place, shot in enumerate(shots) if shot.held_out]
    maker = Contacts(shots, seen)
    about = _about(plan)
    meanings = meanings_of(
        shots, load(plan.embed), cache=plan.out / "meanings.npz", key=about["sounds"] + about["embed"], seed=plan.seed
    )
    model = WhatModel(plan.shape)
    known = torch.from_numpy(np.concatenate([meanings.heard[seen], meanings.read[seen]], axis=1)).flatten(0, 1)
    model.denoiser.centre.copy_(known.mean(dim=0))
    model.denoiser.spread.copy_(known.std(dim=0).clamp_min(1e-3))
    run = Run(model, out=plan.out, rate=plan.rate, about=about, clip=1.0, average_half_steps=300.0, warm_up=200)
    run.resume()
    checks = []
    if unseen:
        quiet = Contacts(shots, unseen)
        rng = np.random.default_rng(7)
        checks = [_drawn(quiet, meanings, rng, plan.batch) for _ in range(CHECK_BATCHES)]
    losses: list[float] = []
    with run.bar(plan.steps or 60.0 * plan.minutes):
        while (done := run.used(minutes=plan.minutes, steps=plan.steps)) < 1.0:
            batch = _drawn(maker, meanings, run.draws(plan.seed), plan.batch)
            loss = diffusion_loss(model, batch)
            run.update(loss, done=done)
            losses.append(loss.item())
            if run.step % CHECK_EVERY == 0:
                _report(run, losses, checks)
                losses.clear()
            if run.step % SAVE_EVERY == 0:
                run.save()
    if losses:
        _report(run, losses, checks)
    run.save()
    return load_model(plan.out / CHECKPOINT)[0]


def diffusion_loss(model: WhatModel, batch: Batch) -> Tensor:
    """Mean squared error of v at unit size.

    The objective of SyncFusion (section 2.3), every noise level weighed so that a net that knows nothing is wrong by 1.
    Chance is torch's own; see ``Run.draws``.
    """
    latent, track, meaning = batch
    count = len(latent)
    sigma = noise_levels(count)
    noise = torch.randn(latent.shape)
    angle = sigma[:, None, None] * (math.pi / 2)
    a, b = torch.cos(angle), torch.sin(angle)
    noisy = a * latent + b * noise
    with torch.autocast("cpu", torch.bfloat16):
        answer = model.denoiser.answer(noisy, sigma, track, meaning)
    linear, size, _ = preconditioned(sigma)
    wanted = (a * noise - b * latent - linear * noisy) / size
    return ((answer.float() - wanted).square() * row_weights()[None, :, None]).mean()


def noise_levels(count: int) -> Tensor:
    """Noise levels (count,) of a batch, spread evenly over a normal distribution of the logarithm of noise to data.

    After Karras et al. 2022 (section 5), with more noise: neighbouring values of a large picture say the same, so its
    outlines are settled where noise outweighs it many times (Hoogeboom et al. 2023, "simple diffusion", section 3.1).
    """
    place = (torch.arange(count) + torch.rand(count)) / count
    ratio = SPREAD * torch.exp(MIDDLE + WIDTH * torch.special.ndtri(place.clamp(1e-3, 1.0 - 1e-3)))
    return torch.atan(ratio) * (2.0 / math.pi)


def row_weights() -> Tensor:
    """How much every row counts, (ROWS,); 1 in the mean."""
    weights = torch.linspace(1.0, HIGHEST_WEIGHT, ROWS)
    return weights / weights.mean()


def to_batch(contacts: Sequence[Contact], meanings: Sequence[np.ndarray]) -> Batch:
    """Contacts and what each shall follow, as the net takes them."""
    track = torch.zeros(len(contacts), 1, COLUMNS)
    track[:, 0, 0] = torch.tensor([contact.strength for contact in contacts])
    pictures = torch.from_numpy(np.stack([contact.picture for contact in contacts]))
    return pictures, track, torch.from_numpy(np.stack(meanings))


def _drawn(maker: Contacts, meanings: Meanings, rng: np.random.Generator, count: int) -> Batch:
    contacts = [maker.draw(rng) for _ in range(count)]
    return to_batch(contacts, [meanings.draw(contact, rng) for contact in contacts])


def _report(run: Run, losses: Sequence[float], checks: Sequence[Batch]) -> None:
    numbers = {"loss": float(np.mean(losses))}
    if checks:
        with run.averaged() as model, torch.no_grad():
            torch.manual_seed(1)
            numbers["held_out_loss"] = float(
                np.mean([diffusion_loss(cast(WhatModel, model), check).item() for check in checks])
            )
    run.notes |= {TOLD[name]: f"{value:.5f}" for name, value in numbers.items()}
    run.log(**numbers)


def _about(plan: TrainPlan) -> dict[str, str]:
    """What a run is about: data, embedder, net and plan, but for how long."""
    if not plan.embed.is_file():
        raise PackError(f"there is no checkpoint {plan.embed}", hint="Train it first: foley-export train embed")
    settings = {"batch": plan.batch, "rate": plan.rate}
    return {
        "sounds": sha256_of(plan.sounds / "manifest.csv"),
        "embed": sha256_of(plan.embed),
        "shape": json.dumps(asdict(plan.shape), sort_keys=True),
        "latent": json.dumps(LATENT),
        "loss": json.dumps({"highest": HIGHEST_WEIGHT, "middle": MIDDLE, "width": WIDTH}),
        "plan": json.dumps(settings, sort_keys=True),
        "seed": str(plan.seed),
    }


def main(argv: Sequence[str] | None = None) -> int:
    """``--sounds DIR --embed CKPT --out DIR --minutes M [--steps N ...]``."""
    parser = argparse.ArgumentParser(prog="foley-export train what", description="Train the generator.")
    usual_arguments(parser, minutes=TrainPlan.minutes, steps=0)
    parser.add_argument("--embed", type=Path, required=True, metavar="CKPT", help="checkpoint of train embed")
    options = parser.parse_args(argv)
    check_usual(options)
    train(
        TrainPlan(
            sounds=options.sounds,
            embed=options.embed,
            out=options.out,
            minutes=options.minutes,
            steps=options.steps,
            seed=options.seed,
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
