"""Whether the server script runs, known to every script of this REAPER.

Convention: the ext state FOLEY/server holds the running server's mark, FOLEY/server_seen the time of its latest turn
(seconds, REAPER's precise clock). Neither is persistent, so a restarted REAPER starts clean.
"""

from . import api
from .api import rp

FRESH_S = 5.0
SEEN_EVERY_S = 1.0


def show(now_s):
    """Says that the server lives."""
    rp.RPR_SetExtState(api.SECTION, "server_seen", repr(now_s), False)


def is_seen():
    """Whether a server has shown life."""
    if not rp.RPR_GetExtState(api.SECTION, "server"):
        return False
    try:
        seen_s = float(rp.RPR_GetExtState(api.SECTION, "server_seen"))
    except ValueError:
        return False
    return abs(rp.RPR_time_precise() - seen_s) < FRESH_S
