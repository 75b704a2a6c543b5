"""Where the two sides find each other; the rule is written down in ``reaper_scripts/foley_inside/endpoint.py``.

One folder, private to the user: ``FOLEY_BRIDGE_ENDPOINT`` names it; without it, ``.foley-bridge`` in the user's home.
``reaper.json`` is that of the REAPER which started last, ``reaper-PID.json`` that of each, ``daemon.json`` the
daemon's. (Neither side can import the other, so the few names below stand on both; a test holds them together.)
"""

from __future__ import annotations

import ctypes
import json
import os
import secrets
import socket
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge import durable
from bridge.errors import HostError

API = 3
FOLDER_VARIABLE = "FOLEY_BRIDGE_ENDPOINT"
REAPER_FILE = "reaper.json"
DAEMON_FILE = "daemon.json"
DEFAULT_OSC_PORT = 9124
LARGEST_BYTES = 65536
"""No announcement is longer; of a longer file the rest is not read."""

FOLDER_HINT = f"Make it a folder of yours, or name another one in {FOLDER_VARIABLE}"
SECOND_HINT = (
    "Use that one, or stop it (Ctrl+C in its terminal) and start again; to run two, give each its own folder in "
    f"{FOLDER_VARIABLE}"
)
START_HINT = 'Start REAPER and run the action "Script: foley_server.py" in it, then press the key again'


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where the server inside REAPER listens, and the token that it wants first."""

    port: int
    token: str
    pid: int
    version: str
    resource_path: str


def folder() -> Path:
    """The folder of the rule; it may not exist yet."""
    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else Path.home() / ".foley-bridge"


def find_reaper(where: Path | None = None, *, run: str = "") -> Endpoint:
    """The endpoint that a REAPER announced.

    Args:
        run: names one of several REAPERs: the first line of a project's token. "" or one that is gone, also one that
            was killed and could not take its announcement away: the REAPER that started last.

    Raises:
        HostError: nothing is announced, the file is damaged or of another version, or somebody else could have
            written or read it.
    """
    where = where or folder()
    path = where / REAPER_FILE
    if (run and _peek(path).get("run") != run) or not path.exists():
        others = [(other, _peek(other)) for other in sorted(where.glob("reaper-*.json"), key=_age)]
        others = [(other, data) for other, data in others if isinstance(data.get("pid"), int) and alive(data["pid"])]
        named = [other for other, data in others if run and data.get("run") == run]
        alive_ones = [other for other, _ in others]
        if named or not path.exists():
            path = next(iter(named or alive_ones), path)
    return _endpoint(path)


def _peek(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes()[:LARGEST_BYTES])
    except (OSError, ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _age(path: Path) -> float:
    """Sorts the newest first; a file that went away meanwhile last."""
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0


def _endpoint(path: Path) -> Endpoint:
    try:
        status = path.lstat()
        data = json.loads(path.read_bytes()[:LARGEST_BYTES])
    except FileNotFoundError:
        raise HostError("REAPER's server script is not running", hint=START_HINT) from None
    except (OSError, ValueError, RecursionError) as error:
        raise HostError(f"{path} cannot be read: {error}", hint=START_HINT) from error
    if os.name == "posix" and not _is_private(status):
        raise HostError(
            f"{path} belongs to somebody else, is a link, or can be read by others, so it is not trusted",
            hint='Delete it and run the action "Script: foley_server.py" in REAPER again',
        )
    if not isinstance(data, dict) or data.get("api") != API:
        raise HostError(
            "The scripts in REAPER are of another version than the daemon",
            hint="Install both from the same release, restart REAPER and run foley-bridge serve again",
        )
    port, pid = _whole(data.get("port"), 1, 65535), _whole(data.get("pid"), 0, 2**63 - 1)
    texts = [text for text in map(data.get, ("token", "version", "resource_path")) if isinstance(text, str)]
    if port is None or pid is None or len(texts) != 3:
        raise HostError(f"{path} is damaged", hint=START_HINT)
    token, version, resource_path = texts
    return Endpoint(port=port, token=token, pid=pid, version=version, resource_path=resource_path)


def _whole(value: object, least: int, most: int) -> int | None:
    """A whole number between two others; None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else None


