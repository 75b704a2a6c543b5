"""Windows of motion for training, each time a little different.

Everything acts on linear velocities of the fine grid: a faster clip has larger velocities, a zoomed one too, a mirrored
one has the rightward velocity turned. Time is never reversed: a contact is not one backwards.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from onnx_export.train.clips import Example

TARGET_SIGMA_S = 0.025


class Sampler:
    """Random windows of examples, augmented.

    Args:
        examples: longer ones are drawn more often.
        shape: steps, rows and columns of a window.
        seed: same seed, same windows.
    """

    def __init__(self, examples: Sequence[Example], *, shape: tuple[int, int, int], seed: int) -> None:
        self._examples = examples
        self._shape = shape
        self._random = np.random.default_rng(seed)
        weight = np.sqrt([max(0.1, e.valid_s[1] - e.valid_s[0]) for e in examples])
        self._chance = weight / weight.sum()

    def batch(self, size: int) -> tuple[Tensor, Tensor, Tensor]:
        """Compressed motion [size, time, 4, rows, columns], targets and weights [size, time]."""
        windows = [self._window() for _ in range(size)]
        motion, target, weight = (torch.from_numpy(np.stack(same)) for same in zip(*windows, strict=True))
        moved = self._look_elsewhere(motion)
        moved = self._spoil(moved)
        return moved, target, weight

    def _window(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
        """A stretch at another speed: linear motion on the fine grid, targets, weights."""
        draw = self._random
        example = self._examples[draw.choice(len(self._examples), p=self._chance)]
        length = self._shape[0]
        speed = float(np.exp(draw.uniform(-0.35, 0.35)))
        span = (length - 1) * speed
        low = (example.valid_s[0] - example.start_s) * example.rate_hz
        high = (example.valid_s[1] - example.start_s) * example.rate_hz
        begin = draw.uniform(low - 0.15 * span, max(low, high - 0.85 * span))
        at = begin + np.arange(length) * speed
        motion = _interpolated(example.motion, at) * np.float32(speed)
        times = example.start_s + at / example.rate_hz
        target = np.zeros(length)
        for onset in example.onsets_s:
            distance = (times - onset) / (speed * TARGET_SIGMA_S)
            target = np.maximum(target, np.exp(-0.5 * distance**2))
        weight = (times >= example.valid_s[0]) & (times <= example.valid_s[1])
        return motion, target.astype(np.float32), weight.astype(np.float32)

    def _look_elsewhere(self, motion: Tensor) -> Tensor:
        """Zoom, shift, small turn and mirror, one per window, down to the graph's grid."""
        size, steps, channels, rows, columns = motion.shape
        draw = self._random
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

    def _spoil(self, motion: Tensor) -> Tensor:
        """Louder or softer motion, contrast, noise; then as a graph takes it."""
        size = motion.shape[0]
        draw = self._random
        gain = np.exp(draw.normal(0, 0.3, (size, 1, 1, 1, 1)))
        contrast = np.exp(draw.normal(0, 0.4, (size, 1, 1, 1, 1))) * (draw.random((size, 1, 1, 1, 1)) > 0.1)
        scale = torch.from_numpy(np.concatenate([gain, gain, gain, contrast], 2).astype(np.float32))
        moved = motion * scale
        moved = torch.sign(moved) * torch.log1p(moved.abs())
        level = torch.from_numpy((draw.random((size, 1, 1, 1, 1)) * 0.12).astype(np.float32))
        noise = torch.from_numpy(draw.standard_normal(moved.shape, dtype=np.float32))
        return moved + level * noise


def _interpolated(motion: NDArray[np.float16], at: NDArray[np.floating]) -> NDArray[np.float32]:
    """Motion between steps; nothing moves outside of it."""
    last = len(motion) - 1
    floor = np.floor(at).astype(int)
    part = (at - floor).astype(np.float32)[:, None, None, None]
    left = motion[np.clip(floor, 0, last)].astype(np.float32)
    right = motion[np.clip(floor + 1, 0, last)].astype(np.float32)
    inside = ((at > -1) & (at < last + 1)).astype(np.float32)[:, None, None, None]
    return (((1 - part) * left + part * right) * inside).astype(np.float32, copy=False)


def _column(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(values.astype(np.float32))[:, None, None, None, None]
