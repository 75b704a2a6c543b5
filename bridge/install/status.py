"""What of ours stands in a resource folder, compared with what is shipped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import BridgeError
from bridge.install import kb, osc, scripts, startup
from bridge.install.plan import SCRIPTS


@dataclass(frozen=True, kw_only=True)
class Status:
    """What stands there.

    Attributes:
        present: whether any file of ours is there. missing, differing: files that are shipped and not there, or not as
            shipped. unregistered: actions that REAPER's list lacks. keys: {script's file: (modifier, key)} of those
            that have one. starts: whether the server starts with REAPER. patterns: whether the OSC patterns are there.
    """

    present: bool
    missing: tuple[str, ...]
    differing: tuple[str, ...]
    unregistered: tuple[str, ...]
    keys: Mapping[str, tuple[int, int]]
    starts: bool
    patterns: bool

    @property
    def trouble(self) -> str:
        """What is wrong with it, "" for nothing."""
        if not self.present:
            return "the actions are not installed"
        if self.missing or self.differing:
            return f"the actions are of another version ({(self.missing + self.differing)[0]} is not as shipped)"
        if self.unregistered:
            return f"REAPER's action list lacks {self.unregistered[0]}"
        return ""


def look(resource: Path, files: Mapping[str, bytes]) -> Status:
    """Reads the folder; what cannot be read counts as not there."""
    folder = resource / SCRIPTS
    there = {name: _read(folder / name) for name in files}
    data = _read(resource / kb.FILE) or b""
    listed, keys = kb.registered(data), kb.keys_of(data)
    actions = scripts.actions(files)
    try:
        starts = startup.has(_read(resource / startup.FILE) or b"")
    except BridgeError:
        starts = False
    return Status(
        present=any(data is not None for data in there.values()),
        missing=tuple(name for name, data in there.items() if data is None),
        differing=tuple(name for name, data in there.items() if data is not None and data != files[name]),
        unregistered=tuple(action.file for action in actions if action.identity not in listed),
        keys={action.file: keys[action.identity][0] for action in actions if action.identity in keys},
        starts=starts,
        patterns=(resource / osc.FILE).is_file(),
    )


def named(key: tuple[int, int]) -> str:
    """How REAPER's KEY line is called: "Ctrl+Alt+Shift+G"."""
    modifier, code = key
    held = [name for bit, name in kb.HELD if modifier & bit]
    return "+".join([*held, chr(code) if 0x30 <= code <= 0x5A else f"key {code}"])


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None
