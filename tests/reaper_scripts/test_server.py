"""The server that runs inside REAPER, over real TCP, with a loop that turns 200 times a second.

Every hostile input is judged the same way: a second, good client goes on at one turn per call.
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from bridge.host.endpoint import Endpoint
from bridge.host.line import Line, LineError, LineRefused, reapy_module
from tests.reaper_scripts import hostile

TURN_S = 0.005


def _leave() -> None:
    sys.exit(3)


def _recurse() -> Any:
    return _recurse()


CALLABLES: dict[tuple[str, str], Callable[..., Any]] = {
    ("test", "echo"): lambda value: value,
    ("test", "big"): lambda size: "x" * size,
    ("test", "unserialisable"): lambda: object(),
    ("test", "leave"): _leave,
    ("test", "recurse"): _recurse,
    ("foley_inside.read", "read"): lambda cursor_s=None, mouse_track_guid="": "seen",
}


class Running:
    """The server, turned by a thread as REAPER's deferred loop would; remembers its slowest turn."""

    def __init__(self) -> None:
        reapy_module()
        from reaper_scripts.foley_inside.server import SafeServer

        self.server = SafeServer(CALLABLES, about={"api": 1})
        self.slowest_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._turn)
        self._thread.start()

    def _turn(self) -> None:
        while not self._stop.wait(TURN_S):
            began = time.perf_counter()
            self.server.tick()
            self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
        self.server.close()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def endpoint(self) -> Endpoint:
        return Endpoint(port=self.server.port, token=self.server.token, pid=0, version="", resource_path="")

    def client(self) -> Line:
        return Line(self.endpoint, time.monotonic() + 5.0)

    def raw(self, *, trusted: bool) -> socket.socket:
        """A bare connection whose greeting is read, and with ``trusted`` its token accepted."""
        line = socket.create_connection(("127.0.0.1", self.server.port), timeout=5.0)
        take(line)
        if trusted:
            line.sendall(hostile.frame(self.server.token.encode()))
            assert json.loads(take(line))["type"] == "result"
        return line


def take(line: socket.socket) -> bytes:
    """One frame; b"" when the server hung up."""
    head = line.recv(8, socket.MSG_WAITALL)
    return line.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL) if head else b""


def echo(line: Line, value: Any = "hello") -> Any:
    return line.call("test", "echo", [value], {}, time.monotonic() + 5.0)


def newcomer(running: Running) -> Any:
    """What a client that comes now gets for its first call."""
    with closing(running.client()) as line:
        return echo(line)


@pytest.fixture
def running() -> Iterator[Running]:
    running = Running()
    yield running
    running.close()


