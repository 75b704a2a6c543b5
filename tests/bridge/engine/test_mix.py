"""Vary a little, vary a lot: noise of other seeds mixed in, in every windowing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.loader import LoadedPack, load
from bridge.engine.tiles import mixed
from bridge.engine.what import Generator
from bridge.packs.store import Store
from tests.bridge.engine.waves import Counting, opened
from tests.packs import NAME, tiny_pack

RATE_HZ = 48_000
PLAIN = Request(
    length_samples=2 * RATE_HZ,
    rate_hz=RATE_HZ,
    onsets=(Onset(time_s=0.2), Onset(time_s=0.9, strength=0.5)),
    prompt="wood",
    seed=3,
)


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LoadedPack]:
    folder = tmp_path_factory.mktemp("packs")
    tiny_pack(folder)
    return {"tiny": load(Store([folder]), NAME, provider="cpu", threads=1), "wave": opened(folder)}


@pytest.fixture(params=["local", "whole", "onset", "onset and alike"])
def generator(request: pytest.FixtureRequest, packs: dict[str, LoadedPack]) -> Generator:
    if request.param == "whole":
        return Generator(packs["wave"])
    if request.param == "local":
        return Generator(packs["tiny"])
    likeness = 0.9 if "alike" in request.param else 0.2
    return Generator(Counting(packs["tiny"], windows="onset", overlap_frames=0, likeness=likeness))


def sound(generator: Generator, request: Request) -> NDArray[np.float32]:
    return generator.render(request).samples[0]


def test_render_when_more_of_another_seed_is_mixed_in_then_it_sounds_ever_further_from_the_first(
    generator: Generator,
) -> None:
    base, other = sound(generator, PLAIN), sound(generator, replace(PLAIN, seed=77))
    sounds = {amount: sound(generator, replace(PLAIN, mix=((77, amount),))) for amount in (0.0, 0.25, 0.6, 1.0)}
    assert sounds[0.0].tobytes() == base.tobytes()
    assert sounds[1.0].tobytes() == other.tobytes()
    distances = [float(np.sqrt(np.mean((sounds[amount] - base) ** 2))) for amount in (0.25, 0.6, 1.0)]
    assert distances == sorted(distances)
    assert distances[0] > 0.05 * distances[2] > 0
    assert distances[0] < 0.6 * distances[2]


def test_render_when_varied_again_then_it_goes_on_from_what_was(generator: Generator) -> None:
    once = sound(generator, replace(PLAIN, mix=((77, 0.3),)))
    twice = sound(generator, replace(PLAIN, mix=((77, 0.3), (5, 0.3))))
    back = sound(generator, replace(PLAIN, mix=((77, 0.3), (3, 1.0))))
    assert np.abs(twice - once).max() > 1e-3
    assert back.tobytes() == sound(generator, PLAIN).tobytes()


def test_remake_when_only_the_mix_differs_then_everything_is_made_again(packs: dict[str, LoadedPack]) -> None:
    generator = Generator(packs["tiny"])
    varied = replace(PLAIN, mix=((77, 0.5),))
    old = generator.render(PLAIN)
    new, spans = generator.remake(varied, previous_request=PLAIN, previous=old)
    assert spans == [(0, PLAIN.length_samples)]
    assert np.array_equal(new.samples, generator.render(varied).samples)


def test_mixed_when_noises_are_mixed_then_it_stays_as_strong() -> None:
    def noise_of(seed: int) -> NDArray[np.float32]:
        return np.random.default_rng(seed).standard_normal((1, 50_000), dtype=np.float32)

    assert np.std(mixed(noise_of, 1, ((2, 0.4), (3, 0.7)))) == pytest.approx(1.0, abs=0.02)
