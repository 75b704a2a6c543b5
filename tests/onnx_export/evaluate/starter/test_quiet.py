"""Video without action: what it shows, and what is counted in it."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from bridge.errors import MediaError
from onnx_export.evaluate.starter import quiet
from tests.onnx_export.evaluate.starter.conftest import HITS, box_of, peaks_at

IMAGE = np.kron(np.random.default_rng(0).integers(40, 200, (6, 8, 3)), np.ones((8, 8, 1))).astype(np.uint8)
OTHER = IMAGE[::-1].copy()


@pytest.mark.parametrize("kind", ["slow pan", "flicker", "lamp", "cuts"])
def test_kinds_when_played_then_the_picture_changes(kind: str) -> None:
    pictures = [quiet.KINDS[kind](IMAGE, OTHER, number) for number in range(0, 250, 5)]
    assert max(float(np.abs(picture - pictures[0]).mean()) for picture in pictures) > 3.0
    assert quiet.still(IMAGE, OTHER, 100).tolist() == IMAGE.tolist()


def test_cut_when_played_then_two_pictures_and_nothing_between() -> None:
    shown = {quiet.cut(IMAGE, OTHER, number).tobytes() for number in range(250)}
    assert shown == {IMAGE.astype(np.float32).tobytes(), OTHER.astype(np.float32).tobytes()}


def test_dull_when_written_then_ten_seconds_with_noise_and_not_made_twice(tmp_path: Path) -> None:
    path = quiet.dull(tmp_path / "still.mp4", IMAGE, OTHER, kind="still", seed=1)
    with av.open(str(path)) as container:
        pictures = [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]
    assert len(pictures) == 250
    assert np.abs(pictures[100] - pictures[50]).mean() > 0.2, "a camera's noise"
    before = path.stat().st_mtime_ns
    assert quiet.dull(path, IMAGE, OTHER, kind="still", seed=1).stat().st_mtime_ns == before


def test_frame_of_when_there_is_none_then_said_so(clips_folder: Path, tmp_path: Path) -> None:
    video = clips_folder / f"{next(iter(HITS))}.mp4"
    assert quiet.frame_of(video, 1.0).shape[1] == quiet.WIDTH
    with pytest.raises(MediaError, match="shows nothing at 99 s"):
        quiet.frame_of(video, 99.0)
    (tmp_path / "no.mp4").write_text("no")
    with pytest.raises(MediaError, match="cannot be read"):
        quiet.frame_of(tmp_path / "no.mp4", 0.0)


def test_part_when_onsets_are_found_then_counted_per_ten_seconds_and_kind(clips_folder: Path) -> None:
    one, other = (clips_folder / f"{name}.mp4" for name in HITS)
    box = box_of({one.stem: peaks_at([1, 2, 3, 4], confidence=[0.9, 0.2, 0.9, 0.9]), other.stem: peaks_at([])})
    part = quiet.part([("still, rendered", one), ("cut, rendered", other)], box)
    assert part.figures["false onsets in 10 s, still, rendered"].value == pytest.approx(3 * 10 / 6.4, rel=0.02)
    assert part.figures["false onsets in 10 s, still, rendered"].reached is False
    assert part.figures["false onsets in 10 s, cut, rendered"].reached is True
