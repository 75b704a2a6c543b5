"""Who can reach a TCP port of this computer: nobody, this computer, or the network. Nothing leaves the machine."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
WAIT_S = 0.3
_LISTENING = "0A"
_ELSEWHERE = "192.0.2.1"
"""An address that is nobody's (RFC 5737); only the way there is looked up."""


class Reach(Enum):
    """From where a port answers."""

    NOBODY = "nobody listens"
    HERE = "on this computer only"
    NETWORK = "on the network"


def reach(port: int, tables: Iterable[Path] = TABLES) -> Reach:
    """From where a TCP port answers.

    Args:
        tables: the system's tables of sockets; where none can be read, connections are tried.
    """
    read = [text for path in tables if (text := _text(path)) is not None]
    if not read:
        return _tried(port)
    addresses = [address for text in read for address, number in listening(text) if number == port]
    if not addresses:
        return Reach.NOBODY
    return Reach.HERE if all(address.is_loopback for address in addresses) else Reach.NETWORK


def listening(table: str) -> list[tuple[ipaddress.IPv4Address | ipaddress.IPv6Address, int]]:
    """Addresses and ports that are listened on, from a table of Linux's (``/proc/net/tcp`` or ``tcp6``).

    An address is written in words of 32 bits, each in the machine's own byte order.
    """
    found = []
    for line in table.splitlines()[1:]:
        words = line.split()
        if len(words) < 4 or words[3] != _LISTENING:
            continue
        address, _, port = words[1].partition(":")
        packed = b"".join(struct.pack("=I", int(address[at : at + 8], 16)) for at in range(0, len(address), 8))
        parsed = ipaddress.ip_address(packed)
        mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
        found.append((mapped or parsed, int(port, 16)))
    return found


def _text(path: Path) -> str | None:
    try:
        return path.read_text("ascii", "replace")
    except OSError:
        return None


def _tried(port: int) -> Reach:
    other = _other_address()
    if other is not None and _answers(other, port):
        return Reach.NETWORK
    return Reach.HERE if _answers("127.0.0.1", port) else Reach.NOBODY


def _other_address() -> str | None:
    """This machine's address on the network, None without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        try:
            line.connect((_ELSEWHERE, 9))
            address = line.getsockname()[0]
        except OSError:
            return None
    return None if address.startswith(("127.", "0.")) else address


def _answers(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(WAIT_S)
        return probe.connect_ex((address, port)) == 0
