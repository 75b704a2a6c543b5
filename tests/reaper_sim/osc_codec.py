"""OSC 1.0 as REAPER's control surface reads and writes it.

Convention: only integers, floats (both 32 bits, big-endian) and strings exist; a message with any other argument is
discarded as a whole, and so is one whose type tags do not begin with a comma. A message without any tags is one
without arguments. Bundles may hold bundles; their time is ignored. What is broken ends the reading of its round.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

LARGEST_MESSAGE_BYTES = 1024
LARGEST_PACKET_BYTES = 32768
_BUNDLE = b"#bundle\0"
_BUNDLE_HEAD = _BUNDLE + struct.pack(">Q", 1)
"""The name and the time "immediately"."""

Value = int | float | str


class Broken(ValueError):
    """Bytes that are no OSC; whatever else came in the same round is lost with them."""


@dataclass
class Message:
    """An address and its arguments, which are taken from the front."""

    address: str
    arguments: list[Value] = field(default_factory=list)

    def take(self, kind: type) -> Value | None:
        """The next argument if it is of this type (int, float or str), else None; only what is returned is taken."""
        return self.arguments.pop(0) if self.arguments and type(self.arguments[0]) is kind else None


def float32(value: float) -> float:
    """What is left of a number on the wire."""
    return struct.unpack(">f", struct.pack(">f", value))[0]


def encode(address: str, value: Value) -> bytes:
    """A message with one argument."""
    if isinstance(value, str):
        return _padded(address) + _padded(",s") + _padded(value)
    if isinstance(value, int):
        return _padded(address) + _padded(",i") + struct.pack(">i", value)
    return _padded(address) + _padded(",f") + struct.pack(">f", value)


def _padded(text: str) -> bytes:
    data = text.encode("utf-8", "replace")
    return data + b"\0" * (4 - len(data) % 4)


def packed(messages: Sequence[bytes], largest_bytes: int) -> Iterator[bytes]:
    """The packets of one round: bundles up to a size; a message that is alone in its packet goes bare."""
    waiting: list[bytes] = []
    size = len(_BUNDLE_HEAD)
    for data in messages:
        if waiting and size + 4 + len(data) > min(largest_bytes, LARGEST_PACKET_BYTES):
            yield _packet(waiting)
            waiting, size = [], len(_BUNDLE_HEAD)
        waiting.append(data)
        size += 4 + len(data)
    if waiting:
        yield _packet(waiting)


def _packet(messages: list[bytes]) -> bytes:
    if len(messages) == 1:
        return messages[0]
    return _BUNDLE_HEAD + b"".join(struct.pack(">i", len(data)) + data for data in messages)


def unpacked(packet: bytes) -> Iterator[Message]:
    """The messages of a packet, those of bundles in bundles too; messages of other types are left out.

    Raises:
        Broken: a length that cannot be, or a message of more than 1024 bytes.
    """
    if packet.startswith(_BUNDLE) and len(packet) > len(_BUNDLE_HEAD) + 4:
        at = len(_BUNDLE_HEAD)
        while at + 4 <= len(packet):
            length = struct.unpack_from(">i", packet, at)[0]
            at += 4
            if not 0 < length <= len(packet) - at:
                raise Broken(f"an element of {length} bytes")
            yield from unpacked(packet[at : at + length])
            at += length
        return
    if len(packet) > LARGEST_MESSAGE_BYTES:
        raise Broken(f"a message of {len(packet)} bytes")
    message = _message(packet)
    if message is not None:
        yield message


def _message(data: bytes) -> Message | None:
    address, at = _text(data, 0)
    if at == len(data):
        return Message(address)
    tags, at = _text(data, at)
    if at > len(data) or not tags.startswith(","):
        return None
    arguments: list[Value] = []
    for tag in tags[1:]:
        if at >= len(data):
            return None
        if tag == "s":
            value, at = _text(data, at)
            arguments.append(value)
        elif tag in "if" and at + 4 <= len(data):
            arguments.append(struct.unpack_from(">" + tag, data, at)[0])
            at += 4
        else:
            return None
    return Message(address, arguments) if at <= len(data) else None


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.find(b"\0", at)
    end = len(data) if end < 0 else end
    return data[at:end].decode("utf-8", "replace"), end + 4 - (end - at) % 4
