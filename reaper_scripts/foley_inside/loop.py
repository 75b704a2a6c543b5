"""Keeps the server alive inside REAPER: one deferred turn after another, until REAPER or the script ends.

Convention: a second run of the script finds a fresh mark (see ``life``) and does nothing; a server that finds another
mark than its own steps back. Each turn is as short as ``slices`` says, all that is done in it together; only the acts
of a write are not cut.
"""

import os
import secrets

import reapy

from . import answers, endpoint, faults, life, peaks, project, read, say, slices, watch, write
from .api import SECTION, rp
from .server import SafeServer

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
            turn = slices.Turn()
            self._show_life()
            answers.step()
            self._server.tick(turn)
            watch.step(turn)
            if not turn.over():
                peaks.step()
        except BaseException as error:
            if not self._complained:
                faults.show(error)
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
        if now_s - self._seen_s >= life.SEEN_EVERY_S:
            self._seen_s = now_s
            life.show(now_s)


@faults.told
def start():
    """Starts the server unless it is already running; says which in REAPER's console or hint line."""
    if life.is_seen():
        rp.RPR_Help_Set("Foley Bridge: the server is already running.", False)
        return
    try:
        Loop().start()
    except OSError as error:
        rp.RPR_ShowConsoleMsg(
            f"Foley Bridge: the server could not start: {error}. "
            f"Make the folder {endpoint.folder()} yours, or name another one in {endpoint.FOLDER_VARIABLE}.\n"
        )
