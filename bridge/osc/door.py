"""The controller door: buttons of a Stream Deck or a TouchOSC page, from devices that the user named.

Convention: only ``/foley/<verb>`` without arguments, for the verbs that the caller allows. Touch surfaces send 1 on
press and 0 on release: a single number 1 is a press, a single 0 is ignored in silence, anything else is refused. A
device is answered (``/foley/answer``) on the port that its entry names, wherever it sends from; strangers are never
answered. What is not taken is counted and logged at most once a minute. UDP tells who sent a message but does not
prove it: what is let in here can press these buttons and nothing else.
"""

from __future__ import annotations

import errno
import logging
import queue
import socket
import struct
import threading
from collections.abc import Callable, Collection, Iterable

from bridge.errors import BridgeError, RequestError
from bridge.osc.feedback import PROGRESS_ADDRESS, STATE_ADDRESS, outward
from bridge.osc.limits import Allowance, Refused
from bridge.osc.messages import ANSWER_ADDRESS, PREFIX, Answer
from bridge.osc.peers import Peer
from bridge.osc.server import pack_answer

log = logging.getLogger(__name__)

LARGEST_PACKET_BYTES = 256
PRESSES_PER_S = 20
REFUSALS_PER_S = 5
WAITING = 8
POLL_S = 0.1
OURS = (ANSWER_ADDRESS, PROGRESS_ADDRESS, STATE_ADDRESS)
NUMBERS = {b",i\0\0": ">i", b",f\0\0": ">f", b",h\0\0": ">q", b",d\0\0": ">d"}

Press = Callable[[str], Answer]


