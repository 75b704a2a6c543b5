"""Train the *what* stage: ``train(TrainPlan(...))`` or ``main(argv)``.

Convention: everything a run needs to go on lies in ``out/checkpoint.safetensors`` (weights, their moving average, the
optimiser's moments, and as metadata the step and the seconds spent); ``out/log.csv`` grows by a line per report. The
learning rate follows the share of ``minutes`` that is used up, so a run of any length ends annealed.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from bridge.errors import PackError
from onnx_export.nets.denoiser import Denoiser, DenoiserShape, WordTable
from onnx_export.nets.mdct import HOP, analyse, compress, mdct_basis
from onnx_export.train.what_data import Scene, SceneMaker, Shot, load_rhythms, load_shots
from onnx_export.train.what_tags import TAGS

CHECKPOINT = "checkpoint.safetensors"
WARM_UP_STEPS = 200
AVERAGE_HALF_STEPS = 300.0


@dataclass(frozen=True, kw_only=True)
class TrainPlan:
    """What to train on and for how long.

    Attributes:
        sounds: folder with manifest.csv and the one-shots.
        rhythms: table with columns id, time_s.
        out: folder for the checkpoint and the log.
        minutes: wall time, counting what a checkpoint already used.
        steps: stop after as many if that comes first; 0 for no such limit.
        leave_out: ids of recordings whose rhythm must not be used.
        frames, batch, rate, seed: the usual.
    """

    sounds: Path
    rhythms: Path
    out: Path
    minutes: float
    steps: int = 0
    leave_out: tuple[str, ...] = ()
    frames: int = 768
    batch: int = 16
    rate: float = 8e-4
    seed: int = 0
    shape: DenoiserShape = field(default_factory=DenoiserShape)


class WhatModel(nn.Module):
    """Word table, denoiser and band scale together: what a checkpoint holds."""

    scale: Tensor

    def __init__(self, shape: DenoiserShape) -> None:
        super().__init__()
        self.words = WordTable(len(TAGS), shape.embedding)
        self.denoiser = Denoiser(shape)
        self.register_buffer("scale", torch.ones(shape.bands))


def band_scale(shots: Sequence[Shot], basis: Tensor) -> Tensor:
    """Root mean square of every band over the loud frames (within 30 dB of the loudest) of all one-shots, (bands,)."""
    total = torch.zeros(basis.shape[0], dtype=torch.float64)
    count = 0
    for shot in shots:
        usable = len(shot.samples) // HOP * HOP
        spectrum = analyse(torch.from_numpy(shot.samples[:usable])[None], basis)[0]
        energy = spectrum.square().sum(dim=0)
        loud = spectrum[:, energy > 1e-3 * energy.max()]
        total += loud.double().square().sum(dim=1)
        count += loud.shape[1]
    rough = (total / max(count, 1)).sqrt()
    smooth = torch.nn.functional.avg_pool1d(rough.log()[None, None], 5, 1, 2, count_include_pad=False)[0, 0].exp()
    return smooth.float()


def diffusion_loss(model: WhatModel, batch: tuple[Tensor, Tensor, Tensor], *, generator: torch.Generator) -> Tensor:
    """Mean squared error of v (SyncFusion, section 2.3) for (latent, onset track, tags), sigma stratified over 0..1."""
    latent, track, tags = batch
    count = len(latent)
    sigma = (torch.arange(count) + torch.rand(count, generator=generator)) / count
    noise = torch.randn(latent.shape, generator=generator)
    angle = sigma[:, None, None] * (math.pi / 2)
    a, b = torch.cos(angle), torch.sin(angle)
    with torch.autocast("cpu", torch.bfloat16):
        velocity = model.denoiser(a * latent + b * noise, sigma, track, model.words(tags).float())
    return (velocity.float() - (a * noise - b * latent)).square().mean()


def to_batch(scenes: Sequence[Scene], basis: Tensor, scale: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Latent (batch, bands, frames), onset track (batch, 1, frames) and tags (batch, vocabulary)."""
    audio = torch.from_numpy(np.stack([scene.audio for scene in scenes]))
    track = torch.from_numpy(np.stack([scene.onset_track for scene in scenes]))[:, None]
    tags = torch.from_numpy(np.stack([scene.tags for scene in scenes]))
    return compress(analyse(audio, basis), scale), track, tags


