"""One daemon at a time: the second names the first and leaves; a lock that a crash left behind holds nobody up."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host import endpoint
from bridge.host.lock import LOCK_FILE, DaemonLock
from tests.tokens import TOKEN

HOLDER = """
import sys
from pathlib import Path
from bridge.host import endpoint
from bridge.host.lock import DaemonLock
where = Path(sys.argv[1])
lock = DaemonLock(where)
if len(sys.argv) > 2:
    endpoint.announce_daemon(int(sys.argv[2]), "t" * 32, where)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(where: Path, *port: str) -> Iterator[subprocess.Popen[bytes]]:
    """Another process that holds the lock, and announces a port if one is given."""
    command = [sys.executable, "-c", HOLDER, str(where), *port]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_lock_when_another_daemon_holds_it_then_the_sentence_names_its_process_and_port(tmp_path: Path) -> None:
    with holder(tmp_path, "4321") as other:
        with pytest.raises(HostError) as caught:
            DaemonLock(tmp_path)
        assert f"process {other.pid}" in caught.value.sentence
        assert "4321" in caught.value.sentence
        assert endpoint.FOLDER_VARIABLE in caught.value.hint


def test_lock_when_its_holder_says_nothing_yet_then_it_is_refused_all_the_same(tmp_path: Path) -> None:
    with holder(tmp_path), pytest.raises(HostError, match="just starting or stopping"):
        DaemonLock(tmp_path)


def test_lock_when_its_holder_was_killed_then_the_next_one_gets_it(tmp_path: Path) -> None:
    with holder(tmp_path, "4321") as other:
        other.kill()
        other.wait()
        assert (tmp_path / LOCK_FILE).exists()
        assert json.loads((tmp_path / "daemon.json").read_text())["pid"] == other.pid
        began = time.monotonic()
        with DaemonLock(tmp_path):
            assert endpoint.announce_daemon(1234, TOKEN, tmp_path).exists()
        assert time.monotonic() - began < 5.0
    endpoint.withdraw_daemon(tmp_path)
    assert not (tmp_path / "daemon.json").exists()


def test_lock_when_released_then_it_can_be_had_again(tmp_path: Path) -> None:
    with DaemonLock(tmp_path) as lock:
        lock.release()
        DaemonLock(tmp_path).release()


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_lock_when_the_folder_was_open_to_others_then_it_is_closed_and_what_lies_there_is_private(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "open to all"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    with DaemonLock(folder):
        path = endpoint.announce_daemon(1234, TOKEN, folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / LOCK_FILE).stat().st_mode) & 0o077 == 0


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a folder away")
def test_lock_when_the_folder_is_another_users_then_it_is_refused_with_a_way_out(tmp_path: Path) -> None:
    os.chown(tmp_path, 4711, 4711)
    with pytest.raises(HostError) as caught:
        DaemonLock(tmp_path)
    assert str(tmp_path) in caught.value.sentence
    assert endpoint.FOLDER_VARIABLE in caught.value.hint
