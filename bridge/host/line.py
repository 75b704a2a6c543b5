"""One connection to the server inside REAPER: reapy's client with time limits, and a decoder that builds nothing.

Convention: the only importer of reapy in the daemon. ``import reapy`` dials REAPER's web interface and would start
reapy's own, open server if the user ever configured it; so the import happens late and with the network taken away.
A ``Line`` belongs to one thread, and after any error but LineRefused it is of no use: close it and open another.
"""

from __future__ import annotations

import importlib
import json
import socket
import time
import warnings
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

from bridge.host.endpoint import Endpoint

FRAME_BYTES = 64 * 1024 * 1024


class LineError(Exception):
    """The connection cannot be used (any more); the text says why."""


class LineRefused(LineError):
    """REAPER's script answered that it would not or could not; the connection is still good."""


class LineTimeout(LineError):
    """REAPER did not answer in time."""


class Line:
    """A connection that has passed the token.

    Args:
        endpoint: where to connect.
        deadline: monotonic time by which the token must have been accepted.

    Raises:
        LineTimeout, LineError: it was not.
    """

    def __init__(self, endpoint: Endpoint, deadline: float) -> None:
        self.endpoint = endpoint
        try:
            self._client = _client_class()(endpoint.port, deadline)
        except TimeoutError as error:
            raise LineTimeout("no answer to the connection") from error
        except (OSError, ValueError) as error:
            raise LineError(f"no connection: {error}") from error
        try:
            self.about = self._exchange(endpoint.token.encode("ascii", "replace"), deadline)
        except LineError:
            self.close()
            raise

    def call(self, module: str, name: str, args: list[Any], kwargs: dict[str, Any], deadline: float) -> Any:
        """Calls one of the listed functions inside REAPER and gives its JSON value.

        Raises:
            LineTimeout: no answer by the deadline.
            LineRefused: the server refused the request, or the function failed.
            LineError: the connection broke.
        """
        request = {
            "function": {"__callable__": True, "module_name": module, "name": name},
            "input": {"args": args, "kwargs": kwargs},
        }
        return self._exchange(json.dumps(request, allow_nan=False).encode("utf-8"), deadline)

    def alive(self) -> bool:
        """Whether the other side still holds the connection."""
        return self._client.idle()

    def close(self) -> None:
        """Hangs up; a request that REAPER has not begun is dropped there."""
        self._client.close()

    def _exchange(self, frame: bytes, deadline: float) -> Any:
        try:
            self._client.until = deadline
            self._client.send(frame)
            answer = json.loads(self._client.recv().decode("utf-8"))
        except TimeoutError as error:
            raise LineTimeout("no answer in time") from error
        except (OSError, ValueError, RecursionError) as error:
            raise LineError(f"the connection broke: {error}") from error
        if not isinstance(answer, dict) or answer.get("type") not in ("result", "error"):
            raise LineError("an answer that is no answer")
        if answer["type"] == "error":
            raise LineRefused(str(answer.get("traceback", "")).strip() or "no reason given")
        return answer.get("value")


def reapy_module() -> ModuleType:
    """reapy, imported without any contact to REAPER or the network."""
    with _no_network(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("reapy")


@contextmanager
def _no_network() -> Any:
    import urllib.request  # as reapy does; the daemon's start does not wait for it
    from urllib.error import URLError

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise URLError("reapy is imported without the network")

    before = urllib.request.urlopen
    urllib.request.urlopen = refuse
    try:
        yield
    finally:
        urllib.request.urlopen = before


@cache
def _client_class() -> type[Any]:
    """reapy's Client, bound to loopback and to a deadline; made when first needed, because it needs reapy."""
    reapy_module()
    client = importlib.import_module("reapy.tools.network.client")

    class TimedClient(client.Client):
        """reapy's framing; every wait ends at ``until`` (monotonic)."""

        def __init__(self, port: int, until: float) -> None:
            self.until = until
            super().__init__(port, "127.0.0.1")

        def _connect(self, port: int, host: str) -> None:
            try:
                self._arm()
                self.connect((host, port))
                self.address = self.recv().decode("ascii")
            except BaseException:
                self.close()
                raise

        def recv(self, timeout: float | None = None) -> bytes:
            length = int.from_bytes(self._take(8), "little")
            if not 0 < length <= FRAME_BYTES:
                raise ConnectionAbortedError(f"a frame of {length} bytes")
            return self._take(length)

        def send(self, data: bytes) -> None:
            self._arm()
            self._socket.sendall(len(data).to_bytes(8, "little") + data)

        def idle(self) -> bool:
            self._socket.setblocking(False)
            try:
                self._socket.recv(1, socket.MSG_PEEK)
            except (BlockingIOError, InterruptedError):
                return True
            except OSError:
                return False
            return False  # the end of the stream, or an answer nobody asked for

        def _take(self, count: int) -> bytes:
            data = bytearray()
            while len(data) < count:
                self._arm()
                part = self._socket.recv(min(count - len(data), 1 << 20))
                if not part:
                    raise ConnectionAbortedError("REAPER hung up")
                data += part
            return bytes(data)

        def _arm(self) -> None:
            left_s = self.until - time.monotonic()
            if left_s <= 0:
                raise TimeoutError
            self._socket.settimeout(left_s)

    return TimedClient
