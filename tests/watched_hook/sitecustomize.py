"""Loaded by Python first where this folder is on PYTHONPATH: tells what the process changes (see ``watched``)."""

import json
import os
import sys

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {
    *("os.rename", "os.link", "os.symlink", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.chmod", "os.chown"),
    *("os.utime", "os.setxattr", "sqlite3.connect"),
}
TWO_PATHS = {"os.rename", "os.link", "os.symlink"}
AT_FOLDER = {"os.rename", "os.link", "os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.utime"}
"""The last arguments of these are handles of the folders that their paths count from."""
STARTS = (
    *("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "pty."),
    "webbrowser.",
)
CALLS = {"socket.connect", "socket.bind", "socket.sendto"}


def _folder(handle):
    """The folder of an open handle; that of the process without one."""
    if not isinstance(handle, int) or handle < 0:
        return ""
    return os.readlink(f"/proc/self/fd/{handle}") if os.path.exists("/proc/self/fd") else "/some folder"


def _said(argument):
    if isinstance(argument, (bytes, os.PathLike)):
        return os.fsdecode(argument)
    return argument if isinstance(argument, (str, int, float, list, tuple)) else repr(argument)


def _hook(event, arguments):
    if event == "open":
        path, _, flags = arguments
        if isinstance(path, int) or not (isinstance(flags, int) and flags & WRITING):
            return
    elif not (event in CHANGES or event in CALLS or event.startswith(STARTS)):
        return
    said = [_said(one) for one in arguments]
    if event == "open" or event in CHANGES:
        count = 2 if event in TWO_PATHS else 1
        handles = said[-count:] if event in AT_FOLDER else []
        for at, path in enumerate(said[:count]):
            if isinstance(path, str):
                said[at] = os.path.abspath(os.path.join(_folder(handles[at]) if handles else "", path))
    os.write(_log, (json.dumps([event, said], default=repr) + "\n").encode())


if "FOLEY_WATCHED_LOG" in os.environ:
    _log = os.open(os.environ["FOLEY_WATCHED_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    sys.addaudithook(_hook)
