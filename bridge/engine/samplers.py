"""Solvers of the diffusion's ordinary differential equation; the network comes in as a function.

Convention: variance preserving, x = cos(phi) x0 + sin(phi) noise with phi = pi sigma / 2, and the network gives
v = dx / dphi = cos(phi) noise - sin(phi) x0. Every sampler walks sigma from 1 to 0 in equal steps, asks the network
once per step and gives x at sigma 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.errors import PackError

Array = NDArray[np.float32]
Velocity = Callable[[Array, float], Array]
"""(x, sigma) -> v, both of x's shape."""


class Sampler(Protocol):
    """Takes noise to data."""

    def __call__(self, velocity: Velocity, noise: Array, *, steps: int) -> Array: ...


def sigmas(steps: int) -> list[float]:
    """Where a sampler asks the network, exactly as it will: from 1 down."""
    return [1.0 - step / steps for step in range(steps)]


def ddim(velocity: Velocity, noise: Array, *, steps: int) -> Array:
    """First order: x' = cos(d) x - sin(d) v (Salimans and Ho 2022, section 4; SyncFusion, section 2.3).

    Args:
        velocity: the network. noise: x at sigma 1, any shape. steps: at least 1.
    """
    delta = math.pi / 2 / steps
    x = noise
    for sigma in sigmas(steps):
        v = velocity(x, sigma)
        x = np.float32(math.cos(delta)) * x - np.float32(math.sin(delta)) * v
    return x


def dpm2m(velocity: Velocity, noise: Array, *, steps: int) -> Array:
    """Second order, two points: DPM-Solver++(2M) (Lu et al. 2022) in lambda = -ln tan(phi).

    The first step is DDIM's, since lambda is infinite at sigma 1; the last one lands on the last guess of x0.

    Args:
        velocity: the network. noise: x at sigma 1, any shape. steps: at least 1.
    """
    asked = sigmas(steps)
    angles = [math.pi / 2 * sigma for sigma in (*asked, 0.0)]
    x, before, h_before = noise, None, 0.0
    for step, sigma in enumerate(asked):
        phi, after = angles[step], angles[step + 1]
        v = velocity(x, sigma)
        clean = np.float32(math.cos(phi)) * x - np.float32(math.sin(phi)) * v
        if step == steps - 1:
            return clean
        if step == 0:
            delta = phi - after
            x = np.float32(math.cos(delta)) * x - np.float32(math.sin(delta)) * v
            continue
        h = math.log(math.tan(phi)) - math.log(math.tan(after))
        guess = clean
        if before is not None and h_before > 0.0:
            lean = np.float32(h / (2.0 * h_before))
            guess = clean + lean * (clean - before)
        x = np.float32(math.sin(after) / math.sin(phi)) * x - np.float32(math.cos(after) * math.expm1(-h)) * guess
        before, h_before = clean, h
    return x


SAMPLERS: Mapping[str, Sampler] = MappingProxyType({"ddim": ddim, "dpm2m": dpm2m})
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
