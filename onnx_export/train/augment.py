"""Windows of motion for training, each time a little different.

Everything acts on linear velocities of the fine grid: a faster clip has larger velocities, a zoomed one too, a mirrored
one has the rightward velocity turned. Time is never reversed: a contact is not one backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from onnx_export.train.clips import Example

TARGET_SIGMA_S = 0.025


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Windows to learn from.

    Attributes:
        motion: compressed, [size, time, 4, rows, columns].
        target: 1 at a contact, falling off around it, [size, time].
        weight: 1 where the annotation counts, else 0, [size, time].
        strength: of the nearest contact, 0..1, [size, time].
        near: how much a step's strength counts: 1 at a contact of known strength, falling off around it, [size, time].
    """

    motion: Tensor
    target: Tensor
    weight: Tensor
    strength: Tensor
    near: Tensor


def joined(batches: Sequence[Batch]) -> Batch:
    """All windows of several batches."""
    names = ("motion", "target", "weight", "strength", "near")
    return Batch(**{name: torch.cat([getattr(batch, name) for batch in batches]) for name in names})


class Sampler:
    """Random windows of examples, augmented.

    Args:
        examples: at least one; longer ones are drawn more often.
        shape: steps, rows and columns of a window.
    """

    def __init__(self, examples: Sequence[Example], *, shape: tuple[int, int, int]) -> None:
        self._examples = examples
        self._shape = shape
        weight = np.sqrt([max(0.1, e.valid_s[1] - e.valid_s[0]) for e in examples])
        self._chance = weight / weight.sum()

    def batch(self, size: int, draw: np.random.Generator) -> Batch:
        """Some windows; the same for the same chance."""
        windows = [self._window(draw) for _ in range(size)]
        motion = torch.stack([window[0] for window in windows])
        known = zip(*(window[1] for window in windows), strict=True)
        target, weight, strength, near = (torch.from_numpy(np.stack(same)) for same in known)
        moved = _spoil(self._look_elsewhere(motion, draw), draw)
        return Batch(motion=moved, target=target, weight=weight, strength=strength, near=near)

    def _window(self, draw: np.random.Generator) -> tuple[Tensor, tuple[NDArray[np.float32], ...]]:
        """A stretch at another speed: linear motion on the fine grid; target, weight, strength and nearness."""
        example = self._examples[draw.choice(len(self._examples), p=self._chance)]
        length = self._shape[0]
        speed = float(np.exp(draw.uniform(-0.35, 0.35)))
        span = (length - 1) * speed
        low = (example.valid_s[0] - example.start_s) * example.rate_hz
        high = (example.valid_s[1] - example.start_s) * example.rate_hz
        begin = draw.uniform(low - 0.15 * span, max(low, high - 0.85 * span))
        at = begin + np.arange(length) * speed
        motion = _interpolated(example.motion, at).mul_(speed)
        times = example.start_s + at / example.rate_hz
        weight = ((times >= example.valid_s[0]) & (times <= example.valid_s[1])).astype(np.float32)
        target, strength, near = (np.zeros(length, np.float32) for _ in range(3))
        if len(example.onsets_s):
            distance = np.abs(times[:, None] - example.onsets_s)
            nearest = distance.argmin(1)
            target[:] = np.exp(-0.5 * (distance.min(1) / (speed * TARGET_SIGMA_S)) ** 2)
            hard = example.strengths[nearest]
            strength[:] = np.nan_to_num(hard)
            near[:] = target * weight * np.isfinite(hard)
        return motion, (target, weight, strength, near)

    def _look_elsewhere(self, motion: Tensor, draw: np.random.Generator) -> Tensor:
        """Zoom, shift, small turn and mirror, one per window, down to the graph's grid."""
        size, steps, channels, rows, columns = motion.shape
        zoom = np.exp(draw.uniform(-0.35, 0.35, size))
        turn = draw.normal(0, 0.12, size)
        flip = np.where(draw.random(size) < 0.5, -1.0, 1.0)
        slide = draw.uniform(-0.25, 0.25, (size, 2))
        aspect = columns / rows * 1.04
        cos, sin = np.cos(turn), np.sin(turn)
        matrix = np.empty((size, 2, 3), np.float32)
        matrix[:, 0] = np.stack([flip * cos / zoom, -sin / aspect / zoom, slide[:, 0]], 1)
        matrix[:, 1] = np.stack([flip * sin * aspect / zoom, cos / zoom, slide[:, 1]], 1)
        out = (size, steps * channels, self._shape[1], self._shape[2])
        where = functional.affine_grid(torch.from_numpy(matrix), list(out), align_corners=False)
        moved = functional.grid_sample(motion.flatten(1, 2), where, align_corners=False, padding_mode="border")
        moved = moved.unflatten(1, (steps, channels)) * _column(zoom)
        right, down = moved[:, :, 0], moved[:, :, 1]
        c, s, f = _column(cos)[:, :, 0], _column(sin)[:, :, 0], _column(flip)[:, :, 0]
        turned = torch.stack([f * (c * right + s * down), c * down - s * right, moved[:, :, 2], moved[:, :, 3]], 2)
        return turned


def _spoil(motion: Tensor, draw: np.random.Generator) -> Tensor:
    """Louder or softer motion, contrast, noise; then as a graph takes it."""
    size = motion.shape[0]
    gain = np.exp(draw.normal(0, 0.3, (size, 1, 1, 1, 1)))
    contrast = np.exp(draw.normal(0, 0.4, (size, 1, 1, 1, 1))) * (draw.random((size, 1, 1, 1, 1)) > 0.1)
    scale = torch.from_numpy(np.concatenate([gain, gain, gain, contrast], 2).astype(np.float32))
    moved = motion * scale
    moved = moved.abs().log1p_().copysign_(moved)
    level = torch.from_numpy((draw.random((size, 1, 1, 1, 1)) * 0.12).astype(np.float32))
    noise = torch.from_numpy(draw.standard_normal(moved.shape, dtype=np.float32))
    return moved.addcmul_(noise, level)


def _interpolated(motion: NDArray[np.float16], at: NDArray[np.floating]) -> Tensor:
    """Motion between steps; nothing moves outside of it."""
    last = len(motion) - 1
    floor = np.floor(at).astype(int)
    inside = (at > -1) & (at < last + 1)
    part = np.stack([(1 - (at - floor)) * inside, (at - floor) * inside]).astype(np.float32)
    shares = torch.from_numpy(part)[..., None, None, None]
    left, right = (torch.from_numpy(motion[np.clip(floor + more, 0, last)]) for more in (0, 1))
    return left.float().mul_(shares[0]).addcmul_(right.float(), shares[1])


def _column(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, None, None, None, None]
