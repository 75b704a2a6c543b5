"""Promise 6 and 7: of two daemons the second names the first and leaves; one that died, at any moment, stops nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.osc import client
from tests.packs import tiny_pack
from tests.story import free_udp_port

WAIT_S = 60.0


class House:
    """One user's folder, and the daemons that are started in it."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.endpoint = folder / "endpoint"
        self._stack = stack
        self._pack = tiny_pack(folder / "packs")
        self._home = {name: str(folder / "home") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}

    def serve(self, port: int) -> subprocess.Popen[str]:
        """``foley-bridge serve`` in a process of its own."""
        flags = ["--packs-dir", str(self._pack.parent), "--pack", self._pack.name, "--threads", "1"]
        env = {**os.environ, **self._home, "FOLEY_BRIDGE_ENDPOINT": str(self.endpoint)}
        command = [sys.executable, "-m", "bridge", *flags, "serve", "--port", str(port)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=env)
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        return process

    def answers(self, port: int) -> bool:
        """Whether the daemon on that port is the announced one, and answers."""
        try:
            said = json.loads((self.endpoint / "daemon.json").read_text())
        except (OSError, ValueError):
            return False
        return said["port"] == port and client.ask(port, "status", token=said["token"]) is not None


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def until(condition: Callable[[], bool], *processes: subprocess.Popen[str]) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        for process in processes:
            assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end
        time.sleep(0.005)


def test_second_daemon_when_the_first_runs_then_it_names_it_and_leaves_and_starts_once_that_was_killed(
    house: House,
) -> None:
    one, two = free_udp_port(), free_udp_port()
    first = house.serve(one)
    until(lambda: house.answers(one), first)
    second = house.serve(two)
    said = second.communicate(timeout=WAIT_S)[1]
    assert second.returncode == 2
    sentence = said.splitlines()[-1]
    assert sentence.startswith(
        f"foley-bridge: Another foley-bridge (process {first.pid}) runs already, on UDP port {one}"
    )
    assert "Traceback" not in said
    assert house.answers(one)
    first.kill()
    first.wait()
    third = house.serve(two)
    until(lambda: house.answers(two), third)


def test_second_daemon_when_the_first_was_killed_while_starting_then_it_starts_and_is_the_one(house: House) -> None:
    one, two = free_udp_port(), free_udp_port()
    first = house.serve(one)
    until((house.endpoint / "daemon.lock").exists, first)
    first.kill()
    first.wait()
    second = house.serve(two)
    until(lambda: house.answers(two), second)


def test_daemons_when_two_start_at_once_then_one_stays_and_the_other_names_it(house: House) -> None:
    ports = [free_udp_port(), free_udp_port()]
    both = [house.serve(port) for port in ports]
    until(lambda: any(process.poll() is not None for process in both))
    (left,) = [number for number, process in enumerate(both) if process.poll() is not None]
    said = both[left].communicate()[1]
    assert both[left].returncode == 2
    assert "Another foley-bridge" in said.splitlines()[-1]
    stays = 1 - left
    until(lambda: house.answers(ports[stays]), both[stays])
