"""The demo's picture: what is drawn lies at its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.domain.onsets import Activation, Onset
from bridge.errors import MediaError
from bridge.media import picture

LENGTH_S = 4.0


def drawn(folder: Path, **changes: Any) -> np.ndarray:
    values = np.zeros(120, np.float32)
    values[60] = 1.0
    samples = np.zeros((1, 4 * 48_000), np.float32)
    samples[0, 3 * 48_000 : 3 * 48_000 + 4_000] = np.tile([0.5, -0.5], 2_000)
    given: dict[str, Any] = {
        "activation": Activation(values=values, rate_hz=30.0),
        "onsets": [Onset(time_s=1.0), Onset(time_s=2.5)],
        "audio": Audio(samples=samples, rate_hz=48_000),
        "length_s": LENGTH_S,
        "title": "stick.mp4: 'wood'",
    }
    path = picture.draw(folder / "picture.png", **(given | changes))
    image = cv2.imread(str(path))
    assert image is not None
    return image


def times_of(image: np.ndarray, colour: picture.Colour, rows: slice) -> list[float]:
    """Times at which something of a colour stands in these rows."""
    close = (np.abs(image[rows].astype(int) - colour).max(axis=2) < 24).sum(axis=0) > 5
    columns = np.flatnonzero(close & (np.arange(image.shape[1]) >= picture.LEFT))
    groups = np.split(columns, np.flatnonzero(np.diff(columns) > 3) + 1)
    span = picture.WIDTH - picture.LEFT - picture.RIGHT
    return [float((group.mean() - picture.LEFT) / span * LENGTH_S) for group in groups if len(group)]


def test_draw_when_done_then_everything_lies_at_its_time(tmp_path):
    image = drawn(tmp_path, known=[0.5, 3.5])
    assert image.shape[1] == 1600
    activation, sound = slice(64, 274), slice(302, 512)
    assert times_of(image, picture.ONSET, activation) == pytest.approx([1.0, 2.5], abs=0.01)
    assert times_of(image, picture.ONSET, sound) == pytest.approx([1.0, 2.5], abs=0.01)
    assert times_of(image, picture.CURVE, slice(70, 200)) == pytest.approx([2.0], abs=0.02)
    assert times_of(image, picture.KNOWN, slice(276, 300)) == pytest.approx([0.5, 3.5], abs=0.01)
    loud = times_of(image, picture.WAVE, slice(310, 400))
    assert loud == pytest.approx([3.0 + 2_000 / 48_000], abs=0.02)


def test_draw_when_a_threshold_is_given_then_a_line_at_its_height(tmp_path):
    rows = [
        int(np.flatnonzero((np.abs(image.astype(int) - picture.THRESHOLD).max(axis=2) < 24).sum(axis=1) > 300).mean())
        for image in (drawn(tmp_path, threshold=0.25), drawn(tmp_path, threshold=0.75))
    ]
    assert rows[0] - rows[1] == pytest.approx(0.5 * (210 - 16), abs=3)


def test_draw_when_there_are_thumbnails_then_a_strip_in_their_order(tmp_path):
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    strip = [np.full((90, 160, 3), colour, np.uint8) for colour in colours]
    image = drawn(tmp_path, thumbnails=strip)
    span = picture.WIDTH - picture.LEFT - picture.RIGHT
    for index, colour in enumerate(colours):
        middle = image[120, int(picture.LEFT + (index + 0.5) / 3 * span)]
        assert middle[::-1].tolist() == pytest.approx(colour, abs=8)


@pytest.mark.parametrize(
    "changes",
    [
        {"onsets": []},
        {"activation": Activation(values=np.zeros(0, np.float32), rate_hz=30.0)},
        {"audio": Audio.silence(length_samples=0, rate_hz=48_000)},
        {"audio": Audio.silence(length_samples=9 * 48_000, rate_hz=48_000, channels=2)},
        {"title": "Stöcke ☃ und sehr lang " * 9},
        {"length_s": 0.2},
        {"length_s": 4000.0},
    ],
)
def test_draw_when_something_is_unusual_then_still_a_picture(tmp_path, changes):
    assert drawn(tmp_path, **changes).shape[1] == 1600


def test_draw_when_the_name_is_taken_then_another_one_unless_told_to_overwrite(tmp_path):
    (tmp_path / "picture.png").write_text("precious")
    drawn(tmp_path)
    assert (tmp_path / "picture.png").read_text() == "precious"
    drawn(tmp_path, overwrite=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["picture 2.png", "picture.png"]


def test_draw_when_the_folder_is_missing_then_error_names_it(tmp_path):
    with pytest.raises(MediaError, match="nowhere does not exist"):
        drawn(tmp_path / "nowhere")
