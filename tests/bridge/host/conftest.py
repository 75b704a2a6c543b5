"""A simulated REAPER with the server running in it, a host that talks to it, and media to place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.host.reaper import ReaperHost
from tests.bridge.media import clips
from tests.reaper_sim.client import SimReaper

SCRIPTS = Path(__file__).resolve().parents[3] / "reaper_scripts"
SERVER = SCRIPTS / "foley_server.py"
TICK_S = 0.005


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of picture."""
    path = tmp_path_factory.mktemp("media") / "knock on wood.mp4"
    return clips.render(path, times_s=[Fraction(k, 10) for k in range(40)], rate=Fraction(10))


@pytest.fixture(scope="session")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Gives a new sound file of a second."""
    folder = tmp_path_factory.mktemp("sounds")

    def make(name: str) -> Path:
        soundfile.write(folder / f"{name}.wav", np.zeros((48_000, 1), np.float32), 48_000)
        return folder / f"{name}.wav"

    return make


@pytest.fixture
def profile() -> str:
    """REAPER's version; tests that parametrize it override this."""
    return "7.78"


@pytest.fixture
def reaper(tmp_path: Path, profile: str) -> Iterator[SimReaper]:
    """REAPER with the server script started."""
    with SimReaper.start(
        tmp_path / "reaper", profile=profile, tick_s=TICK_S, web_port=None, startup_scripts=[SERVER]
    ) as reaper:
        yield reaper


@pytest.fixture
def host(reaper: SimReaper) -> Iterator[ReaperHost]:
    """The daemon's side of that REAPER."""
    host = ReaperHost(read_timeout_s=3.0, write_timeout_s=3.0)
    yield host
    host.close()
