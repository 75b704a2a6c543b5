"""What a bad peer may send to the server inside REAPER, by name; each is sent on a connection of its own.

``BEFORE`` come instead of the token, ``AFTER`` follow a right token. Convention: a function of a connected socket (its
first frame, the greeting, already read) that sends and returns at once.
"""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from typing import Any

Attack = Callable[[socket.socket], None]


def frame(data: bytes) -> bytes:
    """reapy's framing."""
    return len(data).to_bytes(8, "little") + data


def request(module: str, name: str, *args: Any, **kwargs: Any) -> bytes:
    """A call as reapy's client writes it."""
    function = {"__callable__": True, "module_name": module, "name": name}
    return frame(json.dumps({"function": function, "input": {"args": args, "kwargs": kwargs}}).encode())


def say(data: bytes) -> Attack:
    """Sends bytes and leaves the connection open."""
    return lambda line: line.sendall(data)


def say_json(value: Any) -> Attack:
    """Sends one frame of JSON."""
    return say(frame(json.dumps(value).encode()))


def reset(line: socket.socket) -> None:
    """Hangs up with a reset instead of a goodbye, half a frame behind it."""
    line.sendall(b"\x40")
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


def hang_up(line: socket.socket) -> None:
    """A plain goodbye."""
    line.close()


CALL = {"__callable__": True, "module_name": "foley_inside.read", "name": "read"}
EMPTY = {"args": [], "kwargs": {}}

BEFORE: dict[str, Attack] = {
    "http": say(b"GET / HTTP/1.1\r\nHost: localhost:2306\r\n\r\n"),
    "wrong token": say(frame(b"0" * 64)),
    "token of another length": say(frame(b"0")),
    "request without token": say(request("foley_inside.read", "read")),
    "length without a body": say((64).to_bytes(8, "little")),
    "half a length": say(b"\x40\0\0"),
    "giant length": say((2**63).to_bytes(8, "little") + b"x" * 1000),
    "reset": reset,
    "goodbye": hang_up,
    "silence": lambda line: None,
}

AFTER: dict[str, Attack] = {
    "os.system": say(request("os", "system", "touch pwned")),
    "eval": say(request("builtins", "eval", "1+1")),
    "walk through reapy": say(request("reapy.config.config", "os.system", "touch pwned")),
    "dotted name in our module": say(request("foley_inside.read", "rp.RPR_ShowConsoleMsg", "pwned")),
    "another name of our module": say(request("foley_inside.read", "_read", None, "")),
    "hold": say_json({"function": "HOLD", "input": None}),
    "release": say_json({"function": "RELEASE", "input": None}),
    "reapy object": say_json(
        {"function": CALL, "input": {"args": [{"__reapy__": True, "class": "Project"}], "kwargs": {}}}
    ),
    "slice": say_json({"function": CALL, "input": {"args": [{"__slice__": True, "args": [0, 1, 2]}], "kwargs": {}}}),
    "callable with more keys": say_json({"function": {**CALL, "more": 1}, "input": EMPTY}),
    "callable of wrong types": say_json({"function": {**CALL, "module_name": ["os"]}, "input": EMPTY}),
    "array": say_json([1, 2, 3]),
    "number": say_json(7),
    "no input": say_json({"function": CALL}),
    "args that are no list": say_json({"function": CALL, "input": {"args": "abc", "kwargs": {}}}),
    "kwargs that are no object": say_json({"function": CALL, "input": {"args": [], "kwargs": [1]}}),
    "wrong arguments": say(request("foley_inside.read", "read", 1, 2, 3, 4, five=5)),
    "not json": say(frame(b"{nonsense")),
    "not utf-8": say(frame(b"\xff\xfe\xfd")),
    "nan": say(frame(b'{"function": NaN, "input": Infinity}')),
    "deep json": say(frame(b"[" * 200_000 + b"]" * 200_000)),
    "endless integer": say(frame(b"9" * 5_000_000)),
    "empty frame": say((0).to_bytes(8, "little")),
    "oversize": say((9 * 1024 * 1024).to_bytes(8, "little") + b"x" * 4096),
    "length without a body": say((1024).to_bytes(8, "little")),
    "half a body": say((1024).to_bytes(8, "little") + b"{" * 100),
    "reset": reset,
    "goodbye": hang_up,
    "unserialisable result": say(request("test", "unserialisable")),
    "system exit": say(request("test", "leave")),
    "endless recursion": say(request("test", "recurse")),
    "fifty at once": say(request("test", "echo", 1) * 50),
}
