"""The wheel: the same bytes wherever and whenever it is built, and nothing in it but the program.

Here with graphs cut short, which builds in a second; ``make wheel`` does the same with everything.
"""

from __future__ import annotations

import importlib.util
import os
import zipfile
from pathlib import Path

import pytest

from tests import wheel

EPOCH_S = 1_800_000_000

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None and "CI" not in os.environ, reason="the builder is not installed"
)


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {name: data[:100] if name.endswith(".onnx") else data for name, data in wheel.committed().items()}


@pytest.fixture(scope="module")
def built(files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    strays = {
        "bridge/.venv/x.py": b"",
        "bridge/__pycache__/x.pyc": b"",
        "bridge/packs/x.part": b"",
        "runs/a.py": b"",
        "demo/a.wav": b"",
    }
    return wheel.two_builds({**files, **strays}, tmp_path_factory.mktemp("wheel"), epoch_s=EPOCH_S)


def test_wheel_when_built_elsewhere_with_other_umask_order_and_times_then_the_same_bytes(
    built: tuple[Path, Path],
) -> None:
    assert wheel.sha256(built[0]) == wheel.sha256(built[1])


def test_wheel_when_opened_then_it_holds_the_packages_whole_and_nothing_else(
    built: tuple[Path, Path], files: dict[str, bytes]
) -> None:
    assert wheel.problems(built[0], files) == []
    names = zipfile.ZipFile(built[0]).namelist()
    assert {"bridge/packs/starter/denoiser.onnx", "bridge/packs/starter/pack.json", "bridge/docs/guide.md"} <= set(
        names
    )
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    assert not [name for name in names if name.startswith(("tests/", "locks/", "runs/", "demo/"))]


def test_problems_when_a_wheel_is_wrong_then_each_fault_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data, mode, year in (
            ("bridge/a.py", b"1", 0o644, 2026),
            ("bridge/b.py", b"other", 0o755, 2026),
            ("tests/c.py", b"3", 0o644, 2025),
        ):
            info = zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0))
            info.external_attr = mode << 16
            archive.writestr(info, data)
    wanted = {"bridge/a.py": b"1", "bridge/b.py": b"2", "bridge/d.py": b"4", "README.md": b""}
    assert wheel.problems(path, wanted) == [
        "tests/c.py is in the wheel and not of it",
        "bridge/d.py is not in the wheel",
        "bridge/b.py is another file in the wheel",
        "bridge/b.py has mode 755",
        "files of the wheel have different times",
    ]
