"""Video in which nothing is struck: how many onsets are found where there are none.

Convention: two sources. Real ones: a frame of a clip, made dull in one of the ``KINDS`` ways, and written as a video
with the noise of a camera. Rendered ones: ``onnx_export.train.quiet``'s. Every video lasts ``LENGTH_S``; a find is an
onset at the pack's own threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import av.error
import cv2
import numpy as np
from numpy.typing import NDArray

from bridge.errors import MediaError
from bridge.packs import contract
from onnx_export.evaluate.starter.box import Box
from onnx_export.evaluate.starter.clips import Clip
from onnx_export.evaluate.starter.figures import Part, Table, figure
from onnx_export.train import quiet as scenes

LENGTH_S = 10.0
RATE_HZ = 25
WIDTH = 480
NOISE = 3.0
"""Standard deviation of the camera's noise, grey levels of 255."""
PAN_SHARE = 0.2
"""A slow pan goes over so much of the picture's width."""
CUT_EVERY_S = 2.5
MANY_PER_10_S = 1.0
RENDERED = 1
HOURS = 8
FIRST_SEED = 7_000_000
"""No training comes near these seeds."""

Image = NDArray[np.uint8]


def still(image: Image, other: Image, number: int) -> NDArray[np.float32]:
    """A camera that stands still before a thing that does."""
    return image.astype(np.float32)


def pan(image: Image, other: Image, number: int) -> NDArray[np.float32]:
    """A slow pan over a picture, magnified so that there is something beside it."""
    rows, columns = image.shape[:2]
    scale = 1.0 / (1.0 - PAN_SHARE)
    share = number / (LENGTH_S * RATE_HZ)
    shift = np.array(
        [[scale, 0.0, -share * PAN_SHARE * columns * scale], [0.0, scale, -0.5 * PAN_SHARE * rows * scale]]
    )
    return cv2.warpAffine(image, shift, (columns, rows), flags=cv2.INTER_LINEAR).astype(np.float32)


def flicker(image: Image, other: Image, number: int) -> NDArray[np.float32]:
    """Light that beats with the camera: 10 % at about 2 Hz, and 3 % from picture to picture."""
    beat = 0.10 * np.sin(2.0 * np.pi * 2.1 * number / RATE_HZ) + 0.03 * (number % 2)
    return image.astype(np.float32) * np.float32(1.0 + beat)


def lamp(image: Image, other: Image, number: int) -> NDArray[np.float32]:
    """A lamp that jumps: 15 % of the light, every 1.7 s."""
    return image.astype(np.float32) * np.float32(1.0 if int(number / RATE_HZ / 1.7) % 2 else 0.85)


def cut(image: Image, other: Image, number: int) -> NDArray[np.float32]:
    """Cuts between two still pictures."""
    return (other if int(number / RATE_HZ / CUT_EVERY_S) % 2 else image).astype(np.float32)


KINDS: Mapping[str, Callable[[Image, Image, int], NDArray[np.float32]]] = {
    "still": still,
    "slow pan": pan,
    "flicker": flicker,
    "lamp": lamp,
    "cuts": cut,
}


