"""Annotated clips filmed again: other crop, light, sharpness, noise, compression, frame rate, hand and speed.

A variant is made of the clip's pictures and measured anew, so it differs as another recording of the same events would.
Its times are those of the variant: at ``speed`` 1.25 a contact at 10 s comes at 8 s. Resizing, cropping and jitter of
colour follow SyncFusion (Comunità et al., ICASSP 2024, the section on the onset model's training).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from bridge.dsp.motion import MotionSettings
from bridge.errors import MediaError
from onnx_export.train.clips import OF_CLIP, Example, fine, frames, grid, kept

VERSION = 1
"""Counts up when the same seed gives another variant; part of the cache's key."""

Grey = NDArray[np.uint8]
Timed = tuple[float, Grey]

_TONES = 4


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What is done to a clip.

    Attributes:
        speed: how many times faster it is played.
        rate_hz: frames per second that are kept at most, on the variant's clock; 0 keeps all.
        drops: chance that a frame is lost.
        height_px: rows the picture is scaled to.
        crop: left, top, right and bottom edge, shares of the picture.
        mirror: whether left and right change places.
        contrast, brightness, gamma: gamma first, then contrast about middle grey, then grey levels on top.
        pulse: depth of a slow change of light.
        blur_px: sigma of a blur; 0 for none.
        smear_px: length of a sideways blur as of motion; 0 for none.
        noise: of a sensor, grey levels.
        quality: constant rate factor of an H.264 round trip; 0 for none.
        shake: how unsteady the hand is, share of the height.
        seed: of noise, drops and hand.
    """

    speed: float = 1.0
    rate_hz: float = 0.0
    drops: float = 0.0
    height_px: int = 216
    crop: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    mirror: bool = False
    contrast: float = 1.0
    brightness: float = 0.0
    gamma: float = 1.0
    pulse: float = 0.0
    blur_px: float = 0.0
    smear_px: int = 0
    noise: float = 0.0
    quality: int = 0
    shake: float = 0.0
    seed: int = 0


def any_recipe(seed: int) -> Recipe:
    """A recipe drawn at random, the same for the same seed: one or two strong changes among weak ones."""
    random = np.random.default_rng([seed, 80])
    wide, high = random.uniform(0.7, 1.0, 2)
    left, top = random.uniform(0, 1 - wide), random.uniform(0, 1 - high)
    return Recipe(
        speed=float(np.exp(random.uniform(-0.3, 0.3))),
        rate_hz=float(random.choice([0.0, 0.0, 15.0, 20.0, 25.0])),
        drops=float(random.choice([0.0, 0.0, 0.0, 0.1])),
        height_px=int(random.choice([120, 160, 216, 216])),
        crop=(float(left), float(top), float(left + wide), float(top + high)),
        mirror=bool(random.random() < 0.5),
        contrast=float(np.exp(random.normal(0, 0.25))),
        brightness=float(random.normal(0, 20)),
        gamma=float(np.exp(random.normal(0, 0.3))),
        pulse=float(random.choice([0.0, 0.0, 0.04, 0.12])),
        blur_px=float(random.choice([0.0, 0.0, 0.7, 1.2])),
        smear_px=int(random.choice([0, 0, 0, 3, 6])),
        noise=float(random.choice([0.0, 0.0, 3.0, 8.0])),
        quality=int(random.choice([0, 0, 28, 34])),
        shake=float(random.choice([0.0, 0.0, 0.005, 0.02])),
        seed=seed,
    )


def filmed_again(source: Iterable[Timed], recipe: Recipe) -> Iterator[Timed]:
    """Time stamps and grey pictures of a variant.

    Args:
        source: source time and grey picture of every frame of the clip.
        recipe: what is done to it.
    """
    random = np.random.default_rng([recipe.seed, 81])
    tones = random.uniform(0.2, 2.0, (_TONES, 3))
    phases = random.uniform(0, 2 * np.pi, (_TONES, 3))
    pulse_hz = random.uniform(0.2, 6)
    done = (
        (time_s, _pictured(picture, recipe, time_s, tones, phases, pulse_hz, random))
        for time_s, picture in _fewer(source, recipe, random)
    )
    return recoded(done, quality=recipe.quality) if recipe.quality else done


def variant(
    path: Path, recipe: Recipe, like: Example, *, settings: MotionSettings, cache: Path | None = None
) -> Example:
    """A variant of an annotated clip as motion.

    Args:
        path: the clip's film.
        recipe: what is done to it.
        like: the clip itself; onsets, strengths, group and span are taken from it.
        settings: the graph's front end.
        cache: folder where the motion is kept; None makes it anew.
    """
    named: list[Any] = ["variant", VERSION, path.name, path.stat().st_size, asdict(recipe)]
    measured = fine(settings)
    motion, start_s = kept(cache, named, measured, lambda: grid(filmed_again(frames(path), recipe), measured))
    return replace(
        like,
        name=f"{like.name}{OF_CLIP}{recipe.seed}",
        motion=motion,
        start_s=start_s,
        onsets_s=like.onsets_s / recipe.speed,
        valid_s=(like.valid_s[0] / recipe.speed, like.valid_s[1] / recipe.speed),
    )


def variants(
    clips: Sequence[Example],
    folder: Path,
    *,
    settings: MotionSettings,
    cache: Path | None,
    each: int = 2,
    seed: int = 0,
) -> list[Example]:
    """Variants of every clip: one of each, then another of each.

    Args:
        clips: as loaded; a variant keeps its clip's group, so folds by group keep them on one side.
        folder: where they were loaded from; its ``clips.csv`` names the films.
        settings: the graph's front end.
        cache: folder where the motion is kept.
        each: variants per clip.
        seed: another seed, other variants.
    """
    try:
        with (folder / "clips.csv").open(newline="") as file:
            paths = {row["id"]: folder / row["path"] for row in csv.DictReader(file)}
    except OSError as error:
        raise MediaError(f"{folder} has no clips.csv: {error}", hint="Name the folder the clips came from") from error
    made = []
    for which in range(each):
        for clip in clips:
            if clip.name not in paths:
                raise MediaError(f"{folder / 'clips.csv'} has no clip {clip.name}", hint="Name the clips' own folder")
            recipe = any_recipe(seed + _seed_of(clip.name, which))
            made.append(variant(paths[clip.name], recipe, clip, settings=settings, cache=cache))
    return made


def recoded(source: Iterable[Timed], *, quality: int) -> Iterator[Timed]:
    """The pictures after an H.264 round trip in memory, with what it does to them.

    Args:
        source: time stamps and grey pictures of one size.
        quality: constant rate factor, 18 (good) to 45 (bad).
    """
    encoder: Any = None
    decoder: Any = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    times: list[float] = []

    def decoded(packets: Iterable[Any]) -> Iterator[Timed]:
        for packet in packets:
            for frame in decoder.decode(packet):
                yield times[frame.pts], frame.to_ndarray(format="gray")

    for time_s, picture in source:
        rows, columns = (size // 2 * 2 for size in picture.shape)
        if encoder is None:
            encoder = av.CodecContext.create("libx264", "w")
            encoder.width, encoder.height, encoder.pix_fmt = columns, rows, "yuv420p"
            encoder.time_base = encoder.framerate = Fraction(1, 30)
            encoder.framerate = Fraction(30, 1)
            encoder.options = {"crf": str(quality), "preset": "ultrafast", "tune": "zerolatency", "threads": "1"}
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:rows, :columns]), format="gray")
        frame.pts = len(times)
        times.append(time_s)
        yield from decoded(encoder.encode(frame))
    if encoder is not None:
        yield from decoded([*encoder.encode(None), None])


def _seed_of(name: str, which: int) -> int:
    """A number of a clip's own, so that a clip's variants do not hang on which other clips there are."""
    return int.from_bytes(hashlib.sha256(f"{name}/{which}".encode()).digest()[:6], "big")


def _fewer(source: Iterable[Timed], recipe: Recipe, random: np.random.Generator) -> Iterator[Timed]:
    """The frames that are kept, on the variant's clock."""
    due_s = 0.0
    for number, (time_s, picture) in enumerate(source):
        time_s /= recipe.speed
        if recipe.rate_hz and time_s < due_s - 1e-3:
            continue
        if number and recipe.drops and random.random() < recipe.drops:
            continue
        if recipe.rate_hz:
            due_s = max(due_s + 1 / recipe.rate_hz, time_s)
        yield time_s, picture


