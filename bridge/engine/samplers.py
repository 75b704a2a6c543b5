"""Solvers of the diffusion's ordinary differential equation; the network comes in as a function.

Convention: variance preserving, x = cos(phi) x0 + sin(phi) noise with phi = pi sigma / 2, and the network gives
v = dx / dphi = cos(phi) noise - sin(phi) x0. Every sampler walks sigma from 1 to 0 in equal steps, asks the network
once per step and gives x at sigma 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bridge.errors import PackError

Array = NDArray[np.float32]
Velocity = Callable[[Array, float], Array]
"""(x, sigma) -> v, both of x's shape."""


Move = Callable[[Array, Array, Array | None, int, int], tuple[Array, Array | None]]
"""(x, v, memory, number of the step, steps) -> (x', memory'); each value depends on the values at its place alone, so
any part of x can be moved by itself. The memory is None at first."""


def sigmas(steps: int) -> list[float]:
    """Where a sampler asks the network, exactly as it will: from 1 down."""
    return [1.0 - step / steps for step in range(steps)]


@dataclass(frozen=True, kw_only=True)
class Sampler:
    """Takes noise to data, step by step.

    Attributes:
        move: one step.
    """

    move: Move

    def __call__(self, velocity: Velocity, noise: Array, *, steps: int) -> Array:
        """All steps.

        Args:
            velocity: the network. noise: x at sigma 1, any shape. steps: at least 1.
        """
        x, memory = noise, None
        for number, sigma in enumerate(sigmas(steps)):
            x, memory = self.move(x, velocity(x, sigma), memory, number, steps)
        return x


def _ddim(x: Array, v: Array, memory: Array | None, number: int, steps: int) -> tuple[Array, Array | None]:
    """First order: x' = cos(d) x - sin(d) v (Salimans and Ho 2022, section 4; SyncFusion, section 2.3)."""
    delta = math.pi / 2 / steps
    return np.float32(math.cos(delta)) * x - np.float32(math.sin(delta)) * v, None


def _deis2(x: Array, v: Array, memory: Array | None, number: int, steps: int) -> tuple[Array, Array | None]:
    """Second order, two points: the guess of x0 goes on in a straight line over phi, and that is solved exactly.

    An exponential integrator with a polynomial in time (Zhang and Chen 2023, "DEIS", section 3.3), written for the
    angle: with x0(t) = x0(phi) + m (t - phi) the equation dx/dphi = (x cos(phi) - x0) / sin(phi) has the solution
    x' = DDIM's + m (sin(phi') ln(sin(phi) / sin(phi')) - (phi - phi') cos(phi')). Unlike multistep solvers in
    ln tan(phi) it has nothing infinite at either end. The last step is DDIM's and lands on the last guess of x0. The
    memory is the guess of the step before.
    """
    delta = math.pi / 2 / steps
    phi = math.pi / 2 * sigmas(steps)[number]
    clean = np.float32(math.cos(phi)) * x - np.float32(math.sin(phi)) * v
    x = np.float32(math.cos(delta)) * x - np.float32(math.sin(delta)) * v
    after = phi - delta
    if memory is not None and after > delta / 2:
        lean = math.cos(after) - math.sin(after) / delta * math.log(math.sin(phi) / math.sin(after))
        x = x + np.float32(lean) * (clean - memory)
    return x, clean


ddim = Sampler(move=_ddim)
deis2 = Sampler(move=_deis2)

SAMPLERS: Mapping[str, Sampler] = MappingProxyType({"ddim": ddim, "deis2": deis2})
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
