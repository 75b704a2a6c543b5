"""ONNX files byte by byte: what lies outside is found wherever it hides, and spoilt bytes end as one sentence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from bridge.errors import PackError
from bridge.packs.onnx_file import _KINDS, OnnxFile, inspect

FIXED64, FIXED32 = 1, 5
Wrap = Callable[[bytes], bytes]


def varint(value: int) -> bytes:
    head = b""
    while value >= 0x80:
        head += bytes([value & 0x7F | 0x80])
        value >>= 7
    return head + bytes([value])


def field(number: int, *parts: bytes) -> bytes:
    """A length-delimited field."""
    data = b"".join(parts)
    return varint(number << 3 | 2) + varint(len(data)) + data


def number_field(number: int, value: int) -> bytes:
    return varint(number << 3) + varint(value)


def fixed(number: int, wire: int) -> bytes:
    return varint(number << 3 | wire) + b"\xff" * (8 if wire == FIXED64 else 4)


def entry(key: str, value: str) -> bytes:
    """An entry of a tensor's external data."""
    return field(13, field(1, key.encode()), field(2, value.encode()))


def graph(*parts: bytes) -> bytes:
    return field(7, *parts)


TENSOR = entry("location", "../secret") + entry("offset", "12")


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], OnnxFile]:
    def inspected(data: bytes) -> OnnxFile:
        (tmp_path / "g.onnx").write_bytes(data)
        return inspect(tmp_path / "g.onnx")

    return inspected


def attribute(*parts: bytes) -> bytes:
    return field(1, field(5, *parts))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(graph(field(5, TENSOR)), id="a weight"),
        pytest.param(graph(field(15, field(1, TENSOR))), id="a sparse weight's values"),
        pytest.param(graph(field(15, field(2, TENSOR))), id="a sparse weight's places"),
        pytest.param(graph(attribute(field(5, TENSOR))), id="a node's tensor"),
        pytest.param(graph(attribute(field(10, TENSOR))), id="a node's tensors"),
        pytest.param(graph(attribute(field(22, field(1, TENSOR)))), id="a node's sparse tensor"),
        pytest.param(graph(attribute(field(23, field(2, TENSOR)))), id="a node's sparse tensors"),
        pytest.param(graph(attribute(field(6, field(5, TENSOR)))), id="a graph inside a node"),
        pytest.param(graph(attribute(field(11, attribute(field(6, field(5, TENSOR)))))), id="two graphs down"),
        pytest.param(graph() + field(25, field(7, field(5, field(5, TENSOR)))), id="a function's node"),
        pytest.param(graph() + field(25, field(11, field(5, TENSOR))), id="what a function takes if not told"),
        pytest.param(graph(attribute(field(5, entry("length", "1")) + field(5, TENSOR))), id="a tensor in two parts"),
        pytest.param(graph() + field(20, field(1, field(5, TENSOR))), id="training: where it begins"),
        pytest.param(graph() + field(20, field(2, field(5, TENSOR))), id="training: its algorithm"),
    ],
)
def test_inspect_when_data_lies_outside_then_found_wherever_it_is_named(
    read: Callable[[bytes], OnnxFile], model: bytes
) -> None:
    assert read(model).external == {"../secret"}


def test_inspect_when_operators_are_imported_then_every_domain(read: Callable[[bytes], OnnxFile]) -> None:
    model = (
        number_field(1, 10)
        + field(8, number_field(2, 20))
        + field(8, field(1, b""), number_field(2, 20))
        + field(8, field(1, b"com.example"), number_field(2, 1))
        + graph(field(2, b"name"))
        + field(25, field(9, field(1, b"org.example")))
    )
    assert read(model).domains == {"", "com.example", "org.example"}
    assert read(model).external == frozenset()


def test_inspect_when_there_are_numbers_of_every_kind_then_stepped_over(read: Callable[[bytes], OnnxFile]) -> None:
    between = number_field(30, 1 << 63) + fixed(99, FIXED64) + fixed(98, FIXED32)
    assert read(between + graph(between, field(5, between, TENSOR)) + between).external == {"../secret"}


def test_inspect_when_an_entry_says_something_else_then_it_is_no_place(read: Callable[[bytes], OnnxFile]) -> None:
    assert read(graph(field(5, entry("checksum", "x")))).external == frozenset()
    assert read(graph(field(5, field(13, field(1, b"location"))))).external == {""}
    assert read(graph(field(5, number_field(14, 0), field(9, b"1234")))).external == frozenset()


def test_inspect_when_data_lies_outside_whatever_else_is_said_then_found(read: Callable[[bytes], OnnxFile]) -> None:
    for inside_or_not in (b"", number_field(14, 0), number_field(14, 1), number_field(14, 1) + number_field(14, 0)):
        assert read(graph(field(5, inside_or_not, TENSOR))).external == {"../secret"}
    last_counts = field(13, field(1, b"length"), field(2, b"a"), field(1, b"location"), field(2, b"../secret"))
    assert read(graph(field(5, last_counts))).external == {"../secret"}


def longer(data: bytes, *, bits: int = 0) -> bytes:
    """A part with a short tag, whose tag takes five bytes (``bits``: some that protobuf's C++ reader drops)."""
    return bytes([data[0] | 0x80, 0x80, 0x80, 0x80, bits]) + data[1:]


