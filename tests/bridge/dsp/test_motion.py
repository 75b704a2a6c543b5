"""The motion grid: the same movement gives the same numbers, however it was filmed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.dsp.motion import MotionGrid, MotionSettings, compress
from bridge.errors import PackError

SETTINGS = MotionSettings()
_NOISE = np.random.default_rng(5).integers(0, 255, (400, 700), np.uint8)
_TEXTURE = np.asarray(cv2.GaussianBlur(_NOISE, (0, 0), 2.0), np.uint8)

_DISC = cv2.circle(np.zeros((120, 120), np.uint8), (60, 60), 40, 255, -1, cv2.LINE_AA)


def _picture(time_s: float, *, width: int = 384, height: int = 216, shift: tuple[float, float] = (0, 0)) -> NDArray:
    """A textured disc that swings to and fro before a grey wall."""
    scale = (width * height / (384 * 216)) ** 0.5
    picture = cv2.resize(_TEXTURE[:216, :384] // 3, (width, height), interpolation=cv2.INTER_LINEAR)
    centre = np.array([width, height]) / 2 + scale * np.array([70 * np.sin(3 * time_s), 30 * np.cos(4 * time_s)])
    move = np.array([[scale, 0, centre[0] + shift[0] - 60 * scale], [0, scale, centre[1] + shift[1] - 60 * scale]])
    disc = cv2.warpAffine(_TEXTURE[250:370, 250:370] // 2 + 128, move, (width, height))
    cover = cv2.warpAffine(_DISC, move, (width, height)).astype(np.float32) / 255
    return (picture * (1 - cover) + disc * cover).astype(np.uint8)


def _film(
    times: list[float] | NDArray, settings: MotionSettings = SETTINGS, *, width: int = 384, height: int = 216
) -> tuple[NDArray, int]:
    """Steps, and the number of the first."""
    front = MotionGrid(settings)
    parts = [front.feed(float(t), _picture(float(t), width=width, height=height)) for t in times] + [front.finish()]
    assert front.first_step is not None
    return np.concatenate(parts), front.first_step


def _curve(steps: NDArray) -> NDArray:
    """Total rightward and downward velocity, smoothed over 0.1 s."""
    total = steps[:, :2].sum((2, 3))
    return np.stack([np.convolve(total[:, i], np.ones(3) / 3, "same") for i in range(2)], 1)


REFERENCE = _curve(_film(np.arange(0, 2, 1 / 30))[0])


@pytest.mark.parametrize("rate_hz", [16, 23.976, 24, 25, 29.97, 50, 59.94, 60, 120])
def test_feed_when_filmed_at_any_frame_rate_then_the_velocities_are_the_same(rate_hz: float) -> None:
    curve = _curve(_film(np.arange(0, 2, 1 / rate_hz))[0])
    steps = min(len(curve), len(REFERENCE)) - 3
    error = np.abs(curve[3:steps] - REFERENCE[3:steps]).mean() / np.abs(REFERENCE).mean()
    assert error < 0.15


def test_feed_when_frame_times_vary_then_the_velocities_are_the_same() -> None:
    random = np.random.default_rng(3)
    times = np.cumsum(random.choice([1 / 60, 1 / 30, 1 / 24, 1 / 15], 60))
    times = np.r_[0.0, times[times < 2]]
    curve = _curve(_film(times)[0])
    steps = min(len(curve), len(REFERENCE)) - 3
    assert np.abs(curve[3:steps] - REFERENCE[3:steps]).mean() / np.abs(REFERENCE).mean() < 0.15


def test_feed_when_frames_are_repeated_then_the_steps_are_those_without() -> None:
    front, times = MotionGrid(SETTINGS), np.arange(0, 1, 1 / 60)
    shown = np.floor(times * 20) / 20
    parts = [front.feed(float(t), _picture(float(s))) for t, s in zip(times, shown, strict=True)]
    repeated = np.concatenate([*parts, front.finish()])
    plain, _ = _film(np.unique(shown))
    np.testing.assert_allclose(repeated[:24], plain[:24], atol=1e-4)


def test_feed_when_a_picture_stands_still_then_moves_then_the_stillness_is_zero() -> None:
    front = MotionGrid(SETTINGS)
    frames = [(k / 30, _picture(0.0 if k < 30 else (k - 29) / 30)) for k in range(40)]
    steps = np.concatenate([front.feed(t, f) for t, f in frames])
    assert np.abs(steps[:26]).max() < 0.05
    assert np.abs(steps[31:38]).max() > 1


def test_feed_when_no_frame_comes_for_a_while_then_that_while_was_still() -> None:
    steps, _ = _film([0.0, 1 / 30, 2 / 30, 1.0, 31 / 30])
    assert np.abs(steps[4:26]).max() == 0
    assert len(steps) == 31


@pytest.mark.parametrize(("width", "height"), [(768, 432), (640, 360), (192, 108)])
def test_feed_when_filmed_at_any_size_then_the_velocities_are_the_same(width: int, height: int) -> None:
    curve = _curve(_film(np.arange(0, 1, 1 / 30), width=width, height=height)[0])
    assert np.abs(curve - REFERENCE[: len(curve)]).mean() / np.abs(REFERENCE).mean() < 0.15


@pytest.mark.parametrize(("width", "height"), [(216, 384), (288, 288)])
def test_feed_when_portrait_or_square_then_total_motion_is_the_same(width: int, height: int) -> None:
    curve = _curve(_film(np.arange(0, 1, 1 / 30), width=width, height=height)[0])
    assert np.abs(curve[2:-2] - REFERENCE[2 : len(curve) - 2]).mean() / np.abs(REFERENCE).mean() < 0.2


def test_feed_when_the_disc_moves_right_and_down_then_the_signs_are_positive() -> None:
    front = MotionGrid(SETTINGS)
    pictures = [_picture(0.0, shift=(4 * k, 4 * k)) for k in range(3)]
    steps = np.concatenate([front.feed(k / 30, p) for k, p in enumerate(pictures)])
    peak = np.unravel_index(steps[1, 2].argmax(), steps[1, 2].shape)
    assert steps[1, 0][peak] == pytest.approx(4, abs=1)
    assert steps[1, 1][peak] == pytest.approx(4, abs=1)


def test_feed_when_the_camera_pans_then_nothing_has_moved() -> None:
    front = MotionGrid(SETTINGS)
    steps = [front.feed(k / 30, np.ascontiguousarray(_TEXTURE[100:316, 50 + 4 * k : 434 + 4 * k])) for k in range(8)]
    inner = np.concatenate(steps)[:, :, 2:-2, 2:-2]
    assert np.abs(inner[:, :3]).mean() < 0.3
    assert inner[:, 3].mean() < 0.3


def test_feed_when_the_picture_is_cut_then_nothing_moves_at_the_cut_and_motion_goes_on_after_it() -> None:
    front = MotionGrid(SETTINGS)
    pictures = [_picture(k / 30) for k in range(10)] + [255 - _picture(1 + k / 30)[:, ::-1] for k in range(10)]
    steps = np.concatenate([front.feed(k / 30, np.ascontiguousarray(p)) for k, p in enumerate(pictures)])
    loudest = np.abs(steps).max((1, 2, 3))
    assert loudest[9] == 0
    assert (np.delete(loudest, 9) > 1).all()


def test_feed_when_the_size_changes_in_the_middle_then_steps_keep_their_clock() -> None:
    front = MotionGrid(SETTINGS)
    pictures = [_picture(k / 30) for k in range(6)] + [_picture(k / 30, width=216, height=384) for k in range(6, 12)]
    assert len(np.concatenate([front.feed(k / 30, p) for k, p in enumerate(pictures)])) == 11


def test_feed_when_the_film_starts_later_then_steps_keep_their_clock() -> None:
    late, first = _film(np.arange(1.0, 2, 1 / 30))
    whole, zero = _film(np.arange(0.0, 2, 1 / 30))
    assert (zero, first) == (0, 30)
    np.testing.assert_allclose(late[:28], whole[30:58], atol=1e-3)
    assert SETTINGS.step_time_s(first) == pytest.approx(1 + 1 / 60)


def test_feed_when_colour_or_grey_then_the_same() -> None:
    grey, colour = MotionGrid(SETTINGS), MotionGrid(SETTINGS)
    for k in range(4):
        picture = _picture(k / 30)
        one = grey.feed(k / 30, picture)
        other = colour.feed(k / 30, np.stack([picture] * 3, 2))
        np.testing.assert_allclose(one, other, atol=0.02)


def test_finish_when_there_was_one_frame_or_none_then_there_are_no_steps() -> None:
    assert len(_film([0.0])[0]) == 0
    front = MotionGrid(SETTINGS)
    assert front.first_step is None
    assert front.finish().shape == (0, 4, 16, 24)


def test_compress_when_large_or_negative_then_log_with_its_sign() -> None:
    given = np.array([0, np.e - 1, -(np.e - 1)], np.float32)
    np.testing.assert_allclose(compress(given), [0, 1, -1], atol=1e-6)
    assert compress(given).dtype == np.float32


def test_settings_when_written_and_read_then_equal() -> None:
    settings = MotionSettings(rate_hz=60, rows=8)
    assert MotionSettings.from_manifest(settings.to_manifest()) == settings


@pytest.mark.parametrize(
    "wrong", [{"kind": "pixels"}, {"kind": "motion_grid", "rose": 1}, {"kind": "motion_grid", "rows": 0}]
)
def test_settings_when_a_manifest_does_not_fit_then_a_pack_error(wrong: dict) -> None:
    with pytest.raises(PackError):
        MotionSettings.from_manifest(wrong)
