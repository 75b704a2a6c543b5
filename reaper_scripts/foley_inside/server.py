"""reapy's server made safe: loopback only, a token first, an exact list of callables, and never a blocking read.

Convention: frames are reapy's (8-byte little-endian length, UTF-8 JSON). A connection's life: the server sends the
peer's address, the peer sends the token within 2 s, the server answers with what it is, then requests are answered one
per connection and tick. A listed function that gives a generator goes on over several ticks (see ``slices``), the first
that came first; one whose peer has hung up is given up. A peer that breaks the framing is dropped; a request that is
refused is answered. Nothing that a peer sends stops the loop, blocks it, or calls anything but the listed functions.
"""

import hmac
import json
import os
import secrets
import socket
import time
import traceback
from types import GeneratorType

from reapy.tools.network.server import Server

from .slices import Task, Turn

TOKEN_FRAME_BYTES = 256
REQUEST_FRAME_BYTES = 8 * 1024 * 1024
ANSWER_BYTES = 64 * 1024 * 1024
AUTHENTICATE_S = 2.0
STALLED_S = 10.0
CONNECTIONS = 8
STRANGERS = 32
"""So many may be connected that have not shown the token yet."""
STRANGERS_PER_TURN = 16
GRACE_S = 0.1
"""So long a stranger is kept when another one wants its place."""
BACKLOG_BYTES = REQUEST_FRAME_BYTES + TOKEN_FRAME_BYTES


class Refused(Exception):
    """A request that will not be carried out; its text goes back to the peer."""


class PeerGone(Exception):
    """The peer hung up, or broke the framing so that nothing after it can be trusted."""


class Peer:
    """One connection: what has arrived, what is still to be sent."""

    def __init__(self, connection, now):
        self.connection = connection
        self.since = self.sent_at = now
        self.trusted = self.spoke = False
        self.arrived = bytearray()
        self.leaving = bytearray()

    def queue(self, message):
        """Puts one frame in the queue to be sent."""
        data = message if isinstance(message, bytes) else json.dumps(message, allow_nan=False).encode("utf-8")
        if len(self.leaving) + len(data) > ANSWER_BYTES:
            raise PeerGone("the peer does not read its answers")
        self.leaving += len(data).to_bytes(8, "little") + data

    def flush(self, now):
        """Sends what the kernel takes without waiting."""
        while self.leaving:
            try:
                sent = self.connection.send(self.leaving)
            except (BlockingIOError, InterruptedError):
                if now - self.sent_at > STALLED_S:
                    raise PeerGone("the peer does not read its answers") from None
                return
            except OSError as error:
                raise PeerGone(str(error)) from error
            self.sent_at = now
            del self.leaving[:sent]
        self.sent_at = now

    def fill(self):
        """Takes what has arrived, without waiting. A peer that has hung up gets nothing done any more."""
        while len(self.arrived) < BACKLOG_BYTES:
            try:
                data = self.connection.recv(65536)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                raise PeerGone(str(error)) from error
            if not data:
                raise PeerGone("the peer hung up")
            self.spoke = True
            self.arrived += data
            if not self.trusted and len(self.arrived) > 8 + TOKEN_FRAME_BYTES:
                return

    def frame(self):
        """The next whole frame, or None."""
        if len(self.arrived) < 8:
            return None
        length = int.from_bytes(self.arrived[:8], "little")
        if not 0 < length <= (REQUEST_FRAME_BYTES if self.trusted else TOKEN_FRAME_BYTES):
            raise PeerGone(f"a frame of {length} bytes")
        if len(self.arrived) < 8 + length:
            return None
        data = bytes(self.arrived[8 : 8 + length])
        del self.arrived[: 8 + length]
        return data

    def close(self):
        """Hangs up."""
        self.connection.close()