def train(plan: TrainPlan, *, say: Callable[[str], None] = print) -> WhatModel:
    """Train until the minutes or steps are used up; returns the model with averaged weights, which is also on disk."""
    torch.manual_seed(plan.seed)
    plan.out.mkdir(parents=True, exist_ok=True)
    shots = load_shots(plan.sounds)
    rhythms = load_rhythms(plan.rhythms, leave_out=plan.leave_out)
    seen = [shot for shot in shots if not shot.held_out]
    basis = mdct_basis()
    model: WhatModel = cast(Any, WhatModel(plan.shape)).to(memory_format=torch.channels_last)
    model.scale.copy_(band_scale(seen, basis))
    run = _Run(model, plan.rate)
    run.resume(plan.out / CHECKPOINT)
    say(f"{len(seen)} one-shots, {len(rhythms)} rhythms, from step {run.step}")
    generator = torch.Generator().manual_seed(plan.seed + run.step)
    rng = np.random.default_rng((plan.seed, run.step))
    scenes = _draws(SceneMaker(seen, rhythms, frames=plan.frames), rng, plan.batch)
    unseen = _draws(
        SceneMaker([s for s in shots if s.held_out], rhythms, frames=plan.frames), np.random.default_rng(7), plan.batch
    )
    checks = [to_batch(next(unseen), basis, model.scale) for _ in range(3)]
    losses: list[float] = []
    started, saved = time.monotonic() - run.seconds, time.monotonic()

    def used() -> float:
        share = (time.monotonic() - started) / (60.0 * plan.minutes)
        return max(share, run.step / plan.steps) if plan.steps else share

    while (share := used()) < 1.0:
        loss = diffusion_loss(model, to_batch(next(scenes), basis, model.scale), generator=generator)
        run.update(loss, share)
        losses.append(loss.item())
        if run.step % 100 == 0 or time.monotonic() - saved > 120.0:
            run.seconds = time.monotonic() - started
            held_out = run.check(checks)
            report = {
                "step": run.step,
                "seconds": round(run.seconds),
                "loss": round(float(np.mean(losses)), 5),
                "held_out_loss": round(held_out, 5),
            }
            _log(plan.out / "log.csv", report)
            losses.clear()
            if time.monotonic() - saved > 120.0:
                run.save(plan.out / CHECKPOINT)
                saved = time.monotonic()
    run.seconds = time.monotonic() - started
    run.save(plan.out / CHECKPOINT)
    return load_model(plan.out / CHECKPOINT, shape=plan.shape)


def load_model(checkpoint: Path, *, shape: DenoiserShape | None = None) -> WhatModel:
    """The averaged weights of a checkpoint, ready to export.

    Raises:
        PackError: the checkpoint is missing, damaged, of another net or trained with other tags.
    """
    model = WhatModel(shape or DenoiserShape())
    if not checkpoint.is_file():
        raise PackError(f"there is no checkpoint {checkpoint}", hint="Train first, or correct the path")
    try:
        with safe_open(checkpoint, "pt") as handle:
            tags = json.loads((handle.metadata() or {})["run"])["tags"]
            state = {name: handle.get_tensor(f"average.{name}") for name in model.state_dict()}
        model.load_state_dict(state)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise PackError(
            f"checkpoint {checkpoint} does not fit the generator ({reason})",
            hint="Use the checkpoint that was made for this net, or train again",
        ) from error
    if tags != [tag.name for tag in TAGS]:
        raise PackError(f"checkpoint {checkpoint} was trained with other tags", hint="Train again")
    return model.eval()


