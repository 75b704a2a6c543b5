"""Ten minutes in one go: a stream of the render's bytes, in memory that does not grow with the length."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.what import Generator
from bridge.errors import JobCancelled, RequestError
from tests.bridge.engine.waves import alone, alone_in, opened
from tests.packs import tiny_pack

ROOT = Path(__file__).parents[3]
RATE_HZ = 48_000
PLAIN = Request(
    length_samples=9 * RATE_HZ,
    rate_hz=RATE_HZ,
    onsets=tuple(Onset(time_s=time, prompt=word) for time, word in ((0.0, ""), (0.4, "glass"), (0.41, ""), (7.5, ""))),
    prompt="wood",
    seed=3,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs")
    tiny_pack(folder)
    return folder


@pytest.mark.parametrize("windows", ["onset", "local", "whole"])
@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_stream_when_joined_then_the_bytes_of_a_render(tmp_path: Path, windows: str, rate_hz: int) -> None:
    if windows == "whole":
        generator = Generator(opened(tmp_path))
    else:
        generator = Generator(alone(tmp_path, windows=windows, overlap_frames=0 if windows == "onset" else 128))
    asked = Request(
        length_samples=9 * rate_hz - 7, rate_hz=rate_hz, onsets=PLAIN.onsets, prompt=PLAIN.prompt, seed=PLAIN.seed
    )
    told: list[float] = []
    blocks = list(generator.stream(asked, progress=told.append))
    assert all(block.dtype == np.float32 and block.ndim == 1 for block in blocks)
    assert np.concatenate(blocks).tobytes() == generator.render(asked).samples.tobytes()
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_stream_when_contacts_stand_alone_then_what_is_ready_comes_before_the_rest_is_made(folder: Path) -> None:
    pack = alone_in(folder)
    stream = Generator(pack).stream(PLAIN)
    count = 0
    while count < 3 * RATE_HZ:
        count += len(next(stream))
    assert pack.roles.count("decoder") == 3
    assert count < 6 * RATE_HZ


def test_stream_when_cancelled_or_refused_then_it_says_so(folder: Path) -> None:
    generator = Generator(alone_in(folder))
    with pytest.raises(JobCancelled):
        list(generator.stream(PLAIN, cancelled=lambda: True))
    with pytest.raises(RequestError, match="steps"):
        list(generator.stream(Request(length_samples=9, rate_hz=9, onsets=(), prompt="", steps=0)))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is counted otherwise elsewhere")
@pytest.mark.parametrize("rate_hz", [48_000, 44_100])
def test_stream_when_it_lasts_ten_minutes_then_it_takes_no_more_memory_than_half_a_minute(
    folder: Path, rate_hz: int
) -> None:
    """The sound alone would be 110 MB; what is allowed is noise of the allocator."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bridge.engine.stream_once", str(folder), "600", str(rate_hz)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 16 << 20
