"""An ear for REAPER's own OSC feedback: it hears that markers changed, and nothing else.

Convention: REAPER sends to this port if a control surface "OSC" is set up for 127.0.0.1 (``bridge/docs``). Positions on
that wire are 32-bit floats without identity, so a message only says *that* something changed; what, is read from the
project. Nothing is answered.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable

from bridge.errors import BridgeError

log = logging.getLogger(__name__)

LARGEST_PACKET_BYTES = 65536
_MARKS = (b"/marker/", b"/region/")
"""What ``/lastmarker/`` says moves with the play position and tells of no change."""


class MarkerEar:
    """Calls a function whenever REAPER says that a marker or region changed.

    Args:
        port: UDP port on 127.0.0.1. touched: must return soon.

    Raises:
        BridgeError: the port is taken.
    """

    def __init__(self, port: int, touched: Callable[[], None]) -> None:
        self._touched = touched
        self._line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._line.bind(("127.0.0.1", port))
        except OSError as error:
            self._line.close()
            raise BridgeError(
                f"UDP port {port} on 127.0.0.1, for REAPER's OSC feedback, is taken ({error.strerror or error})",
                hint="Set reaper_osc_port to another one, and REAPER's control surface too",
            ) from error
        self._line.settimeout(0.2)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="foley-surface", daemon=True)

    @property
    def port(self) -> int:
        """The UDP port that is listened on."""
        return int(self._line.getsockname()[1])

    def __enter__(self) -> MarkerEar:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(2.0)
        self._line.close()

    def _listen(self) -> None:
        while not self._stop.is_set():
            try:
                data = self._line.recv(LARGEST_PACKET_BYTES)
            except TimeoutError:
                continue
            except OSError as error:
                log.debug("REAPER's OSC feedback: %s", error)
                self._stop.wait(0.01)
                continue
            if any(mark in data for mark in _MARKS):
                try:
                    self._touched()
                except Exception:  # live mode goes on with the next one
                    log.exception("REAPER's OSC feedback: a touched marker could not be followed")
