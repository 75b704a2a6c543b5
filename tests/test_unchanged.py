"""The guard of the source media: what is touched is named, and the suite that touched it fails."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.unchanged import differences, fingerprints

ROOT = Path(__file__).resolve().parents[1]


def test_guard_when_a_file_is_touched_then_it_is_named(tmp_path: Path) -> None:
    for name in ("kept", "changed", "touched", "gone"):
        (tmp_path / name).write_text("film")
    before = fingerprints([tmp_path, tmp_path / "missing"])
    (tmp_path / "changed").write_text("filn")
    then_ns = before[tmp_path / "changed"][1]
    os.utime(tmp_path / "changed", ns=(then_ns, then_ns))
    os.utime(tmp_path / "touched", ns=(1, 1))
    (tmp_path / "gone").unlink()
    (tmp_path / "new").write_text("film")
    assert differences(before, fingerprints([tmp_path])) == [
        f"{tmp_path / 'changed'} was changed",
        f"{tmp_path / 'gone'} is gone",
        f"{tmp_path / 'new'} is new",
        f"{tmp_path / 'touched'} was changed",
    ]


def test_suite_when_a_test_writes_into_a_clip_then_it_fails_and_names_it(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clips.csv").write_text("id\n")
    (tmp_path / "test_one.py").write_text("def test_one(clips):\n    (clips / 'clips.csv').write_text('x')\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "tests.conftest"]
    command += ["--rootdir", str(tmp_path), "-c", os.devnull, str(tmp_path / "test_one.py")]
    env = {**os.environ, "FOLEY_BRIDGE_CLIPS": str(tmp_path / "clips"), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120)
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    assert done.returncode == 1
    assert f"SOURCE MEDIA TOUCHED: {tmp_path / 'clips' / 'clips.csv'} was changed" in done.stdout
