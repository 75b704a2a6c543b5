"""Solvers of the diffusion's ordinary differential equation; the network comes in as a function.

Convention: variance preserving, x = cos(phi) x0 + sin(phi) noise with phi = pi sigma / 2, and the network gives
v = dx / dphi = cos(phi) noise - sin(phi) x0. Every sampler walks sigma from 1 to 0 in equal steps,
or in those that a pack's range of noise gives, asks the network once per step and gives x at sigma 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bridge.errors import PackError

Array = NDArray[np.float32]
Velocity = Callable[[Array, float], Array]
"""(x, sigma) -> v, both of x's shape."""


Move = Callable[[Array, Array, Array | None, int, Sequence[float]], tuple[Array, Array | None]]
"""(x, v, memory, number of the step, angles) -> (x', memory'); each value depends on the values at its place alone, so
any part of x can be moved by itself. The memory is None at first."""

_BEND = 7.0


def angles(steps: int, noise_range: tuple[float, float] | None = None) -> list[float]:
    """The angles phi that a sampler walks through: those of ``sigmas``, then 0."""
    return [math.pi / 2 * sigma for sigma in sigmas(steps, noise_range)] + [0.0]


def sigmas(steps: int, noise_range: tuple[float, float] | None = None) -> list[float]:
    """Where a sampler asks the network, exactly as it will: from 1, or the range's upper end, down.

    Args:
        steps: at least 1.
        noise_range: least and greatest ratio of noise to signal, tan(phi), at which the network is asked, spaced as by
            Karras et al. 2022 (equation 5); None for equal steps.
    """
    if noise_range is None:
        return [1.0 - step / steps for step in range(steps)]
    low, high = (ratio ** (1.0 / _BEND) for ratio in noise_range)
    ratios = ((high + step / max(1, steps - 1) * (low - high)) ** _BEND for step in range(steps))
    return [math.atan(ratio) / (math.pi / 2) for ratio in ratios]


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Takes noise to data, step by step.

    Attributes:
        move: one step.
    """

    move: Move

    def __call__(
        self, velocity: Velocity, noise: Array, *, steps: int, noise_range: tuple[float, float] | None = None
    ) -> Array:
        """All steps.

        Args:
            velocity: the network. noise: x at the first angle, any shape. steps, noise_range: see ``sigmas``.
        """
        x, memory = noise, None
        way = angles(steps, noise_range)
        for number, sigma in enumerate(sigmas(steps, noise_range)):
            x, memory = self.move(x, velocity(x, sigma), memory, number, way)
        return x


def _ddim(x: Array, v: Array, memory: Array | None, number: int, way: Sequence[float]) -> tuple[Array, Array | None]:
    """First order: x' = cos(d) x - sin(d) v (Salimans and Ho 2022, section 4; SyncFusion, section 2.3)."""
    delta = way[number] - way[number + 1]
    return np.float32(math.cos(delta)) * x - np.float32(math.sin(delta)) * v, None


def _deis2(x: Array, v: Array, memory: Array | None, number: int, way: Sequence[float]) -> tuple[Array, Array | None]:
    """Second order, two points: the guess of x0 goes on in a straight line over phi, and that is solved exactly.

    An exponential integrator with a polynomial in time (Zhang and Chen 2023, "DEIS", section 3.3), written for the
    angle: with x0(t) = x0(phi) + m (t - phi) the equation dx/dphi = (x cos(phi) - x0) / sin(phi) has the solution
    x' = DDIM's + m (sin(phi') ln(sin(phi) / sin(phi')) - (phi - phi') cos(phi')). Unlike multistep solvers in
    ln tan(phi) it has nothing infinite at either end. The last step is DDIM's and lands on the last guess of x0. The
    memory is the guess of the step before.
    """
    phi, after = way[number], way[number + 1]
    clean = np.float32(math.cos(phi)) * x - np.float32(math.sin(phi)) * v
    moved, _ = _ddim(x, v, None, number, way)
    if memory is not None and after > 0.0:
        lean = (phi - after) * math.cos(after) - math.sin(after) * math.log(math.sin(phi) / math.sin(after))
        moved = moved + np.float32(lean / (way[number - 1] - phi)) * (clean - memory)
    return moved, clean


def _dpm2(x: Array, v: Array, memory: Array | None, number: int, way: Sequence[float]) -> tuple[Array, Array | None]:
    """Second order, two points: the guess of x0 goes on in a straight line over ln tan(phi).

    DPM-Solver++(2M) (Lu et al. 2022, algorithm 2), for angles that lie closer where there is much noise. Its first
    step, its last, and one that comes from phi = pi / 2 are DDIM's. The memory is the guess of the step before.
    """
    phi, after = way[number], way[number + 1]
    clean = np.float32(math.cos(phi)) * x - np.float32(math.sin(phi)) * v
    if memory is None or after <= 0.0 or way[number - 1] >= math.pi / 2:
        return _ddim(x, v, None, number, way)[0], clean
    step = math.log(math.tan(phi) / math.tan(after))
    before = math.log(math.tan(way[number - 1]) / math.tan(phi))
    ahead = clean + np.float32(0.5 * step / before) * (clean - memory)
    kept = math.sin(after) / math.sin(phi)
    return np.float32(kept) * x + np.float32(math.cos(after) - kept * math.cos(phi)) * ahead, clean


ddim = Sampler(move=_ddim)
deis2 = Sampler(move=_deis2)
dpm2 = Sampler(move=_dpm2)

SAMPLERS: Mapping[str, Sampler] = MappingProxyType({"ddim": ddim, "deis2": deis2, "dpm2": dpm2})
"""By the name that a pack gives."""


def sampler(name: str) -> Sampler:
    """The sampler of that name.

    Raises:
        PackError: there is none.
    """
    try:
        return SAMPLERS[name]
    except KeyError:
        raise PackError(
            f'the pack asks for the sampler "{name}", known are {", ".join(SAMPLERS)}', hint="Update Foley Bridge"
        ) from None


def guided(conditional: Array, unconditional: Array, scale: float) -> Array:
    """Classifier-free guidance (Ho and Salimans 2021): away from the unconditional answer by ``scale``."""
    return unconditional + np.float32(scale) * (conditional - unconditional)
