"""Which picture stands for which step, held against FFmpeg's own ``fps`` filter; and what a step looks like."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import av
import numpy as np
import pytest
from av.error import BlockingIOError as NothingYet
from av.filter import Graph

from bridge.dsp.pictures import HOLD_S, PictureSettings, PictureSteps
from bridge.errors import PackError

SETTINGS = PictureSettings(rows=2, columns=3)
RATES = (Fraction(16), Fraction(24_000, 1001), Fraction(25), Fraction(30_000, 1001), Fraction(30), Fraction(60))
TICK = Fraction(1, 120_000)
UNEVEN = [Fraction(n, 1000) for n in (0, 33, 67, 100, 400, 410, 420, 900, 917, 933, 1500, 1533, 1567, 1600, 1900, 2400)]


def _flat(level: int) -> np.ndarray:
    return np.full((16, 16, 3), level, np.uint8)


def _levels(steps: np.ndarray) -> list[int]:
    """The level of each step's picture."""
    return [round(float(step.mean()) * 255) for step in steps]


def _ours(times_s: Sequence[Fraction], end_s: float) -> list[int]:
    """Picture ``k``, of level ``k``, appears at ``times_s[k]``; the levels of all steps."""
    front = PictureSteps(SETTINGS)
    parts = [front.feed(float(time_s), _flat(level)) for level, time_s in enumerate(times_s)]
    return _levels(np.concatenate([*parts, front.finish(end_s)]))


def _ffmpegs(times_s: Sequence[Fraction]) -> list[int]:
    """What FFmpeg's ``fps=15`` lets through, up to the last picture."""
    graph = Graph()
    source = graph.add_buffer(width=16, height=16, format=av.VideoFormat("rgb24"), time_base=TICK)
    rate, sink = graph.add("fps", "fps=15"), graph.add("buffersink")
    source.link_to(rate)
    rate.link_to(sink)
    graph.configure()
    levels = []
    for level, time_s in enumerate(times_s):
        frame = av.VideoFrame.from_ndarray(_flat(level), format="rgb24")
        frame.pts, frame.time_base = round(time_s / TICK), TICK
        graph.push(frame)
        while True:
            try:
                levels.append(int(graph.pull().to_ndarray()[0, 0, 0]))  # type: ignore[union-attr]
            except NothingYet:
                break
    return levels


@pytest.mark.parametrize("fps", RATES)
def test_steps_when_any_frame_rate_then_the_pictures_that_ffmpeg_takes(fps: Fraction) -> None:
    times = [k / fps for k in range(250)]
    wanted = _ffmpegs(times)
    assert len(wanted) > 60
    assert _ours(times, float(times[-1]))[: len(wanted)] == wanted


@pytest.mark.parametrize("times", [UNEVEN, [time_s + Fraction(1, 7) for time_s in UNEVEN]])
def test_steps_when_the_rate_varies_then_the_pictures_that_ffmpeg_takes(times: list[Fraction]) -> None:
    wanted = _ffmpegs(times)
    assert len(wanted) > 30
    assert _ours(times, float(times[-1]))[: len(wanted)] == wanted


@pytest.mark.parametrize("fps", [25, 30, 60])
def test_steps_when_a_film_of_two_seconds_ends_then_there_are_thirty(fps: int) -> None:
    assert len(_ours([Fraction(k, fps) for k in range(2 * fps)], 2.0)) == 30


def test_steps_when_the_film_is_entered_in_its_middle_then_as_in_a_whole_pass() -> None:
    times = [Fraction(k * 1001, 24_000) for k in range(60)]
    front = PictureSteps(SETTINGS)
    parts = [front.feed(float(times[k]), _flat(k)) for k in range(23, 60)]
    assert front.first_step == SETTINGS.step_of(float(times[23])) == 14
    assert _levels(np.concatenate(parts)) == _ours(times, 0.0)[14:]


def test_steps_when_a_picture_stands_for_an_hour_then_it_is_in_memory_once() -> None:
    front = PictureSteps(SETTINGS)
    front.feed(0.0, _flat(9))
    done = front.feed(3600.0, _flat(10))
    assert done.shape == (54_000, 3, 2, 3)
    assert done.strides[0] == 0
    assert _levels(done[[0, -1]]) == [9, 9]


def test_steps_when_the_file_goes_on_without_pictures_then_the_last_one_stands_for_a_while() -> None:
    front = PictureSteps(SETTINGS)
    front.feed(0.0, _flat(9))
    assert len(front.finish(3600.0)) == HOLD_S * 15


def test_steps_when_there_is_no_picture_then_none() -> None:
    front = PictureSteps(SETTINGS)
    assert front.finish(5.0).shape == (0, 3, 2, 3)
    assert front.first_step is None


def test_steps_when_the_picture_has_colours_then_red_green_blue_in_0_to_1() -> None:
    front = PictureSteps(SETTINGS)
    image = np.zeros((40, 90, 3), np.uint8)
    image[:20, :, 0], image[20:, :, 1], image[..., 2] = 255, 255, 51
    front.feed(0.0, image)
    (step,) = front.feed(1 / 15, image)
    assert step.dtype == np.float32
    top, bottom = step[:, 0, 1], step[:, 1, 1]
    assert top[0] > 0.8 > 0.2 > bottom[0]
    assert bottom[1] > 0.8 > 0.2 > top[1]
    assert step[2] == pytest.approx(0.2, abs=1e-6)


def test_settings_when_written_and_read_then_the_same() -> None:
    assert PictureSettings.from_manifest(SETTINGS.to_manifest()) == SETTINGS


@pytest.mark.parametrize(
    "wrong", [{"kind": "pixels"}, {"rose": 1}, {"rows": 0}, {"rows": 11.5}, {"rate_hz": 0}, {"rate_hz": float("nan")}]
)
def test_settings_when_they_make_no_sense_then_a_pack_error(wrong: dict) -> None:
    with pytest.raises(PackError):
        PictureSettings.from_manifest({"kind": "pictures", **wrong})
