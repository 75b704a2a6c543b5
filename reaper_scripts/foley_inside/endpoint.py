"""Where the two sides find each other: THE rule, kept in the same words by ``bridge/host/endpoint.py``.

One folder, private to the user: the environment variable ``FOLEY_BRIDGE_ENDPOINT`` names it; without it, it is
``.foley-bridge`` in the user's home. It does not depend on REAPER's resource path, so portable installs are found too.

    reaper.json   written by the server inside REAPER: {"port", "token", "pid", "version", "resource_path", "api",
                  "run"}; of several REAPERs the one that started last
    reaper-PID.json   the same for each of them, so that an answer goes to the REAPER that asked ("run" is the first
                  line of a project's token)
    daemon.json   written by the daemon: {"port", "token", "pid"}; the token goes with every key press

All are mode 0600 in a folder of mode 0700, written whole (temporary name, then renamed), removed at exit.
"""

import contextlib
import json
import os
import secrets
import stat

API = 3
"""Version of what crosses the wire; both sides must agree."""

FOLDER_VARIABLE = "FOLEY_BRIDGE_ENDPOINT"
REAPER_FILE = "reaper.json"
DAEMON_FILE = "daemon.json"
DEFAULT_OSC_PORT = 9124


def folder():
    """The folder of the rule above, as a path string; it may not exist yet."""
    return os.environ.get(FOLDER_VARIABLE) or os.path.join(os.path.expanduser("~"), ".foley-bridge")


def announce(endpoint):
    """Writes ``reaper.json``, and a file of this run's own, so that only this user can read them.

    Args:
        endpoint: a dict of JSON values.

    Returns:
        The path of ``reaper.json``.

    Raises:
        OSError: the folder cannot be made private or written.
    """
    where = folder()
    os.makedirs(where, mode=0o700, exist_ok=True)
    _make_private(where)
    if "run" in endpoint:
        _write(os.path.join(where, _own_file()), endpoint)
    path = os.path.join(where, REAPER_FILE)
    _write(path, endpoint)
    return path


def _write(path, endpoint):
    temporary = f"{path}.{secrets.token_hex(8)}.part"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            json.dump(endpoint, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(OSError):
            os.remove(temporary)


def _own_file():
    return f"reaper-{os.getpid()}.json"


def withdraw(token):
    """Removes what announced this token and nothing else; never raises."""
    for name in (REAPER_FILE, _own_file()):
        path = os.path.join(folder(), name)
        if read(path).get("token") == token:
            with contextlib.suppress(OSError):
                os.remove(path)


def daemon():
    """(UDP port, token) of the daemon: what ``daemon.json`` says, else the default port and no token.

    A file that somebody else wrote, or could read, is not believed: the words typed into REAPER would go to him.
    """
    path = os.path.join(folder(), DAEMON_FILE)
    said = read(path) if is_private(folder()) and is_private(path) else {}
    port, token = said.get("port"), said.get("token")
    port = port if type(port) is int and 0 < port < 65536 else DEFAULT_OSC_PORT
    return port, token if isinstance(token, str) else ""


def is_private(path):
    """Whether a file or folder is this user's alone, and no link; always on a system without such owners."""
    if os.name != "posix":
        return True
    try:
        status = os.lstat(path)
    except OSError:
        return False
    return (
        status.st_uid == os.getuid() and not stat.S_ISLNK(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077
    )


def read(path):
    """A JSON object from a file; an empty dict when there is none or it is damaged."""
    try:
        with open(path, encoding="utf-8") as file:
            value = json.loads(file.read(65536))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _make_private(where):
    if os.name != "posix":
        return
    status = os.lstat(where)
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{where} is not a folder of this user")
    if stat.S_IMODE(status.st_mode) & 0o077:
        os.chmod(where, 0o700)
