"""Files that appear whole or not at all.

Convention: everything is written under a temporary name in the folder where it is going to live, checked there, and
only then given its name. A name that is taken is never reused unless overwriting was asked for: "foley.wav" becomes
"foley 2.wav".
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import secrets
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from itertools import chain, count
from pathlib import Path

from bridge import durable
from bridge.errors import MediaError


def unique_path(folder: Path | str, stem: str, suffix: str) -> Path:
    """The first free name of "stem.suffix", "stem 2.suffix", ...; it may be taken by the time it is used."""
    return next(path for path in _names(Path(folder) / f"{stem}{suffix}") if not os.path.lexists(path))


def probe_writable(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists, proven by a file that is gone again.

    Raises:
        OSError: nothing can be written there; ``filename`` names the folder that was tried.
    """
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return there
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(there)) from error


@contextmanager
def owned(mark: str) -> Iterator[None]:
    """Within it, the names of unfinished work tell whose it is: see ``is_unfinished``."""
    before = _OWNER.set(f"{mark[:8]}-" if mark else "")
    try:
        yield
    finally:
        _OWNER.reset(before)


def owned_prefix() -> str:
    """What the name of a folder for unfinished work begins with."""
    return f".foley-{_OWNER.get()}"


def is_unfinished(name: str, mark: str) -> bool:
    """Whether a file or folder is unfinished work that was made while ``owned`` by a mark."""
    owner = re.escape(mark[:8])
    return bool(mark) and bool(re.fullmatch(rf"\..+\.{owner}-[0-9a-f]{{8}}\.part|\.foley-{owner}-\w{{8}}", name))


@contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A name for unfinished work in the folder of ``path``; whatever is left under it on leaving is removed.

    Raises:
        MediaError: the folder is missing or may not be written; or any OSError inside, said in a sentence.
    """
    folder = path.parent
    if not folder.is_dir():
        raise MediaError(f"{folder} does not exist, so {path.name} cannot be written", hint="Make the folder first")
    for left in [_LEFT.popleft() for _ in range(len(_LEFT))]:
        if not _remove(left):
            _LEFT.append(left)
    temporary = folder / f".{path.name[:80]}.{_OWNER.get()}{secrets.token_hex(4)}.part"
    try:
        yield temporary
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        if not _remove(temporary):
            _LEFT.append(temporary)


_OWNER: ContextVar[str] = ContextVar("owner", default="")
_LEFT: deque[Path] = deque(maxlen=64)
"""Unfinished files that could not be removed, in a folder that could not be written any more; tried again later."""


def _remove(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True


def write_whole(path: Path, data: bytes, *, overwrite: bool = False) -> Path:
    """Writes a file that is there at once and reads back as it was meant; returns the name it got.

    Args:
        overwrite: over what has the name, keeping its permissions; else the next free name is taken.

    Raises:
        MediaError: it cannot be written, or does not read back.
    """
    with temporary_beside(path) as temporary:
        durable.write_new(temporary, data)
        if temporary.read_bytes() != data:
            raise unreadable(path)
        if overwrite and path.exists():
            shutil.copymode(path, temporary)
        return publish(temporary, path, overwrite=overwrite)


def publish(temporary: Path, path: Path, *, overwrite: bool = False) -> Path:
    """Makes the finished file durable and gives it its name; returns the name it got.

    Raises:
        OSError: from the file system.
    """
    if overwrite:
        durable.settle(temporary, path)
        return path
    durable.sync_file(temporary)
    for name in _names(path):
        with suppress(FileExistsError):
            _claim(temporary, name)
            durable.sync_folder(name.parent)
            return name
    raise AssertionError("unreachable: there is always a free name")


def unreadable(path: Path) -> MediaError:
    """What is said of a file that the disk did not keep as it was written."""
    return MediaError(f"{path} was not written: it does not read back whole", hint="Check the disk's free space")


def cannot_write(path: Path, error: OSError) -> MediaError:
    """A file system's refusal as a sentence."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return MediaError(f"the disk is full, so {path} was not written", hint="Free some space and try again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return MediaError(
            f"{path.parent} may not be written to, so {path.name} was not written",
            hint="Change the folder's permissions or save the project elsewhere",
        )
    return MediaError(
        f"{path} was not written ({error.strerror or error})", hint="Check the disk and the folder, then try again"
    )


def _names(path: Path) -> Iterator[Path]:
    return chain([path], (path.with_name(f"{path.stem} {number}{path.suffix}") for number in count(2)))


def _claim(temporary: Path, name: Path) -> None:
    """Moves to a name that nobody else has, even if somebody else is trying at the same moment."""
    if sys.platform == "win32":
        os.rename(temporary, name)  # which refuses a name that is taken, there only
        return
    try:
        os.link(temporary, name)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if not _rename_new(temporary, name):
            _reserve(temporary, name)
    else:
        temporary.unlink()


_AT_FDCWD, _RENAME_NOREPLACE = -100, 1
"""Linux, renameat2(2): paths are from the working folder; a name that is taken is refused."""
_RENAME_EXCL = 4
"""macOS, renamex_np(2): the same."""


def _rename_new(old: Path, new: Path) -> bool:
    """Renames in one step to a name that is free; False where the system or the file system cannot.

    Raises:
        FileExistsError: something has the name.
    """
    here, there = os.fsencode(old), os.fsencode(new)
    try:
        library = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            failed = library.renamex_np(here, there, ctypes.c_uint(_RENAME_EXCL))
        else:
            fro = ctypes.c_int(_AT_FDCWD)
            failed = library.renameat2(fro, here, fro, there, ctypes.c_uint(_RENAME_NOREPLACE))
    except (OSError, AttributeError):  # an older C library
        return False
    if failed and ctypes.get_errno() == errno.EEXIST:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(new))
    return not failed


def _reserve(temporary: Path, name: Path) -> None:
    """Takes the name with an empty file and moves over it: what is killed in between leaves that file."""
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        os.replace(temporary, name)
    except OSError:
        name.unlink(missing_ok=True)
        raise
