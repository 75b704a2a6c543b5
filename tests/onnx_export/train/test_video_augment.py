"""Variants of clips: other pictures of the same events, and times that still fit."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.dsp.motion import MotionSettings
from bridge.errors import MediaError
from onnx_export.train.clips import Example
from onnx_export.train.quiet import film, write_mp4
from onnx_export.train.video_augment import Recipe, any_recipe, filmed_again, recoded, variants

HIT_S = 1.0
Timed = tuple[float, NDArray[np.uint8]]


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    cv2.setNumThreads(1)


def test_variant_when_nothing_is_asked_for_then_the_pictures_are_the_clips() -> None:
    clip = _clip()
    same = list(filmed_again(clip, Recipe(height_px=120)))
    assert [t for t, _ in same] == [t for t, _ in clip]
    assert max(np.abs(a.astype(int) - b).max() for (_, a), (_, b) in zip(same, clip, strict=True)) <= 1


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(height_px=120, speed=1.25),
        Recipe(height_px=120, speed=0.8, rate_hz=15.0),
        Recipe(height_px=96, crop=(0.1, 0.1, 0.95, 0.9), mirror=True),
        Recipe(height_px=120, contrast=0.7, brightness=20.0, gamma=1.3, pulse=0.1),
        Recipe(height_px=120, blur_px=1.2, smear_px=6, noise=6.0, shake=0.01),
        Recipe(height_px=120, quality=32, speed=1.1),
        Recipe(height_px=120, drops=0.2, quality=32),
    ],
)
def test_variant_when_filmed_again_then_the_hit_is_when_speed_says(recipe: Recipe) -> None:
    shown = list(filmed_again(_clip(), recipe))
    hit_s = HIT_S / recipe.speed
    times = np.array([t for t, _ in shown])
    lit = np.array([float((picture > 0.75 * picture.max()).mean()) for _, picture in shown])
    jump = times[1:][np.diff(lit) > 0.1]
    gap_s = 2.5 / (recipe.rate_hz or 30)
    assert len(jump) >= 1
    assert -0.002 <= jump[0] - hit_s < gap_s


def test_variant_when_the_rate_is_lower_then_fewer_frames_are_left_and_times_ascend() -> None:
    shown = list(filmed_again(_clip(), Recipe(height_px=120, rate_hz=15.0)))
    times = np.array([t for t, _ in shown])
    assert 28 <= len(times) <= 31
    assert (np.diff(times) > 0.05).all()


def test_variant_when_frames_are_dropped_then_the_others_keep_their_times() -> None:
    clip = _clip()
    shown = list(filmed_again(clip, Recipe(height_px=120, drops=0.3, seed=4)))
    assert 0.5 * len(clip) < len(shown) < 0.9 * len(clip)
    assert {t for t, _ in shown} <= {t for t, _ in clip}


def test_variant_when_mirrored_then_left_is_right() -> None:
    clip = _clip()
    shown = list(filmed_again(clip, Recipe(height_px=120, mirror=True)))
    for (_, one), (_, two) in zip(clip[:5], shown[:5], strict=True):
        assert np.abs(one[:, 2:-2].astype(int) - two[:, ::-1][:, 2:-2]).mean() < 3


def test_variant_when_cropped_then_the_rest_fills_the_picture() -> None:
    _, whole = _clip()[0]
    _, part = next(iter(filmed_again(_clip()[:1], Recipe(height_px=120, crop=(0.5, 0.25, 1.0, 0.75)))))
    wanted = cv2.resize(whole[30:90, 80:160], (part.shape[1], part.shape[0]))
    assert part.shape == (120, 160)
    assert np.abs(part.astype(int) - wanted)[4:-4, 4:-4].mean() < 4


def test_variant_when_made_brighter_then_it_is() -> None:
    clip = _clip()[:3]
    (_, plain), (_, bright) = (
        next(iter(filmed_again(clip, Recipe(height_px=120, brightness=level)))) for level in (0.0, 30.0)
    )
    assert bright.mean() - plain.mean() == pytest.approx(30, abs=2)


def test_recoded_when_quality_is_bad_then_pictures_suffer_and_times_stay() -> None:
    clip = _clip()
    good, bad = (list(recoded(clip, quality=quality)) for quality in (18, 44))
    for one in (good, bad):
        assert [t for t, _ in one] == [t for t, _ in clip]
    loss = [
        np.mean([np.abs(a.astype(int) - b).mean() for (_, a), (_, b) in zip(one, clip, strict=True)])
        for one in (good, bad)
    ]
    assert loss[0] < 0.7 * loss[1]


def test_recipe_when_drawn_then_the_same_for_the_same_seed_and_various_for_others() -> None:
    assert any_recipe(5) == any_recipe(5)
    recipes = [any_recipe(seed) for seed in range(60)]
    assert all(0.7 < recipe.speed < 1.4 for recipe in recipes)
    assert any(recipe.quality for recipe in recipes)
    assert any(recipe.mirror for recipe in recipes)
    assert any(recipe.drops for recipe in recipes)
    assert any(recipe == Recipe(**{**vars(recipe), "quality": 0}) for recipe in recipes)


def test_variants_when_made_then_onsets_and_span_move_with_speed_and_the_group_stays(tmp_path: Path) -> None:
    clips = [_example(tmp_path, name) for name in ("one", "two")]
    _table(tmp_path, ["one", "two"])
    made = variants(clips, tmp_path, settings=MotionSettings(), cache=tmp_path / "cache", each=2)
    assert [v.group for v in made] == ["hour-one", "hour-two", "hour-one", "hour-two"]
    assert len({v.name for v in made}) == 4
    for variant, clip in zip(made, clips * 2, strict=True):
        speed = clip.onsets_s[0] / variant.onsets_s[0]
        np.testing.assert_allclose(variant.onsets_s * speed, clip.onsets_s)
        assert variant.valid_s == pytest.approx((0.1 / speed, 0.9 / speed))
        np.testing.assert_array_equal(variant.strengths, clip.strengths)
        ends_s = variant.start_s + len(variant.motion) / variant.rate_hz
        assert ends_s == pytest.approx(1.0 / speed, abs=0.2)
    assert len(list((tmp_path / "cache").iterdir())) == 4
    again = variants(clips, tmp_path, settings=MotionSettings(), cache=tmp_path / "cache", each=2)
    for one, two in zip(made, again, strict=True):
        np.testing.assert_array_equal(one.motion, two.motion)
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_variants_when_fewer_clips_are_asked_for_then_a_clips_variants_are_the_same(tmp_path: Path) -> None:
    clips = [_example(tmp_path, name) for name in ("one", "two")]
    _table(tmp_path, ["one", "two"])
    both = variants(clips, tmp_path, settings=MotionSettings(), cache=None, each=1)
    alone = variants(clips[1:], tmp_path, settings=MotionSettings(), cache=None, each=1)
    np.testing.assert_array_equal(both[1].motion, alone[0].motion)


def test_variants_when_the_folder_does_not_fit_then_the_error_names_it(tmp_path: Path) -> None:
    clip = _example(tmp_path, "one")
    with pytest.raises(MediaError, match=r"has no clips\.csv"):
        variants([clip], tmp_path, settings=MotionSettings(), cache=None)
    _table(tmp_path, ["other"])
    with pytest.raises(MediaError, match="has no clip one"):
        variants([clip], tmp_path, settings=MotionSettings(), cache=None)


def _clip() -> list[Timed]:
    """Two seconds of 30 frames: dark noise in which a bright square stands from ``HIT_S`` on."""
    random = np.random.default_rng(0)
    coarse = random.uniform(40, 90, (8, 12)).astype(np.float32)
    dark = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC).astype(np.uint8)
    pictures = []
    for number in range(60):
        picture = dark.copy()
        picture[10:14, 6 + number : 10 + number] = 200
        if number / 30 >= HIT_S:
            picture[30:90, 40:120] = 200
        pictures.append((number / 30, picture))
    return pictures


def _example(folder: Path, name: str) -> Example:
    path = folder / f"{name}.mp4"
    if not path.exists():
        write_mp4(film(len(name) + ord(name[0]), length_s=1.0, kind="passers"), path)
    return Example(
        name=name,
        group=f"hour-{name}",
        motion=np.zeros((30, 4, 32, 48), np.float16),
        start_s=0.0,
        rate_hz=30.0,
        onsets_s=np.array([0.25, 0.5]),
        valid_s=(0.1, 0.9),
        strength=np.array([1.0, 0.4]),
    )


def _table(folder: Path, names: list[str]) -> None:
    with (folder / "clips.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "path"])
        writer.writerows([name, f"{name}.mp4"] for name in names)
