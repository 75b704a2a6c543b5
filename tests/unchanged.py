"""What no test may change: real clips and sounds, and the shipped pack; compared before and after the suite."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

MOST_BYTES = 400_000_000
"""So much is read; of what is beyond, size and time of change must do."""

Fingerprint = tuple[int, int, str]


def fingerprints(folders: Iterable[Path]) -> dict[Path, Fingerprint]:
    """{file: size, time of change, SHA-256} of every file below some folders; those that are missing hold none."""
    found: dict[Path, Fingerprint] = {}
    left = MOST_BYTES
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                status = path.stat()
                left -= status.st_size
                found[path] = (status.st_size, status.st_mtime_ns, _digest(path) if left >= 0 else "")
    return found


def differences(before: dict[Path, Fingerprint], after: dict[Path, Fingerprint]) -> list[str]:
    """A line for every file that is not as it was."""
    lines = [f"{path} is gone" for path in before.keys() - after.keys()]
    lines += [f"{path} is new" for path in after.keys() - before.keys()]
    lines += [f"{path} was changed" for path in before.keys() & after.keys() if before[path] != after[path]]
    return sorted(lines)


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
