"""Films without a contact: they show what they are said to, and nothing is touched."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from bridge.dsp.motion import MotionSettings
from onnx_export.train.clips import frames, grid
from onnx_export.train.quiet import KINDS, Quiet, example, film, write_mp4


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    cv2.setNumThreads(1)


@pytest.mark.parametrize("kind", KINDS)
def test_film_when_shown_then_times_ascend_pictures_are_whole_and_nothing_is_touched(kind: str) -> None:
    quiet = film(3, length_s=1.0, kind=kind)
    times, pictures = zip(*quiet.frames(), strict=True)
    assert list(times) == sorted(times)
    assert quiet.length_s == pytest.approx(1.0)
    assert 0.8 < times[-1] < 1.0
    assert len({p.shape for p in pictures}) == 1
    for take in quiet.takes:
        assert len(take.contacts_s) == 0
        assert all(actor.tip(t)[2] > 0.05 for actor in take.actors for t in np.arange(0, 1, 0.02))


def test_film_when_seeds_count_up_then_every_kind_comes() -> None:
    assert {film(seed, length_s=0.2).kind for seed in range(len(KINDS))} == set(KINDS)


def test_film_when_made_twice_then_the_same_and_another_seed_another() -> None:
    first, again, other = (film(seed, length_s=0.3, kind="passers") for seed in (3, 3, 4))
    for (t0, one), (t1, two) in zip(first.frames(), again.frames(), strict=True):
        assert t0 == t1
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.takes[0].backdrop, other.takes[0].backdrop)


def test_film_when_it_is_cut_then_the_picture_changes_between_takes_and_hardly_within() -> None:
    quiet = film(5, length_s=2.0, kind="cut")
    shown = list(quiet.frames())
    assert len(quiet.takes) > 1
    cuts = np.cumsum([take.length_s for take in quiet.takes])[:-1]
    change = np.array([np.abs(b.astype(float) - a).mean() for (_, a), (_, b) in pairwise(shown)])
    times = np.array([t for t, _ in shown])
    at_cuts = [int(np.searchsorted(times, cut)) - 1 for cut in cuts]
    within = np.delete(change, at_cuts)
    assert change[at_cuts].min() > 2 * np.median(within)


def test_film_when_light_is_switched_then_brightness_jumps() -> None:
    quiet = film(5, length_s=3.0, kind="switch")
    bright = np.array([picture.mean() for _, picture in quiet.frames()])
    assert bright.max() > 1.2 * bright.min()


@pytest.mark.parametrize(("kind", "seed"), [("pan", 2), ("wind", 8), ("water", 10), ("gesture", 12)])
def test_film_when_something_moves_then_it_differs_from_one_frame_to_the_next(kind: str, seed: int) -> None:
    shown = [picture for _, picture in film(seed, length_s=0.8, kind=kind).frames()]
    assert (cv2.absdiff(shown[0], shown[-1]) > 25).mean() > 0.002


def test_film_when_still_and_clean_then_the_grid_is_quiet() -> None:
    quiet = next(q for q in (_still(seed) for seed in range(40)) if q.takes[0].noise == 0 and q.takes[0].shake.still)
    motion, _ = grid(quiet.frames(), MotionSettings())
    assert np.abs(motion.astype(np.float32)).max() < 1e-3


def test_example_when_made_then_it_has_no_onsets_and_is_kept(tmp_path: Path) -> None:
    made, again = (example(8, MotionSettings(), length_s=1.0, cache=tmp_path) for _ in range(2))
    assert len(made.onsets_s) == len(made.strengths) == 0
    np.testing.assert_array_equal(made.motion, again.motion)
    assert len(list(tmp_path.iterdir())) == 1
    assert made.motion.shape[1:] == (4, 32, 48)


def test_film_when_written_then_the_file_shows_it_at_the_same_times(tmp_path: Path) -> None:
    quiet = film(2, length_s=1.0, kind="passers")
    path = tmp_path / "quiet.mp4"
    write_mp4(quiet, path, crf=20)
    shown, read = list(quiet.frames()), list(frames(path))
    assert len(shown) == len(read)
    np.testing.assert_allclose([t for t, _ in read], [t for t, _ in shown], atol=1e-3)
    off = [
        np.abs(a.astype(float) - b[: a.shape[0], : a.shape[1]]).mean()
        for (_, a), (_, b) in zip(read, shown, strict=True)
    ]
    assert np.mean(off) < 14


def _still(seed: int) -> Quiet:
    return film(seed, length_s=0.8, kind="still")
