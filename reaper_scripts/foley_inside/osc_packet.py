"""The smallest OSC that the bridge needs: one message of strings, integers and floats, after OSC 1.0.

Convention: strings are UTF-8, ended by a zero byte and padded to four bytes; integers are int32, floats float32,
big-endian. Times therefore travel as text.
"""

import struct


def encode(address, arguments=()):
    """The bytes of one message.

    Args:
        address: e.g. ``/foley/detect``.
        arguments: str, int or float.

    Raises:
        TypeError: an argument of another type.
    """
    tags, payload = ",", b""
    for value in arguments:
        if isinstance(value, str):
            tags += "s"
            payload += _text(value)
        elif isinstance(value, int) and not isinstance(value, bool):
            tags += "i"
            payload += struct.pack(">i", value)
        elif isinstance(value, float):
            tags += "f"
            payload += struct.pack(">f", value)
        else:
            raise TypeError(f"OSC carries str, int and float here, not {type(value).__name__}")
    return _text(address) + _text(tags) + payload


def decode(data):
    """(address, arguments) of one message.

    Raises:
        ValueError: not a message of strings, integers and floats.
    """
    address, at = _read_text(data, 0)
    tags, at = _read_text(data, at)
    if not address.startswith("/") or not tags.startswith(","):
        raise ValueError("not an OSC message")
    arguments = []
    for tag in tags[1:]:
        if tag == "s":
            value, at = _read_text(data, at)
        elif tag in "if" and at + 4 <= len(data):
            value = struct.unpack_from(">" + tag, data, at)[0]
            at += 4
        else:
            raise ValueError(f"an OSC argument of type {tag!r} or cut short")
        arguments.append(value)
    return address, arguments


def _text(value):
    data = value.replace("\0", " ").encode("utf-8", "replace") + b"\0"
    return data + b"\0" * (-len(data) % 4)


def _read_text(data, at):
    end = data.find(b"\0", at)
    if end < 0:
        raise ValueError("an OSC string without an end")
    return data[at:end].decode("utf-8"), end + 1 + (-(end + 1) % 4)
