"""How little is loaded before anything is done, and what is said where a library is missing."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bridge.__main__ import parser

HEAVY = ("av", "cv2", "onnxruntime", "pyloudnorm", "rich", "scipy", "soundfile", "soxr", "tokenizers")
MAIN = "from bridge.__main__ import main; main(sys.argv[1:])"


def python(code: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own."""
    env = {**os.environ, "FOLEY_BRIDGE_ENDPOINT": str(folder / "endpoint")}
    command = [sys.executable, "-c", f"import sys; {code}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)


@pytest.mark.parametrize(
    "words",
    [
        "import bridge.app, bridge.commands.daemon, bridge.config",
        f"sys.argv[1:] = ['free']; {MAIN}",
        "from bridge.__main__ import parser; parser().format_help()",
    ],
)
def test_start_when_nothing_is_made_yet_then_no_library_that_makes_something_is_loaded(
    words: str, tmp_path: Path
) -> None:
    done = python(f"{words}\nprint('loaded:', [name for name in {HEAVY} if name in sys.modules])", folder=tmp_path)
    assert done.stdout.splitlines()[-1] == "loaded: []", done.stderr


def test_version_when_asked_for_then_not_even_numbers_are_loaded(tmp_path: Path) -> None:
    code = f"import atexit; atexit.register(lambda: print('numpy' in sys.modules)); {MAIN}"
    done = python(code, "--version", folder=tmp_path)
    assert done.stdout.splitlines()[1:] == ["False"], done.stderr


def test_commands_when_looked_up_then_each_is_there() -> None:
    from bridge.__main__ import _function

    lines = [["detect", "a", "--out", "b"], ["render", "a", "--out", "b"], ["serve"], ["free"], ["packs"], ["doctor"]]
    lines += [["packs", "show", "a"], ["packs", "pull", "a"], ["reaper"], ["reaper", "install"], ["demo"]]
    lines += [["reaper", "uninstall"], ["reaper", "status"], ["reaper", "index", "--url", "a", "--out", "b"]]
    found = {_function(parser().parse_args(line).run) for line in lines}
    assert len(found) == len(lines)


def test_command_when_a_library_is_missing_then_a_sentence_names_it(tmp_path: Path) -> None:
    done = python(f"sys.modules['av'] = None; {MAIN}", "detect", "a.mp4", "--out", "a.csv", folder=tmp_path)
    assert "foley-bridge: a library is missing: " in done.stderr
    assert "av" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_daemon_when_a_library_is_missing_then_the_pack_cannot_be_opened_and_the_sentence_names_it(
    tmp_path: Path,
) -> None:
    code = (
        "sys.modules['cv2'] = None\n"
        "from bridge import app, config\n"
        "from bridge.errors import EngineError\n"
        "for again in range(2):\n"
        "    try: app.open_engine(config.Settings())\n"
        "    except EngineError as error: print(error.sentence)"
    )
    done = python(code, folder=tmp_path)
    first, second = done.stdout.splitlines()
    assert first == second
    assert first.startswith("A library is missing: import of cv2 halted")
    assert "Install foley-bridge again" in first


def test_serve_when_begun_then_signals_are_heard_before_anything_is_loaded(tmp_path: Path) -> None:
    code = f"sys.modules['bridge.config'] = None; {MAIN}; import signal; print(signal.getsignal(signal.SIGTERM))"
    done = python(code, "serve", folder=tmp_path)
    assert "bridge.config" in done.stderr
    assert "_on_signal" in done.stdout
    assert "_on_signal" not in python(code, "free", folder=tmp_path).stdout


LEAVE = """
import atexit, os, signal, threading, time
from bridge import stopping
stopping.LIMIT_S = 0.5
stop = stopping.Stop()
stop.listen()
atexit.register(print, "Python's own way out")
os.kill(os.getpid(), signal.SIGTERM)
stop.wait()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a signal ends a program at once there")
@pytest.mark.parametrize(
    ("then", "code", "said"),
    [
        ("", 0, ["so far", "Python's own way out"]),
        ("threading.Thread(target=time.sleep, args=(60,), daemon=True).start()", 0, ["so far"]),
        ("time.sleep(60)", 1, ["so far"]),
    ],
    ids=["nothing is left", "a thread is left", "it does not close"],
)
def test_leave_when_something_is_left_then_the_process_ends_without_it(
    then: str, code: int, said: list[str], tmp_path: Path
) -> None:
    began = time.monotonic()
    done = python(f"{LEAVE}\nprint('so far')\n{then}\nsys.exit(stopping.leave(0))", folder=tmp_path)
    assert (done.returncode, done.stdout.splitlines()) == (code, said), done.stderr
    assert time.monotonic() - began < 20
