"""A running simulated REAPER, small media files, and scripts written on the spot."""

from __future__ import annotations

import json
import textwrap
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from .client import SimReaper
from .osc_device import Desk, started

Answer = Callable[[str], Any]


@pytest.fixture
def reaper(tmp_path: Path) -> Iterator[SimReaper]:
    """A REAPER with one empty project; faults fail the test."""
    with SimReaper.start(tmp_path / "reaper", tick_s=0.01) as running:
        yield running


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """A REAPER with a device on REAPER's own OSC patterns."""
    with started(tmp_path) as running:
        yield running


@pytest.fixture
def answer(reaper: SimReaper, tmp_path: Path) -> Answer:
    """Runs a script's body in REAPER and returns what it assigned to ``out``."""

    def run(body: str) -> Any:
        head = "import json\nfrom reaper_python import *\nout = None\n"
        tail = '\nRPR_SetExtState("test", "out", json.dumps(out), 0)\n'
        script = tmp_path / "script.py"
        script.write_text(head + textwrap.dedent(body) + tail)
        reaper.set_ext_state("test", "out", "")
        reaper.run_script(script)
        text = reaper.ext_state("test", "out")
        assert text, reaper.console()
        return json.loads(text)

    return run


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a ReaScript and returns its path."""

    def write(name: str, body: str) -> Path:
        path = tmp_path / name
        path.write_text("from reaper_python import *\n" + textwrap.dedent(body))
        return path

    return write


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A mono WAV file of half a second."""
    path = tmp_path_factory.mktemp("media") / "half a second.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(8000))
    return path


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A silent video of one second, 20 frames per second."""
    path = tmp_path_factory.mktemp("media") / "one second.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=20)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(20):
            picture = np.full((48, 64, 3), index * 10, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path
