"""The daemon's ear: a UDP door on the loopback interface that answers every OSC message once, within 0.3 s.

Convention: the handler only takes orders, it does no work; what it raises becomes the answer's sentence. It runs on a
thread of its own, so that the door listens whatever it does: an order that it has not taken up after 0.2 s is answered
as received, and one more than may wait is refused. A message must carry the token that only this user can read
(``daemon.json``); what carries none, or another, is counted, logged once, and answered a few times a second at most. A
message comes with a press id: the same id again gets the same answer again and nothing else happens, so that a key
press that is sent twice, or replayed, is one key press. Bytes that are no OSC message are answered if they look like
one (they begin with "/" or are a bundle) and dropped otherwise, so that two programs never answer each other's answers.
Nothing that arrives ends the door, blocks it, or makes it grow.
"""

from __future__ import annotations

import hmac
import logging
import queue
import selectors
import socket
import sys
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import BridgeError, RequestError
from bridge.host.endpoint import DEFAULT_OSC_PORT as DEFAULT_PORT
from bridge.osc.limits import Allowance, Refused
from bridge.osc.messages import ANSWER_ADDRESS, PREFIX, Answer, Verb, opened, parse
from bridge.osc.packet import pack, unpack

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
BUFFER_BYTES = 512 * 1024
"""What the system keeps for us while we are busy: what is read in 0.1 s, or a key press would wait behind the rest."""
PATIENCE_S = 0.2
POLL_S = 0.1
LONGEST_SENTENCE = 1500
REFUSALS_PER_S = 5
REMEMBERED = 4096
"""So many press ids are known again."""
WAITING = 32
"""So many orders may wait for the handler."""
SENDERS = 4
"""So many places may ask with the same press id before it is answered."""

TOKEN_HINT = "Press the key in REAPER: only a program of this user that reads daemon.json can speak to the bridge"
LATE = Answer(ok=True, sentence="Received; the bridge is busy and takes it up as soon as it can.")
BUSY = Answer(ok=False, sentence="The bridge is busy. Press again in a moment.")
STOPPING = Answer(ok=False, sentence="The bridge is stopping. Start it again and press the key again.")

Handler = Callable[[Verb], Answer]
Holder = Callable[[], str]


