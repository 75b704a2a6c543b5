"""The daemon's door under more than it can take: it answers, forgets nothing that it took, and does not grow."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from pythonosc.osc_message import OscMessage

from bridge.osc import client, server
from bridge.osc.messages import Answer, Verb
from bridge.osc.server import WAITING, OscServer
from tests import bursts
from tests.tokens import TOKEN


class Desk:
    """A handler that can be held up."""

    def __init__(self) -> None:
        self.heard: list[Verb] = []
        self.go = threading.Event()
        self.go.set()

    def handle(self, verb: Verb) -> Answer:
        self.heard.append(verb)
        assert self.go.wait(20.0)
        return Answer(ok=True, sentence=f"{verb.NAME} taken", job_id="j1")


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.go.set()


@pytest.fixture
def door(desk: Desk) -> Iterator[OscServer]:
    with OscServer(desk.handle, token=TOKEN, port=0) as door:
        yield door
        desk.go.set()


def line_to(door: OscServer) -> socket.socket:
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.settimeout(5.0)
    line.connect(("127.0.0.1", door.port))
    return line


def hear(line: socket.socket) -> Answer:
    _, ok, sentence, job_id = OscMessage(line.recv(65536)).params
    return Answer(ok=bool(ok), sentence=str(sentence), job_id=str(job_id))


def test_presses_when_the_handler_is_held_up_then_none_waits_for_another_ones_answer(
    desk: Desk, door: OscServer
) -> None:
    """Six at once: each is answered after its own 0.2 s, not after those before it."""
    desk.go.clear()
    lines = [line_to(door) for _ in range(6)]
    began = time.monotonic()
    for number, line in enumerate(lines):
        line.send(bursts.said("status", TOKEN, f"p{number}"))
    assert {hear(line).sentence for line in lines} == {server.LATE.sentence}
    assert time.monotonic() - began < 3 * server.PATIENCE_S
    for line in lines:
        line.close()


def test_presses_when_more_come_than_may_wait_then_the_rest_is_refused_at_once_and_nothing_taken_is_lost(
    desk: Desk, door: OscServer
) -> None:
    desk.go.clear()
    count = WAITING + 20
    with line_to(door) as line:
        for number in range(count):
            line.send(bursts.said("status", TOKEN, f"p{number}"))
        answers = [hear(line) for _ in range(count)]
        refused = [one for one in answers if not one.ok]
        assert 18 <= len(refused) <= 20
        assert {one.sentence for one in refused} == {server.BUSY.sentence}
        desk.go.set()
        until = time.monotonic() + 10
        while len(desk.heard) < count - len(refused) and time.monotonic() < until:
            time.sleep(0.01)
        line.send(bursts.said("status", TOKEN, f"p{count - 1}"))
        assert not hear(line).ok
    assert len(desk.heard) == count - len(refused)


def test_press_when_it_comes_again_before_its_answer_then_both_senders_get_the_one_answer(
    desk: Desk, door: OscServer
) -> None:
    desk.go.clear()
    with line_to(door) as one, line_to(door) as two:
        one.send(bursts.said("status", TOKEN, "same"))
        two.send(bursts.said("status", TOKEN, "same"))
        while not desk.heard:
            time.sleep(0.005)
        desk.go.set()
        answers = [hear(one), hear(two)]
        two.send(bursts.said("status", TOKEN, "same"))
        answers.append(hear(two))
    assert answers[-1] == Answer(ok=True, sentence="status taken", job_id="j1")
    assert all(one.ok for one in answers)
    assert len(desk.heard) == 1


def test_press_when_it_was_taken_up_late_then_asking_again_tells_how_it_went(desk: Desk, door: OscServer) -> None:
    desk.go.clear()
    with line_to(door) as line:
        line.send(bursts.said("status", TOKEN, "slow"))
        assert hear(line) == server.LATE
        desk.go.set()
        until, answer = time.monotonic() + 10, server.LATE
        while answer == server.LATE and time.monotonic() < until:
            line.send(bursts.said("status", TOKEN, "slow"))
            answer = hear(line)
    assert answer.sentence == "status taken"
    assert len(desk.heard) == 1


def test_door_when_it_closes_then_who_still_waits_is_told_so(desk: Desk) -> None:
    door = OscServer(desk.handle, token=TOKEN, port=0)
    door.start()
    desk.go.clear()
    with line_to(door) as line:
        line.send(bursts.said("status", TOKEN, "first"))
        while not desk.heard:
            time.sleep(0.005)
        line.send(bursts.said("status", TOKEN, "second"))
        while door._orders.empty():
            time.sleep(0.005)
        closing = threading.Thread(target=door.close)
        closing.start()
        told = [hear(line)]
        desk.go.set()
        closing.join()
        told.append(hear(line))
    assert server.STOPPING in told
    assert len(desk.heard) == 1


@pytest.mark.parametrize("kind", [*bursts.KINDS, bursts.MIXED])
def test_flood_when_thousands_of_packets_come_then_a_key_is_answered_and_little_is_logged_and_kept(
    desk: Desk, kind: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "REMEMBERED", 64)
    with OscServer(desk.handle, token=TOKEN, port=0) as door:
        threads = threading.active_count()
        count = 10_000 if kind == bursts.MIXED else 2_000
        sending = threading.Thread(target=bursts.send, args=(door.port, TOKEN, kind, count))
        sending.start()
        during = client.ask(door.port, "status", token=TOKEN, timeout_s=10.0)
        sending.join()
        after = client.ask(door.port, "status", token=TOKEN, timeout_s=10.0)
        assert during is not None
        assert after is not None
        assert threading.active_count() == threads
        assert len(door._known) <= 64
        assert len(door._open) <= WAITING + 1
    assert len(caplog.records) <= 2


def test_refusals_when_strangers_flood_then_few_are_answered(door: OscServer) -> None:
    with line_to(door) as line:
        for number in range(1000):
            line.send(bursts.said("detect", "wrong", f"w{number}"))
        answers: list[Answer] = []
        line.settimeout(0.3)
        with suppress(TimeoutError):
            while True:
                answers.append(hear(line))
    assert 1 <= len(answers) <= 15
    assert all("wrong token" in one.sentence for one in answers)


def test_client_when_datagrams_are_dropped_then_it_sends_the_same_press_again() -> None:
    """As the kernel does while the door is flooded; the press id is the same, so that it is one press."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        door.settimeout(5.0)
        packets: list[bytes] = []

        def answer() -> None:
            packets.extend(door.recv(65536) for _ in range(2))
            data, sender = door.recvfrom(65536)
            packets.append(data)
            door.sendto(server.pack_answer("status", Answer(ok=True, sentence="Ready.")), sender)

        answering = threading.Thread(target=answer)
        answering.start()
        found = client.ask(door.getsockname()[1], "status", token=TOKEN, timeout_s=3.0)
        answering.join()
    assert found == Answer(ok=True, sentence="Ready.")
    assert len(set(packets)) == 1