def _is_private(status: os.stat_result) -> bool:
    """Whether it is a plain file that this user alone can read and write."""
    return status.st_uid == os.getuid() and stat.S_ISREG(status.st_mode) and not stat.S_IMODE(status.st_mode) & 0o077


def announce_daemon(port: int, token: str, where: Path | None = None) -> Path:
    """Writes ``daemon.json`` (this process, this UDP port, what it wants to be shown), readable by this user only.

    Raises:
        HostError: another daemon that runs is announced there, or the folder is somebody else's.
    """
    path = (where or folder()) / DAEMON_FILE
    refuse_second(where)
    make_private(path.parent)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
    said = {"port": port, "token": token, "pid": os.getpid()}
    try:
        durable.write_new(temporary, json.dumps(said).encode(), mode=0o600)
        durable.settle(temporary, path)
    except OSError as error:
        raise HostError(f"{path} cannot be written: {error.strerror}", hint=FOLDER_HINT) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def refuse_second(where: Path | None = None) -> None:
    """Nothing, unless another daemon that runs is announced.

    Raises:
        HostError: it is; the sentence names its process and port.
    """
    other = announced_daemon(where)
    pid, held = other.get("pid"), other.get("port")
    if isinstance(pid, int) and isinstance(held, int) and pid != os.getpid() and alive(pid) and _is_held(held):
        raise HostError(
            f"Another foley-bridge (process {pid}) runs already, on UDP port {held}, and the keys in REAPER go there",
            hint=SECOND_HINT,
        )


def make_private(where: Path) -> None:
    """Makes the folder, for this user only.

    Raises:
        HostError: it is somebody else's, or cannot be made.
    """
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name != "posix":
            return
        status = where.lstat()
        if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
            raise HostError(f"{where} is a folder of another user's, or a link", hint=FOLDER_HINT)
        if stat.S_IMODE(status.st_mode) & 0o077:
            where.chmod(0o700)
    except OSError as error:
        raise HostError(f"{where} cannot be made or written: {error.strerror}", hint=FOLDER_HINT) from error


def announced_daemon(where: Path | None = None) -> dict[str, Any]:
    """What ``daemon.json`` says: port, token and pid; empty when there is none."""
    return _peek((where or folder()) / DAEMON_FILE)


def alive(pid: int) -> bool:
    """Whether a process of this number runs (whichever program it is); it is not touched."""
    if pid <= 0:
        return False
    if sys.platform == "win32":  # there os.kill would send Ctrl+C
        query_limited_information, still_active = 0x1000, 259
        kernel = ctypes.WinDLL("kernel32", use_last_error=True)
        kernel.OpenProcess.restype = ctypes.c_void_p
        process = ctypes.c_void_p(kernel.OpenProcess(query_limited_information, False, pid))
        if not process:
            return ctypes.get_last_error() == 5  # access denied: it is there, and somebody else's
        code = ctypes.c_ulong()
        asked = kernel.GetExitCodeProcess(process, ctypes.byref(code))
        kernel.CloseHandle(process)
        return bool(asked) and code.value == still_active
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except (OSError, OverflowError):
        return False
    return True


def _is_held(port: int) -> bool:
    """Whether a program listens on a UDP port; a process number may have gone to another program since."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        try:
            line.bind(("127.0.0.1", port))
        except OSError:
            return True
        except OverflowError:  # no port at all
            return False
    return False


def withdraw_daemon(where: Path | None = None) -> None:
    """Removes ``daemon.json`` if it is this process's."""
    if announced_daemon(where).get("pid") == os.getpid():
        ((where or folder()) / DAEMON_FILE).unlink(missing_ok=True)
