"""Samplers against data whose exact v is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bridge.engine.samplers import SAMPLERS, angles, ddim, deis2, dpm2, guided, sampler, sigmas
from bridge.errors import PackError


def gaussian(mean: float, spread: float):
    """Exact v of data ~ N(mean, spread^2); the ODE takes noise z to mean + spread z."""

    def velocity(x, sigma):
        a, b = np.cos(np.pi * sigma / 2), np.sin(np.pi * sigma / 2)
        variance = a * a * spread**2 + b * b
        clean = mean + a * spread**2 / variance * (x - a * mean)
        noise = b / variance * (x - a * mean)
        return np.asarray(a * noise - b * clean, np.float32)

    return velocity


NOISE = np.random.default_rng(0).standard_normal((4, 500)).astype(np.float32)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_sampler_when_data_is_one_point_lands_on_it_in_any_number_of_steps(name: str) -> None:
    for steps in (1, 2, 7):
        assert np.allclose(SAMPLERS[name](gaussian(0.7, 0.0), NOISE, steps=steps), 0.7, atol=1e-5)


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_sampler_when_data_is_white_gives_the_noise_back(name: str) -> None:
    assert np.allclose(SAMPLERS[name](gaussian(0.0, 1.0), NOISE, steps=400), NOISE, atol=0.02)


def error(method, steps: int) -> float:
    exact = 0.5 + 0.25 * NOISE
    return float(np.abs(method(gaussian(0.5, 0.25), NOISE, steps=steps) - exact).max())


def test_ddim_when_steps_double_halves_its_error() -> None:
    assert 1.7 < error(ddim, 40) / error(ddim, 80) < 2.3


def test_deis2_when_steps_are_few_is_closer_than_ddim() -> None:
    assert error(deis2, 32) < 0.25 * error(ddim, 32)
    assert error(deis2, 32) < 0.25 * error(deis2, 16)


def test_sampler_when_run_asks_once_per_step_from_sigma_one_down() -> None:
    for method in SAMPLERS.values():
        asked: list[float] = []

        def velocity(x, sigma, asked=asked):
            asked.append(sigma)
            return np.zeros_like(x)

        method(velocity, NOISE, steps=4)
        assert asked == pytest.approx([1.0, 0.75, 0.5, 0.25])


RANGE = (0.02, 40.0)


def ranged_error(method, steps: int) -> float:
    exact = 0.5 + 0.25 * NOISE
    return float(np.abs(method(gaussian(0.5, 0.25), NOISE, steps=steps, noise_range=RANGE) - exact).mean())


def test_angles_of_a_range_go_from_much_noise_to_little_and_end_at_none() -> None:
    way = angles(9, RANGE)
    assert np.tan(way[0]) == pytest.approx(40.0)
    assert np.tan(way[-2]) == pytest.approx(0.02)
    assert way[-1] == 0.0
    assert all(before > after for before, after in itertools.pairwise(way))
    assert sigmas(9, RANGE) == pytest.approx([2.0 * angle / np.pi for angle in way[:-1]])
    assert np.tan(angles(1, RANGE)[0]) == pytest.approx(40.0)


def test_dpm2_when_steps_are_few_in_a_range_is_closer_than_ddim() -> None:
    assert ranged_error(dpm2, 16) < 0.5 * ranged_error(ddim, 16)
    assert ranged_error(dpm2, 32) < 0.5 * ranged_error(dpm2, 16)


def test_sampler_when_the_network_says_that_nothing_changes_then_white_noise_stays_nearly_as_it_was() -> None:
    """What a pack carries through the sampler as noise comes out as noise, nearly as loud."""
    for method in SAMPLERS.values():
        left = method(lambda x, sigma: np.zeros_like(x), NOISE, steps=20, noise_range=RANGE)
        assert np.corrcoef(left.ravel(), NOISE.ravel())[0, 1] > 0.999
        assert 0.5 < left.std() / NOISE.std() < 1.1


def test_guided_when_scale_is_one_is_the_conditional_and_grows_beyond() -> None:
    conditional, unconditional = np.array([1.0, 2.0], np.float32), np.array([0.0, 4.0], np.float32)
    assert np.array_equal(guided(conditional, unconditional, 1.0), conditional)
    assert np.array_equal(guided(conditional, unconditional, 0.0), unconditional)
    assert np.array_equal(guided(conditional, unconditional, 2.0), np.array([2.0, 0.0], np.float32))


def test_sampler_when_the_pack_names_an_unknown_one_says_which_are_known() -> None:
    with pytest.raises(PackError, match=r"euler.*ddim, deis2"):
        sampler("euler")
