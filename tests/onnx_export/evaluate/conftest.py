"""A data set of three small videos in Greatest Hits' layout, and a pack that follows its onsets exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.packs.store import PackFiles, Store
from onnx_export.evaluate import greatest_hits
from onnx_export.evaluate.nets import Nets
from tests import wave_pack

LENGTH_S = 6.4
FPS = 25
EARLY_S = 1 / 15
"""The pack's onset net says that something stopped one step after it did; so the pictures stop one earlier."""
FIRST, SECOND, LATE = greatest_hits.test_ids()[:3]
HITS = {FIRST: (0.6, 1.2, 1.7, 3.0, 5.0), SECOND: (0.8, 1.4), LATE: (2.4, 4.0)}


def bursts(times_s: Sequence[float]) -> NDArray[np.float32]:
    """Noise that begins at each time and falls quickly, 48 kHz."""
    sound = np.zeros(round(LENGTH_S * 48_000), np.float32)
    for number, time_s in enumerate(times_s):
        burst = np.random.default_rng(number).standard_normal(7200) * np.exp(-np.arange(7200) / 1200) * 0.3
        at = round(time_s * 48_000)
        sound[at : at + 7200] += burst.astype(np.float32)[: len(sound) - at]
    return sound


def pictures(times_s: Sequence[float]) -> list[NDArray[np.uint8]]:
    """Brightness rises for a fifth of a second before each time and then stands still."""
    answer = []
    for number in range(round(LENGTH_S * FPS)):
        now = number / FPS
        level = 30 + sum(30 * min(1.0, max(0.0, (now - time_s + 0.2 + EARLY_S) / 0.2)) for time_s in times_s)
        answer.append(np.full((48, 64, 3), level, np.uint8))
    return answer


def film(
    path: Path,
    times_s: Sequence[float],
    *,
    sound: bool = True,
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Path:
    """An mp4 of ``pictures``, red, green and blue times ``tint``, and ``bursts``."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FPS)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.options = {"preset": "ultrafast", "qp": "10", "threads": "1"}
        audio = container.add_stream("aac", rate=48_000, layout="mono", options={"b": "192000"}) if sound else None
        for number, image in enumerate(pictures(times_s)):
            frame = av.VideoFrame.from_ndarray((image * np.array(tint)).astype(np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio is not None:
            block = av.AudioFrame.from_ndarray(bursts(times_s)[None], format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = 48_000, 0, Fraction(1, 48_000)
            container.mux(audio.encode(block))
            container.mux(audio.encode(None))
    return path


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three videos of the test split; the third has no onset in its first two seconds. Do not write into it."""
    folder = tmp_path_factory.mktemp("vis-data")
    for name, times_s in HITS.items():
        film(folder / f"{name}_denoised.mp4", times_s)
        lines = [
            f"{time_s} {'None None None' if number % 2 else 'wood hit static'}" for number, time_s in enumerate(times_s)
        ]
        (folder / f"{name}_times.txt").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def pack(tmp_path_factory: pytest.TempPathFactory) -> PackFiles:
    """A pack whose sound starts at its onsets. Do not write into it."""
    return Store(()).open_folder(wave_pack.wave_pack(tmp_path_factory.mktemp("packs")))


@pytest.fixture
def nets(pack: PackFiles) -> Nets:
    return Nets(pack, provider="cpu", threads=1)
