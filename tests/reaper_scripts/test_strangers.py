"""Strangers at the server inside REAPER: however many, a turn stays short, and the daemon gets in and is not slowed."""

from __future__ import annotations

import itertools
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from typing import Any

import pytest

from bridge.host.line import reapy_module
from tests.reaper_scripts import hostile
from tests.reaper_scripts.test_server import Running, echo, newcomer


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Iterator[Any]:
    """The server, turned by hand."""
    reapy_module()
    from reaper_scripts.foley_inside.server import SafeServer

    server = SafeServer({("test", "echo"): lambda value: value}, clock=clock)
    yield server
    server.close()


def connected(server: Any, stack: ExitStack, count: int) -> list[socket.socket]:
    return [
        stack.enter_context(closing(socket.create_connection(("127.0.0.1", server.port), timeout=5.0)))
        for _ in range(count)
    ]


def test_turn_when_many_strangers_wait_then_it_takes_few_and_keeps_few(server: Any, clock: Clock) -> None:
    with ExitStack() as stack:
        connected(server, stack, 100)
        held = []
        for _ in range(12):
            server.tick()
            clock.now_s += 0.03
            held.append(len(server._peers))
        assert held[0] <= 16
        assert max(b - a for a, b in itertools.pairwise(held)) <= 16
        assert max(held) <= 32
        assert server.strangers > 0
        assert not server.strangers_spoke


def test_stranger_when_others_push_in_then_it_still_has_time_to_show_the_token(server: Any, clock: Clock) -> None:
    with ExitStack() as stack:
        connected(server, stack, 40)
        (good,) = connected(server, stack, 1)
        connected(server, stack, 40)
        for _ in range(60):
            server.tick()
            clock.now_s += 0.01
            if _greeted(good):
                break
        for _ in range(5):  # the time that its token takes to come
            server.tick()
            clock.now_s += 0.01
        good.sendall(hostile.frame(server.token.encode()))
        time.sleep(0.02)
        for _ in range(3):
            server.tick()
        assert sum(peer.trusted for peer in server._peers.values()) == 1


def test_strangers_when_they_say_the_wrong_thing_then_each_is_counted(server: Any, clock: Clock) -> None:
    with ExitStack() as stack:
        for line in connected(server, stack, 10):
            line.sendall(hostile.frame(b"0" * 64))
        time.sleep(0.05)
        for _ in range(3):
            server.tick()
        assert (server.strangers, server.strangers_spoke) == (10, True)
        assert server._peers == {}


def test_peer_when_it_has_shown_the_token_and_leaves_then_it_is_no_stranger(server: Any) -> None:
    with ExitStack() as stack:
        (line,) = connected(server, stack, 1)
        line.sendall(hostile.frame(server.token.encode()))
        time.sleep(0.02)
        server.tick()
        server.tick()
        assert json.loads(_last(line))["type"] == "result"
    time.sleep(0.02)
    server.tick()
    assert (server.strangers, server._peers) == (0, {})


def _greeted(line: socket.socket) -> bool:
    line.setblocking(False)
    try:
        return bool(line.recv(8, socket.MSG_PEEK))
    except BlockingIOError:
        return False
    finally:
        line.settimeout(5.0)


def _last(line: socket.socket) -> bytes:
    found = b""
    for _ in range(2):
        head = line.recv(8, socket.MSG_WAITALL)
        found = line.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL)
    return found


def test_client_when_strangers_come_without_end_then_it_goes_on_and_another_gets_in() -> None:
    running, stop = Running(), threading.Event()

    def pester() -> None:
        while not stop.is_set():
            with suppress(OSError), socket.create_connection(("127.0.0.1", running.server.port), timeout=1.0) as line:
                line.sendall(b"GET / HTTP/1.1\r\n\r\n")

    pests = [threading.Thread(target=pester) for _ in range(3)]
    try:
        with closing(running.client()) as good:
            for pest in pests:
                pest.start()
            for number in range(100):
                assert echo(good, number) == number
            assert newcomer(running) == "hello"
        assert running.server.strangers > 10
        assert running.slowest_s < 0.5
    finally:
        stop.set()
        for pest in pests:
            pest.join()
        running.close()