class _Run:
    """Optimiser, moving average and their place on disk."""

    def __init__(self, model: WhatModel, rate: float) -> None:
        self.model, self.rate = model, rate
        self.optimiser = torch.optim.AdamW(model.parameters(), lr=rate, betas=(0.9, 0.98), weight_decay=0.01)
        self.average = {name: value.detach().clone() for name, value in model.state_dict().items()}
        self.step, self.seconds = 0, 0.0

    def update(self, loss: Tensor, used: float) -> None:
        warm = min(1.0, (self.step + 1) / WARM_UP_STEPS)
        anneal = 0.5 * (1.0 + math.cos(math.pi * min(1.0, used)))
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate * warm * (0.02 + 0.98 * anneal)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
        self.optimiser.step()
        self.step += 1
        keep = min(0.5 ** (1.0 / AVERAGE_HALF_STEPS), self.step / (self.step + 10.0))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                self.average[name].lerp_(value, 1.0 - keep)

    @torch.no_grad()
    def check(self, batches: Sequence[tuple[Tensor, Tensor, Tensor]]) -> float:
        own = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.average)
        generator = torch.Generator().manual_seed(1)
        value = float(np.mean([diffusion_loss(self.model, batch, generator=generator).item() for batch in batches]))
        self.model.load_state_dict(own)
        return value

    def save(self, path: Path) -> None:
        tensors = {f"model.{k}": v for k, v in self.model.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()}
        for name, parameter in self.model.named_parameters():
            for key in ("exp_avg", "exp_avg_sq"):
                if parameter in self.optimiser.state:
                    tensors[f"{key}.{name}"] = self.optimiser.state[parameter][key]
        part = path.with_suffix(".part")
        about = json.dumps({"step": self.step, "seconds": self.seconds, "tags": [tag.name for tag in TAGS]})
        save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, part, metadata={"run": about})
        part.replace(path)

    def resume(self, path: Path) -> None:
        if not path.exists():
            return
        with safe_open(path, "pt") as handle:
            about = json.loads(handle.metadata()["run"])
            self.step, self.seconds = int(about["step"]), float(about["seconds"])
            self.model.load_state_dict({k: handle.get_tensor(f"model.{k}") for k in self.average})
            self.average = {k: handle.get_tensor(f"average.{k}") for k in self.average}
            for name, parameter in self.model.named_parameters():
                self.optimiser.state[parameter] = {
                    "step": torch.tensor(float(self.step)),
                    "exp_avg": handle.get_tensor(f"exp_avg.{name}"),
                    "exp_avg_sq": handle.get_tensor(f"exp_avg_sq.{name}"),
                }


def _draws(maker: SceneMaker, rng: np.random.Generator, batch: int) -> Iterator[list[Scene]]:
    while True:
        yield [maker.draw(rng) for _ in range(batch)]


def _log(path: Path, row: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def main(argv: Sequence[str] | None = None) -> int:
    """``--sounds DIR --rhythms CSV --out DIR --minutes N [--leave-out CSV]``."""
    parser = argparse.ArgumentParser(prog="foley-export train what", description="Train the generator of a pack.")
    parser.add_argument("--sounds", type=Path, required=True, help="folder with manifest.csv and one-shots")
    parser.add_argument("--rhythms", type=Path, required=True, help="table with columns id, time_s")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--leave-out", type=Path, help="table whose column id lists recordings not to use")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    torch.set_num_threads(options.threads)
    leave_out: tuple[str, ...] = ()
    if options.leave_out:
        with options.leave_out.open(newline="", encoding="utf-8") as handle:
            leave_out = tuple(row["id"] for row in csv.DictReader(handle))
    train(
        TrainPlan(
            sounds=options.sounds,
            rhythms=options.rhythms,
            out=options.out,
            minutes=options.minutes,
            leave_out=leave_out,
            seed=options.seed,
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
