"""One daemon of a user at a time: an OS lock on ``daemon.lock`` in the endpoint folder.

Convention: the system lets go of the lock when its process ends, however that happens, so a lock that was left behind
by a crash holds nobody up. The file itself stays and says nothing; who holds it is in ``daemon.json``.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from filelock import FileLock, Timeout

from bridge.errors import HostError
from bridge.host import endpoint

LOCK_FILE = "daemon.lock"
NAMED_WITHIN_S = 0.5
"""So long a daemon that holds the lock may take to say who it is."""


class DaemonLock:
    """Held from construction until ``release``.

    Args:
        where: the endpoint folder; None follows the rule of ``bridge.host.endpoint``.

    Raises:
        HostError: another daemon holds it, which is named; or the folder is not this user's.
    """

    def __init__(self, where: Path | None = None) -> None:
        folder = where or endpoint.folder()
        endpoint.make_private(folder)
        path = folder / LOCK_FILE
        self._lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
        try:
            self._lock.acquire()
        except Timeout:
            raise _held(folder) from None
        except NotImplementedError:  # a folder on a file system without locks: daemon.json alone has to do
            endpoint.refuse_second(folder)
        except OSError as error:
            raise HostError(f"{path} cannot be locked: {error.strerror}", hint=endpoint.FOLDER_HINT) from error

    def release(self) -> None:
        """Lets the next one in; may be called twice."""
        self._lock.release()

    def __enter__(self) -> DaemonLock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()


def _held(folder: Path) -> HostError:
    until = time.monotonic() + NAMED_WITHIN_S
    while True:
        said = endpoint.announced_daemon(folder)
        pid, port = said.get("pid"), said.get("port")
        named = isinstance(pid, int) and pid != os.getpid() and endpoint.alive(pid)
        if named or time.monotonic() > until:
            break
        time.sleep(0.05)
    who = f" (process {pid})" if named else ""
    where = f", on UDP port {port}, and the keys in REAPER go there" if named else " and is just starting or stopping"
    return HostError(f"Another foley-bridge{who} runs already{where}", hint=endpoint.SECOND_HINT)
