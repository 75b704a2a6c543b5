"""The project of ``show.py`` on disk, with its video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.bridge.host.project_file.show import PROJECT
from tests.bridge.media.clips import at_rate, render


@pytest.fixture(scope="session")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("v") / "v.mp4", times_s=at_rate(Fraction(25), 100))


@pytest.fixture
def show(tmp_path: Path, stick: Path) -> Path:
    """A project with a strange video item, and its media."""
    (tmp_path / "Video Files").mkdir()
    (tmp_path / "Video Files" / "stick one.mp4").write_bytes(stick.read_bytes())
    path = tmp_path / "show.RPP"
    path.write_bytes(PROJECT.replace("\n", "\r\n").encode())
    return path
