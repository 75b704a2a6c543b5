"""What an ONNX file refers to outside itself, read without running it.

Convention: reads only the protocol-buffer structure (field numbers of onnx.proto, ONNX IR version 3 and later) that
leads to external tensor data and to operator domains; weights are stepped over. The file is mapped, not loaded.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import PackError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_CHILDREN: dict[str, dict[int, str]] = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 9: "opset"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
}
"""Message kind -> field number -> kind of the message in that field (onnx.proto)."""

_MAX_DEPTH = 64


@dataclass(frozen=True, kw_only=True)
class OnnxFile:
    """What an ONNX file needs besides itself.

    Attributes:
        external: locations of tensor data in other files, as written in the file.
        domains: operator domains that it imports ("" is ONNX's own).
    """

    external: frozenset[str]
    domains: frozenset[str]


def inspect(path: Path) -> OnnxFile:
    """Reads what a file refers to.

    Raises:
        PackError: not an ONNX file, or damaged.
        OSError: cannot be read.
    """
    external: set[str] = set()
    domains: set[str] = set()
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found_graph = _walk(data, "model", 0, len(data), external, domains, 0)
    except ValueError as error:
        raise PackError(f'"{path.name}" is not an ONNX file ({error})', hint="Get the pack again") from error
    if not found_graph:
        raise PackError(f'"{path.name}" is not an ONNX file (it holds no graph)', hint="Get the pack again")
    return OnnxFile(external=frozenset(external), domains=frozenset(domains))


def _walk(data: mmap.mmap, kind: str, start: int, end: int, external: set[str], domains: set[str], depth: int) -> bool:
    """Collects from one message; True if it has a graph directly in it."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    found_graph = False
    for number, first, last in _fields(data, start, end):
        child = _CHILDREN[kind].get(number)
        if child == "external":
            key, value = _pair(data, first, last)
            if key == "location":
                external.add(value)
        elif child == "opset":
            names = [data[a:b].decode() for field, a, b in _fields(data, first, last) if field == 1]
            domains.add(names[-1] if names else "")
        elif child is not None:
            found_graph = found_graph or child == "graph"
            _walk(data, child, first, last, external, domains, depth + 1)
    return found_graph


def _pair(data: mmap.mmap, start: int, end: int) -> tuple[str, str]:
    values = {number: data[first:last].decode() for number, first, last in _fields(data, start, end)}
    return values.get(1, ""), values.get(2, "")


def _fields(data: mmap.mmap, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Field number and byte range of every length-delimited field; others are stepped over."""
    at = start
    while at < end:
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
