"""Faults: what would crash or corrupt a real REAPER, written down so that no test can pass over it.

Convention: each fault is one JSON line in ``sim-faults.jsonl`` of the resource path (it survives the process). A fatal
one ends the process at once, as REAPER would end.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

CRASHED = 86
"""Exit code of a process that met a fatal fault."""


class Unsimulated(RuntimeError):
    """A script asked for something the simulated REAPER does not have. Raised in the script as well as recorded."""


class Crash(BaseException):
    """A real REAPER would have crashed here."""


class NullPointer(Crash):
    """NULL where an object is needed."""


class Faults:
    """The fault book of one process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "sim-faults.jsonl"
        self.warnings: list[str] = []

    def record(self, kind: str, function: str, message: str, *, fatal: bool = False) -> None:
        """Writes a fault down; a fatal one does not return."""
        line = json.dumps({"kind": kind, "function": function, "message": message, "fatal": fatal})
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(line + "\n")
        print(f"FAULT {line}", file=sys.stderr, flush=True)
        if fatal:
            os._exit(CRASHED)

    def warn(self, message: str) -> None:
        """Notes something that is untidy but harms nobody, such as a leaked source."""
        self.warnings.append(message)
