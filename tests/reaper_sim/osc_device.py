"""A device on the desk: the other end of an OSC control surface, for tests.

Convention: real UDP on 127.0.0.1; what it reads and writes goes through python-osc, not through the simulator's codec.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pythonosc.osc_bundle import OscBundle
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from .client import SimReaper
from .osc_config import OscConfig

Heard = tuple[str, Any]


class OscDevice:
    """Listens on a port of its own and sends to REAPER's. ``packets`` keeps what came, ``heard_from`` its port."""

    def __init__(self) -> None:
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._line.bind(("127.0.0.1", 0))
        self.port: int = self._line.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self.reaper_port: int = probe.getsockname()[1]
        self.packets: list[bytes] = []
        self.heard_from: int | None = None
        self.settle: Callable[[], None] = lambda: None

    def config(self, **values: Any) -> OscConfig:
        """The surface that REAPER needs for this device; ``values`` replace fields."""
        return OscConfig(**{"receive_port": self.reaper_port, "send_port": self.port, **values})

    def __enter__(self) -> OscDevice:
        return self

    def __exit__(self, *exc: object) -> None:
        self._line.close()

    def send(self, address: str, *arguments: Any, types: str | None = None) -> None:
        """Sends a message; ``types`` names the types of the arguments, one letter each."""
        self.send_bytes(message(address, *arguments, types=types))

    def send_bytes(self, packet: bytes) -> None:
        """Sends a packet."""
        self._line.sendto(packet, ("127.0.0.1", self.reaper_port))

    def hear(self, quiet_s: float = 0.06, limit_s: float = 10.0) -> list[Heard]:
        """What comes until nothing came for a while: (address, value) in order. ``settle`` is called before."""
        self.settle()
        heard: list[Heard] = []
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            found = self._next(quiet_s)
            if found is None:
                break
            heard += found
        return heard

    def wait_for(self, address: str, value: Any = ..., timeout_s: float = 10.0) -> list[Heard]:
        """What comes up to a message with this address (and value).

        Raises:
            AssertionError: it did not come.
        """
        heard: list[Heard] = []
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            heard += self._next(max(0.001, end - time.monotonic())) or []
            if any(name == address and (value is ... or value == got) for name, got in heard):
                return heard
        raise AssertionError(f"no {address} came, but {heard}")

    def _next(self, wait_s: float) -> list[Heard] | None:
        self._line.settimeout(wait_s)
        try:
            packet, (_, self.heard_from) = self._line.recvfrom(65536)
        except TimeoutError:
            return None
        self.packets.append(packet)
        return list(_messages(packet))


def message(address: str, *arguments: Any, types: str | None = None) -> bytes:
    """The bytes of a message."""
    builder = OscMessageBuilder(address=address)
    for index, value in enumerate(arguments):
        builder.add_arg(value, None if types is None else types[index])
    return builder.build().dgram


def _messages(packet: bytes) -> Iterator[Heard]:
    if OscBundle.dgram_is_bundle(packet):
        for part in OscBundle(packet):
            yield from _messages(part.dgram)
    else:
        read = OscMessage(packet)
        yield read.address, read.params[0] if read.params else None


Desk = tuple[SimReaper, OscDevice]


@contextlib.contextmanager
def started(tmp_path: Path, *, assume: dict[str, Any] | None = None, **config: Any) -> Iterator[Desk]:
    """A REAPER and its device, which has heard what REAPER says at its start; ``config`` as in ``OscConfig``.

    Positions are looked at each round here, so that a test need not wait for fifteen times a second.
    """
    assume = {"SURFACE_RATE_HZ": 1000, **(assume or {})}
    with (
        OscDevice() as device,
        SimReaper.start(tmp_path / "reaper", tick_s=0.01, osc=[device.config(**config)], assume=assume) as reaper,
    ):
        device.settle = lambda: reaper.wait_ticks(4)
        device.hear()
        device.packets.clear()
        yield reaper, device


def slots(heard: list[Heard], slot: int) -> dict[str, Any]:
    """The last values of a slot of the marker bank."""
    head = f"/marker/{slot}/"
    return {address.removeprefix(head): value for address, value in heard if address.startswith(head)}


def shown(reaper: SimReaper) -> list[tuple[str, float, int]]:
    """Name, position and number of every marker and region."""
    return [(marker["name"], marker["position_s"], marker["number"]) for marker in reaper.markers()]
