"""Keeps the server alive inside REAPER: one deferred turn after another, until REAPER or the script ends.

Convention: the ext state FOLEY/server holds the running server's mark, FOLEY/server_seen the time of its latest turn
(seconds, REAPER's precise clock). A second run of the script finds a fresh mark and does nothing; a server that finds
another mark than its own steps back. Neither is persistent, so a restarted REAPER starts clean.
"""

import os
import secrets
import traceback

import reapy

from . import endpoint, peaks, project, read, say, watch, write
from .api import rp
from .server import SafeServer

SECTION = "FOLEY"
FRESH_S = 5.0
SEEN_EVERY_S = 1.0

CALLABLES = {
    ("foley_inside.read", "read"): read.read,
    ("foley_inside.read", "landed"): read.landed,
    ("foley_inside.write", "write"): write.write,
    ("foley_inside.say", "tell"): say.tell,
    ("foley_inside.say", "show"): say.show,
    ("foley_inside.watch", "watch"): watch.watch,
}


class Loop:
    """The server and its turn of the deferred loop."""

    def __init__(self):
        self._mark = secrets.token_hex(16)
        self._about = {
            "api": endpoint.API,
            "version": rp.RPR_GetAppVersion(),
            "resource_path": rp.RPR_GetResourcePath(),
            "pid": os.getpid(),
            "run": self._mark,
        }
        self._server = SafeServer(CALLABLES, about=self._about)
        self._seen_s = 0.0
        self._complained = False

    def start(self):
        """Opens the door, says where it is, and begins to turn.

        Raises:
            OSError: the endpoint's folder cannot be written.
        """
        project.new_run(self._mark)
        rp.RPR_SetExtState(SECTION, "server", self._mark, False)
        reapy.at_exit(self.stop)
        endpoint.announce({"port": self._server.port, "token": self._server.token, **self._about})
        self.turn()

    def turn(self):
        """One deferred cycle; comes back for the next one whatever happened."""
        if rp.RPR_GetExtState(SECTION, "server") != self._mark:
            self.stop()
            return
        try:
            self._show_life()
            self._server.tick()
            peaks.step()
            watch.step()
        except BaseException:
            if not self._complained:
                rp.RPR_ShowConsoleMsg("Foley Bridge: a fault in the server script:\n" + traceback.format_exc())
            self._complained = True
        reapy.defer(self.turn)

    def stop(self):
        """Closes the door and takes the endpoint file away."""
        self._server.close()
        endpoint.withdraw(self._server.token)
        if rp.RPR_GetExtState(SECTION, "server") == self._mark:
            rp.RPR_DeleteExtState(SECTION, "server", False)

    def _show_life(self):
        now_s = rp.RPR_time_precise()
        if now_s - self._seen_s >= SEEN_EVERY_S:
            self._seen_s = now_s
            rp.RPR_SetExtState(SECTION, "server_seen", repr(now_s), False)


def start():
    """Starts the server unless it is already running; says which in REAPER's console or hint line."""
    if is_running():
        rp.RPR_Help_Set("Foley Bridge: the server is already running.", False)
        return
    try:
        Loop().start()
    except OSError as error:
        rp.RPR_ShowConsoleMsg(
            f"Foley Bridge: the server could not start: {error}. "
            f"Make the folder {endpoint.folder()} yours, or name another one in {endpoint.FOLDER_VARIABLE}.\n"
        )


def is_running():
    """Whether another run of the script shows life."""
    if not rp.RPR_GetExtState(SECTION, "server"):
        return False
    try:
        seen_s = float(rp.RPR_GetExtState(SECTION, "server_seen"))
    except ValueError:
        return False
    return abs(rp.RPR_time_precise() - seen_s) < FRESH_S
