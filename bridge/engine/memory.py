"""Memory of this process: how much it holds, and giving back what is no longer used.

Convention: bytes of the process's resident set; None where the system has no cheap way to ask (only Linux has one that
needs no further library). Memory of a graphics card is not in it.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


def resident_bytes() -> int | None:
    """What the process holds in memory now; None if unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError, AttributeError):
        return None


def give_back() -> None:
    """Hands what is unused back to the system, as far as the C library can.

    glibc keeps freed blocks for later; ``malloc_trim`` returns them (half of what a closed pack held, in some 40 ms).
    Other C libraries do so by themselves.
    """
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return
    trim(0)