def _pictured(
    picture: Grey,
    recipe: Recipe,
    time_s: float,
    tones_hz: NDArray[np.float64],
    phases: NDArray[np.float64],
    pulse_hz: float,
    random: np.random.Generator,
) -> Grey:
    """One frame, changed."""
    rows, columns = picture.shape
    left, top, right, bottom = recipe.crop
    wide, high = (right - left) * columns, (bottom - top) * rows
    scale = recipe.height_px / high
    size = (max(32, round(wide * scale)), recipe.height_px)
    x, y, turn = recipe.shake * (np.sin(2 * np.pi * tones_hz * time_s + phases) / (0.5 + tones_hz)).sum(0)
    c, s = scale * np.cos(turn), scale * np.sin(turn)
    centre = np.array([(left + right) / 2 * columns + x * high, (top + bottom) / 2 * rows + y * high])
    flip = -1.0 if recipe.mirror else 1.0
    turned = np.array([[flip * c, -flip * s], [s, c]])
    matrix = np.column_stack([turned, np.array(size) / 2 - turned @ centre])
    sharp = cv2.GaussianBlur(picture, (0, 0), 0.35 / scale) if scale < 0.7 else picture
    seen = cv2.warpAffine(sharp, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    if recipe.blur_px:
        seen = cv2.GaussianBlur(seen, (0, 0), recipe.blur_px)
    if recipe.smear_px:
        seen = cv2.blur(seen, (recipe.smear_px, 1))
    bright = seen.astype(np.float32)
    if recipe.gamma != 1.0:
        bright = 255 * (bright / 255) ** np.float32(recipe.gamma)
    bright = (bright - 128) * np.float32(recipe.contrast) + np.float32(128 + recipe.brightness)
    bright *= np.float32(1 + recipe.pulse * np.sin(2 * np.pi * pulse_hz * time_s))
    if recipe.noise:
        bright += random.standard_normal(bright.shape, dtype=np.float32) * np.float32(recipe.noise)
    return np.clip(bright, 0, 255).astype(np.uint8)