@dataclass(slots=True)
class _Order:
    """One key press: who wants its answer, and the answer once it is known."""

    name: str
    senders: list[Any]
    due_at: float
    answer: Answer | None = None
    told: bool = field(default=False)


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
        self._handle = handle
        self._token = token.encode()
        self._refusals = Allowance(REFUSALS_PER_S)
        self._refused = Refused("OSC", every_s=None)
        self._known: OrderedDict[str, _Order] = OrderedDict()
        self._open: deque[_Order] = deque()
        self._orders: queue.Queue[tuple[_Order, Verb] | None] = queue.Queue(maxsize=WAITING)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            if sys.platform == "win32":  # there another program could take the same port and hear the keys
                self._line.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            self._line.bind((HOST, port))
            self._port = int(self._line.getsockname()[1])
            self._line.setblocking(False)
        except OSError as error:
            self._line.close()
            who = holder()
            taken = f"UDP port {port} on {HOST} is held by {who}" if who else f"UDP port {port} on {HOST} is taken"
            raise BridgeError(
                f"{taken} ({error.strerror or error})",
                hint="Stop that program, or start with another port: foley-bridge serve --port N",
            ) from error
        self._line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)

    @property
    def port(self) -> int:
        """The UDP port that is listened on."""
        return self._port

    @property
    def refused(self) -> int:
        """How many messages were not taken: without the right token, or not understood."""
        return self._refused.total

    def start(self) -> None:
        """Begins to listen, on threads of its own."""
        for work, name in ((self._listen, "foley-osc"), (self._work, "foley-verb")):
            self._threads.append(threading.Thread(target=work, name=name, daemon=True))
            self._threads[-1].start()

    def close(self) -> None:
        """Stops listening; who still waits is told so. May be called twice."""
        if self._stop.is_set():
            return
        self._stop.set()
        if self._threads:
            self._threads[0].join(2.0)
        while True:
            try:
                left = self._orders.get_nowait()
            except queue.Empty:
                break
            if left is not None:
                self._settle(left[0], STOPPING)
        self._orders.put_nowait(None)
        if self._threads:
            self._threads[1].join(1.0)
        self._line.close()
        self._refused.log_rest()

    def __enter__(self) -> OscServer:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    # -- the listening thread ------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._line, selectors.EVENT_READ)
            while not self._stop.is_set():
                try:
                    data, sender = self._line.recvfrom(65536)
                except BlockingIOError:
                    selector.select(self._answer_late())
                    continue
                except OSError as error:  # on Windows: an answer that nobody took, or a datagram beyond any size
                    log.debug("OSC: %s", error)
                    self._stop.wait(0.01)
                    continue
                try:
                    self._take(data, sender)
                except Exception:
                    log.exception("an OSC packet could not be taken")
                if self._open:
                    self._answer_late()

    def _take(self, data: bytes, sender: Any) -> None:
        if not data.startswith((b"/", b"#bundle")):
            self._refused.count("no OSC")
            return
        if data.startswith(ANSWER_ADDRESS.encode()):
            return
        try:
            address, arguments, token, press = opened(*unpack(data))
        except BridgeError as error:
            self._not_taken("not understood", "", error, sender)
            return
        name = address[len(PREFIX) :][:40] if address.startswith(PREFIX) else ""
        if not hmac.compare_digest(token.encode("utf-8", "replace"), self._token):
            why = "with a wrong token" if token else "without a token"
            self._not_taken(why, name, RequestError(f"This message came {why}", hint=TOKEN_HINT), sender)
        elif not press:
            missing = f"/foley/{name} came without a press id. Send a new random word."
            self._send(name, Answer(ok=False, sentence=missing), sender)
        elif press in self._known:
            self._ask_again(self._known[press], sender)
        else:
            self._order(press, name, address, arguments, sender)

    def _not_taken(self, why: str, name: str, error: BridgeError, sender: Any) -> None:
        self._refused.count(why)
        if self._refusals.take():
            self._send(name, Answer(ok=False, sentence=error.sentence), sender)

    def _ask_again(self, order: _Order, sender: Any) -> None:
        with self._lock:
            answer = order.answer or (LATE if order.told else None)
            if answer is None and sender not in order.senders and len(order.senders) < SENDERS:
                order.senders.append(sender)
        if answer is not None:
            self._send(order.name, answer, sender)

    def _order(self, press: str, name: str, address: str, arguments: list[object], sender: Any) -> None:
        order = _Order(name=name, senders=[sender], due_at=time.monotonic() + PATIENCE_S)
        self._known[press] = order
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        try:
            self._orders.put_nowait((order, parse(address, arguments)))
        except BridgeError as error:
            self._settle(order, Answer(ok=False, sentence=error.sentence))
        except queue.Full:
            self._settle(order, BUSY)
        else:
            self._open.append(order)

    def _answer_late(self) -> float:
        """Answers every order whose time is over; gives the seconds until the next one's is."""
        while self._open:
            order = self._open[0]
            left_s = order.due_at - time.monotonic()
            if order.answer is None and left_s > 0:
                return min(left_s, POLL_S)
            self._open.popleft()
            self._tell(order, LATE)
        return POLL_S

    # -- the verbs' thread ---------------------------------------------------------------------------------------------

    def _work(self) -> None:
        while (entry := self._orders.get()) is not None:
            order, verb = entry
            self._settle(order, self._asked(order.name, verb))

    def _asked(self, name: str, verb: Verb) -> Answer:
        try:
            return self._handle(verb)
        except BridgeError as error:
            return Answer(ok=False, sentence=error.sentence)
        except Exception as error:
            log.exception("unexpected, while %r was taken up", name)
            return Answer(ok=False, sentence=f"An unexpected fault: {type(error).__name__}. The log has more.")

    # -- both ----------------------------------------------------------------------------------------------------------

    def _settle(self, order: _Order, answer: Answer) -> None:
        with self._lock:
            order.answer = answer
        self._tell(order, answer)

    def _tell(self, order: _Order, answer: Answer) -> None:
        """Answers whoever waits, once."""
        with self._lock:
            senders = [] if order.told else order.senders
            order.told = True
        for sender in senders:
            self._send(order.name, answer, sender)

    def _send(self, name: str, answer: Answer, sender: Any) -> None:
        try:
            self._line.sendto(pack_answer(name, answer), sender)
        except OSError as error:
            log.debug("OSC: no answer reaches %s: %s", sender, error)


def pack_answer(verb: str, answer: Answer) -> bytes:
    """The packet of an answer."""
    return pack(ANSWER_ADDRESS, verb, int(answer.ok), answer.sentence[:LONGEST_SENTENCE], answer.job_id)
