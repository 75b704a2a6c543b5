"""Whether REAPER runs, found out without touching it: the list of processes and what our server announced."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.errors import HostError
from bridge.host import endpoint

NAMES = frozenset({"reaper", "reaper.exe", "reaper64", "reaper64.exe"})
WAIT_S = 15.0


def refuse_if_running(processes: Callable[[], Iterator[tuple[int, str]]] | None = None) -> None:
    """Returns if no REAPER of this user runs.

    Args:
        processes: gives (number, program's name) of every process of this user; by default the system's list.

    Raises:
        HostError: one runs, or the list cannot be read.
    """
    pid = find(processes)
    if pid is not None:
        raise HostError(
            f"REAPER is running (process {pid}), and it would write over its settings when it ends",
            hint="Save your project, close REAPER and run this again",
        )


def find(processes: Callable[[], Iterator[tuple[int, str]]] | None = None) -> int | None:
    """The number of a REAPER that runs, None without one."""
    try:
        announced = endpoint.find_reaper().pid
        if endpoint.alive(announced):
            return announced
    except HostError:
        pass
    try:
        listed = list((processes or _processes)())
    except (OSError, subprocess.SubprocessError) as error:
        raise HostError(
            f"the list of processes cannot be read ({error}), so nobody knows whether REAPER runs",
            hint="Close REAPER, and load the actions by hand from `foley-bridge reaper --copy-to FOLDER`",
        ) from error
    return next((pid for pid, name in listed if name.lower() in NAMES), None)


def _processes() -> Iterator[tuple[int, str]]:
    if sys.platform == "win32":
        return _on_windows()
    return _on_linux() if Path("/proc/self/stat").exists() else _elsewhere()


def _on_linux(proc: Path = Path("/proc")) -> Iterator[tuple[int, str]]:
    for entry in proc.iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if entry.stat().st_uid != os.getuid():
                continue
            status = (entry / "stat").read_text("utf-8", "replace")
        except OSError:  # it has ended meanwhile
            continue
        name, _, rest = status.partition("(")[2].rpartition(")")
        if rest.split()[:1] not in (["Z"], ["X"]):
            yield int(entry.name), name


def _elsewhere() -> Iterator[tuple[int, str]]:
    command = ["/bin/ps", "-U", str(os.getuid()), "-o", "pid=,comm="]
    said = subprocess.run(command, capture_output=True, check=True, timeout=WAIT_S).stdout.decode("utf-8", "replace")
    return from_ps(said)


def _on_windows() -> Iterator[tuple[int, str]]:
    program = Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32" / "tasklist.exe"
    command = [str(program), "/FO", "CSV", "/NH"]
    said = subprocess.run(command, capture_output=True, check=True, timeout=WAIT_S).stdout.decode("ascii", "replace")
    return from_tasklist(said)


def from_ps(said: str) -> Iterator[tuple[int, str]]:
    """Number and program's name of each line of ``ps -o pid=,comm=``."""
    for line in said.splitlines():
        pid, _, path = line.strip().partition(" ")
        if pid.isdigit():
            yield int(pid), path.strip().rpartition("/")[2]


def from_tasklist(said: str) -> Iterator[tuple[int, str]]:
    """Number and program's name of each line of ``tasklist /FO CSV /NH``."""
    for row in csv.reader(said.splitlines()):
        if len(row) > 1 and row[1].isdigit():
            yield int(row[1]), row[0]