class SafeServer(Server):
    """The daemon's door into REAPER.

    Args:
        callables: {(module, name): function}; nothing else can be called, and names have no dots.
        about: JSON values that tell the daemon what it has reached; sent once the token was right.
        clock: monotonic seconds. turn: a new turn, when ``tick`` is not given one.
    """

    def __init__(self, callables, *, about=None, clock=time.monotonic, turn=Turn):
        self._callables = dict(callables)
        self._about = dict(about or {})
        self._clock = clock
        self._turn = turn
        self._peers = {}
        self.strangers = 0
        """How many connections ended without the token; ``strangers_spoke``: whether any of them said something."""
        self.strangers_spoke = False
        self._tasks = {}
        """{address: what is being done for it}, the first that came first."""
        self.token = secrets.token_hex(32)
        super().__init__(0)
        self._socket.setblocking(False)

    @property
    def port(self):
        """The TCP port, chosen by the system."""
        return self._socket.getsockname()[1]

    def bind(self, address):
        """Binds the loopback interface, whatever address was asked for."""
        if os.name == "nt":  # there SO_REUSEADDR would let another program take the same port
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", -5), 1)
        return self._socket.bind(("127.0.0.1", address[1]))

    def tick(self, turn=None):
        """One turn of the loop: accept, read, work, answer; returns without waiting for anybody."""
        turn = turn or self._turn()
        self.accept()
        results = self.process_requests(self.get_requests())
        self._go_on(turn, results)
        self.send_results(results)

    def accept(self):  # pyright: ignore[reportIncompatibleMethodOverride]
        """Takes some of the waiting connections; the longest-waiting stranger makes room when there are too many.

        However many come, a turn takes few, and each has time to show its token: a flood costs REAPER nothing that is
        felt, and a daemon that comes meanwhile waits its turn and gets in.
        """
        now = self._clock()
        for _ in range(STRANGERS_PER_TURN):
            strangers = [key for key, peer in self._peers.items() if not peer.trusted]
            full = len(strangers) >= STRANGERS
            if full and now - self._peers[strangers[0]].since < GRACE_S:
                return
            try:
                connection, address = self._socket.accept()
            except OSError:
                return
            if full:
                self._turn_away(strangers[0])
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer = self._peers[address] = Peer(connection, now)
            peer.queue(f"{address}".encode("ascii"))

    def disconnect(self, address):
        """Forgets a connection."""
        peer = self._peers.pop(address, None)
        if peer is not None:
            peer.close()
        task = self._tasks.pop(address, None)
        if task is not None:
            task.close()

    def get_requests(self):
        """At most one request per connection: {address: function and arguments, or what to answer instead}.

        A connection for which something is being done waits with its next one.
        """
        requests = {}
        for address, peer in list(self._peers.items()):
            try:
                peer.fill()
                request = None if address in self._tasks else self._next_request(peer)
            except PeerGone:
                self._turn_away(address)
                continue
            if request is not None:
                requests[address] = request
        return requests

    def process_requests(self, requests):
        """Begins each request, and answers what is none."""
        results = {}
        for address, request in requests.items():
            if callable(request):
                self._tasks[address] = Task(_steps(request))
            else:
                results[address] = json.dumps(request, allow_nan=False).encode("utf-8")
        return results

    def _go_on(self, turn, results):
        """Works until everything is done or the turn is over; whatever goes wrong becomes an error frame."""
        for address, task in list(self._tasks.items()):
            try:
                if not task.go_on(turn):
                    return
                results[address] = json.dumps({"type": "result", "value": task.value}, allow_nan=False).encode("utf-8")
            except BaseException:  # also SystemExit, RecursionError: the loop goes on
                results[address] = json.dumps({"type": "error", "traceback": traceback.format_exc()}).encode("utf-8")
            del self._tasks[address]

    def send_results(self, results):
        """Queues the answers and sends what can be sent now."""
        now = self._clock()
        for address, peer in list(self._peers.items()):
            try:
                if address in results:
                    peer.queue(results[address])
                peer.flush(now)
            except PeerGone:
                self.disconnect(address)

    def close(self):
        """Hangs up on everybody and stops listening."""
        for address in list(self._peers):
            self.disconnect(address)
        super().close()

    def _turn_away(self, address):
        """Hangs up, and counts whoever never showed the token."""
        peer = self._peers.get(address)
        if peer is not None and not peer.trusted:
            self.strangers += 1
            self.strangers_spoke |= peer.spoke
        self.disconnect(address)

    def _next_request(self, peer):
        data = peer.frame()
        if not peer.trusted:
            if data is None:
                if self._clock() - peer.since > AUTHENTICATE_S:
                    raise PeerGone("no token in time")
                return None
            if not hmac.compare_digest(data, self.token.encode("ascii")):
                raise PeerGone("wrong token")
            peer.trusted = True
            if sum(other.trusted for other in self._peers.values()) > CONNECTIONS:
                raise PeerGone("too many connections")
            return {"type": "result", "value": self._about}
        if data is None:
            return None
        try:
            return self._understand(data)
        except Refused as error:
            return {"type": "error", "traceback": f"refused: {error}"}
        except (ValueError, RecursionError) as error:
            return {"type": "error", "traceback": f"not a request: {str(error)[:200]}"}

    def _understand(self, data):
        request = json.loads(
            data.decode("utf-8"), object_hook=self._object, parse_int=_integer, parse_constant=_no_constant
        )
        if not isinstance(request, dict) or set(request) != {"function", "input"}:
            raise Refused("a request has a function and an input")
        function, given = request["function"], request["input"]
        if not callable(function):
            raise Refused("only listed functions can be called")
        if not isinstance(given, dict) or set(given) != {"args", "kwargs"}:
            raise Refused("an input has args and kwargs")
        args, kwargs = given["args"], given["kwargs"]
        if not isinstance(args, list) or not isinstance(kwargs, dict):
            raise Refused("args are a list and kwargs an object")
        return lambda: function(*args, **kwargs)

    def _object(self, value):
        if "__reapy__" in value or "__slice__" in value:
            raise Refused("reapy objects and slices are not accepted")
        if "__callable__" not in value:
            return value
        key = (value.get("module_name"), value.get("name"))
        if set(value) != {"__callable__", "module_name", "name"} or not all(isinstance(part, str) for part in key):
            raise Refused("a callable has a module_name and a name")
        if key not in self._callables:
            raise Refused(f"{key[1][:80]} of {key[0][:80]} is not on the list")
        return self._callables[key]


def _steps(request):
    value = request()
    return (yield from value) if isinstance(value, GeneratorType) else value


def _integer(text):
    if len(text) > 20:
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _no_constant(text):
    raise ValueError(f"{text} is not a number")
