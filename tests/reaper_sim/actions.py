"""The action list: ReaScripts by path, with their session-only command ids and their lasting names.

Convention: a command id is a number that changes from session to session; the name (``RS`` and 40 hex digits, with an
underscore in front where REAPER expects names) stays. Lines of ``reaper-kb.ini`` that are not scripts are kept.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from . import assumptions

_LINE = re.compile(r'^SCR (\d+) 0 (\S+) (?:"[^"]*"|\S+) (?:"([^"]*)"|(.*))$')


@dataclass
class Action:
    """A script in the main section. ``flags``: 4 asks when it still runs, 260 terminates it, 516 runs another one."""

    command: int
    name: str
    path: str
    flags: int


class Actions:
    """Scripts that were added to the action list."""

    def __init__(self, path: Path) -> None:
        self._file = path
        self._by_command: dict[int, Action] = {}
        self._next = 53000 + os.getpid() % 977
        for line in path.read_text("utf-8").splitlines() if path.exists() else []:
            match = _LINE.match(line)
            if match:
                folder = path.parent / "Scripts"
                script = str(folder / (match[3] or match[4]).strip())
                self._add(script, match[2], int(match[1]))

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
            old = self._file.read_text("utf-8") if self._file.exists() else ""
            line = f'SCR {action.flags} 0 {name} "Custom: {Path(script).name}" "{script}"\n'
            self._file.write_text(old + line, "utf-8")
        return action

    def remove(self, script: str, *, commit: bool = False) -> bool:
        """Takes a script out of the list."""
        script = os.path.abspath(script)
        found = [command for command, action in self._by_command.items() if action.path == script]
        for command in found:
            name = self._by_command.pop(command).name
            if commit and self._file.exists():
                lines = self._file.read_text("utf-8").splitlines(keepends=True)
                self._file.write_text("".join(line for line in lines if f" {name} " not in line), "utf-8")
        return bool(found)

    def by_command(self, command: int) -> Action | None:
        """The script with a command id."""
        return self._by_command.get(command)

    def by_name(self, name: str) -> Action | None:
        """The script with a name, given with its underscore."""
        return next((action for action in self._by_command.values() if "_" + action.name == name), None)
