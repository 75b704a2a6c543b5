"""What REAPER's own OSC feedback tells the bridge: that markers changed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.errors import BridgeError
from bridge.osc.surface import MarkerEar


class Heard:
    """Counts touches."""

    def __init__(self) -> None:
        self.count = 0
        self.changed = threading.Condition()

    def touched(self) -> None:
        with self.changed:
            self.count += 1
            self.changed.notify()

    def until(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.count >= count, 5.0)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def ear(heard: Heard, free_port: int) -> Iterator[MarkerEar]:
    with MarkerEar(free_port, heard.touched) as ear:
        yield ear


def send(ear: MarkerEar, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.sendto(data, ("127.0.0.1", ear.port))


def message(address: str, value: float | str):
    builder = OscMessageBuilder(address=address)
    builder.add_arg(value)
    return builder.build()


@pytest.mark.parametrize("address", ["/marker/3/time", "/marker/1/name", "/region/2/length"])
def test_ear_when_a_marker_or_region_changes_then_it_is_told_bare_or_in_a_bundle(
    ear: MarkerEar, heard: Heard, address: str
) -> None:
    send(ear, message(address, 1.5).dgram)
    heard.until(1)
    bundle = OscBundleBuilder(IMMEDIATELY)
    for content in (message("/time", 2.0), message(address, 3.5)):
        bundle.add_content(content)  # pyright: ignore[reportArgumentType]
    send(ear, bundle.build().dgram)
    heard.until(2)


def test_ear_when_reaper_plays_or_sends_junk_then_nothing_is_told_and_it_goes_on(ear: MarkerEar, heard: Heard) -> None:
    for data in (message("/time", 2.0).dgram, message("/lastmarker/time", 2.0).dgram, b"", b"\xff" * 9000, b"#bundle"):
        send(ear, data)
    send(ear, message("/marker/1/time", 1.0).dgram)
    heard.until(1)
    assert heard.count == 1


def test_ear_when_its_port_is_taken_then_a_sentence_names_the_setting(ear: MarkerEar) -> None:
    with pytest.raises(BridgeError, match=str(ear.port)) as caught:
        MarkerEar(ear.port, lambda: None)
    assert "reaper_osc_port" in caught.value.hint


def test_ear_when_following_fails_once_then_the_next_marker_is_heard(heard: Heard, free_port: int) -> None:
    def failing() -> None:
        heard.touched()
        if heard.count == 1:
            raise RuntimeError("the queue is closed")

    with MarkerEar(free_port, failing) as ear:
        for number in (1, 2):
            send(ear, message("/marker/3/time", 1.5).dgram)
            heard.until(number)
