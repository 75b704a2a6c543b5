"""Cases as files, in one folder that goes away with the process."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path


@functools.cache
def _keeper() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="foley-fuzz-")


def folder() -> Path:
    """The folder; its name is the same for the whole process."""
    return Path(_keeper().name)


def as_file(check: Callable[[Path], bool], name: str) -> Callable[[bytes], bool]:
    """A check of bytes from a check of a file that holds them."""

    def checked(case: bytes) -> bool:
        path = folder() / name
        path.write_bytes(case)
        return check(path)

    return checked
