"""What ``locks/*.txt`` say, read as pip reads them.

Convention: a requirement stands alone on its first line with its marker; the SHA-256 of every file that may be
installed for it follow on lines of their own, then comments on who asked for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FOLDER = Path(__file__).resolve().parents[1] / "locks"

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
SYSTEMS = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"), ("darwin", "x86_64"), ("win32", "AMD64"))
"""``sys_platform`` and ``platform_machine`` of the machines that the locks are for."""

_PLATFORM = {"linux": ("Linux", "posix"), "darwin": ("Darwin", "posix"), "win32": ("Windows", "nt")}


@dataclass(frozen=True, kw_only=True)
class Locked:
    """One line of a lock.

    Attributes:
        name: canonical. version: exact. marker: where it is installed, "" for everywhere. hashes: lower-case hex.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]

    def meant_for(self, environment: dict[str, str]) -> bool:
        """Whether it is installed there."""
        return not self.marker or bool(Requirement(f"x; {self.marker}").marker.evaluate(environment))  # type: ignore[union-attr]


def read(name: str) -> tuple[Locked, ...]:
    """Every line of one lock.

    Raises:
        ValueError: a line is something else than an exact version with SHA-256.
    """
    text = (FOLDER / f"{name}.txt").read_text("utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        words = line.partition("#")[0].strip()
        if not words:
            continue
        match = re.fullmatch(r"([\w.-]+)==([\w.+!]+)(?: *; *(.*?))?((?: +--hash=sha256:[0-9a-f]{64})+)", words)
        if match is None:
            raise ValueError(f"{name}.txt: {words[:100]}")
        found.append(
            Locked(
                name=canonicalize_name(match[1]),
                version=match[2],
                marker=match[3] or "",
                hashes=tuple(re.findall("[0-9a-f]{64}", match[4])),
            )
        )
    return tuple(found)


def environment(python: str, system: str, machine: str) -> dict[str, str]:
    """Such a machine, as markers know it."""
    platform, os_name = _PLATFORM[system]
    return {
        "python_version": python,
        "python_full_version": f"{python}.5",
        "sys_platform": system,
        "platform_machine": machine,
        "platform_system": platform,
        "os_name": os_name,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }
