"""The daemon's ear: a UDP server on the loopback interface that answers every OSC message once, within 0.3 s.

Convention: the handler only takes orders, it does no work; what it raises becomes the answer's sentence. A message must
carry the token that only this user can read (``daemon.json``); what carries none, or another, is counted, logged once,
and answered a few times a second at most. A message comes with a press id: the same id again gets the same answer again
and nothing else happens, so that a key press that is sent twice, or replayed, is one key press. Bytes that are no OSC
message are answered if they look like one (they begin with "/" or are a bundle) and dropped otherwise, so that two
programs never answer each other's answers. Nothing that arrives ends the server.
"""

from __future__ import annotations

import hmac
import logging
import socketserver
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, cast

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_message import OscMessage
from pythonosc.osc_message_builder import OscMessageBuilder
from pythonosc.osc_server import OSCUDPServer

from bridge.errors import BridgeError, RequestError
from bridge.host.endpoint import DEFAULT_OSC_PORT as DEFAULT_PORT
from bridge.osc.limits import Allowance, Refused
from bridge.osc.messages import ANSWER_ADDRESS, PREFIX, Answer, Verb, opened, parse

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
LARGEST_PACKET_BYTES = 8192
PATIENCE_S = 0.2
LONGEST_SENTENCE = 1500
REFUSALS_PER_S = 5
REMEMBERED = 4096
"""So many press ids are known again."""

TOKEN_HINT = "Press the key in REAPER: only a program of this user that reads daemon.json can speak to the bridge"

Handler = Callable[[Verb], Answer]
Holder = Callable[[], str]


class OscServer:
    """Listens for verbs and answers them.

    Args:
        handle: takes a verb and says whether it was accepted; must return soon, and may raise BridgeError.
        token: what every message must carry, at least 16 characters.
        port: UDP port on 127.0.0.1; 0 takes any free one.
        holder: describes the process that holds the port, for the error; "" if unknown.

    Raises:
        BridgeError: the port is taken.
    """

    def __init__(self, handle: Handler, *, token: str, port: int = DEFAULT_PORT, holder: Holder = lambda: "") -> None:
        if len(token) < 16:
            raise ValueError("a token of at least 16 characters")
        try:
            self._server = _Server((HOST, port), handle, token)
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

    @property
    def refused(self) -> int:
        """How many messages came without the right token."""
        return self._server.refused.total

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

    def __init__(self, address: tuple[str, int], handle: Handler, token: str) -> None:
        self._handle = handle
        self._token = token.encode()
        self._refusals = Allowance(REFUSALS_PER_S)
        self._answered: OrderedDict[str, tuple[str, Answer]] = OrderedDict()
        self.refused = Refused("OSC", every_s=None)
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
        self.refused.log_rest()

    def answer(self, data: bytes) -> tuple[str, Answer] | None:
        """(verb, answer) for one packet; None for one that gets no answer any more."""
        try:
            address, arguments, token, press = opened(*_unpack(data))
        except BridgeError as error:
            return self._not_taken("not understood", "", error)
        name = address[len(PREFIX) :][:40] if address.startswith(PREFIX) else ""
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            why = "with a wrong token" if token else "without a token"
            return self._not_taken(why, name, RequestError(f"This message came {why}", hint=TOKEN_HINT))
        if not press:
            return name, Answer(ok=False, sentence=f"/foley/{name} came without a press id. Send a new random word.")
        known = self._answered.get(press)
        if known is None:
            known = self._answered[press] = (name, self._taken_up(name, address, arguments))
            if len(self._answered) > REMEMBERED:
                self._answered.popitem(last=False)
        return known

    def _not_taken(self, why: str, name: str, error: BridgeError) -> tuple[str, Answer] | None:
        self.refused.count(why)
        return (name, Answer(ok=False, sentence=error.sentence)) if self._refusals.take() else None

    def _taken_up(self, name: str, address: str, arguments: list[object]) -> Answer:
        try:
            verb = parse(address, arguments)
            given = self._worker.submit(self._handle, verb)
            if not wait([given], PATIENCE_S).done:
                return Answer(ok=True, sentence="Received; the bridge is busy and takes it up as soon as it can.")
            return given.result()
        except BridgeError as error:
            return Answer(ok=False, sentence=error.sentence)
        except Exception as error:
            log.exception("unexpected, while %r was taken up", name)
            return Answer(ok=False, sentence=f"An unexpected fault: {type(error).__name__}. The log has more.")


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        data, line = self.request
        answered = cast(_Server, self.server).answer(data)
        if answered is not None:
            line.sendto(pack_answer(*answered), self.client_address)


def pack_answer(verb: str, answer: Answer) -> bytes:
    """The packet of an answer."""
    builder = OscMessageBuilder(address=ANSWER_ADDRESS)
    builder.add_arg(_sendable(verb), "s")
    builder.add_arg(int(answer.ok), "i")
    builder.add_arg(_sendable(answer.sentence[:LONGEST_SENTENCE]), "s")
    builder.add_arg(_sendable(answer.job_id), "s")
    return builder.build().dgram


def _sendable(text: str) -> str:
    """A text without what no OSC string holds: half characters, as in the names of odd files, and zeros."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


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
