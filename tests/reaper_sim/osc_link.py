"""The sockets of one OSC surface, served by a thread beside the main loop.

Convention: the thread only carries bytes: packets that came wait for the main thread (``received``), messages
that wait (``send``) go out together, as packets with a pause after each. A port that is taken leaves the surface deaf
in silence, as in REAPER. Modes: own port and device; no own port (the device answers to the port it was sent from); no
device (the last sender gets what is sent); one of the two alone.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections import deque

from . import assumptions
from .osc_codec import LARGEST_PACKET_BYTES, packed
from .osc_config import RECEIVE, SEND, OscConfig

POLL_S = 0.006


class OscLink:
    """Opens the sockets and starts the thread. ``problem``: why it is deaf; "" if it is not."""

    def __init__(self, config: OscConfig) -> None:
        self._config = config
        self.problem = ""
        self._in: socket.socket | None = None
        self._out: socket.socket | None = None
        self._last_sender: tuple[str, int] | None = None
        self._received: deque[bytes] = deque()
        self._rounds: deque[list[bytes]] = deque()
        self._closing = threading.Event()
        if config.flags & RECEIVE and config.receive_port:
            self._in = self._listening(config.receive_port)
        if config.flags & SEND and config.send_port:
            self._out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self._out.bind((assumptions.OSC_LISTENS_ON, 0))
        self._thread = threading.Thread(target=self._work, name="reaper/osc", daemon=True)
        self._thread.start()

    def _listening(self, port: int) -> socket.socket | None:
        line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            line.bind((assumptions.OSC_LISTENS_ON, port))
        except OSError as error:
            line.close()
            self.problem = f"UDP port {port} cannot be listened on: {error}"
            return None
        return line

    def _target(self) -> tuple[str, int] | None:
        if self._config.send_port:
            return self._config.send_ip, self._config.send_port
        return self._last_sender

    def received(self) -> list[bytes]:
        """The packets that came since the last call."""
        return [self._received.popleft() for _ in range(len(self._received))]

    def send(self, messages: list[bytes]) -> None:
        """Sends the messages of one round; without a device, and nobody heard of, they are lost."""
        if messages and self._target() is not None:
            self._rounds.append(messages)

    def close(self) -> None:
        """Ends the thread and closes the sockets."""
        self._closing.set()
        self._thread.join(2.0)
        for line in (self._in, self._out):
            if line is not None:
                line.close()

    # -- on the thread ---------------------------------------------------------------------------------------------

    def _work(self) -> None:
        ear = self._in or (self._out if self._config.flags & RECEIVE else None)
        mouth = self._out or self._in
        while not self._closing.is_set():
            self._listen(ear)
            rounds = [self._rounds.popleft() for _ in range(len(self._rounds))]
            if mouth is not None:
                self._speak(mouth, [message for messages in rounds for message in messages])

    def _listen(self, ear: socket.socket | None) -> None:
        ready = select.select([ear], [], [], POLL_S)[0] if ear is not None else time.sleep(POLL_S)
        if ready and ear is not None:
            with contextlib.suppress(OSError):
                data, self._last_sender = ear.recvfrom(LARGEST_PACKET_BYTES)
                self._received.append(data)

    def _speak(self, mouth: socket.socket, messages: list[bytes]) -> None:
        target = self._target()
        for packet in packed(messages, self._config.largest_packet_bytes):
            if target is None or self._closing.is_set():
                return
            with contextlib.suppress(OSError):
                mouth.sendto(packet, target)
            time.sleep(self._config.sleep_ms / 1000)
