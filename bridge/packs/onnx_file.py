"""What an ONNX file refers to outside itself, read without running it.

Convention: the walk follows every message of onnx.proto (as of ONNX 1.23) and refuses what a walk could overlook and
protocol buffers' own reader might not: parts that the tables do not have, groups, and numbers written longer than need
be (of such a tag that reader drops the upper bits). Weights are stepped over. The file is mapped, not loaded.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import PackError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def _kind(plain: tuple[int, ...], messages: dict[int, str] | None = None) -> dict[int, str]:
    return {**dict.fromkeys(plain, ""), **(messages or {})}


_ENTRY = "StringStringEntryProto"
_KINDS: dict[str, dict[int, str]] = {
    "ModelProto": _kind(
        (2, 3, 4, 6),
        {
            **{7: "GraphProto", 8: "OperatorSetIdProto", 14: _ENTRY, 20: "TrainingInfoProto", 25: "FunctionProto"},
            **{26: "DeviceConfigurationProto"},
        },
    ),
    "GraphProto": _kind(
        (2, 10),
        {
            **{1: "NodeProto", 5: "TensorProto", 11: "ValueInfoProto", 12: "ValueInfoProto", 13: "ValueInfoProto"},
            **{14: "TensorAnnotation", 15: "SparseTensorProto", 16: _ENTRY},
        },
    ),
    "NodeProto": _kind((1, 2, 3, 4, 6, 7, 8), {5: "AttributeProto", 9: _ENTRY, 10: "NodeDeviceConfigurationProto"}),
    "AttributeProto": _kind(
        (1, 4, 7, 8, 9, 13, 21),
        {
            **{5: "TensorProto", 6: "GraphProto", 10: "TensorProto", 11: "GraphProto", 14: "TypeProto"},
            **{15: "TypeProto", 22: "SparseTensorProto", 23: "SparseTensorProto"},
        },
    ),
    "TensorProto": _kind((1, 4, 5, 6, 7, 8, 9, 10, 11, 12), {3: "TensorProto.Segment", 13: _ENTRY, 16: _ENTRY}),
    "TensorProto.Segment": _kind(()),
    "SparseTensorProto": _kind((3,), {1: "TensorProto", 2: "TensorProto"}),
    "FunctionProto": _kind(
        (1, 4, 5, 6, 8, 10, 13),
        {7: "NodeProto", 9: "OperatorSetIdProto", 11: "AttributeProto", 12: "ValueInfoProto", 14: _ENTRY},
    ),
    "TrainingInfoProto": _kind((), {1: "GraphProto", 2: "GraphProto", 3: _ENTRY, 4: _ENTRY}),
    "OperatorSetIdProto": _kind((1,)),
    _ENTRY: _kind((1, 2)),
    "TensorAnnotation": _kind((1,), {2: _ENTRY}),
    "ValueInfoProto": _kind((1, 3), {2: "TypeProto", 4: _ENTRY}),
    "TypeProto": _kind(
        (6,),
        {
            **{1: "TypeProto.Tensor", 4: "TypeProto.Sequence", 5: "TypeProto.Map", 7: "TypeProto.Opaque"},
            **{8: "TypeProto.SparseTensor", 9: "TypeProto.Optional"},
        },
    ),
    "TypeProto.Tensor": _kind((), {2: "TensorShapeProto"}),
    "TypeProto.SparseTensor": _kind((), {2: "TensorShapeProto"}),
    "TypeProto.Sequence": _kind((), {1: "TypeProto"}),
    "TypeProto.Optional": _kind((), {1: "TypeProto"}),
    "TypeProto.Map": _kind((), {2: "TypeProto"}),
    "TypeProto.Opaque": _kind((1, 2)),
    "TensorShapeProto": _kind((), {1: "TensorShapeProto.Dimension"}),
    "TensorShapeProto.Dimension": _kind((2, 3)),
    "DeviceConfigurationProto": _kind((1, 3)),
    "NodeDeviceConfigurationProto": _kind((1,), {2: "ShardingSpecProto"}),
    "ShardingSpecProto": _kind((1, 2), {3: "IntIntListEntryProto", 4: "ShardedDimProto"}),
    "IntIntListEntryProto": _kind((2,)),
    "ShardedDimProto": _kind((), {2: "SimpleShardedDimProto"}),
    "SimpleShardedDimProto": _kind((2,)),
}
"""Message -> number of every part that has a length -> the message in it, "" for text, bytes and packed numbers."""

_EXTERNAL_KEYS = frozenset({"location", "offset", "length", "checksum"})
"""What onnx.proto says of data in another file; ONNX Runtime knows more, which none of our packs has."""

_MAX_DEPTH = 64
_MOST_FIELDS = 5_000_000
"""Graphs of a gigabyte have a hundredth of it; weights are one field each."""
_OTHER_FORMAT = b"ORTM"
"""What stands there in a FlatBuffers file, which ONNX Runtime would open as well, whatever a walk here sees in it."""


@dataclass(frozen=True, kw_only=True)
class OnnxFile:
    """What an ONNX file needs besides itself.

    Attributes:
        external: locations of tensor data in other files, as written in the file.
        domains: operator domains that it imports or that a node names ("" is ONNX's own).
        operators: names of the operators of its nodes, of any domain.
    """

    external: frozenset[str]
    domains: frozenset[str]
    operators: frozenset[str]


def inspect(path: Path) -> OnnxFile:
    """Reads what a file refers to.

    Raises:
        PackError: not an ONNX file, damaged, or written so that others might read it otherwise.
        OSError: cannot be read.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[4:8] == _OTHER_FORMAT:
                raise ValueError("it is in another format of ONNX Runtime's")
            walk = _Walk(data)
            walk.message("ModelProto", 0, len(data), 0)
            if not walk.graphs:
                raise ValueError("it holds no graph")
    except ValueError as error:
        raise PackError(f'"{path.name}" is not an ONNX file ({error})', hint="Get the pack again") from error
    return OnnxFile(
        external=frozenset(walk.external), domains=frozenset(walk.domains), operators=frozenset(walk.operators)
    )


@dataclass
class _Walk:
    """What was met so far, and how many fields were looked at."""

    data: mmap.mmap
    external: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    graphs: int = 0
    fields: int = 0

    def message(self, kind: str, start: int, end: int, depth: int) -> None:
        """Collects from one message and all that is in it."""
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        parts, elsewhere, places, domain = _KINDS[kind], False, 0, ""
        for number, wire, first, last in self._parts(start, end):
            if wire != _BYTES:
                if (kind, number, wire) == ("TensorProto", 14, _VARINT):
                    elsewhere = self.data[first:last] != b"\0"
                continue
            if number not in parts:
                raise ValueError(f"its {kind} has an unknown part, {number}")
            if (kind, number) == ("TensorProto", 13):
                places += self._entry(first, last)
            elif parts[number]:
                self.graphs += (kind, number) == ("ModelProto", 7)
                self.message(parts[number], first, last, depth + 1)
            elif (kind, number) == ("NodeProto", 4):
                self.operators.add(self._text(first, last))
            elif (kind, number) == ("NodeProto", 7):
                self.domains.add(self._text(first, last))
            elif kind == "OperatorSetIdProto":
                domain = self._text(first, last)
        if kind == "OperatorSetIdProto":
            self.domains.add(domain)
        if places > 1 or (elsewhere and not places):
            raise ValueError(f"a tensor names {places} places of its data")

    def _entry(self, start: int, end: int) -> bool:
        """Notes what a tensor says of its data in another file; True if it is the place."""
        said = {1: "", 2: ""}
        for number, wire, first, last in self._parts(start, end):
            if wire != _BYTES or number not in said:
                raise ValueError(f"its {_ENTRY} has an unknown part, {number}")
            said[number] = self._text(first, last)
        if said[1] not in _EXTERNAL_KEYS:
            raise ValueError(f'a tensor says "{said[1][:40]}" of its data')
        if said[1] == "location":
            self.external.add(said[2])
        return said[1] == "location"

    def _text(self, first: int, last: int) -> str:
        return self.data[first:last].decode()

    def _parts(self, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
        """Number, wire type and byte range (without its length) of every part of a message."""
        at = start
        while at < end:
            self.fields += 1
            if self.fields > _MOST_FIELDS:
                raise ValueError("it has too many parts")
            tag, at = self._size(at, end)
            number, wire = tag >> 3, tag & 7
            if not number:
                raise ValueError("a part has no number")
            first = at
            if wire == _VARINT:
                _, at = self._varint(at, end)
            elif wire == _FIXED64:
                at += 8
            elif wire == _FIXED32:
                at += 4
            elif wire == _BYTES:
                length, first = self._size(at, end)
                at = first + length
            else:
                raise ValueError(f"wire type {wire}")
            if at > end:
                raise ValueError("cut short")
            yield number, wire, first, at

    def _size(self, at: int, end: int) -> tuple[int, int]:
        """A tag or a length: 32 bits, in as few bytes as can be, which every reader reads alike."""
        value, after = self._varint(at, end)
        if value >> 32 or (after - at > 1 and not self.data[after - 1]):
            raise ValueError("a number is too long")
        return value, after

    def _varint(self, at: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if at >= end:
                raise ValueError("cut short")
            byte = self.data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, at
        raise ValueError("a number is too long")
