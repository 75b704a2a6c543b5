"""The controller door over real UDP: named devices press buttons, strangers are air, junk is harmless."""

from __future__ import annotations

import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message import OscMessage

from bridge.errors import BridgeError, RequestError
from bridge.osc import door as door_module
from bridge.osc.door import ControllerDoor
from bridge.osc.messages import Answer
from bridge.osc.peers import Peer
from tests.bridge.osc.wires import Device, packet

VERBS = {"generate", "cancel", "status", "refuse", "break", "whisper"}


class Desk:
    """A handler that remembers what was pressed."""

    def __init__(self) -> None:
        self.pressed: list[str] = []
        self.wait = threading.Event()
        self.wait.set()

    def handle(self, verb: str) -> Answer:
        self.pressed.append(verb)
        self.wait.wait(5.0)
        if verb == "refuse":
            raise RequestError("8 jobs are waiting already", hint="Wait")
        if verb == "break":
            raise KeyError("oops")
        if verb == "whisper":
            return Answer(ok=True, sentence="Making sound for 'SECRET' as 'wood'.", job_id="j2")
        return Answer(ok=True, sentence=f"{verb} taken", job_id="j1")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def device() -> Iterator[Device]:
    device = Device()
    yield device
    device.close()


@pytest.fixture
def stranger() -> Iterator[Device]:
    try:
        device = Device("127.0.0.2")
    except OSError:
        pytest.skip("this system has no 127.0.0.2")
    yield device
    device.close()


@pytest.fixture
def door(desk: Desk, device: Device) -> Iterator[ControllerDoor]:
    peers = [Peer(address=device.address, port=device.port)]
    with ControllerDoor(desk.handle, VERBS, bind="127.0.0.1", port=0, peers=peers) as door:
        yield door
        desk.wait.set()


def press(door: ControllerDoor, device: Device, data: bytes) -> list[object] | None:
    device.send(door.port, data)
    heard = device.hear()
    assert heard is None or heard[0] == "/foley/answer"
    return heard and heard[1]


def still_answers(door: ControllerDoor, device: Device) -> bool:
    """Whether a press is answered, tried as a finger would."""
    for _ in range(10):
        device.send(door.port, packet("/foley/status"))
        while (heard := device.hear(0.3)) is not None:
            if heard[1] == ["status", 1, "status taken", "j1"]:
                return True
    return False


PRESSES = {
    "nothing": packet("/foley/generate"),
    "no type tags": b"/foley/generate\0",
    "1": packet("/foley/generate", ("i", 1)),
    "1.0": packet("/foley/generate", ("f", 1.0)),
    "1 in 64 bits": packet("/foley/generate", ("h", 1)),
    "1.0 in 64 bits": packet("/foley/generate", ("d", 1.0)),
}


@pytest.mark.parametrize("name", PRESSES)
def test_verb_when_a_named_device_presses_then_it_is_taken_and_answered(
    desk: Desk, door: ControllerDoor, device: Device, name: str
) -> None:
    assert press(door, device, PRESSES[name]) == ["generate", 1, "generate taken", "j1"]
    assert desk.pressed == ["generate"]


@pytest.mark.parametrize("release", [("i", 0), ("f", 0.0), ("f", -0.0)])
def test_button_when_it_is_let_go_then_nothing_happens_and_nothing_is_said(
    desk: Desk, door: ControllerDoor, device: Device, caplog: pytest.LogCaptureFixture, release: tuple[str, object]
) -> None:
    device.send(door.port, packet("/foley/generate", release))
    assert press(door, device, packet("/foley/status")) == ["status", 1, "status taken", "j1"]
    door.close()
    assert desk.pressed == ["status"]
    assert "not taken" not in caplog.text


REFUSED = {
    "prompt": packet("/foley/generate", ("s", "wood")),
    "empty text": packet("/foley/generate", ("s", "")),
    "half": packet("/foley/generate", ("f", 0.5)),
    "two": packet("/foley/generate", ("i", 2)),
    "nan": packet("/foley/generate", ("f", float("nan"))),
    "true": packet("/foley/generate", ("T", True)),
    "nil": packet("/foley/generate", ("N", None)),
    "two numbers": packet("/foley/generate", ("i", 1), ("i", 1)),
    "number cut short": packet("/foley/generate", ("d", 1.0))[:-4],
    "a verb that is not allowed": packet("/foley/prompt"),
    "a pattern": packet("/foley/*"),
    "another address": packet("/action", ("i", 1)),
    "a verb within a verb": packet("/foley/generate/again"),
    "no end": b"/foley/generates",
    "odd length": b"/foley/generate\0\0",
    "not ascii": b"/foley/g\xff\xfe\0\0\0\0\0\0",
    "too long": packet("/foley/" + "g" * 300),
}


