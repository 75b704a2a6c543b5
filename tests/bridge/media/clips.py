"""Small videos rendered for the tests: every picture carries its own number as black and white blocks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS = 10
BLOCK = 16
WIDTH, HEIGHT = BITS * BLOCK, 48


def numbered(index: int) -> NDArray[np.uint8]:
    """A picture (48 x 160) whose top row of blocks is ``index`` in binary, lowest bit left; the rest is grey.

    The bottom right block is white and the bottom left black, so that a turned picture is recognised.
    """
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for bit in range(BITS):
        image[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 if index >> bit & 1 else 0
    image[-BLOCK:, :BLOCK] = 0
    image[-BLOCK:, -BLOCK:] = 255
    return image


def number_of(image: NDArray[np.uint8]) -> int:
    """The number that a picture carries, whatever its size."""
    height, width = image.shape[:2]
    row = image[round(height / 6), :, 1]
    return sum(int(row[int((bit + 0.5) * width / BITS)] > 128) << bit for bit in range(BITS))


def render(
    path: Path,
    *,
    times_s: Sequence[Fraction | float],
    tick: Fraction = Fraction(1, 90_000),
    rate: Fraction = Fraction(25),
    b_frames: int = 0,
    keyframes_every: int = 12,
    sound_s: float = 0.0,
    images: Iterable[NDArray[np.uint8]] | None = None,
    codec: str = "libx264",
    options: dict[str, str] | None = None,
) -> Path:
    """Writes a video whose picture ``k`` is ``numbered(k)`` and shows from ``times_s[k]``; silence for ``sound_s``."""
    with av.open(str(path), "w", options=options or {}) as container:
        video = container.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.time_base = tick
        video.codec_context.gop_size = keyframes_every
        video.codec_context.max_b_frames = b_frames
        if codec == "libx264":
            video.options = {"preset": "ultrafast", "qp": "12", "bf": str(b_frames), "threads": "1"}
        sound = container.add_stream("aac", rate=48_000, layout="mono") if sound_s else None
        for index, image in enumerate(images or (numbered(k) for k in range(len(times_s)))):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = round(Fraction(times_s[index]) / tick), tick
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None:
            silence = np.zeros((1, round(sound_s * 48_000)), np.float32)
            block = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = 48_000, 0, Fraction(1, 48_000)
            container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path


def at_rate(fps: Fraction, count: int, *, start_s: Fraction = Fraction(0)) -> list[Fraction]:
    """Evenly spaced times."""
    return [start_s + Fraction(k) / fps for k in range(count)]


def turn(path: Path, quarter_turns_clockwise: int) -> Path:
    """Sets the display matrix of an mp4's first track, as a phone held upright does; the pictures stay as stored."""
    one, minus = (0x00010000).to_bytes(4, "big"), (0x10000 * 0xFFFF).to_bytes(4, "big")
    zero, last = bytes(4), (0x40000000).to_bytes(4, "big")
    a, b, c, d = [
        (one, zero, zero, one),
        (zero, one, minus, zero),
        (minus, zero, zero, minus),
        (zero, minus, one, zero),
    ][quarter_turns_clockwise % 4]
    data = path.read_bytes()
    unity = one + zero * 3 + one + zero * 3 + last
    at = data.index(unity, data.index(b"tkhd"))
    matrix = a + b + zero + c + d + zero + zero + zero + last
    path.write_bytes(data[:at] + matrix + data[at + len(matrix) :])
    return path
