"""Asks a running daemon, over the same wire as the scripts in REAPER."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Sequence

from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from bridge.host import endpoint
from bridge.osc.messages import ANSWER_ADDRESS, PREFIX, Answer, sealed

WAIT_S = 0.5


def daemon_port(default: int) -> int:
    """The UDP port that the running daemon announced; ``default`` if none did."""
    announced = endpoint.announced_daemon().get("port")
    return announced if isinstance(announced, int) else default


def ask(
    port: int, verb: str, arguments: Sequence[str] = (), *, token: str | None = None, timeout_s: float = WAIT_S
) -> Answer | None:
    """The daemon's answer to a verb; None when nobody, or nobody of ours, answers on that port.

    Args:
        token: what the daemon wants to be shown; None takes that of the daemon that announced itself.
    """
    token = str(endpoint.announced_daemon().get("token", "")) if token is None else token
    builder = OscMessageBuilder(address=PREFIX + verb)
    for text in sealed(arguments, token, secrets.token_hex(8)):
        builder.add_arg(text, "s")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(timeout_s)
        try:
            line.connect(("127.0.0.1", port))
            line.send(builder.build().dgram)
            message = OscMessage(line.recv(65536))
        except Exception:  # nobody there, or bytes that are no OSC
            return None
    values = list(message.params)
    if message.address != ANSWER_ADDRESS or len(values) != 4:
        return None
    return Answer(ok=bool(values[1]), sentence=str(values[2]), job_id=str(values[3]))