@pytest.mark.parametrize("name", REFUSED)
def test_message_when_it_is_no_press_then_it_is_refused_with_a_sentence(
    desk: Desk, door: ControllerDoor, device: Device, name: str
) -> None:
    answer = press(door, device, REFUSED[name])
    assert answer is not None
    assert answer[1] == 0
    assert str(answer[2]).endswith(".")
    assert press(door, device, packet("/foley/status")) == ["status", 1, "status taken", "j1"]
    assert desk.pressed == ["status"]


def test_bundle_when_sent_then_it_is_refused(desk: Desk, door: ControllerDoor, device: Device) -> None:
    bundle = OscBundleBuilder(IMMEDIATELY)
    bundle.add_content(OscMessage(packet("/foley/generate")))  # pyright: ignore[reportArgumentType]
    answer = press(door, device, bundle.build().dgram)
    assert answer is not None
    assert "bundles" in str(answer[2])
    assert desk.pressed == []


@pytest.mark.parametrize("data", [*PRESSES.values(), REFUSED["prompt"], REFUSED["another address"], b"junk"])
def test_stranger_when_it_sends_anything_then_nothing_is_done_and_nothing_comes_back(
    desk: Desk, door: ControllerDoor, device: Device, stranger: Device, data: bytes
) -> None:
    stranger.send(door.port, data)
    assert press(door, device, packet("/foley/status")) == ["status", 1, "status taken", "j1"]
    assert desk.pressed == ["status"]
    assert stranger.hear(0.1) is None


def test_answer_when_a_device_sends_from_another_port_then_it_goes_to_the_named_ones(
    desk: Desk, device: Device
) -> None:
    sender, second = Device(), Device()
    peers = [Peer(address="127.0.0.1", port=device.port), Peer(address="127.0.0.1", port=second.port)]
    with ControllerDoor(desk.handle, VERBS, bind="127.0.0.1", port=0, peers=peers) as door:
        sender.send(door.port, packet("/foley/status"))
        expected = ("/foley/answer", ["status", 1, "status taken", "j1"])
        assert device.hear() == expected
        assert second.hear() == expected
        assert sender.hear(0.1) is None
    sender.close()
    second.close()


def test_refusal_when_the_handler_raises_then_its_sentence_is_the_answer(door: ControllerDoor, device: Device) -> None:
    sentence = "8 jobs are waiting already. Wait."
    assert press(door, device, packet("/foley/refuse")) == ["refuse", 0, sentence, ""]


