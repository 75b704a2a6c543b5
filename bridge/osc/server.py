"""The daemon's ear: a UDP server on the loopback interface that answers every OSC message once, within 0.3 s.

Convention: the handler only takes orders, it does no work; what it raises becomes the answer's sentence. Bytes that are
no OSC message are answered if they look like one (they begin with "/" or are a bundle) and dropped otherwise, so that
two programs never answer each other's answers. Nothing that arrives ends the server.
"""

from __future__ import annotations

import logging
import socketserver
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, cast

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_server import OSCUDPServer

from bridge.errors import BridgeError
from bridge.host.endpoint import DEFAULT_OSC_PORT as DEFAULT_PORT
from bridge.osc.messages import ANSWER_ADDRESS, PREFIX, Answer, Verb, parse

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
LARGEST_PACKET_BYTES = 8192
PATIENCE_S = 0.2
LONGEST_SENTENCE = 1500

Handler = Callable[[Verb], Answer]
Holder = Callable[[], str]


class OscServer:
    """Listens for verbs and answers them.

    Args:
        handle: takes a verb and says whether it was accepted; must return soon, and may raise BridgeError.
        port: UDP port on 127.0.0.1; 0 takes any free one.
        holder: describes the process that holds the port, for the error; "" if unknown.

    Raises:
        BridgeError: the port is taken.
    """

    def __init__(self, handle: Handler, *, port: int = DEFAULT_PORT, holder: Holder = lambda: "") -> None:
        try:
            self._server = _Server((HOST, port), handle)
        except OSError as error:
            who = holder()
            taken = f"UDP port {port} on {HOST} is held by {who}" if who else f"UDP port {port} on {HOST} is taken"
            raise BridgeError(
                f"{taken} ({error.strerror or error})",
                hint="Stop that program, or start with another port: foley-bridge serve --port N",
            ) from error
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """The UDP port that is listened on."""
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Begins to listen, on a thread of its own."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="foley-osc", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stops listening; may be called twice."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join(2.0)
            self._thread = None
        self._server.server_close()

    def __enter__(self) -> OscServer:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Server(OSCUDPServer):
    """python-osc's server with a handler of its own; nothing is dispatched by pattern."""

    allow_reuse_address = False
    max_packet_size = 65536

    def __init__(self, address: tuple[str, int], handle: Handler) -> None:
        self._handle = handle
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="foley-verb")
        super().__init__(address, Dispatcher())
        self.RequestHandlerClass = _Handler

    def verify_request(self, request: Any, client_address: Any) -> bool:
        """Whether the bytes are worth an answer."""
        data = request[0]
        return data.startswith((b"/", b"#bundle")) and not data.startswith(ANSWER_ADDRESS.encode())

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault in one packet is logged and leaves the server running."""
        log.exception("an OSC packet from %s could not be answered", client_address)

    def server_close(self) -> None:
        """Closes the socket and the verbs' thread."""
        super().server_close()
        self._worker.shutdown(wait=False, cancel_futures=True)

    def answer(self, data: bytes) -> tuple[str, Answer]:
        """(verb, answer) for one packet."""
        name = ""
        try:
            address, arguments = _unpack(data)
            name = address[len(PREFIX) :][:40] if address.startswith(PREFIX) else ""
            verb = parse(address, arguments)
            given = self._worker.submit(self._handle, verb)
            if not wait([given], PATIENCE_S).done:
                return name, Answer(ok=True, sentence="Received; the bridge is busy and takes it up as soon as it can.")
            return name, given.result()
        except BridgeError as error:
            return name, Answer(ok=False, sentence=error.sentence)
        except Exception as error:
            log.exception("unexpected, while %r was taken up", name)
            return name, Answer(ok=False, sentence=f"An unexpected fault: {type(error).__name__}. The log has more.")


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, line = self.request
        name, answer = cast(_Server, self.server).answer(data)
        line.sendto(pack_answer(name, answer), self.client_address)


def pack_answer(verb: str, answer: Answer) -> bytes:
    """The packet of an answer."""
    builder = OscMessageBuilder(address=ANSWER_ADDRESS)
    builder.add_arg(verb, "s")
    builder.add_arg(int(answer.ok), "i")
    builder.add_arg(answer.sentence[:LONGEST_SENTENCE], "s")
    builder.add_arg(answer.job_id, "s")
    return builder.build().dgram


def _unpack(data: bytes) -> tuple[str, list[object]]:
    if len(data) > LARGEST_PACKET_BYTES:
        raise BridgeError(f"An OSC packet of {len(data)} bytes is too large", hint="Send one short message")
    if data.startswith(b"#bundle"):
        raise BridgeError("OSC bundles are not understood", hint="Send the message by itself")
    try:
        message = OscMessage(data)
        return message.address, list(message.params)
    except Exception as error:  # python-osc lets more than its ParseError through on broken bytes
        raise BridgeError(f"An OSC packet could not be read: {error}", hint="Send text arguments only") from error
