"""Resizing held against torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bridge.dsp.resize import resize, weights


def _picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize(
    ("height", "width"), [(240, 320), (480, 854), (1080, 607), (112, 112), (113, 111), (50, 700), (7, 1)]
)
def test_resize_when_the_picture_has_any_size_then_as_torch_does_it(height: int, width: int) -> None:
    image = _picture(height, width)
    small = resize(image, rows=112, columns=96)
    torchs = torch.from_numpy(image).permute(2, 0, 1)[None].double() / 255
    wanted = torch.nn.functional.interpolate(torchs, (112, 96), mode="bilinear", antialias=True)[0].numpy()
    assert small.dtype == np.float32
    np.testing.assert_allclose(small, wanted, rtol=0, atol=1e-6)


def test_resize_when_black_or_white_then_exactly_0_or_1() -> None:
    assert resize(np.zeros((300, 400, 3), np.uint8), rows=9, columns=5).max() == 0.0
    white = resize(np.full((300, 400, 3), 255, np.uint8), rows=9, columns=5)
    assert white.max() <= 1.0
    assert white.min() == pytest.approx(1.0, abs=1e-6)


def test_resize_when_the_picture_is_a_view_then_the_same() -> None:
    image = _picture(120, 160)
    np.testing.assert_array_equal(
        resize(image[::-1, ::2], rows=10, columns=10), resize(image[::-1, ::2].copy(), rows=10, columns=10)
    )


def test_weights_when_asked_twice_then_made_once_and_safe_from_changes() -> None:
    table = weights(480, 112)
    assert weights(480, 112) is table
    np.testing.assert_allclose(table.sum(axis=1), 1.0, atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        table[0, 0] = 1.0
