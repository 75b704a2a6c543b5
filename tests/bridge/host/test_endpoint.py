"""How the two sides find each other: one rule, private files."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host import endpoint
from bridge.osc import server as osc_server
from reaper_scripts.foley_inside import endpoint as inside
from tests.tokens import TOKEN

ANNOUNCED = {"port": 5, "token": "t", "pid": 7, "version": "7.78", "resource_path": "/r", "api": endpoint.API}
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def test_rule_when_read_on_both_sides_then_it_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API", "FOLDER_VARIABLE", "REAPER_FILE", "DAEMON_FILE", "DEFAULT_OSC_PORT"):
        assert getattr(inside, name) == getattr(endpoint, name)
    assert osc_server.DEFAULT_PORT == endpoint.DEFAULT_OSC_PORT
    assert Path(inside.folder()) == endpoint.folder()
    monkeypatch.delenv("FOLEY_BRIDGE_ENDPOINT")
    assert Path(inside.folder()) == endpoint.folder() == Path.home() / ".foley-bridge"


def test_endpoint_when_announced_inside_then_the_daemon_finds_it() -> None:
    inside.announce(ANNOUNCED)
    found = endpoint.find_reaper()
    assert (found.port, found.token, found.pid, found.version) == (5, "t", 7, "7.78")
    inside.withdraw("t")
    with pytest.raises(HostError, match="foley_server"):
        endpoint.find_reaper()


def test_endpoint_when_another_run_announced_itself_then_it_is_not_withdrawn() -> None:
    inside.announce(ANNOUNCED)
    inside.withdraw("another token")
    assert endpoint.find_reaper().port == 5


def test_endpoint_when_two_reapers_run_then_each_is_found_by_its_run_and_the_last_one_without() -> None:
    first = {**ANNOUNCED, "pid": os.getpid(), "run": "one", "token": "t1"}
    inside.announce({**ANNOUNCED, "pid": os.getpid(), "run": "two", "token": "t2", "port": 6})
    (endpoint.folder() / "reaper-1.json").write_text(json.dumps(first))
    os.chmod(endpoint.folder() / "reaper-1.json", 0o600)
    assert endpoint.find_reaper().port == 6
    assert endpoint.find_reaper(run="one").port == 5
    assert endpoint.find_reaper(run="two").port == 6
    assert endpoint.find_reaper(run="gone").port == 6
    inside.withdraw("t2")
    assert endpoint.find_reaper().port == 5


def test_endpoint_when_a_named_reaper_was_killed_then_the_one_that_started_last_is_found() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    killed = endpoint.folder() / f"reaper-{gone.pid}.json"
    inside.announce({**ANNOUNCED, "pid": os.getpid(), "run": "new", "token": "t2", "port": 6})
    killed.write_text(json.dumps({**ANNOUNCED, "pid": gone.pid, "run": "old"}))
    os.chmod(killed, 0o600)
    assert endpoint.find_reaper(run="old").port == 6


@posix
def test_endpoint_when_announced_then_only_the_user_can_read_it() -> None:
    endpoint.folder().mkdir(mode=0o755)
    before = os.umask(0)
    try:
        path = inside.announce(ANNOUNCED)
    finally:
        os.umask(before)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert stat.S_IMODE(endpoint.folder().stat().st_mode) == 0o700
    assert [entry.name for entry in endpoint.folder().iterdir()] == ["reaper.json"]


@posix
def test_endpoint_when_others_can_read_it_then_it_is_not_trusted() -> None:
    os.chmod(inside.announce(ANNOUNCED), 0o644)
    with pytest.raises(HostError, match="not trusted"):
        endpoint.find_reaper()


@posix
def test_endpoint_when_its_folder_is_a_link_then_nothing_is_written(tmp_path: Path) -> None:
    endpoint.folder().symlink_to(tmp_path)
    with pytest.raises(OSError, match="not a folder of this user"):
        inside.announce(ANNOUNCED)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", json.dumps({**ANNOUNCED, "api": 99}), json.dumps({"api": endpoint.API, "port": "x"})]
)
def test_endpoint_when_damaged_or_of_another_version_then_a_sentence_with_a_way_out(text: str) -> None:
    path = Path(inside.announce(ANNOUNCED))
    path.write_text(text)
    with pytest.raises(HostError) as caught:
        endpoint.find_reaper()
    assert caught.value.hint


def test_daemon_when_announced_then_the_scripts_find_its_port() -> None:
    assert inside.daemon() == (9124, "")
    endpoint.announce_daemon(4321, TOKEN)
    assert inside.daemon() == (4321, TOKEN)
    assert endpoint.announced_daemon()["pid"] == os.getpid()
    endpoint.withdraw_daemon()
    assert inside.daemon() == (9124, "")


def test_daemon_when_another_process_announced_itself_then_it_is_not_withdrawn() -> None:
    path = endpoint.announce_daemon(4321, TOKEN)
    path.write_text(json.dumps({"port": 4321, "pid": os.getpid() + 1}))
    endpoint.withdraw_daemon()
    assert inside.daemon()[0] == 4321


@pytest.fixture
def other() -> Iterator[tuple[int, int]]:
    """(process, UDP port) of another program that listens."""
    code = (
        "import socket\n"
        "line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "line.bind(('127.0.0.1', 0))\n"
        "print(line.getsockname()[1], flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
        process.kill()


def announce_other(pid: int, port: int) -> Path:
    path = endpoint.announce_daemon(port, TOKEN)
    path.write_text(json.dumps({"port": port, "pid": pid}))
    return path


def test_daemon_when_another_one_runs_then_its_announcement_stays_and_the_sentence_names_it(
    other: tuple[int, int],
) -> None:
    path = announce_other(*other)
    before = path.read_text()
    with pytest.raises(HostError) as caught:
        endpoint.announce_daemon(4321, TOKEN)
    assert f"process {other[0]}" in caught.value.sentence
    assert f"port {other[1]}" in caught.value.sentence
    assert endpoint.FOLDER_VARIABLE in caught.value.hint
    endpoint.withdraw_daemon()
    assert path.read_text() == before


def test_daemon_when_the_announced_one_died_then_it_is_replaced(other: tuple[int, int]) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    announce_other(gone.pid, other[1])
    endpoint.announce_daemon(4321, TOKEN)
    assert inside.daemon() == (4321, TOKEN)


def test_daemon_when_its_process_number_went_to_another_program_then_it_is_replaced(
    other: tuple[int, int], free_port: int
) -> None:
    announce_other(other[0], free_port)
    endpoint.announce_daemon(4321, TOKEN)
    assert inside.daemon() == (4321, TOKEN)


def test_alive_when_asked_then_it_says_whether_the_process_runs(other: tuple[int, int]) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    numbers = [os.getpid(), other[0], gone.pid, 0, -1, 10**30]
    assert [endpoint.alive(pid) for pid in numbers] == [True, True, False, False, False, False]


@pytest.mark.parametrize("text", ["", "[]", '{"port": "9"}', '{"port": 70000}', '{"port": null}'])
def test_daemon_file_when_damaged_then_the_scripts_use_the_default_port(text: str) -> None:
    endpoint.announce_daemon(4321, TOKEN).write_text(text)
    assert inside.daemon() == (9124, "")
