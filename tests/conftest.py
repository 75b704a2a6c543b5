"""What every test may use: the real clips (required in CI), a quiet environment, private folders."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import demo_scene
from bridge.media import mux
from bridge.packs.store import SHIPPED_FOLDER, STARTER
from tests.unchanged import Fingerprint, differences, fingerprints

os.environ.setdefault("OMP_NUM_THREADS", "2")

CLIPS_VARIABLE = "FOLEY_BRIDGE_CLIPS"


def clips_folder() -> Path | None:
    """The folder of real clips: the variable's, or ``shared/clips`` beside the checkout; None where there is none."""
    root = Path(__file__).resolve().parents[1]
    named = os.environ.get(CLIPS_VARIABLE)
    for folder in [Path(named)] if named else [root / "shared" / "clips", root.parent / "shared" / "clips"]:
        if (folder / "clips.csv").is_file():
            return folder
    return None


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remembers what no test may change; in the one process that sees the whole suite."""
    if not hasattr(session.config, "workerinput"):
        session.config.stash[_BEFORE] = fingerprints(_read_only())


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fails the suite if a clip, a sound or the shipped pack is not as it was."""
    before = session.config.stash.get(_BEFORE, None)
    if before is not None and (changed := differences(before, fingerprints(_read_only()))):
        session.config.stash[_CHANGED] = changed
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Names what was changed."""
    for line in config.stash.get(_CHANGED, []):
        terminalreporter.write_line(f"SOURCE MEDIA TOUCHED: {line}", red=True)


_BEFORE = pytest.StashKey[dict[Path, Fingerprint]]()
_CHANGED = pytest.StashKey[list[str]]()


def _read_only() -> list[Path]:
    clips = clips_folder()
    return [SHIPPED_FOLDER / STARTER, *([] if clips is None else [clips, clips.parent / "sounds"])]


@pytest.fixture(scope="session")
def clips() -> Path:
    """The real clips; skips with a message where they are missing, fails in CI."""
    folder = clips_folder()
    if folder is None:
        message = f"the real clips are not here: set {CLIPS_VARIABLE} to the folder that holds clips.csv"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(autouse=True)
def _private_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's own settings, packs or endpoint."""
    home = tmp_path_factory.mktemp("home")
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home))
    for name in [key for key in os.environ if key.startswith("FOLEY_BRIDGE_") and key != CLIPS_VARIABLE]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("FOLEY_BRIDGE_ENDPOINT", str(home / "endpoint"))


@pytest.fixture
def free_port() -> int:
    """A UDP port on 127.0.0.1 that nobody holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The demo's scene as a video file."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    scene = demo_scene.scene()
    mux.encode_frames(path, scene.frames(), scene.rate_hz)
    before = fingerprints([path.parent])
    yield path
    assert not differences(before, fingerprints([path.parent])), "a test changed the film or its folder"
