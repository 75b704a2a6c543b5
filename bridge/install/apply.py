"""Carries a plan out: a backup first, then every file under a temporary name and renamed, undone if one fails.

Convention: whatever stops this in the middle, every file is whole: old or new. A new folder of ours appears at once; in
an older one the files are made ready beside it before the first is exchanged. Running the command again finishes it.
"""

from __future__ import annotations

import errno
import glob
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge import durable
from bridge.errors import HostError, MediaError
from bridge.install import backup, osc
from bridge.install.backup import Change
from bridge.install.plan import SCRIPTS, Plan

_STAGE = ".Foley Bridge."


def carry_out(resource: Path, plan: Plan, *, action: str) -> Path:
    """Makes every change of the plan; returns the folder of the backup.

    Raises:
        HostError: a file has changed since the plan was made. MediaError: something cannot be written; then every file
            is as it was.
    """
    for change in plan.changes:
        if _now(resource / change.path) != change.before:
            raise HostError(f"{resource / change.path} has just been changed by another program", hint="Run this again")
    _clear_remains(resource, plan.changes)
    try:
        folder = backup.save(resource, plan.changes, action=action, keys=plan.keys)
    except OSError as error:
        raise _refused(resource, error) from error
    done: list[Change] = []
    try:
        with _staged(resource, plan.changes) as changes:
            for change in changes:
                done.append(change)
                _write(resource / change.path, change.after)
    except OSError as error:
        for change in reversed(done):
            with suppress(OSError):
                _write(resource / change.path, change.before)
        with suppress(OSError):
            (folder / backup.MANIFEST).unlink()
        raise _refused(resource, error) from error
    if action == "uninstall":
        _tidy(resource / SCRIPTS)
        if any(change.path == osc.FILE for change in plan.changes):
            with suppress(OSError):
                (resource / osc.FILE).parent.rmdir()
    return folder


def _clear_remains(resource: Path, changes: Sequence[Change]) -> None:
    """Removes what an earlier run that was killed left under temporary names."""
    for old in (resource / SCRIPTS).parent.glob(f"{_STAGE}*.part"):
        shutil.rmtree(old, ignore_errors=True)
    for change in changes:
        path = Path(os.path.realpath(resource / change.path))
        for old in path.parent.glob(f".{glob.escape(path.name)}.????????.part"):
            old.unlink(missing_ok=True)


@contextmanager
def _staged(resource: Path, changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """Makes the folder of ours at once if it is new; gives the changes that are left."""
    target = resource / SCRIPTS
    new = [change for change in changes if change.path.startswith(f"{SCRIPTS}/") and change.after is not None]
    if not new:
        yield tuple(changes)
        return
    target.parent.mkdir(exist_ok=True)
    stage = target.parent / f"{_STAGE}{secrets.token_hex(4)}.part"
    fresh = not target.exists()
    try:
        for change in new:  # on a disk that is full this fails before anything is exchanged
            path = stage / change.path[len(SCRIPTS) + 1 :]
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(path, change.after or b"")
        if fresh:
            os.replace(stage, target)
            durable.sync_folder(target.parent)
            new_paths = {change.path for change in new}
            try:
                yield tuple(change for change in changes if change.path not in new_paths)
            except OSError:
                shutil.rmtree(target, ignore_errors=True)
                raise
        else:
            yield tuple(changes)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _write(path: Path, data: bytes | None) -> None:
    if data is None:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_whole(path, data)


def _write_whole(path: Path, data: bytes) -> None:
    """Puts a file there under a temporary name first; a link stays a link, and a file's permissions stay."""
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        durable.write_new(temporary, data)
        if temporary.read_bytes() != data:
            raise OSError(errno.EIO, "it does not read back whole", str(path))
        if path.exists():
            shutil.copymode(path, temporary)
        os.replace(temporary, path)
        durable.sync_folder(path.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Removes what Python made of our files, and folders of ours that are empty now."""
    inside = folder / "foley_inside"
    for cache in (inside / "__pycache__", folder / "__pycache__"):
        for path in cache.glob("*.pyc"):
            if not (cache.parent / f"{path.name.partition('.')[0]}.py").exists():
                path.unlink(missing_ok=True)
        with suppress(OSError):
            cache.rmdir()
    for empty in (inside, folder):
        with suppress(OSError):
            empty.rmdir()


def _now(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _refused(resource: Path, error: OSError) -> MediaError:
    name = error.filename or resource
    return MediaError(
        f"{name} cannot be written: {error.strerror or error}; REAPER's files are as they were",
        hint="Make the folder writable, or free some space, and run this again",
    )
