"""Who may talk to the controller door: devices named by IPv4 number, each with the port on which it listens.

Convention: numbers only. A name would be looked up, which can block, and whoever answers the look-up decides who is
let in.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from bridge.errors import RequestError

FEEDBACK_PORT = 9125
"""Where a device listens if its entry says no port."""
MOST_PEERS = 16


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A device.

    Attributes:
        address: its IPv4 address in numbers.
        port: UDP port, 1..65535, on which it wants answers and feedback.
    """

    address: str
    port: int = FEEDBACK_PORT

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


def ipv4(text: str, *, setting: str) -> ipaddress.IPv4Address:
    """The address that a setting gives in numbers.

    Raises:
        RequestError: a name, an IPv6 address, or no address at all.
    """
    try:
        return ipaddress.IPv4Address(text)
    except ValueError:
        raise RequestError(
            f"{setting} has {text[:80]!r}, which is no IPv4 address", hint="Write it in numbers, such as 192.168.1.20"
        ) from None


def peers(text: str, *, setting: str = "controller_peers") -> tuple[Peer, ...]:
    """The devices of a list such as ``192.168.1.20, 192.168.1.21:9001``; each once, in their order.

    Raises:
        RequestError: an entry is no IPv4 address with an optional port, is no single device, or there are too many.
    """
    found: dict[Peer, None] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        number, colon, port = entry.partition(":")
        address = ipv4(number.strip(), setting=setting)
        if address.is_unspecified or address.is_multicast or address.is_reserved:
            raise RequestError(f"{setting} has {address}, which is no single device", hint="Name each device by itself")
        digits = port.strip() if colon else str(FEEDBACK_PORT)
        if not (digits.isascii() and digits.isdigit() and len(digits) <= 5 and 1 <= int(digits) <= 65535):
            raise RequestError(
                f"{setting} gives {address} the port {digits[:20]!r}",
                hint="Write address:port with a port in 1..65535, such as 192.168.1.20:9001",
            )
        found[Peer(address=str(address), port=int(digits))] = None
    if len(found) > MOST_PEERS:
        raise RequestError(f"{setting} names {len(found)} devices", hint=f"Name {MOST_PEERS} at most")
    return tuple(found)
