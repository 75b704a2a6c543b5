"""Long work inside REAPER goes in slices: what one turn does, by a clock that the test moves; no REAPER is needed."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.host.line import reapy_module
from reaper_scripts.foley_inside import slices
from tests.reaper_scripts import hostile

STEP_S = 0.001


class Clock:
    """Each step of the work takes a millisecond; nothing else takes any time."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.ended: list[str] = []

    def __call__(self) -> float:
        return self.now_s

    def turn(self) -> slices.Turn:
        return slices.Turn(self)

    def steps(self, count: int, name: str = "done", limit_s: float | None = None) -> Iterator[float | None]:
        """Work of so many steps that may be cut after each; remembers that it ended, however it did."""
        try:
            for _ in range(count):
                self.now_s += STEP_S
                yield limit_s
            return name
        finally:
            self.ended.append(name)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def turns(clock: Clock, task: slices.Task) -> list[float]:
    """How long each turn was, in milliseconds."""
    found = []
    while True:
        began_s = clock()
        done = task.go_on(clock.turn())
        found.append(round((clock() - began_s) * 1000))
        if done:
            return found


def test_task_when_longer_than_its_share_then_each_turn_is_as_long_as_the_share(clock: Clock) -> None:
    task = slices.Task(clock.steps(40))
    assert turns(clock, task) == [15, 15, 10]
    assert (task.value, round(task.spent_s, 6)) == ("done", 0.04)


def test_task_when_short_then_it_is_done_in_one_turn(clock: Clock) -> None:
    assert turns(clock, slices.Task(clock.steps(14))) == [14]


@pytest.mark.parametrize(("limit_s", "expected"), [(slices.NEW_TURN, [1, 1, 1, 0]), (0.002, [2, 1]), (0.04, [3])])
def test_task_when_it_names_another_share_then_that_one_counts(
    clock: Clock, limit_s: float, expected: list[int]
) -> None:
    assert turns(clock, slices.Task(clock.steps(3, limit_s=limit_s))) == expected


def test_task_when_the_turn_was_used_by_others_then_one_step_is_done(clock: Clock) -> None:
    turn = clock.turn()
    clock.now_s += 1.0
    assert not slices.Task(clock.steps(5)).go_on(turn)
    assert round(clock() - 101.0, 6) == STEP_S


def test_task_when_another_turn_begins_then_the_work_is_told_once(clock: Clock) -> None:
    told: list[bool | None] = []

    def work() -> Iterator[float | None]:
        for _ in range(20):
            clock.now_s += STEP_S
            told.append((yield None))  # pyright: ignore[reportArgumentType]

    turns(clock, slices.Task(work()))
    assert told == [False] * 14 + [True] + [False] * 5


# -- the server --------------------------------------------------------------------------------------------------------


class Peer:
    """A client of a server that the test turns by hand."""

    def __init__(self, server: Any) -> None:
        self.server = server
        self.line = socket.create_connection(("127.0.0.1", server.port), timeout=5.0)
        self.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.turn()
        self.take()
        self.line.sendall(hostile.frame(server.token.encode()))
        self.turn()
        assert self.take()["type"] == "result"

    def turn(self) -> None:
        time.sleep(0.01)  # what was sent is there
        self.server.tick()

    def take(self) -> Any:
        """One frame; None when nothing has come."""
        self.line.settimeout(0.05)
        try:
            head = self.line.recv(8, socket.MSG_WAITALL)
        except TimeoutError:
            return None
        data = self.line.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL)
        return json.loads(data) if data[:1] == b"{" else data

    def ask(self, name: str, *args: Any) -> None:
        self.line.sendall(hostile.request("test", name, *args))


@pytest.fixture
def server(clock: Clock) -> Iterator[Any]:
    reapy_module()
    from reaper_scripts.foley_inside.server import SafeServer

    def fails() -> Iterator[None]:
        yield
        raise SystemExit(3)

    callables: dict[tuple[str, str], Callable[..., Any]] = {
        ("test", "long"): clock.steps,
        ("test", "fails"): fails,
        ("test", "short"): lambda: "short",
    }
    server = SafeServer(callables, turn=clock.turn)  # pyright: ignore[reportArgumentType]
    yield server
    server.close()


def test_server_when_a_function_goes_on_over_turns_then_its_peer_is_answered_at_the_end(
    server: Any, clock: Clock
) -> None:
    peer = Peer(server)
    peer.ask("long", 40)
    for _ in range(2):
        peer.turn()
        assert peer.take() is None
    peer.turn()
    assert peer.take() == {"type": "result", "value": "done"}
    peer.line.close()


def test_server_when_two_ask_then_the_first_is_served_first_and_a_turn_is_not_longer_for_it(
    server: Any, clock: Clock
) -> None:
    one, other = Peer(server), Peer(server)
    one.ask("long", 20, "one")
    one.turn()
    other.ask("long", 20, "other")
    other.ask("short")
    lengths = []
    while len(clock.ended) < 2:
        began_s = clock()
        one.turn()
        lengths.append(round((clock() - began_s) * 1000))
    assert (clock.ended, max(lengths)) == (["one", "other"], 15)
    one.turn()
    assert one.take()["value"] == "one"
    assert [other.take()["value"], other.take()["value"]] == ["other", "short"]
    one.line.close()
    other.line.close()


def test_server_when_the_peer_dies_between_two_slices_then_the_work_is_given_up_and_others_go_on(
    server: Any, clock: Clock
) -> None:
    peer = Peer(server)
    peer.ask("long", 1000)
    peer.turn()
    peer.line.close()
    good = Peer(server)
    assert clock.ended == ["done"]
    assert clock() < 100.1, "it was not worked to its end"
    good.ask("short")
    good.turn()
    assert good.take()["value"] == "short"
    good.line.close()


def test_server_when_half_a_frame_follows_a_request_then_that_request_is_answered_and_others_go_on(
    server: Any, clock: Clock
) -> None:
    peer, good = Peer(server), Peer(server)
    peer.ask("long", 20)
    peer.line.sendall(hostile.request("test", "short")[:30])
    peer.turn()
    peer.turn()
    assert peer.take()["value"] == "done"
    good.ask("short")
    good.turn()
    assert good.take()["value"] == "short"
    peer.line.close()
    good.line.close()


def test_server_when_it_closes_in_the_middle_then_the_work_lets_go_of_what_it_holds(server: Any, clock: Clock) -> None:
    peer = Peer(server)
    peer.ask("long", 40)
    peer.turn()
    server.close()
    assert clock.ended == ["done"]
    peer.line.close()


def test_server_when_work_fails_in_a_later_slice_then_that_is_answered_and_the_loop_goes_on(server: Any) -> None:
    peer = Peer(server)
    peer.ask("fails")
    peer.turn()
    answer = peer.take()
    assert answer["type"] == "error"
    assert "SystemExit" in answer["traceback"]
    peer.ask("short")
    peer.turn()
    assert peer.take()["value"] == "short"
    peer.line.close()