class ControllerDoor:
    """Listens for button presses and answers them.

    Args:
        handle: takes a verb's name and says whether it was accepted; may raise BridgeError. Called on a thread of the
            door's own.
        verbs: names of the verbs that may come in; each must make sense without arguments.
        bind: IPv4 address of this computer on which to listen.
        port: UDP port; 0 takes any free one.
        peers: the devices that are listened to.

    Raises:
        BridgeError: the port is taken, or the address is not this computer's.
    """

    def __init__(self, handle: Press, verbs: Collection[str], *, bind: str, port: int, peers: Iterable[Peer]) -> None:
        self._handle = handle
        self._verbs = frozenset(verbs)
        self._peers: dict[str, list[Peer]] = {}
        for peer in peers:
            self._peers.setdefault(peer.address, []).append(peer)
        self._presses = {address: Allowance(PRESSES_PER_S) for address in self._peers}
        self._refusals = {address: Allowance(REFUSALS_PER_S) for address in self._peers}
        self._refused = Refused("controller door")
        self._waiting: queue.Queue[tuple[str, str]] = queue.Queue(maxsize=WAITING)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._line.bind((bind, port))
            self._line.settimeout(POLL_S)
        except OSError as error:
            self._line.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise BridgeError(
                    f"controller_bind {bind} is no address of this computer",
                    hint="Set controller_bind to one that it has, or to 0.0.0.0 for all of them",
                ) from error
            raise BridgeError(
                f"The controller door cannot have UDP port {port} on {bind} ({error.strerror or error})",
                hint="Stop the program that holds it, or set another controller_port",
            ) from error

    @property
    def port(self) -> int:
        """The UDP port that is listened on."""
        return int(self._line.getsockname()[1])

    def start(self) -> None:
        """Begins to listen, on threads of its own."""
        for work, name in ((self._listen, "foley-door"), (self._work, "foley-door-verb")):
            self._threads.append(threading.Thread(target=work, name=name, daemon=True))
            self._threads[-1].start()

    def close(self) -> None:
        """Stops listening; may be called twice."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2.0)
        self._threads.clear()
        self._line.close()
        self._refused.log_rest()

    def __enter__(self) -> ControllerDoor:
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                data, sender = self._line.recvfrom(65536)
            except TimeoutError:
                continue
            except OSError as error:  # on Windows: an answer that nobody took, or a datagram beyond any size
                if self._stop.wait(0.01):
                    return
                log.debug("controller door: %s", error)
                continue
            try:
                self._take(data, sender[0])
            except Exception:
                log.exception("controller door: a message could not be taken")

    def _take(self, data: bytes, address: str) -> None:
        if address not in self._peers:
            self._refused.count("from strangers", stranger=address)
            return
        if not data.startswith((b"/", b"#bundle")):
            self._refused.count("no OSC")
            return
        if data.partition(b"\0")[0] in (ours.encode() for ours in OURS):
            return  # our own words, sent back: an answer would go round for ever
        verb = ""
        try:
            name, argument = _read(data)
            verb = self._allowed(name)
            if not _pressed(name, argument):
                return
        except RequestError as error:
            self._refused.count("not understood")
            if self._refusals[address].take():
                self._answer(address, verb, Answer(ok=False, sentence=error.sentence))
            return
        if not self._presses[address].take():
            self._refused.count("too fast")
            return
        try:
            self._waiting.put_nowait((address, verb))
        except queue.Full:
            self._refused.count("while busy")
            self._answer(address, verb, Answer(ok=False, sentence="The bridge is busy. Press again in a moment."))

    def _allowed(self, name: str) -> str:
        verb = name[len(PREFIX) :] if name.startswith(PREFIX) else ""
        if verb not in self._verbs:
            known = ", ".join(PREFIX + verb for verb in sorted(self._verbs))
            raise RequestError(f"The controller door does not know {name[:80]!r}", hint=f"Send one of {known}")
        return verb

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                address, verb = self._waiting.get(timeout=POLL_S)
            except queue.Empty:
                continue
            self._answer(address, verb, self._asked(verb))

    def _asked(self, verb: str) -> Answer:
        try:
            given = self._handle(verb)
        except BridgeError as error:
            given = Answer(ok=False, sentence=error.sentence)
        except Exception:
            log.exception("unexpected, while %r was taken up at the controller door", verb)
            given = Answer(ok=False)
        otherwise = "Received." if given.ok else "Refused; the log says why."
        if not given.ok and outward(given.sentence, "") != given.sentence:
            log.warning("%s, pressed at the controller door, was refused: %s", verb, given.sentence)
        return Answer(ok=given.ok, sentence=outward(given.sentence, otherwise), job_id=given.job_id)

    def _answer(self, address: str, verb: str, answer: Answer) -> None:
        data = pack_answer(verb, answer)
        for peer in self._peers[address]:
            try:
                self._line.sendto(data, (peer.address, peer.port))
            except OSError as error:
                log.debug("controller door: no answer reaches %s: %s", peer, error)


def _read(data: bytes) -> tuple[str, bytes]:
    """(address, what follows it) of one OSC message; strict, so that junk costs little and logs nothing.

    Raises:
        RequestError: a bundle, or no message that could be a button's.
    """
    if data.startswith(b"#bundle"):
        raise RequestError("OSC bundles are not understood", hint="Send the message by itself")
    end = data.find(b"\0")
    if len(data) > LARGEST_PACKET_BYTES or len(data) % 4 or end < 0 or not data[:end].isascii():
        raise RequestError("An OSC message could not be read", hint="Send an address without arguments")
    return data[:end].decode("ascii"), data[(end // 4 + 1) * 4 :]


def _pressed(name: str, argument: bytes) -> bool:
    """Whether the button went down; False when it was let go.

    Raises:
        RequestError: any argument but a single number 0 or 1.
    """
    if argument in (b"", b",\0\0\0"):
        return True
    form = NUMBERS.get(argument[:4], "")
    if form and len(argument) == 4 + struct.calcsize(form):
        (number,) = struct.unpack(form, argument[4:])
        if number in (0, 1):
            return number == 1
    raise RequestError(
        f"{name} came with an argument", hint="Send it without, or as a button that sends 1 when pressed and 0 after"
    )
