"""Every onset has a window of its own: it begins at its sample, as loud as it is strong, whatever the others do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine import samplers
from bridge.engine.apart import OnsetWindows
from bridge.engine.callbacks import ignore, never
from bridge.engine.diffusion import Layer, Manner, Watch
from bridge.errors import JobCancelled
from bridge.packs.stages import What

CHANNELS, HOP, WINDOW, RATE_HZ, FRAMES = 4, 50, 8, 8_000, 60
LENGTH = HOP * WINDOW


def what(likeness: float) -> What:
    return What(
        rate_hz=RATE_HZ,
        hop_samples=HOP,
        latent_channels=CHANNELS,
        window_frames=WINDOW,
        overlap_frames=0,
        embedding_dim=2,
        steps=4,
        guidance=1.0,
        sampler="ddim",
        windows="onset",
        align_frames=8,
        likeness=likeness,
    )


class Net:
    """Keeps the noise that it is given, and notes the onset tracks that it is told."""

    def __init__(self) -> None:
        self.tracks: list[list[float]] = []

    def velocity(
        self, x: NDArray[np.float32], sigma: float, layer: Layer, track: Mapping[str, Any], manner: Manner, watch: Watch
    ) -> NDArray[np.float32]:
        watch.check()
        watch.tick()
        return np.zeros_like(x)

    def decoded(self, latent: NDArray[np.float32], watch: Watch) -> NDArray[np.float32]:
        watch.tick()
        return np.repeat(latent.mean(axis=0), HOP).astype(np.float32)

    def prepared(self, source: str, value: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        self.tracks.append(value[0, 0].tolist())
        return {source: value}

    def providers(self) -> tuple[str, ...]:
        return ()

    def calls(self, manner: Manner) -> int:
        return manner.steps + 1


def made(
    onsets: Mapping[int, float],
    *,
    likeness: float = 0.0,
    seed: int = 3,
    net: Net | None = None,
    wanted: list[tuple[int, int]] | None = None,
    watch: Watch | None = None,
) -> NDArray[np.float32]:
    manner = Manner(seed=seed, steps=2, guidance=1.0, sampler=samplers.ddim, times={}, null=None)
    windows = OnsetWindows(net or Net(), what(likeness))  # pyright: ignore[reportArgumentType]
    layer = Layer(onsets=onsets, meaning={})
    watch = watch or Watch(progress=ignore, cancelled=never)
    return windows.sound([layer], FRAMES, manner, watch, wanted=wanted, previous=None)


@pytest.mark.parametrize("sample", [0, 1, 777, 2_950])
def test_sound_begins_at_the_onsets_sample_and_ends_with_its_window_or_the_item(sample: int) -> None:
    sound = made({sample: 1.0})
    assert len(sound) == FRAMES * HOP
    assert not sound[:sample].any()
    assert np.abs(sound[sample : sample + 20]).max() > 0.0
    assert not sound[sample + LENGTH :].any()


def test_sound_is_as_loud_as_the_onset_is_strong_and_the_net_is_told_so() -> None:
    net = Net()
    full, half = made({500: 1.0}), made({500: 0.5}, net=net)
    assert np.allclose(half, 0.5 * full, atol=1e-7)
    assert net.tracks == [[0.5, *[0.0] * (WINDOW - 1)]]


def test_sound_of_several_onsets_is_the_sum_of_each_alone() -> None:
    """A soft onset in the ring of a loud one takes nothing from it."""
    loud, soft = made({500: 1.0}), made({620: 0.1})
    assert np.allclose(made({500: 1.0, 620: 0.1}), loud + soft, atol=1e-7)


def test_onsets_share_as_much_of_their_noise_as_the_pack_says() -> None:
    def alike(likeness: float, seed: int = 3) -> float:
        one, other = (made({sample: 1.0}, likeness=likeness)[sample + 10 : sample + 300] for sample in (100, 2_100))
        if seed != 3:
            other = made({2_100: 1.0}, likeness=likeness, seed=seed)[2_110:2_400]
        return float(np.corrcoef(one, other)[0, 1])

    assert alike(1.0) > 0.999
    assert 0.3 < alike(0.8) < 0.999
    assert np.mean([abs(alike(1.0, seed=seed)) for seed in range(4, 20)]) < 0.6
    assert not np.array_equal(made({100: 1.0}), made({100: 1.0}, seed=4))
    assert np.array_equal(made({100: 1.0}, likeness=0.5), made({100: 1.0}, likeness=0.5))


def test_sound_when_spans_are_wanted_then_they_are_right_and_no_other_contact_is_made() -> None:
    onsets = {100: 1.0, 450: 0.7, 1_500: 1.0, 2_600: 0.4}
    whole, net = made(onsets), Net()
    part = made(onsets, wanted=[(9, 14)], net=net)
    assert np.array_equal(part[9 * HOP : 14 * HOP], whole[9 * HOP : 14 * HOP])
    assert len(net.tracks) == 2


def test_sound_when_it_is_made_then_progress_rises_to_the_end_and_cancelling_stops_it() -> None:
    told: list[float] = []
    made({100: 1.0, 900: 1.0}, watch=Watch(progress=told.append, cancelled=never))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 6
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(JobCancelled):
        made({100: 1.0, 900: 1.0}, watch=Watch(progress=ignore, cancelled=cancelled))
    assert len(asked) == 3
