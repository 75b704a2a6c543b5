"""Sound in windows, a window at a time: the numbers of taking each step everywhere at once, in memory that stays."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.engine import samplers
from bridge.engine.callbacks import ignore, never
from bridge.engine.diffusion import Layer, Manner, Watch
from bridge.engine.local import LocalWindows
from bridge.engine.tiles import Windowing, noise
from bridge.errors import JobCancelled
from bridge.packs.stages import What

CHANNELS, HOP, ALIGN, WINDOW, OVERLAP, EVERY = 64, 4, 16, 128, 64, 40
RATE_HZ = 1_600
"""Low, so that the fade at the end is short."""
FADED = 20 + ALIGN
WINDOWING = Windowing.of(window=WINDOW, overlap=OVERLAP, align=ALIGN)


def what() -> What:
    return What(
        rate_hz=RATE_HZ,
        hop_samples=HOP,
        latent_channels=CHANNELS,
        window_frames=WINDOW,
        overlap_frames=OVERLAP,
        embedding_dim=2,
        steps=4,
        guidance=1.0,
        sampler="ddim",
    )


class Net:
    """A net that mixes a frame with those around it, as far as its window reaches."""

    def velocity(
        self, x: NDArray[np.float32], sigma: float, layer: Layer, track: Mapping[str, Any], manner: Manner, watch: Watch
    ) -> NDArray[np.float32]:
        watch.check()
        wide = np.pad(x, ((0, 0), (40, 12)))
        near = sum(wide[:, shift : shift + x.shape[1]] for shift in (0, 17, 33, 52)) / np.float32(4)
        watch.tick()
        return np.tanh(near + np.float32(sigma) + track["onset_track"][0]).astype(np.float32)

    def decoded(self, latent: NDArray[np.float32], watch: Watch) -> NDArray[np.float32]:
        watch.tick()
        return np.repeat(latent.mean(axis=0), HOP).astype(np.float32)

    def prepared(self, source: str, value: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
        return {source: value}

    def calls(self, manner: Manner) -> int:
        return manner.steps + 1


def manner(name: str, steps: int) -> Manner:
    return Manner(seed=3, steps=steps, guidance=1.0, sampler=samplers.SAMPLERS[name], times={}, null=None)


def made(frames: int, how: Manner, *, watch: Watch | None = None) -> NDArray[np.float32]:
    """One layer that sounds all the time."""
    layer = Layer(onsets=dict.fromkeys(range(0, frames, EVERY), 0.5), meaning={})
    windows = LocalWindows(Net(), what())  # pyright: ignore[reportArgumentType]
    watch = watch or Watch(progress=ignore, cancelled=never)
    return windows.sound([layer], frames, how, watch, wanted=None, previous=None)


def all_at_once(frames: int, how: Manner) -> NDArray[np.float32]:
    """The same, each step taken everywhere before the next; without the gates at the ends."""
    net, watch = Net(), Watch(progress=ignore, cancelled=never)
    layer = Layer(onsets=dict.fromkeys(range(0, frames, EVERY), 0.5), meaning={})
    span = (-ALIGN, -(-frames // ALIGN) * ALIGN)

    def windowed(function: Callable[[Any], NDArray[np.float32]], factor: int = 1) -> NDArray[np.float32]:
        parts = []
        for core, window in WINDOWING.pieces(span):
            values = function(window)
            parts.append(values[..., (core[0] - window[0]) * factor : (core[1] - window[0]) * factor])
        return np.concatenate(parts, axis=-1)

    def velocity(x: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
        def answer(window: tuple[int, int]) -> NDArray[np.float32]:
            part = x[:, window[0] - span[0] : window[1] - span[0]]
            return net.velocity(part, sigma, layer, {"onset_track": layer.track(window, within=span)}, how, watch)

        return windowed(answer)

    start = noise(span, seed=how.seed, channels=CHANNELS, block=ALIGN)
    x = how.sampler(velocity, start, steps=how.steps)
    sound = windowed(lambda window: net.decoded(x[:, window[0] - span[0] : window[1] - span[0]], watch), HOP)
    return sound[ALIGN * HOP : (ALIGN + frames) * HOP]


@pytest.mark.parametrize("name", sorted(samplers.SAMPLERS))
@pytest.mark.parametrize("frames", [50, 112, 113, 700, 1601])
def test_sound_when_made_window_by_window_then_the_bytes_of_each_step_taken_everywhere(name: str, frames: int) -> None:
    how = manner(name, 5)
    got, wanted = made(frames, how), all_at_once(frames, how)
    assert len(got) == frames * HOP
    assert np.array_equal(got[: (frames - FADED) * HOP], wanted[: (frames - FADED) * HOP])


def test_sound_when_the_item_is_longer_then_it_takes_no_more_memory_beside_its_samples() -> None:
    def most(frames: int) -> int:
        tracemalloc.start()
        try:
            sound = made(frames, manner("deis2", 4))
            return tracemalloc.get_traced_memory()[1] - sound.nbytes
        finally:
            tracemalloc.stop()

    most(1000)
    short, long = most(2_000), most(16_000)
    assert long < 1.3 * short
    assert long < 0.5 * 16_000 * CHANNELS * 4


def test_sound_when_there_are_very_many_steps_then_it_is_made() -> None:
    assert np.isfinite(made(200, manner("deis2", 1000))).all()


def test_sound_when_it_is_made_then_progress_rises_to_the_end_and_cancelling_stops_it() -> None:
    told: list[float] = []
    made(700, manner("ddim", 3), watch=Watch(progress=told.append, cancelled=never))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert told[-2] < 1.0
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 7

    with pytest.raises(JobCancelled):
        made(700, manner("ddim", 3), watch=Watch(progress=ignore, cancelled=cancelled))
    assert len(asked) == 8