@pytest.mark.parametrize("bits", [0x00, 0x10, 0x20, 0x40])
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(lambda bits: longer(graph(field(5, TENSOR)), bits=bits), id="the graph"),
        pytest.param(lambda bits: graph(longer(field(5, TENSOR), bits=bits)), id="a weight"),
        pytest.param(lambda bits: graph(field(5, longer(entry("location", "../secret"), bits=bits))), id="the entry"),
        pytest.param(
            lambda bits: graph(field(5, field(13, longer(field(1, b"location"), bits=bits), field(2, b"../secret")))),
            id="the key",
        ),
        pytest.param(
            lambda bits: graph(longer(field(1, longer(field(7, b"com.example"), bits=bits)), bits=bits)), id="a node"
        ),
    ],
)
def test_inspect_when_a_tag_is_longer_than_need_be_then_refused(
    read: Callable[[bytes], OnnxFile], model: Callable[[int], bytes], bits: int
) -> None:
    with pytest.raises(PackError) as caught:
        read(graph() + model(bits))
    assert caught.value.sentence == '"g.onnx" is not an ONNX file (a number is too long). Get the pack again.'


def test_tables_when_compared_with_onnx_then_no_part_of_any_message_is_missing() -> None:
    """A part that is missing is refused, so a later ONNX is only read where the tables know it."""
    told = FileDescriptorProto()
    ModelProto.DESCRIPTOR.file.CopyToProto(told)
    left = [(kind.name, kind) for kind in told.message_type]
    there = {}
    for name, kind in left:
        left += [(f"{name}.{inner.name}", inner) for inner in kind.nested_type]
        there[name] = {
            one.number: one.type_name.removeprefix(".onnx.") if one.type == one.TYPE_MESSAGE else ""
            for one in kind.field
            if one.type in (one.TYPE_MESSAGE, one.TYPE_STRING, one.TYPE_BYTES) or one.label == one.LABEL_REPEATED
        }
    assert there == _KINDS


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x08\x07", "it holds no graph"),
        (graph(b"\x0a"), "cut short"),
        (graph()[:-1], "cut short"),
        (graph(b"\x0a\x05ab"), "cut short"),
        (b"\x3a\x7f\x08\x01", "cut short"),
        (graph() + b"\x80", "cut short"),
        (graph() + b"\x08", "cut short"),
        (graph() + b"\x09\x00\x00", "cut short"),
        (graph() + b"\x0d\x00", "cut short"),
        (graph() + b"\x0b", "wire type 3"),
        (graph() + b"\x0b\x0c", "wire type 3"),
        (graph() + b"\x0c", "wire type 4"),
        (graph() + b"\x0e", "wire type 6"),
        (graph() + b"\x0f", "wire type 7"),
        (graph() + b"\x08" + b"\xff" * 10, "a number is too long"),
        (b"\x3a\x80\x00", "a number is too long"),
        (graph() + b"\x12\x81\x80\x00x", "a number is too long"),
        (graph() + b"\x12\x80\x80\x80\x80\x10", "a number is too long"),
        (graph() + b"\x02\x00", "a part has no number"),
        (graph() + b"\x00\x00", "a part has no number"),
        (graph() + field(99, b"x"), "its ModelProto has an unknown part, 99"),
        (graph(field(3, b"x")), "its GraphProto has an unknown part, 3"),
        (graph(field(5, field(14, b"\x01"), TENSOR)), "its TensorProto has an unknown part, 14"),
        (graph(field(5, field(13, field(3, b"x")))), "its StringStringEntryProto has an unknown part, 3"),
        (graph(field(5, field(13, number_field(1, 1)))), "its StringStringEntryProto has an unknown part, 1"),
        (graph(field(5, TENSOR, TENSOR)), "a tensor names 2 places of its data"),
        (graph(field(5, number_field(14, 1))), "a tensor names 0 places of its data"),
        (graph(field(5, number_field(14, 1), entry("Location", "x"))), 'a tensor says "Location" of its data'),
        (graph(field(5, entry("location ", "x"))), 'a tensor says "location " of its data'),
        (graph(field(5, entry("prepacked_0", "x"))), 'a tensor says "prepacked_0" of its data'),
        (graph(field(5, field(13, field(2, b"value only")))), 'a tensor says "" of its data'),
    ],
)
def test_inspect_when_bytes_are_spoilt_then_named_and_why(
    read: Callable[[bytes], OnnxFile], data: bytes, why: str
) -> None:
    with pytest.raises(PackError) as caught:
        read(data)
    assert caught.value.sentence == f'"g.onnx" is not an ONNX file ({why}). Get the pack again.'


def test_inspect_when_the_longest_number_is_there_then_read(read: Callable[[bytes], OnnxFile]) -> None:
    assert read(graph() + b"\x08" + b"\xff" * 9 + b"\x01").external == frozenset()


def test_inspect_when_it_is_empty_or_not_text_then_said(read: Callable[[bytes], OnnxFile]) -> None:
    for data in (b"", graph(field(5, field(13, field(1, b"\xff"), field(2, b"\xfe"))))):
        with pytest.raises(PackError, match=r'"g\.onnx" is not an ONNX file'):
            read(data)


def nested(depth: int) -> bytes:
    """Graphs in nodes in graphs: three messages a step."""
    data = field(5, TENSOR)
    for _ in range(depth):
        data = attribute(field(6, data))
    return graph(data)


def test_inspect_when_graphs_are_nested_without_end_then_refused_and_no_crash(
    read: Callable[[bytes], OnnxFile],
) -> None:
    assert read(nested(20)).external == {"../secret"}
    with pytest.raises(PackError) as caught:
        read(nested(2000))
    assert caught.value.sentence == '"g.onnx" is not an ONNX file (nested too deeply). Get the pack again.'


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.binary(max_size=200))
def test_inspect_when_any_bytes_then_an_answer_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    path.write_bytes(data)
    said = ""
    try:
        inspect(path)
    except PackError as error:
        said = error.sentence
    assert said == "" or said.startswith('"any.onnx" is not an ONNX file (')