@pytest.mark.parametrize(
    ("trusted", "name"), [(False, name) for name in hostile.BEFORE] + [(True, name) for name in hostile.AFTER]
)
def test_hostile_input_when_sent_then_a_second_client_goes_on(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trusted: bool, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    good = running.client()
    bad = running.raw(trusted=trusted)
    (hostile.AFTER if trusted else hostile.BEFORE)[name](bad)
    for number in range(5):
        assert echo(good, number) == number
    assert running.slowest_s < 0.5
    assert not (tmp_path / "pwned").exists()
    assert newcomer(running) == "hello"
    bad.close()
    good.close()


@pytest.mark.parametrize(
    ("module", "name"), [("os", "system"), ("builtins", "eval"), ("reapy.config.config", "os.system")]
)
def test_foreign_callable_when_asked_with_the_right_token_then_it_is_refused(
    running: Running, module: str, name: str
) -> None:
    line = running.client()
    with pytest.raises(LineRefused, match="not on the list"):
        line.call(module, name, ["echo hello"], {}, time.monotonic() + 5.0)
    assert echo(line) == "hello"
    line.close()


@pytest.mark.parametrize(
    "name", ["hold", "reapy object", "slice", "array", "not json", "deep json", "nan", "system exit"]
)
def test_refused_request_when_the_peer_is_trusted_then_it_is_told_why(running: Running, name: str) -> None:
    bad = running.raw(trusted=True)
    hostile.AFTER[name](bad)
    answer = json.loads(take(bad))
    assert answer["type"] == "error"
    assert answer["traceback"]
    bad.close()


@pytest.mark.parametrize("name", ["http", "wrong token", "request without token", "giant length"])
def test_stranger_when_it_has_no_token_then_it_is_cut_off_without_a_word(running: Running, name: str) -> None:
    bad = running.raw(trusted=False)
    hostile.BEFORE[name](bad)
    with suppress(ConnectionResetError):
        assert take(bad) == b""
    bad.close()


def test_stranger_when_silent_for_two_seconds_then_it_is_cut_off(running: Running) -> None:
    bad = running.raw(trusted=False)
    began = time.monotonic()
    assert take(bad) == b""
    assert 1.5 < time.monotonic() - began < 3.0
    bad.close()


def test_connections_when_strangers_fill_them_then_a_client_still_gets_in(running: Running) -> None:
    strangers = [running.raw(trusted=False) for _ in range(100)]
    assert newcomer(running) == "hello"
    assert len(running.server._peers) <= 8 + 32
    for line in strangers:
        line.close()


def test_connections_when_trusted_clients_fill_them_then_one_more_is_turned_away(running: Running) -> None:
    lines = [running.client() for _ in range(8)]
    with pytest.raises(LineError):
        running.client()
    assert echo(lines[0]) == "hello"
    for line in lines:
        line.close()


def test_token_when_wrong_then_the_client_gets_no_line(running: Running) -> None:
    wrong = Endpoint(port=running.server.port, token="0" * 64, pid=0, version="", resource_path="")
    with pytest.raises(LineError):
        Line(wrong, time.monotonic() + 5.0)


def test_token_when_two_servers_start_then_each_has_its_own() -> None:
    one, two = Running(), Running()
    assert one.server.token != two.server.token
    assert len(one.server.token) == 64
    one.close()
    two.close()


def test_server_when_it_listens_then_only_on_loopback(running: Running) -> None:
    assert running.server._socket.getsockname()[0] == "127.0.0.1"


def test_fifty_requests_when_pipelined_then_each_is_answered_in_order(running: Running) -> None:
    line = running.raw(trusted=True)
    line.sendall(b"".join(hostile.request("test", "echo", number) for number in range(50)))
    assert [json.loads(take(line))["value"] for _ in range(50)] == list(range(50))
    line.close()


def test_answer_when_it_is_large_then_it_arrives_whole(running: Running) -> None:
    line = running.client()
    value = line.call("test", "big", [20_000_000], {}, time.monotonic() + 10.0)
    assert len(value) == 20_000_000
    line.close()


def test_peer_when_it_never_reads_its_large_answer_then_the_others_go_on(running: Running) -> None:
    deaf = running.raw(trusted=True)
    deaf.sendall(hostile.request("test", "big", 30_000_000))
    good = running.client()
    for number in range(20):
        assert echo(good, number) == number
    deaf.close()
    good.close()


def test_request_when_its_sender_hung_up_before_the_turn_then_nothing_is_done() -> None:
    """A daemon that gave up waiting (a dialog was open) must not see its change arrive after all."""
    reapy_module()
    from reaper_scripts.foley_inside.server import SafeServer

    done: list[int] = []
    server = SafeServer({("test", "act"): lambda: done.append(1)})
    line = socket.create_connection(("127.0.0.1", server.port), timeout=5.0)
    server.tick()
    take(line)
    line.sendall(hostile.frame(server.token.encode()))
    time.sleep(0.02)
    server.tick()
    take(line)
    line.sendall(hostile.request("test", "act"))
    line.close()
    time.sleep(0.02)
    server.tick()
    server.tick()
    server.close()
    assert done == []


def test_call_when_the_server_turns_at_reapers_pace_then_it_takes_one_turn(running: Running) -> None:
    line = running.client()
    began = time.monotonic()
    for number in range(40):
        echo(line, number)
    assert (time.monotonic() - began) / 40 < 4 * TURN_S
    line.close()
