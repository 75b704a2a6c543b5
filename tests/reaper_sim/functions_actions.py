"""API: toggle states of actions, as toolbars and menus show them.

Convention: a script's state is set by scripts, is "not applicable" (-1) until then, and is forgotten when REAPER ends.
A toolbar shows what it was at the last refresh.
"""

from __future__ import annotations

from .app import App
from .ft import api


@api("SetToggleCommandState")
def set_toggle_command_state(app: App, section: int, command: int, state: int) -> bool:
    if section != 0 or app.actions.by_command(command) is None:
        return False
    app.toggle_states[command] = state if state in (0, 1) else -1
    return True


@api("GetToggleCommandStateEx")
def get_toggle_command_state_ex(app: App, section: int, command: int) -> int:
    if section != 0:
        return -1
    return int(app.snapping) if command == 1157 else app.toggle_states.get(command, -1)


@api("GetToggleCommandState")
def get_toggle_command_state(app: App, command: int) -> int:
    return get_toggle_command_state_ex(app, 0, command)


@api("RefreshToolbar2")
def refresh_toolbar2(app: App, section: int, command: int) -> None:
    if section == 0:
        app.toolbar[command] = app.toggle_states.get(command, -1)


@api("RefreshToolbar")
def refresh_toolbar(app: App, command: int) -> None:
    refresh_toolbar2(app, 0, command)
