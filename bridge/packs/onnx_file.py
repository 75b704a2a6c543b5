"""What an ONNX file refers to outside itself, read without running it.

Convention: reads only the protocol-buffer structure (field numbers of onnx.proto, ONNX IR version 3 and later) that
leads to external tensor data and to operator domains; weights are stepped over. The file is mapped, not loaded.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import PackError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 9: "opset"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {4: "operator", 5: "attribute", 7: "domain"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
"""Message kind -> field number -> kind of the message in that field (onnx.proto)."""

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
        PackError: not an ONNX file, or damaged.
        OSError: cannot be read.
    """
    found = _Found()
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if data[4:8] == _OTHER_FORMAT:
                raise ValueError("it is in another format of ONNX Runtime's")
            found_graph = _walk(data, "model", 0, len(data), found, 0)
    except ValueError as error:
        raise PackError(f'"{path.name}" is not an ONNX file ({error})', hint="Get the pack again") from error
    if not found_graph:
        raise PackError(f'"{path.name}" is not an ONNX file (it holds no graph)', hint="Get the pack again")
    return OnnxFile(
        external=frozenset(found.external), domains=frozenset(found.domains), operators=frozenset(found.operators)
    )


@dataclass
class _Found:
    """What was met so far, and how many fields were looked at."""

    external: set[str] = field(default_factory=set)
    domains: set[str] = field(default_factory=set)
    operators: set[str] = field(default_factory=set)
    fields: int = 0


def _walk(data: mmap.mmap, kind: str, start: int, end: int, found: _Found, depth: int) -> bool:
    """Collects from one message; True if it has a graph directly in it."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    found_graph = False
    for number, first, last in _fields(data, start, end, found):
        child = _CHILDREN[kind].get(number)
        if child == "external":
            key, value = _pair(data, first, last, found)
            if key == "location":
                found.external.add(value)
        elif child == "opset":
            names = [data[a:b].decode() for field, a, b in _fields(data, first, last, found) if field == 1]
            found.domains.add(names[-1] if names else "")
        elif child == "operator":
            found.operators.add(data[first:last].decode())
        elif child == "domain":
            found.domains.add(data[first:last].decode())
        elif child is not None:
            found_graph = found_graph or child == "graph"
            _walk(data, child, first, last, found, depth + 1)
    return found_graph


def _pair(data: mmap.mmap, start: int, end: int, found: _Found) -> tuple[str, str]:
    values = {number: data[first:last].decode() for number, first, last in _fields(data, start, end, found)}
    return values.get(1, ""), values.get(2, "")


def _fields(data: mmap.mmap, start: int, end: int, found: _Found) -> Iterator[tuple[int, int, int]]:
    """Field number and byte range of every length-delimited field; others are stepped over."""
    at = start
    while at < end:
        found.fields += 1
        if found.fields > _MOST_FIELDS:
            raise ValueError("it has too many parts")
        tag, at = _varint(data, at, end)
        wire = tag & 7
        if wire == _VARINT:
            _, at = _varint(data, at, end)
        elif wire == _FIXED64:
            at += 8
        elif wire == _FIXED32:
            at += 4
        elif wire == _BYTES:
            length, at = _varint(data, at, end)
            if at + length > end:
                raise ValueError("cut short")
            yield tag >> 3, at, at + length
            at += length
        else:
            raise ValueError(f"wire type {wire}")
    if at != end:
        raise ValueError("cut short")


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= end:
            raise ValueError("cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number is too long")
