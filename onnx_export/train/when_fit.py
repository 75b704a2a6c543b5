"""Fitting the onset net to windows of motion, and its answer for a whole clip."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bridge.dsp.motion import MotionSettings, compress
from bridge.dsp.peaks import Peak, pick
from bridge.errors import RequestError
from onnx_export.nets.onset import OnsetGraph, OnsetNet
from onnx_export.train.augment import Batch, Sampler, joined
from onnx_export.train.clips import OF_CLIP, Example
from onnx_export.train.run import CHECKPOINT, Run, load_average

MIN_DISTANCE_S = 0.25
_LOG_STEPS = 20
_SAVE_STEPS = 60


@dataclass(frozen=True, kw_only=True)
class Data:
    """What a net learns from.

    Attributes:
        clips: annotated recordings.
        variants: the same recordings filmed again; groups are the clips', names begin with theirs.
        scenes: rendered, with contacts.
        quiet: without any contact.
    """

    clips: Sequence[Example] = ()
    variants: Sequence[Example] = ()
    scenes: Sequence[Example] = ()
    quiet: Sequence[Example] = ()

    def without(self, tests: Sequence[Example], *, by: str) -> Data:
        """Everything but recordings that share a ``group`` or ``name`` with some of the clips."""
        names, groups = {test.name for test in tests}, {test.group for test in tests}

        def apart(one: Example) -> bool:
            return one.group not in groups if by == "group" else one.name.split(OF_CLIP)[0] not in names

        return replace(
            self,
            clips=[one for one in self.clips if apart(one)],
            variants=[one for one in self.variants if apart(one)],
        )

    @property
    def digest(self) -> str:
        """Tells one lot of data from another: names, annotation and samples of the motion."""
        answer = hashlib.sha256()
        for part in (self.clips, self.variants, self.scenes, self.quiet):
            answer.update(f"{len(part)};".encode())
            for one in part:
                answer.update(f"{one.name} {one.motion.shape} {one.start_s} {one.rate_hz} {one.valid_s}".encode())
                for values in (one.onsets_s, one.strengths, one.motion[::30]):
                    answer.update(np.ascontiguousarray(values).tobytes())
        return answer.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train.

    Attributes:
        steps: optimiser steps; 0 for no limit.
        minutes: of training; 0 for no limit.
        batch: windows per step.
        window_steps: motion steps per window.
        learning_rate: peak of the cosine schedule.
        weight_decay: of AdamW.
        average_half_steps: steps after which a weight counts half in the running average that is kept.
        rendered_share: part of each batch that comes from rendered scenes.
        quiet_share: part of each batch that comes from pictures without action.
        strength_share: weight of the strengths' loss against the contacts'.
        recorded_strengths: whether strength is learned from the loudness of recordings too. Without, it is learned
            from rendered scenes only, where forces are known exactly; without scenes it is not learned at all.
        seed: of weights, windows and augmentation.
        half: compute in bfloat16 where that is safe; twice as fast on processors that know it.
    """

    steps: int = 420
    minutes: float = 0.0
    batch: int = 12
    window_steps: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    average_half_steps: float = 70.0
    rendered_share: float = 0.33
    quiet_share: float = 0.08
    strength_share: float = 0.3
    recorded_strengths: bool = False
    seed: int = 0
    half: bool = True

    def __post_init__(self) -> None:
        if self.steps <= 0 and self.minutes <= 0:
            raise RequestError("a training needs an end", hint="Give --steps or --minutes")

    def shares(self, data: Data) -> tuple[int, int, int]:
        """Windows per batch from recordings, scenes and quiet pictures; who is missing is made up for by others."""
        quiet = max(1, round(self.batch * self.quiet_share)) if data.quiet and self.quiet_share > 0 else 0
        if not data.clips or not data.scenes:
            rest = self.batch - quiet
            return (rest, 0, quiet) if data.clips else (0, rest, quiet)
        scenes = round(self.batch * self.rendered_share)
        return self.batch - scenes - quiet, scenes, quiet


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What nets say of a clip.

    Attributes:
        peaks: every peak of the activation, source time.
        strengths: 0..1, one per peak.
    """

    peaks: tuple[Peak, ...]
    strengths: NDArray[np.float64]


def train(data: Data, plan: Plan, *, settings: MotionSettings, out: Path) -> OnsetNet:
    """A net fitted to data, from ``out`` where it lies there already; its weights are the running average.

    A net there that has had more steps than the plan's is taken as it is, and stderr says so.

    Raises:
        RequestError: there is nothing to learn from.
        PackError: ``out`` holds another run, or the loss is no longer finite.
    """
    if not data.clips and not data.scenes:
        raise RequestError("there is nothing to learn from", hint="Give --clips or --scenes")
    torch.manual_seed(plan.seed)
    net = OnsetNet().train()
    run = Run(
        net,
        out=out,
        rate=plan.learning_rate,
        about={"plan": json.dumps(asdict(replace(plan, steps=0, minutes=1.0))), "data": data.digest},
        weight_decay=plan.weight_decay,
        betas=(0.9, 0.999),
        average_half_steps=plan.average_half_steps,
        warm_up=_LOG_STEPS,
    )
    run.resume()
    if 0 < plan.steps < run.step:
        print(
            f"warning: the net in {out} has had {run.step} steps, more than the {plan.steps} asked for; it is taken as "
            "it is (give another --out for a new one)",
            file=sys.stderr,
            flush=True,
        )
    shape = (plan.window_steps, settings.rows, settings.columns)
    recorded = [
        one if plan.recorded_strengths else replace(one, strength=None) for one in (*data.clips, *data.variants)
    ]
    parts = [
        (Sampler(examples, shape=shape), count)
        for examples, count in zip((recorded, data.scenes, data.quiet), plan.shares(data), strict=True)
        if count
    ]
    with run.bar(plan.steps or 1):
        while (done := run.used(minutes=plan.minutes, steps=plan.steps)) < 1.0:
            draws = run.draws(plan.seed)
            batch = joined([sampler.batch(count, draws) for sampler, count in parts])
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.half):
                contact, strength = net(batch.motion)
            one, two = onset_loss(contact.float(), batch), strength_loss(strength.float(), batch)
            run.update(one + plan.strength_share * two, done=done)
            if run.step % _LOG_STEPS == 0 or run.step == plan.steps:
                run.log(contact=float(one.detach()), strength=float(two.detach()))
            if run.step % _SAVE_STEPS == 0:
                run.save()
    run.save()
    load_average(out / CHECKPOINT, net)
    return net.eval()


def onset_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross entropy with rare contacts weighted up; steps of weight 0 do not count."""
    each = functional.binary_cross_entropy_with_logits(logits, batch.target, reduction="none")
    emphasis = batch.weight * (1 + 3 * batch.target)
    return (each * emphasis).sum() / emphasis.sum().clamp_min(1.0)


def strength_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Cross entropy, around contacts whose strength is known."""
    each = functional.binary_cross_entropy_with_logits(logits, batch.strength, reduction="none")
    return (each * batch.near).sum() / batch.near.sum().clamp_min(1.0)


def predict(nets: Sequence[OnsetNet], example: Example) -> Answer:
    """Every peak of a clip as the graph of these nets finds it."""
    linear = example.motion.astype(np.float32)
    steps, channels, rows, columns = linear.shape
    coarse = linear.reshape(steps, channels, rows // 2, 2, columns // 2, 2).mean((3, 5))
    with torch.no_grad():
        curves = OnsetGraph(nets).eval()(torch.from_numpy(compress(coarse))[None])
    activation, strength = (curve[0].numpy() for curve in curves)
    peaks = pick(activation, rate_hz=example.rate_hz, start_s=example.start_s, min_distance_s=MIN_DISTANCE_S)
    times = example.start_s + np.arange(steps) / example.rate_hz
    return Answer(peaks=peaks, strengths=np.interp([peak.time_s for peak in peaks], times, strength))
