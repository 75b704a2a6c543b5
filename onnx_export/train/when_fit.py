"""Fitting the onset net to windows of motion, and its answer for a whole clip."""

from __future__ import annotations

import copy
import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from bridge.dsp.motion import MotionSettings, compress
from bridge.dsp.peaks import Peak, pick
from onnx_export.nets.onset import OnsetGraph, OnsetNet
from onnx_export.train.augment import Sampler
from onnx_export.train.clips import Example

log = logging.getLogger(__name__)

MIN_DISTANCE_S = 0.12


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train.

    Attributes:
        steps: optimiser steps.
        batch: windows per step.
        window_steps: motion steps per window.
        learning_rate: peak of the cosine schedule.
        weight_decay: of AdamW.
        ema: decay of the averaged weights that are kept.
        rendered_share: part of each batch that comes from rendered scenes.
        seed: of weights, windows and augmentation.
        half: compute in bfloat16 where that is safe; twice as fast on processors that know it.
    """

    steps: int = 420
    batch: int = 12
    window_steps: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    ema: float = 0.99
    rendered_share: float = 0.33
    seed: int = 0
    half: bool = True


def train(clips: Sequence[Example], scenes: Sequence[Example], plan: Plan, *, settings: MotionSettings) -> OnsetNet:
    """A net fitted to clips and scenes; its weights are the running average.

    Raises:
        FloatingPointError: the loss is no longer finite.
    """
    torch.manual_seed(plan.seed)
    net = OnsetNet().train()
    kept = copy.deepcopy(net).eval()
    shared = round(plan.batch * plan.rendered_share) if scenes and clips else (0 if clips else plan.batch)
    shape = (plan.window_steps, settings.rows, settings.columns)
    real = Sampler(clips, shape=shape, seed=plan.seed) if clips else None
    made = Sampler(scenes, shape=shape, seed=plan.seed + 1) if shared else None
    optimiser = torch.optim.AdamW(net.parameters(), lr=plan.learning_rate, weight_decay=plan.weight_decay)
    began = time.monotonic()
    for step in range(plan.steps):
        optimiser.param_groups[0]["lr"] = plan.learning_rate * _schedule(step, plan.steps)
        parts = [s.batch(n) for s, n in ((real, plan.batch - shared), (made, shared)) if s is not None and n]
        motion, target, weight = (torch.cat(same) for same in zip(*parts, strict=True))
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=plan.half):
            logits = net(motion)
        loss = onset_loss(logits.float(), target, weight)
        if not torch.isfinite(loss):
            raise FloatingPointError(f"the loss is {float(loss)} at step {step}")
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        _average(kept, net, min(plan.ema, (1 + step) / (10 + step)))
        if step % 20 == 0 or step == plan.steps - 1:
            log.info("step %d loss %.4f, %.0f s", step, float(loss.detach()), time.monotonic() - began)
    return kept


def onset_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross entropy with rare contacts weighted up; steps of weight 0 do not count."""
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    emphasis = weight * (1 + 3 * target)
    return (each * emphasis).sum() / emphasis.sum().clamp_min(1.0)


def predict(net: OnsetNet, example: Example) -> tuple[Peak, ...]:
    """Every peak of a clip, source time."""
    linear = example.motion.astype(np.float32)
    steps, channels, rows, columns = linear.shape
    coarse = linear.reshape(steps, channels, rows // 2, 2, columns // 2, 2).mean((3, 5))
    with torch.no_grad():
        activation = OnsetGraph(net).eval()(torch.from_numpy(compress(coarse))[None])[0].numpy()
    return pick(activation, rate_hz=example.rate_hz, start_s=example.start_s, min_distance_s=MIN_DISTANCE_S)


def _schedule(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / 20)
    return warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _average(kept: OnsetNet, net: OnsetNet, decay: float) -> None:
    """Moves the kept weights and running statistics towards the net's."""
    fresh = net.state_dict()
    for name, value in kept.state_dict().items():
        if value.dtype.is_floating_point:
            value.lerp_(fresh[name], 1 - decay)
        else:
            value.copy_(fresh[name])
