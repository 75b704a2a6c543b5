"""A Python process that tells what it does to files, programs and sockets: an audit hook, loaded before anything else.

Convention: the hook is ``watched_hook/sitecustomize.py`` on PYTHONPATH. Every event is one line of JSON: name and
arguments. Files that libraries written in C open are not seen by it; those that are open while somebody looks are
(``open_modes``).
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

HOOK = Path(__file__).resolve().parent / "watched_hook"
CHANGES_TWO = frozenset({"os.rename", "os.link", "os.symlink"})
STARTS = ("subprocess", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.startfile", "os.fork", "pty", "web")


@dataclass(frozen=True)
class Watched:
    """Where a process tells what it does."""

    folder: Path

    @property
    def env(self) -> dict[str, str]:
        """What the process needs in its environment."""
        self.folder.mkdir(parents=True, exist_ok=True)
        paths = [str(HOOK), *filter(None, [os.environ.get("PYTHONPATH")])]
        return {
            "PYTHONPATH": os.pathsep.join(paths),
            "FOLEY_WATCHED_LOG": str(self.folder / "events"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def events(self) -> list[tuple[str, list]]:
        """Everything so far, in order."""
        lines = (self.folder / "events").read_text("utf-8").splitlines()
        return [(event, said) for event, said in map(json.loads, lines)]

    def written(self) -> set[str]:
        """Absolute paths that were written, renamed, linked, made or removed."""
        found = set()
        for event, said in self.events():
            if event.startswith("socket") or event.startswith(STARTS):
                continue
            found |= {path for path in said[: 2 if event in CHANGES_TWO else 1] if isinstance(path, str)}
        return found

    def started(self) -> list[tuple[str, list]]:
        """Programs that were started."""
        return [one for one in self.events() if one[0].startswith(STARTS)]

    def addresses(self) -> set[str]:
        """Hosts that a socket was bound to, or sent to."""
        said = [said[1] for event, said in self.events() if event.startswith("socket") and len(said) > 1]
        return {str(address[0]) for address in said if isinstance(address, list)}


def open_modes(pid: int, folder: Path) -> dict[str, set[int]]:
    """{path: how} of the files below a folder that a process has open now (Linux); 0 is read-only."""
    found: dict[str, set[int]] = {}
    try:
        handles = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return {}
    for handle in handles:
        try:
            path = os.readlink(f"/proc/{pid}/fd/{handle}")
            if not path.startswith(f"{folder}/"):
                continue
            lines = Path(f"/proc/{pid}/fdinfo/{handle}").read_text().splitlines()
        except OSError:  # closed meanwhile
            continue
        flags = next(int(line.split()[1], 8) for line in lines if line.startswith("flags:"))
        found.setdefault(path, set()).add(flags & os.O_ACCMODE)
    return found
