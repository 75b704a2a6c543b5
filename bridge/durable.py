"""Bytes that are still there when the power goes: files and their names written through to the disk.

Convention: a finished file is written through, gets its name, and then its folder is written through, because a name
is an entry of the folder. Windows keeps names itself and cannot open a folder; there the last step is nothing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def sync_file(path: Path | str) -> None:
    """Writes a file's bytes through to the disk.

    Raises:
        OSError: from the file system.
    """
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path | str) -> None:
    """Writes a folder's names through to the disk, where a system can and wants to; never raises."""
    if os.name != "posix":
        return
    with suppress(OSError):  # some network file systems know no such thing
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def settle(part: Path, path: Path) -> None:
    """Gives a finished file its name, over whatever had it.

    Raises:
        OSError: from the file system.
    """
    sync_file(part)
    os.replace(part, path)
    sync_folder(path.parent)


def write_new(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Writes a file that is not there yet, through to the disk; never through a link, never into another file.

    Raises:
        FileExistsError: something has the name. OSError: from the file system.
    """
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