def test_fault_when_the_handler_breaks_then_it_is_answered_and_the_next_press_works(
    door: ControllerDoor, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    assert press(door, device, packet("/foley/break")) == ["break", 0, "Refused; the log says why.", ""]
    assert "KeyError" in caplog.text
    assert still_answers(door, device)


def test_answer_when_the_sentence_names_something_then_only_that_it_was_received_is_sent(
    door: ControllerDoor, device: Device
) -> None:
    assert press(door, device, packet("/foley/whisper")) == ["whisper", 1, "Received.", "j2"]


@pytest.mark.parametrize("address", ["/foley/answer", "/foley/progress", "/foley/state"])
def test_own_words_when_they_come_back_then_they_are_dropped(
    desk: Desk, door: ControllerDoor, device: Device, address: str
) -> None:
    device.send(door.port, packet(address, ("s", "generate"), ("i", 1), ("s", ""), ("s", "")))
    assert press(door, device, packet("/foley/status")) == ["status", 1, "status taken", "j1"]


def junk(number: int) -> bytes:
    kinds = (
        b"\xff" * 300,
        b"",
        b"/" * 1000,
        b"#bundle\0" + b"\0" * 40,
        packet("/foley/generate", ("i", number + 2)),
        packet(f"/foley/x{number}"),
        b"/foley/generate\0,ZZZZZZ\0" + struct.pack(">i", number),
    )
    return kinds[number % len(kinds)]


@pytest.mark.parametrize("named", [True, False])
def test_junk_when_ten_thousand_come_in_a_burst_then_the_door_answers_and_logs_little(
    desk: Desk,
    door: ControllerDoor,
    device: Device,
    stranger: Device,
    caplog: pytest.LogCaptureFixture,
    named: bool,
) -> None:
    sender = Device() if named else stranger
    for number in range(10_000):
        sender.send(door.port, junk(number))
    began = time.monotonic()
    assert still_answers(door, device)
    assert time.monotonic() - began < 3.0
    assert set(desk.pressed) == {"status"}
    door.close()
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert 1 <= len(lines) <= 2
    assert all("not taken" in line for line in lines)
    assert ("127.0.0.2" in lines[0]) != named
    if named:
        sender.close()


def test_refusals_when_a_named_device_is_mad_then_answers_to_it_stay_few(door: ControllerDoor, device: Device) -> None:
    for _ in range(200):
        device.send(door.port, packet("/foley/nonsense"))
    answers = 0
    while device.hear(0.3) is not None:
        answers += 1
    assert 1 <= answers <= door_module.REFUSALS_PER_S + 3


def test_presses_when_they_come_too_fast_then_only_so_many_are_taken(
    desk: Desk, door: ControllerDoor, device: Device
) -> None:
    for _ in range(200):
        device.send(door.port, packet("/foley/generate"))
    while device.hear(0.3) is not None:
        pass
    assert 1 <= len(desk.pressed) <= door_module.PRESSES_PER_S + 5


def test_presses_when_the_handler_hangs_then_the_queue_is_bounded_and_the_device_is_told(
    desk: Desk, door: ControllerDoor, device: Device
) -> None:
    desk.wait.clear()
    for _ in range(12):
        device.send(door.port, packet("/foley/generate"))
    heard = device.hear()
    assert heard is not None
    assert heard[1] == ["generate", 0, "The bridge is busy. Press again in a moment.", ""]
    desk.wait.set()
    device.hear_until(lambda address, values: values[1] == 1)


def test_log_when_refusals_go_on_then_there_is_one_line_a_minute_and_the_rest_at_the_end(
    door: ControllerDoor,
    device: Device,
    stranger: Device,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(5):
        stranger.send(door.port, packet("/foley/generate"))
    assert still_answers(door, device)
    assert "1 messages not taken (1 from strangers); the last stranger was 127.0.0.2" in caplog.text
    assert caplog.text.count("not taken") == 1
    monkeypatch.setattr(door._refused, "every_s", 0.0)
    stranger.send(door.port, packet("/foley/generate"))
    assert still_answers(door, device)
    assert "5 messages not taken (5 from strangers)" in caplog.text
    door.close()
    assert caplog.text.count("not taken") == 2


def test_log_when_a_named_device_sends_words_then_they_are_not_logged(
    door: ControllerDoor, device: Device, caplog: pytest.LogCaptureFixture
) -> None:
    press(door, device, packet("/foley/generate", ("s", "SECRET")))
    press(door, device, packet("/foley/SECRET"))
    door.close()
    assert "not understood" in caplog.text
    assert "SECRET" not in caplog.text


def test_start_when_the_port_is_taken_then_the_error_names_it_and_the_way_out(door: ControllerDoor) -> None:
    with pytest.raises(BridgeError) as caught:
        ControllerDoor(lambda verb: Answer(ok=True), VERBS, bind="127.0.0.1", port=door.port, peers=[])
    assert str(door.port) in caught.value.sentence
    assert "controller_port" in caught.value.sentence


def test_start_when_the_address_is_not_ours_then_the_error_names_the_setting() -> None:
    with pytest.raises(BridgeError) as caught:
        ControllerDoor(lambda verb: Answer(ok=True), VERBS, bind="203.0.113.77", port=0, peers=[])
    assert "controller_bind 203.0.113.77 is no address of this computer" in caught.value.sentence


def test_close_when_called_twice_then_the_port_is_free_again(desk: Desk) -> None:
    door = ControllerDoor(desk.handle, VERBS, bind="127.0.0.1", port=0, peers=[])
    door.start()
    port = door.port
    door.close()
    door.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("127.0.0.1", port))
