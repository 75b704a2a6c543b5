"""The strict reader of OSC messages: what it takes it reads as python-osc does, and what it refuses costs little."""

from __future__ import annotations

import random
import struct
import time
from contextlib import suppress

import pytest
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.errors import RequestError
from bridge.osc.packet import MOST_ARGUMENTS, pack, unpack

GOOD = [("s", ""), ("s", "abc"), ("s", "four"), ("s", "木 ä"), ("i", -7), ("f", 0.5), ("h", 2**40), ("d", 1.25)]


def built(address: str, *arguments: tuple[str, object]) -> bytes:
    builder = OscMessageBuilder(address=address)
    for kind, value in arguments:
        builder.add_arg(value, kind)  # pyright: ignore[reportArgumentType]
    return builder.build().dgram


def test_message_when_good_then_it_is_read_as_by_python_osc() -> None:
    chance = random.Random(6)
    for _ in range(300):
        arguments = chance.choices(GOOD, k=chance.randrange(MOST_ARGUMENTS + 1))
        data = built("/foley/" + "x" * chance.randrange(9), *arguments)
        message = OscMessage(data)
        assert unpack(data) == (message.address, list(message.params))


def test_message_when_cut_or_changed_anywhere_then_it_is_refused_or_read_and_nothing_else_happens() -> None:
    chance = random.Random(7)
    whole = built("/foley/detect", *GOOD)
    for _ in range(3000):
        data = bytearray(whole[: chance.randrange(len(whole) + 1)])
        for _ in range(chance.randrange(4)):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        with suppress(RequestError):
            unpack(bytes(data))


@pytest.mark.parametrize("tag", "TFNIbtcrmS[]Z")
def test_message_when_an_argument_is_no_text_and_no_number_then_it_is_refused(tag: str) -> None:
    with pytest.raises(RequestError, match=r"type|types"):
        unpack(b"/foley/detect\0\0\0," + tag.encode() + b"\0\0" + bytes(8))


def test_message_when_it_claims_many_arguments_or_has_more_bytes_then_it_is_refused() -> None:
    with pytest.raises(RequestError, match="list of types"):
        unpack(built("/a", *[("i", 1)] * (MOST_ARGUMENTS + 1)))
    with pytest.raises(RequestError, match="more bytes"):
        unpack(built("/a", ("i", 1)) + struct.pack(">i", 2))


def test_largest_message_when_read_ten_thousand_times_then_its_size_bounds_the_work() -> None:
    """No quadratic reading: the worst that fits costs about as much as its bytes."""
    data = b"/" + b"a" * 8100 + bytes(4 - 8101 % 4) + b",s\0\0" + b"b" * 60
    began = time.process_time()
    for _ in range(10_000):
        with pytest.raises(RequestError):
            unpack(data)
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize("text", ["", "abc", "four", "木 ä", "x" * 1500])
def test_answer_when_packed_then_its_bytes_are_python_oscs(text: str) -> None:
    assert pack("/foley/answer", text, 1, text) == built("/foley/answer", ("s", text), ("i", 1), ("s", text))
