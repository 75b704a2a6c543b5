"""Devices on real UDP: what they send and what they hear."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder


def packet(address: str, *arguments: tuple[str, object]) -> bytes:
    """An OSC message; arguments are (type, value)."""
    builder = OscMessageBuilder(address=address)
    for kind, value in arguments:
        builder.add_arg(value, kind)  # pyright: ignore[reportArgumentType]
    return builder.build().dgram


class Device:
    """A socket of a device: sends from an address of its own, remembers what comes."""

    def __init__(self, address: str = "127.0.0.1") -> None:
        self.line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.line.bind((address, 0))
        self.line.settimeout(2.0)
        self.address, self.port = self.line.getsockname()

    def send(self, port: int, data: bytes) -> None:
        self.line.sendto(data, ("127.0.0.1", port))

    def hear(self, timeout_s: float = 2.0) -> tuple[str, list[object]] | None:
        """The next message; None when none comes in time."""
        self.line.settimeout(timeout_s)
        try:
            message = OscMessage(self.line.recv(65536))
        except TimeoutError:
            return None
        return message.address, list(message.params)

    def hear_until(
        self, enough: Callable[[str, list[object]], bool], timeout_s: float = 3.0
    ) -> list[tuple[str, list[object]]]:
        """All messages up to the one that is enough."""
        heard: list[tuple[str, list[object]]] = []
        ends = time.monotonic() + timeout_s
        while (left_s := ends - time.monotonic()) > 0:
            message = self.hear(left_s)
            if message is None:
                break
            heard.append(message)
            if enough(*message):
                return heard
        raise AssertionError(f"never heard what was waited for; heard {heard[-5:]}")

    def close(self) -> None:
        self.line.close()
