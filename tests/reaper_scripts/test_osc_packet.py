"""The scripts' tiny OSC against python-osc's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from reaper_scripts.foley_inside import osc_packet

text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
value = st.one_of(text, st.integers(-(2**31) + 1, 2**31 - 1), st.floats(width=32, allow_nan=False))


@given(st.lists(value, max_size=5))
def test_packet_when_encoded_then_python_osc_reads_the_same(values: list) -> None:
    message = OscMessage(osc_packet.encode("/foley/detect", values))
    assert message.address == "/foley/detect"
    assert list(message.params) == values


@given(st.lists(value, max_size=5))
def test_packet_when_python_osc_built_it_then_it_decodes_to_the_same(values: list) -> None:
    builder = OscMessageBuilder(address="/foley/answer")
    for one in values:
        builder.add_arg(one)
    assert osc_packet.decode(builder.build().dgram) == ("/foley/answer", values)


@given(st.binary(max_size=60))
def test_packet_when_it_is_junk_then_decoding_raises_value_error_only(data: bytes) -> None:
    try:
        address, _ = osc_packet.decode(data)
    except ValueError:
        return
    assert address.startswith("/")


def test_text_when_it_holds_a_zero_then_it_does_not_end_the_string() -> None:
    assert osc_packet.decode(osc_packet.encode("/a", ["x\0y"])) == ("/a", ["x y"])


@pytest.mark.parametrize("wrong", [None, True, b"x", [1]])
def test_packet_when_an_argument_is_of_another_type_then_type_error(wrong: object) -> None:
    with pytest.raises(TypeError):
        osc_packet.encode("/a", [wrong])
