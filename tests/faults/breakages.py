"""What can break inside the daemon's process while it works: disk, folder, clock, memory, device, journal.

Convention: everything is wrapped once, when the daemon starts, and does what it always did until ``begin`` names it;
``heal`` ends all of it. What the system can do for real is done for real (a limit on the size of files); the rest
raises what the system would raise, at the place where it would.
"""

from __future__ import annotations

import datetime
import errno
import os
import pathlib
import resource
import sqlite3
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bridge.app as app
import bridge.jobs.journal as journals
from bridge.engine.providers import CPU, CUDA
from bridge.engine.runtime import ONNX_RUNTIME

DAY_S = 86_400.0
SIZE_BYTES = 200_000
"""The largest file under "file limit"; a sound is larger, the journal smaller."""
DEVICE = "FAULTS_DEVICE"
"""The variable that gives the daemon a second device."""
ALLOCATION = (
    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Non-zero status code returned while running Conv node. "
    "Failed to allocate memory for requested buffer of size 4294967296"
)


class Breakages:
    """The faults of one daemon.

    Args:
        bridges: holds the daemon's bridge once it is made.
    """

    def __init__(self, bridges: list[app.Bridge]) -> None:
        self._bridges = bridges
        self._what = ""
        self._where = ""
        self._shift_s = 0.0
        self.runs = 0
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def begin(self, what: str, where: str = "") -> None:
        """Breaks something; ``where`` is the folder that it is about."""
        self._what, self._where, self.runs = what, where, 0
        if what == "file limit":
            resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE_BYTES, self._limits[1]))
        elif what in ("clock + 1 day", "clock - 1 day"):
            self._shift_s = DAY_S if "+" in what else -DAY_S
        elif what == "journal unwritable":
            journal: Any = self._bridges[0]._journal
            with journal._lock:
                journal._hang_up()

    def heal(self) -> None:
        """Everything works again."""
        self._what, self._where, self._shift_s = "", "", 0.0
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)

    def watch(self) -> None:
        """Wraps what can break."""
        sys.addaudithook(self._audited)
        self._wrap_files()
        self._wrap_clock()
        self._wrap_runtime()
        opened = journals._connected

        def connected(path: pathlib.Path) -> sqlite3.Connection:
            if self._what == "journal unwritable":
                raise sqlite3.OperationalError("attempt to write a readonly database")
            if self._what == "disk full":
                raise sqlite3.OperationalError("database or disk is full")
            return opened(path)

        journals._connected = connected
        if os.environ.get("FAULTS_BREAK"):
            self.begin(os.environ["FAULTS_BREAK"])

    def _audited(self, event: str, args: tuple[Any, ...]) -> None:
        if self._what not in ("read only", "disk full") or not self._where:
            return
        full = self._what == "disk full"
        if event == "open":
            path, mode, flags = args
            writes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
            writes = writes or (isinstance(mode, str) and any(letter in mode for letter in "wax+"))
            if full or not writes:
                return
        elif event == "ctypes.dlsym" and args[1] == "renameat2":  # its names cannot be seen, so it works nowhere
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        elif event in ("os.mkdir", "os.rename", "os.link", "os.remove", "os.rmdir"):
            path = args[1] if event == "os.link" else args[0]
            if full and event not in ("os.mkdir", "os.link"):
                return
        else:
            return
        if isinstance(path, (str, os.PathLike)) and os.fspath(path).startswith(self._where):
            code = errno.ENOSPC if full else errno.EROFS
            raise OSError(code, os.strerror(code), os.fspath(path))

    def _wrap_files(self) -> None:
        opened, synced, broken = pathlib.Path.open, os.fsync, self

        def refuse() -> None:
            if broken._what == "disk full":
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        class File:
            """A file that knows when the disk is full."""

            def __init__(self, file: Any) -> None:
                self._file = file

            def __enter__(self) -> File:
                return self

            def __exit__(self, *exc: object) -> None:
                self._file.close()

            def __getattr__(self, name: str) -> Any:
                return getattr(self._file, name)

            def write(self, data: bytes) -> int:
                refuse()
                return self._file.write(data)

        def wrapped(path: pathlib.Path, mode: str = "r", *args: Any, **named: Any) -> Any:
            file = opened(path, mode, *args, **named)
            return File(file) if path.name.endswith(".part") and ("x" in mode or "w" in mode) else file

        def fsync(file: Any) -> None:
            refuse()
            synced(file)

        path_class: Any = pathlib.Path
        path_class.open = wrapped
        os.fsync = fsync

    def _wrap_clock(self) -> None:
        seconds, nanoseconds = time.time, time.time_ns
        time.time = lambda: seconds() + self._shift_s
        time.time_ns = lambda: nanoseconds() + int(self._shift_s) * 1_000_000_000
        handle = app.Bridge._submit

        def submit(bridge: app.Bridge, *args: Any) -> Any:
            desk: Any = bridge._desk
            bridge._desk = replace(
                desk, now=lambda: datetime.datetime.now() + datetime.timedelta(seconds=self._shift_s)
            )
            return handle(bridge, *args)

        bridge_class: Any = app.Bridge
        bridge_class._submit = submit

    def _wrap_runtime(self) -> None:
        kind: Any = type(ONNX_RUNTIME)
        opened, available = kind.open, kind.available
        broken = self
        second = bool(os.environ.get(DEVICE))

        class Session:
            """A session that can fail, on a device that is none."""

            def __init__(self, session: Any, providers: Sequence[str], *, trial: bool) -> None:
                self._session, self._providers, self._trial = session, list(providers), trial

            def get_inputs(self) -> Any:
                return self._session.get_inputs()

            def get_outputs(self) -> Any:
                return self._session.get_outputs()

            def get_providers(self) -> list[str]:
                return self._providers

            def run(self, names: Any, feed: Any, options: Any = None) -> Any:
                if not self._trial:
                    broken.ran(self._providers[0])
                return self._session.run(names, feed, options)

        def open_session(runtime: Any, model: Any, *, providers: Sequence[str], **options: Any) -> Any:
            real = tuple(name for name in providers if name != CUDA) if second else tuple(providers)
            session = opened(runtime, model, providers=real, **options)
            given = list(providers) if second else session.get_providers()
            return Session(session, given, trial=isinstance(model, bytes))

        kind.open = open_session
        if second:
            kind.available = lambda runtime: [CUDA, *(name for name in available(runtime) if name == CPU)]
            kind.has_library = lambda runtime, name: True

    def ran(self, provider: str) -> None:
        """A graph is about to run on a provider; raises what may go wrong then."""
        self.runs += 1
        if self._what == "no memory for a graph":
            raise RuntimeError(ALLOCATION)
        if self._what == "no memory at all":
            raise MemoryError
        if self._what == "device fails" and provider == CUDA and self.runs >= 2:
            raise RuntimeError("CUDA error 999: the device was lost")
        if self._what == "graph fails" and self.runs >= 2:
            raise RuntimeError("[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned")
        if self._what == "no memory for sound" and self.runs >= 2:
            self._what = "no memory for an array"

    def streamed(self) -> None:
        """A block of sound is about to be made."""
        if self._what in ("no memory for sound", "no memory for an array"):
            raise MemoryError("Unable to allocate 1.00 GiB for an array with shape (268435456,) and data type float32")
