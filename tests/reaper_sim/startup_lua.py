"""``Scripts/__startup.lua``: what REAPER runs by itself when it starts.

Convention: no Lua here. Of the file only lines of exactly one shape are understood, the one with which an installer
starts an action::

    reaper.Main_OnCommand(reaper.NamedCommandLookup("_RS..."), 0)

Comments and blank lines are passed over; every other line is ignored and noted in the log (standard error).
"""

from __future__ import annotations

import re
import sys

from .app import App

FILE = "Scripts/__startup.lua"
_START = re.compile(r'reaper\.Main_OnCommand\(reaper\.NamedCommandLookup\((["\'])(_\w+)\1\), *0\);?')
_COMMENT = re.compile(r"--(?!\[=*\[).*$")


def run(app: App) -> None:
    """Runs the actions that the file names, in their order."""
    path = app.resource / FILE
    if not path.is_file():
        return
    in_comment = False
    for line in path.read_text("utf-8-sig").splitlines():
        if in_comment or line.strip().startswith("--[["):
            in_comment = "]]" not in line
            continue
        code = _COMMENT.sub("", line).strip()
        match = _START.fullmatch(code)
        if match is not None:
            _start(app, match[2])
        elif code:
            _note(f"ignored, not understood by the simulator: {code}")
        if code.startswith("return"):
            return


def _start(app: App, name: str) -> None:
    action = app.actions.by_name(name)
    if action is None:
        _note(f"{name} is not in the action list: nothing runs")
    else:
        app.run_action(action.command)


def _note(text: str) -> None:
    print(f"{FILE}: {text}", file=sys.stderr, flush=True)
