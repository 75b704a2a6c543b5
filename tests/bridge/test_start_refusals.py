"""What a user sees where the program cannot even start: one sentence, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def started(prepare: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys\n{prepare}\nimport runpy\nrunpy.run_module('bridge', run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False
    )


def test_start_when_a_library_is_missing_then_which_and_what_to_install() -> None:
    ended = started("sys.modules['cv2'] = None")
    assert ended.returncode == 1
    assert ended.stderr.startswith("foley-bridge: a library is missing: ")
    assert "cv2" in ended.stderr
    assert ended.stderr.strip().endswith("on Linux without a desktop also libgl1 and libglib2.0-0.")
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are others there")
def test_start_when_stopped_while_it_loads_then_no_traceback() -> None:
    stop = (
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'bridge.commands':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())"
    )
    ended = started(stop)
    assert ended.returncode == 130
    assert ended.stderr == "foley-bridge: stopped.\n"
