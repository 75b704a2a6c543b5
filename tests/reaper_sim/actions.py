"""The action list and the keys: ReaScripts by path, with their session-only command ids and their lasting names.

Convention: a command id is a number that changes from session to session; the name (``RS`` and usually 40 hex digits,
with an underscore in front where REAPER expects names) stays. ``reaper-kb.ini`` is read once, when REAPER starts, and
written back from memory on a clean exit: what others put into it meanwhile is lost. Lines that are not understood, and
those of other sections, are kept as they are.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from . import assumptions
from .default_keys import DEFAULT_KEYS

_SCRIPT = re.compile(r'SCR (\d+) (\d+) (\S+) (?:"[^"]*"|\S+) (?:"([^"]*)"|(\S+))(?:\s|$)')
_KEY = re.compile(r"KEY (\d+) (\d+) (\S+) (\d+)(?:\s|$)")
POLICIES = {4: "ask", 260: "terminate", 516: "new"}
"""Flags of a script's line: what happens when it is run while it still runs."""


@dataclass
class Action:
    """A script in the main section."""

    command: int
    name: str
    path: str
    flags: int

    @property
    def when_running(self) -> str:
        """ "ask", "terminate" or "new"."""
        return POLICIES.get(self.flags, "ask")


class Actions:
    """Scripts that were added to the action list, and the keys bound to commands."""

    def __init__(self, path: Path) -> None:
        self._file = path
        self._by_command: dict[int, Action] = {}
        self._next = 53000 + os.getpid() % 977
        text = path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""
        self._lines = text.splitlines(keepends=True)
        self.keys: dict[tuple[int, int], str] = {}
        for line in self._lines:
            self._read(line)

    def _read(self, line: str) -> None:
        script, key = _SCRIPT.match(line), _KEY.match(line)
        if script and script[2] == "0":
            path = self._file.parent / "Scripts" / (script[4] or script[5])
            self._add(os.path.normpath(path), script[3], int(script[1]))
        elif key and key[4] == "0":
            self.keys[int(key[1]), int(key[2])] = key[3]

    def _add(self, script: str, name: str, flags: int) -> Action:
        self._next += 1
        action = Action(self._next, name, script, flags)
        self._by_command[action.command] = action
        return action

    def add(self, script: str, *, commit: bool = False) -> Action:
        """Adds a script (once) and returns its action."""
        script = os.path.abspath(script)
        for action in self._by_command.values():
            if action.path == script:
                return action
        name = "RS" + hashlib.sha1(script.encode()).hexdigest()
        action = self._add(script, name, assumptions.NEW_REASCRIPT_FLAGS)
        if commit:
            if self._lines and not self._lines[-1].endswith("\n"):
                self._lines[-1] += "\n"
            self._lines.append(f'SCR {action.flags} 0 {name} "Custom: {Path(script).name}" "{script}"\n')
            self.write(changed=True)
        return action

    def remove(self, script: str, *, commit: bool = False) -> bool:
        """Takes a script out of the list."""
        script = os.path.abspath(script)
        found = [command for command, action in self._by_command.items() if action.path == script]
        names = [self._by_command.pop(command).name for command in found]
        if commit and names:
            self._lines = [line for line in self._lines if not any(f" {name} " in line for name in names)]
            self.write(changed=True)
        return bool(found)

    def write(self, *, changed: bool = False) -> None:
        """Writes the file; on exit only as assumed, and not if there is nothing to write."""
        if changed or (assumptions.ACTION_LIST_IS_REWRITTEN_ON_EXIT and (self._lines or self._file.exists())):
            self._file.write_bytes("".join(self._lines).encode("utf-8", "surrogateescape"))

    def by_command(self, command: int) -> Action | None:
        """The script with a command id."""
        return self._by_command.get(command)

    def by_name(self, name: str) -> Action | None:
        """The script with a name, given with its underscore."""
        return next((action for action in self._by_command.values() if "_" + action.name == name), None)

    def of_key(self, modifier: int, key: int) -> int:
        """The command that a key runs in the main section.

        Raises:
            LookupError: nothing is bound to it, or what is bound does not exist.
        """
        bound = self.keys.get((modifier, key))
        if bound is None and (modifier, key) in DEFAULT_KEYS:
            command, title = DEFAULT_KEYS[modifier, key]
            if not command:
                raise LookupError(
                    f"the key {modifier} {key} is REAPER's own {title!r}, whose command is not known here"
                )
            return command
        if bound is None or bound == "0":
            raise LookupError(f"nothing is bound to the key {modifier} {key} in the main section")
        if bound.isdigit():
            return int(bound)
        action = self.by_name(bound)
        if action is None:
            raise LookupError(f"the key {modifier} {key} is bound to {bound}, which is not in the action list")
        if not Path(action.path).is_file():
            raise LookupError(f"the key {modifier} {key} is bound to {bound}: its file {action.path} is not there")
        return action.command
