"""API: the program itself: versions, paths, ext state, console, dialogs, actions, mouse, refresh."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from . import assumptions
from .app import App, Dialog
from .faults import Crash, Unsimulated
from .ft import Cell, Text, api
from .gestures_media import set_media_online
from .model import Project, Track
from .native_actions import EDITING, TABS

ROW_HEIGHT = 50
TOP = 100


@api("GetAppVersion")
def get_app_version(app: App) -> str:
    return f"{app.profile}/linux-x86_64"


@api("GetOS")
def get_os(app: App) -> str:
    return "Other"


@api("GetResourcePath")
def get_resource_path(app: App) -> str:
    return str(app.resource)


@api("GetExePath")
def get_exe_path(app: App) -> str:
    return str(app.exe_folder)


@api("get_ini_file")
def get_ini_file(app: App) -> str:
    return str(app.resource / "reaper.ini")


@api("time_precise")
def time_precise(app: App) -> float:
    return time.perf_counter()


@api("APIExists")
def api_exists(app: App, name: str) -> bool:
    return name in app.functions


@api("genGuid", "guidToString", "stringToGuid")
def gen_guid(app: App, *arguments: Any) -> None:
    raise Crash("Python cannot give a GUID buffer: the function writes to NULL")


# -- ext state ---------------------------------------------------------------------------------------------------------


@api("GetExtState")
def get_ext_state(app: App, section: str, key: str) -> str:
    return app.ext_state.get(section, key)


@api("SetExtState")
def set_ext_state(app: App, section: str, key: str, value: str, persist: bool) -> None:
    app.ext_state.set(section, key, value, persist=persist)


@api("HasExtState")
def has_ext_state(app: App, section: str, key: str) -> bool:
    return app.ext_state.has(section, key)


@api("DeleteExtState")
def delete_ext_state(app: App, section: str, key: str, persist: bool) -> None:
    app.ext_state.delete(section, key, persist=persist)


# -- console, dialogs --------------------------------------------------------------------------------------------------


@api("ShowConsoleMsg")
def show_console_msg(app: App, text: str) -> None:
    app.console += text.removeprefix("!SHOW:")


@api("ClearConsole")
def clear_console(app: App) -> None:
    app.console = ""


@api("Help_Set")
def help_set(app: App, text: str, temporary: bool) -> None:
    app.help_text = text


@api("ShowMessageBox", "MB")
def show_message_box(app: App, text: str, title: str, buttons: int) -> int:
    answer = app.open_dialog(Dialog("box", title, text, buttons=buttons))
    return int(answer) if answer is not None else 1 if buttons == 0 else 2


@api("GetUserInputs")
def get_user_inputs(app: App, title: str, count: int, captions: str, values: Text, size: int) -> bool:
    if not 1 <= count <= 16:
        raise Unsimulated(f"GetUserInputs with {count} fields: REAPER shows 1 to 16")
    separator = ","
    fields = []
    for caption in captions.split(separator):
        if caption.startswith("separator="):
            separator = caption.removeprefix("separator=")[:1]
        elif not caption.startswith("extrawidth="):
            fields.append(caption)
    answer = app.open_dialog(Dialog("inputs", title, values.value, fields[:count]))
    if answer is None:
        return False
    values.set(str(answer))
    return True


# -- actions -----------------------------------------------------------------------------------------------------------


@api("NamedCommandLookup")
def named_command_lookup(app: App, name: str) -> int:
    action = app.actions.by_name(name)
    return 0 if action is None else action.command


@api("ReverseNamedCommandLookup")
def reverse_named_command_lookup(app: App, command: int) -> str | None:
    action = app.actions.by_command(command)
    return None if action is None else action.name


@api("AddRemoveReaScript")
def add_remove_reascript(app: App, add: bool, section: int, path: str, commit: bool) -> int:
    if section != 0:
        raise Unsimulated(f"AddRemoveReaScript in section {section}; only the main section 0 is simulated")
    if not add:
        return int(app.actions.remove(path, commit=commit))
    return app.actions.add(path, commit=commit).command if Path(path).is_file() else 0


@api("Main_OnCommand")
def main_on_command(app: App, command: int, flag: int) -> None:
    run_command(app, command)


@api("Main_OnCommandEx")
def main_on_command_ex(app: App, command: int, flag: int, project: Project) -> None:
    run_command(app, command)


def run_command(app: App, command: int) -> None:
    """Runs an action by its number.

    Raises:
        Unsimulated: a native action that the simulator does not have.
    """
    if app.actions.by_command(command) is not None:
        app.run_action(command)
    elif command in NATIVE:
        NATIVE[command](app)
    else:
        raise Unsimulated(f"Main_OnCommand {command}: this action is not simulated")


def _set_selected_online(app: App, online: bool, *, every: bool = False) -> None:
    for track in app.project.tracks:
        for item in track.items:
            if every or item.values["B_UISEL"]:
                set_media_online(app, item, online)


def _build_missing_peaks(app: App) -> None:
    for track in app.project.tracks:
        for item in track.items:
            app.peaks |= {take.source.root.path for take in item.takes if take is not None and take.source is not None}


NATIVE: dict[int, Any] = {
    **EDITING,
    **TABS,
    40029: lambda app: app.history.undo(),
    40030: lambda app: app.history.redo(),
    40047: _build_missing_peaks,
    40100: lambda app: _set_selected_online(app, False, every=True),
    40101: lambda app: _set_selected_online(app, True, every=True),
    40440: lambda app: _set_selected_online(app, False),
    40439: lambda app: _set_selected_online(app, True),
    41743: lambda app: [surface.refresh() for surface in app.surfaces],
    1157: lambda app: setattr(app, "snapping", not app.snapping),
}


# -- mouse and refresh -------------------------------------------------------------------------------------------------


@api("GetMousePosition")
def get_mouse_position(app: App, x: Cell, y: Cell) -> None:
    track = app.track_under_mouse()
    x.value = 400
    y.value = 5 if track is None else TOP + ROW_HEIGHT * app.project.tracks.index(track) + ROW_HEIGHT // 2


def _track_at(app: App, y: int) -> Track | None:
    row = (y - TOP) // ROW_HEIGHT
    return app.project.tracks[row] if 0 <= row < len(app.project.tracks) else None


@api("GetTrackFromPoint")
def get_track_from_point(app: App, x: int, y: int, info: Cell) -> Track | None:
    info.value = 0
    return _track_at(app, y)


@api("GetThingFromPoint")
def get_thing_from_point(app: App, x: int, y: int, info: Text, size: int) -> Track | None:
    track = _track_at(app, y)
    info.set("arrange" if track is not None else "")
    return track


@api("PreventUIRefresh")
def prevent_ui_refresh(app: App, count: int) -> None:
    app.ui_refresh_blocks += count
    if app.ui_refresh_blocks < 0:
        app.faults.record("ui_refresh", "PreventUIRefresh", "released more often than blocked")
        app.ui_refresh_blocks = 0


@api("UpdateArrange", "UpdateTimeline", "TrackList_AdjustWindows", "UpdateItemInProject", "Main_UpdateLoopInfo")
def refresh(app: App, *arguments: Any) -> None:
    return None


@api("ColorToNative")
def color_to_native(app: App, red: int, green: int, blue: int) -> int:
    high, low = (red, blue) if assumptions.COLOUR_RED_IS_HIGH_BYTE else (blue, red)
    return high << 16 | green << 8 | low


@api("ColorFromNative")
def color_from_native(app: App, color: int, red: Cell, green: Cell, blue: Cell) -> None:
    high, low = color >> 16 & 255, color & 255
    red.value, blue.value = (high, low) if assumptions.COLOUR_RED_IS_HIGH_BYTE else (low, high)
    green.value = color >> 8 & 255
