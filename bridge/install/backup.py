"""Dated folders in REAPER's resource folder: every file as it was before a change, and what the change did.

Convention: ``Foley Bridge backup 2026-03-14 15-09-26/`` holds ``files/`` (the old files, by their path) and, written
last, ``manifest.json``. A folder without a manifest is one that was never finished; nothing was changed then. Files are
told apart by their SHA-256, so that taking an install back needs no other memory than these folders.
"""

from __future__ import annotations

import errno
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge import __version__, durable
from bridge.media.files import unique_path

PREFIX = "Foley Bridge backup "
MANIFEST = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One file: its path from the resource folder (with slashes), its bytes before and after; None is no file."""

    path: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What one run did.

    Attributes:
        folder: where it lies. action: "install" or "uninstall". files: {path: (SHA-256 before, SHA-256 after)}, "" for
            no file. keys: {script's file: letter} that had their default key afterwards.
    """

    folder: Path
    action: str
    files: Mapping[str, tuple[str, str]]
    keys: Mapping[str, str] = field(default_factory=dict)

    def old(self, path: str) -> bytes | None:
        """A file as it was before; None if there was none.

        Raises:
            OSError: the backup is gone.
        """
        return (self.folder / "files" / path).read_bytes() if self.files[path][0] else None


def save(
    resource: Path, changes: Sequence[Change], *, action: str, keys: Mapping[str, str], now: datetime | None = None
) -> Path:
    """Copies what is going to change into a new folder and says what the change is; returns the folder.

    Raises:
        OSError: it cannot be written.
    """
    now = now or datetime.now()
    folder = unique_path(resource, PREFIX + now.strftime("%Y-%m-%d %H-%M-%S"), "")
    folder.mkdir()
    for change in changes:
        if change.before is not None:
            copy = folder / "files" / change.path
            copy.parent.mkdir(parents=True, exist_ok=True)
            durable.write_new(copy, change.before)
            if copy.read_bytes() != change.before:
                raise OSError(errno.EIO, "it does not read back whole", str(copy))
    table: dict[str, Any] = {
        "program": f"foley-bridge {__version__}",
        "action": action,
        "made": now.isoformat(timespec="seconds"),
        "files": {change.path: {"before": digest(change.before), "after": digest(change.after)} for change in changes},
        "keys": dict(keys),
    }
    part = folder / f"{MANIFEST}.part"
    durable.write_new(part, (json.dumps(table, indent=2) + "\n").encode())
    durable.settle(part, folder / MANIFEST)
    durable.sync_folder(resource)
    return folder


def load_all(resource: Path) -> tuple[Manifest, ...]:
    """What every run did, newest first; what cannot be read is left out."""
    found = []
    for folder in resource.glob(f"{PREFIX}*"):
        try:
            table = json.loads((folder / MANIFEST).read_text("utf-8"))
            files = {str(path): (str(one["before"]), str(one["after"])) for path, one in table["files"].items()}
            keys = {str(file): str(letter) for file, letter in table["keys"].items()}
            if any(misspelt_inside(path) for path in files):  # nothing outside REAPER's folder is ever put back
                continue
            found.append((str(table["made"]), folder.name, str(table["action"]), files, keys))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return tuple(
        Manifest(folder=resource / name, action=action, files=files, keys=keys)
        for _, name, action, files, keys in sorted(found, key=lambda one: (one[0], len(one[1]), one[1]), reverse=True)
    )


def unwound(data: bytes | None, path: str, manifests: Sequence[Manifest]) -> bytes | None:
    """A file as it was before the installs that made it what it is; itself where it was changed since.

    Args:
        data: the file now, None if there is none. manifests: newest first.
    """
    for manifest in manifests:
        if manifest.action == "install" and path in manifest.files and manifest.files[path][1] == digest(data):
            try:
                data = manifest.old(path)
            except OSError:
                return data
    return data


def misspelt_inside(path: str) -> bool:
    """Whether a path of a manifest is none that leads from the resource folder to a file in it."""
    parts = path.split("/")
    return any(part in ("", ".", "..") for part in parts) or any(sign in path for sign in "\\:\0")


def digest(data: bytes | None) -> str:
    """SHA-256 of a file, "" for none."""
    return "" if data is None else hashlib.sha256(data).hexdigest()