def frame_of(path: Path, time_s: float) -> Image:
    """The first picture at or after a time, RGB, ``WIDTH`` wide.

    Raises:
        MediaError: the video cannot be read, or has none there.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            for frame in container.decode(stream):
                if frame.time is not None and frame.time >= time_s:
                    height = round(frame.height * WIDTH / frame.width / 2) * 2
                    return frame.to_ndarray(format="rgb24", width=WIDTH, height=height)
    except (av.error.FFmpegError, OSError, IndexError) as error:
        raise MediaError(f"{path} cannot be read ({error})", hint="Get the video again") from error
    raise MediaError(f"{path} shows nothing at {time_s:g} s", hint="Get the video again")


def dull(path: Path, image: Image, other: Image, *, kind: str, seed: int) -> Path:
    """A video of ``LENGTH_S`` in which nothing is struck; one that is there already is not made again.

    Args:
        path: the file. image, other: what it shows. kind: a key of ``KINDS``. seed: of the noise.
    """
    if path.is_file():
        return path
    random = np.random.default_rng(seed)
    rows, columns = image.shape[:2]
    other = np.asarray(cv2.resize(other, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)

    def pictures() -> Iterator[Image]:
        for number in range(round(LENGTH_S * RATE_HZ)):
            view = KINDS[kind](image, other, number)
            noisy = view + NOISE * random.standard_normal(view.shape[:2], np.float32)[..., None]
            yield np.clip(noisy, 0.0, 255.0).astype(np.uint8)

    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name("part_" + path.name)
    with av.open(str(part), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(RATE_HZ), options={"crf": "20", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = columns, rows, "yuv420p"
        for picture in pictures():
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    part.replace(path)
    return path


def dull_clips(clips: Sequence[Clip], folder: Path, *, seed: int) -> list[tuple[str, Path]]:
    """Kind and file of a dull video of each kind for the first clip of each of ``HOURS`` recording hours."""
    first = {clip.hour: clip for clip in reversed(clips)}
    chosen = [first[hour] for hour in sorted(first)][:HOURS]
    images = [frame_of(clip.path, clip.span_s[0]) for clip in chosen]
    made = []
    for number, (clip, image) in enumerate(zip(chosen, images, strict=True)):
        for kind in KINDS:
            path = folder / f"{kind.replace(' ', '_')}_{clip.name}.mp4"
            other = images[(number + 1) % len(images)]
            made.append((f"{kind}, real frames", dull(path, image, other, kind=kind, seed=seed + number)))
    return made


def rendered(folder: Path, *, each: int = RENDERED) -> list[tuple[str, Path]]:
    """Kind and file of films from the generator of quiet scenes, ``each`` of every kind, with seeds of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, kind in enumerate(scenes.KINDS):
        for take in range(each):
            path = folder / f"rendered_{kind.replace(' ', '_')}_{take}.mp4"
            if not path.is_file():
                part = path.with_name("part_" + path.name)
                scenes.write_mp4(scenes.film(FIRST_SEED + 100 * number + take, length_s=LENGTH_S, kind=kind), part)
                part.replace(path)
            made.append((f"{kind}, rendered", path))
    return made


def part(videos: Sequence[tuple[str, Path]], box: Box, *, seed: int = 0) -> Part:
    """Counts what is found where nothing is struck.

    Args:
        videos: kind and file. box: the pack. seed: of the bootstrap.
    """
    threshold = box.manifest.require_when().threshold
    rates: dict[str, list[float]] = {}
    for kind, path in videos:
        found = box.peaks(path).above(threshold)
        rates.setdefault(kind, []).append(len(found.times_s) * 10.0 / _length_s(path))
    every = [rate for values in rates.values() for rate in values]
    figures = {"false onsets in 10 s, all": figure(every, of="videos", at_most=MANY_PER_10_S, seed=seed)}
    for kind in sorted(rates):
        figures[f"false onsets in 10 s, {kind}"] = figure(rates[kind], of="videos", at_most=MANY_PER_10_S, seed=seed)
    return Part(
        name="quiet",
        title="Video without action",
        figures=figures,
        notes=(
            f"Threshold {threshold:g} of the pack. Real frames: of one clip of each of {HOURS} recording hours, with "
            "a camera's noise.",
            "A cut every 2.5 s; light that beats by 10 % at 2 Hz; a lamp that jumps by 15 % every 1.7 s; a pan over a "
            "fifth of the width in 10 s.",
            "Rendered: the generator that training draws from too, with seeds of their own.",
        ),
        tables=(
            Table(
                title="False onsets, kind by kind",
                columns=("kind", "videos", "without any", "most in 10 s"),
                rows=tuple(
                    (kind, len(values), sum(rate == 0.0 for rate in values), max(values))
                    for kind, values in sorted(rates.items())
                ),
            ),
        ),
        roles=(contract.ONSET,),
    )


def _length_s(path: Path) -> float:
    with av.open(str(path)) as container:
        return round(float((container.duration or 0) / 1e6), 1) or LENGTH_S
