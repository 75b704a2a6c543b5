"""Floods of packets for the daemon's door: what a broken or hostile program on the same computer may send.

Convention: ``python -m tests.bursts PORT TOKEN KIND COUNT`` sends as fast as it can from a process of its own, and says
how many seconds that took. Packets are made before the first is sent.
"""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.osc.messages import sealed

Maker = Callable[[str, int], bytes]


def packet(address: str, *arguments: str) -> bytes:
    """An OSC message of texts."""
    builder = OscMessageBuilder(address=address)
    for argument in arguments:
        builder.add_arg(argument, "s")
    return builder.build().dgram


def said(verb: str, token: str, press: str, *arguments: str) -> bytes:
    """A message as our scripts send it."""
    return packet(f"/foley/{verb}", *sealed(arguments, token, press))


OVERSIZED = said("detect", "0" * 64, "o", "", "", "x" * 9000)
KINDS: dict[str, Maker] = {
    "valid, status": lambda token, n: said("status", token, f"s{n:x}"),
    "valid, jobs": lambda token, n: said("detect", token, f"d{n:x}", str(n)),
    "replayed": lambda token, n: said("status", token, "again"),
    "wrong token": lambda token, n: said("detect", f"{n:064x}", f"w{n:x}"),
    "no token": lambda token, n: packet("/foley/detect", str(n)),
    "malformed": lambda token, n: said("detect", token, f"m{n:x}")[: 9 + n % 60],
    "argument types": lambda token, n: b"/foley/detect\0\0\0," + b"TFNIhd[]bZ"[n % 10 :] + b"\0" * (n % 40),
    "bundles": lambda token, n: b"#bundle\0" + bytes(8) + b"\0\0\0\x10" * (n % 30),
    "no OSC": lambda token, n: b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "oversized": lambda token, n: OVERSIZED,
    "largest": lambda token, n: b"/" * 65507,
}
MIXED = "mixed"


def packets(kind: str, token: str, count: int) -> Iterator[bytes]:
    """So many packets of one kind, or of all in turn."""
    makers = list(KINDS.values()) if kind == MIXED else [KINDS[kind]]
    for number, make in zip(range(count), itertools.cycle(makers), strict=False):
        yield make(token, number)


def send(port: int, token: str, kind: str, count: int) -> float:
    """Sends them from here; gives seconds."""
    ready = list(packets(kind, token, count))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        began = time.monotonic()
        for data in ready:
            line.sendto(data, ("127.0.0.1", port))
        return time.monotonic() - began


def started(port: int, token: str, kind: str, count: int) -> subprocess.Popen[str]:
    """A process that sends them; its output is the seconds."""
    command = [sys.executable, "-m", "tests.bursts", str(port), token, kind, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


if __name__ == "__main__":
    print(send(int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])))
