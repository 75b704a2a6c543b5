"""reapy's own server, which a user may have switched on before: it lets anybody who reaches its port run code."""

from __future__ import annotations

import logging
import threading

from bridge.health import ports
from bridge.health.ports import Reach

log = logging.getLogger(__name__)

PORT = 2306
CURE = "In REAPER, stop the script activate_reapy_server and remove it from the actions; the bridge needs none."


def sentence() -> str:
    """What is wrong if something listens on reapy's port; "" if nothing does."""
    where = ports.reach(PORT)
    if where is Reach.NOBODY:
        return ""
    return f"a program listens on port {PORT} ({where.value}), where reapy's own server lets anybody run code as you"


def warn(warned: threading.Event | None = None) -> threading.Thread:
    """Logs one warning if so, from a thread of its own, so that nothing waits for it.

    Args:
        warned: set with the warning; where it is set already nothing is looked for.
    """
    warned = warned or threading.Event()

    def look() -> None:
        said = "" if warned.is_set() else sentence()
        if said:
            warned.set()
            log.warning("%s%s. %s", said[0].upper(), said[1:], CURE)

    thread = threading.Thread(target=look, name="foley-stock", daemon=True)
    thread.start()
    return thread
