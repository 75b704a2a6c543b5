"""The file that an evaluation is written to: refused before a run of hours, never over another, whole or not at all.

Convention: unfinished work has a name of its own in the folder where the file is going to live. A name that somebody
took during the run stays theirs: "report.json" becomes "report 2.json".
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from itertools import count
from pathlib import Path

from bridge.errors import RequestError

_OTHER = "Name another file with --out"


def check(path: Path) -> None:
    """Refuses what could not be written when the run is over.

    Raises:
        RequestError: the name is taken, its folder is missing, or nothing can be written there.
    """
    if os.path.lexists(path):
        raise RequestError(f"{path} exists already, and is not written over", hint=_OTHER)
    if not path.parent.is_dir():
        raise RequestError(f"{path.parent} is not a folder, so {path.name} cannot be written", hint="Make it first")
    part = _part(path)
    try:
        part.touch(exist_ok=False)
        part.unlink()
    except OSError as error:
        raise RequestError(f"{path} cannot be written ({error.strerror or error})", hint=_OTHER) from error


def write(path: Path, content: str) -> Path:
    """Writes the file.

    Returns:
        The name that it got: another one if this was taken in the meantime.

    Raises:
        RequestError: it cannot be written; nothing is left of it.
    """
    part = _part(path)
    try:
        part.write_text(content, encoding="utf-8")
        for number in count(1):
            name = path if number == 1 else path.with_name(f"{path.stem} {number}{path.suffix}")
            with suppress(FileExistsError):
                _claim(part, name)
                return name
    except OSError as error:
        raise RequestError(f"{path} cannot be written ({error.strerror or error})", hint=_OTHER) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    raise AssertionError("unreachable: there is always a free name")


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")


def _claim(part: Path, name: Path) -> None:
    """Gives the finished file a name that nobody has."""
    try:
        os.link(part, name)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name, then move over the empty file
        os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            os.replace(part, name)
        except OSError:
            name.unlink(missing_ok=True)
            raise
