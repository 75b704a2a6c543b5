"""A fault of ours inside REAPER: one sentence for the designer; the rest is in a small file for whoever looks into it.

Convention: the file lies in the endpoint's folder, is readable by this user alone, and never grows beyond 64 KB: the
oldest part goes. Writing it down never raises.
"""

import contextlib
import functools
import os
import time
import traceback

from . import endpoint
from .api import rp

FILE = "reaper-faults.log"
MOST_BYTES = 64 * 1024


def told(function):
    """The function, of which a fault becomes a sentence."""

    @functools.wraps(function)
    def safe(*args):
        try:
            return function(*args)
        except Exception as error:
            show(error)
            return None

    return safe


def show(error):
    """Shows a fault in REAPER's console and writes down where it came from."""
    kind, text = type(error).__name__, " ".join(str(error).split())[:300]
    path = write(error)
    rp.RPR_ShowConsoleMsg(
        f"Foley Bridge: a fault in the bridge's script: {kind}: {text}. Press the key again, and restart REAPER if it "
        f"stays so; {path} has the details.\n"
    )


def write(error):
    """Puts a fault at the end of the file; its path."""
    path = os.path.join(endpoint.folder(), FILE)
    lines = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    data = f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{lines}\n".encode("utf-8", "replace")[-MOST_BYTES:]
    with contextlib.suppress(OSError):
        os.makedirs(endpoint.folder(), mode=0o700, exist_ok=True)
        before = b""
        with contextlib.suppress(OSError), open(path, "rb") as file:
            before = file.read(MOST_BYTES)
        before = before[max(0, len(before) + len(data) - MOST_BYTES) :]
        flags = os.O_CREAT | os.O_WRONLY | os.O_TRUNC | getattr(os, "O_NOFOLLOW", 0)
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(before + data)
    return path
