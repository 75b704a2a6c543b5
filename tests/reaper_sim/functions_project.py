"""API: projects and tabs, files, cursor, time selection, project ext state, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import assumptions, files
from .app import App, Dialog
from .faults import Unsimulated
from .ft import Cell, Text, api
from .handles import TYPES
from .model import Project

RENDERING = 0x40000000


@api("EnumProjects")
def enum_projects(app: App, index: int, path: Text, size: int) -> Project | None:
    if index == RENDERING:
        return None
    project = app.project if index == -1 else app.tabs[index] if 0 <= index < len(app.tabs) else None
    path.set("" if project is None else project.path)
    return project


@api("ValidatePtr")
def validate_ptr(app: App, pointer: int, type_name: str) -> bool:
    if type_name not in assumptions.VALIDATED_TYPES:
        return True
    return type_name in TYPES and app.handles.valid(pointer, type_name)


@api("ValidatePtr2")
def validate_ptr2(app: App, project: Project, pointer: int, type_name: str) -> bool:
    if type_name not in TYPES or not app.handles.valid(pointer, type_name):
        return False
    thing = app.handles.get(pointer, type_name)
    while not isinstance(thing, Project):
        owners = (getattr(thing, name, None) for name in ("owner", "item", "track", "project"))
        owner = next((owner for owner in owners if owner is not None), None)
        if owner is None:
            return True
        thing = owner
    return type_name == "ReaProject*" or thing is project


@api("SelectProjectInstance")
def select_project_instance(app: App, project: Project) -> None:
    app.active = app.tabs.index(project)


@api("GetProjectName")
def get_project_name(app: App, project: Project, name: Text, size: int) -> None:
    name.set(Path(project.path).name if project.path else "")


@api("GetProjectPathEx")
def get_project_path_ex(app: App, project: Project, path: Text, size: int) -> None:
    path.set(files.media_folder(app, project))


@api("GetProjectPath")
def get_project_path(app: App, path: Text, size: int) -> None:
    path.set(files.media_folder(app, app.project))


@api("GetSetProjectInfo_String")
def get_set_project_info_string(app: App, project: Project, name: str, value: Text, is_set: bool) -> bool:
    if name.startswith("MARKER_GUID:"):
        index = int(name.removeprefix("MARKER_GUID:"))
        if is_set or not 0 <= index < len(project.markers):
            return False
        value.set(project.markers[index].guid)
        return True
    if name.startswith("MARKER_INDEX_FROM_GUID:"):
        wanted = name.removeprefix("MARKER_INDEX_FROM_GUID:")
        value.set(next((str(i) for i, marker in enumerate(project.markers) if marker.guid == wanted), ""))
        return bool(not is_set)
    if name not in ("RECORD_PATH", "PROJECT_NAME", "PROJECT_TITLE", "PROJECT_AUTHOR"):
        raise Unsimulated(f"GetSetProjectInfo_String {name} is not simulated")
    if name == "PROJECT_NAME":
        value.set(Path(project.path).name)
    elif is_set:
        project.texts[name] = value.value
        project.touch()
    else:
        value.set(project.texts.get(name, ""))
    return True


@api("GetSetProjectInfo")
def get_set_project_info(app: App, project: Project, name: str, value: float, is_set: bool) -> float:
    if name not in ("PROJECT_SRATE", "PROJECT_SRATE_USE"):
        raise Unsimulated(f"GetSetProjectInfo {name} is not simulated")
    if is_set:
        project.settings[name] = value
        project.touch()
    return project.settings[name]


@api("IsProjectDirty")
def is_project_dirty(app: App, project: Project) -> int:
    return int(project.dirty)


@api("MarkProjectDirty")
def mark_project_dirty(app: App, project: Project) -> None:
    project.dirty = True


@api("GetProjectStateChangeCount")
def get_project_state_change_count(app: App, project: Project) -> int:
    return project.change_count


@api("Main_SaveProject")
def main_save_project(app: App, project: Project, save_as: bool) -> None:
    path: Any = project.path
    if save_as or not path:
        path = app.open_dialog(Dialog("save_as", "Save project"))
    if path:
        files.save(app, project, Path(path))


@api("Main_SaveProjectEx")
def main_save_project_ex(app: App, project: Project, path: str, options: int) -> None:
    files.save(app, project, Path(path or project.path), rebind=not path or bool(options & 8))


@api("Main_openProject")
def main_open_project(app: App, name: str) -> None:
    path = name.removeprefix("noprompt:")
    if path == name and app.project.dirty:
        answer = app.open_dialog(
            Dialog("box", "Save", f"Save changes to {app.project.path or 'unsaved project'}?", buttons=3)
        )
        if answer not in (6, 7):
            return
        if answer == 6:
            main_save_project(app, app.project, False)
    files.open_project(app, Path(path))


# -- project ext state -------------------------------------------------------------------------------------------------


def _existing_key(project: Project, section: str, key: str) -> str:
    if assumptions.PROJECT_EXT_STATE_KEYS_IGNORE_CASE:
        keys = project.ext.get(section, {})
        return next((known for known in keys if known.lower() == key.lower()), key)
    return key


@api("SetProjExtState")
def set_proj_ext_state(app: App, project: Project, section: str, key: str, value: str) -> int:
    if not key:
        project.ext.pop(section, None)
    elif not value:
        project.ext.get(section, {}).pop(_existing_key(project, section, key), None)
    else:
        project.ext.setdefault(section, {})[_existing_key(project, section, key)] = value
    if not project.ext.get(section, True):
        del project.ext[section]
    project.touch()
    project.dirty = project.dirty or assumptions.PROJECT_EXT_STATE_MARKS_DIRTY
    return sum(map(len, project.ext.get(section, {}).values()))


@api("GetProjExtState")
def get_proj_ext_state(app: App, project: Project, section: str, key: str, value: Text, size: int) -> int:
    text = project.ext.get(section, {}).get(_existing_key(project, section, key), "")
    value.set(text)
    return len(text.encode())


@api("EnumProjExtState")
def enum_proj_ext_state(
    app: App, project: Project, section: str, index: int, key: Text, key_size: int, value: Text, value_size: int
) -> bool:
    entries = list(project.ext.get(section, {}).items())
    if not 0 <= index < len(entries):
        return False
    key.set(entries[index][0])
    value.set(entries[index][1])
    return True


# -- cursor, selection, transport --------------------------------------------------------------------------------------


@api("GetCursorPositionEx")
def get_cursor_position_ex(app: App, project: Project) -> float:
    return project.cursor_s


@api("GetCursorPosition")
def get_cursor_position(app: App) -> float:
    return app.project.cursor_s


@api("SetEditCurPos2")
def set_edit_cur_pos2(app: App, project: Project, time_s: float, move_view: bool, seek_play: bool) -> None:
    project.cursor_s = max(0.0, time_s)


@api("SetEditCurPos")
def set_edit_cur_pos(app: App, time_s: float, move_view: bool, seek_play: bool) -> None:
    app.project.cursor_s = max(0.0, time_s)


@api("GetPlayStateEx", "GetPlayState")
def get_play_state_ex(app: App, project: Project | None = None) -> int:
    return (project or app.project).play_state


@api("OnPlayButton", "OnPlayButtonEx")
def on_play_button(app: App, project: Project | None = None) -> None:
    (project or app.project).play_state = 1


@api("OnStopButton", "OnStopButtonEx")
def on_stop_button(app: App, project: Project | None = None) -> None:
    (project or app.project).play_state = 0


@api("GetPlayPositionEx", "GetPlayPosition2Ex", "GetPlayPosition", "GetPlayPosition2")
def get_play_position_ex(app: App, project: Project | None = None) -> float:
    return (project or app.project).cursor_s


@api("GetSet_LoopTimeRange2")
def get_set_loop_time_range2(
    app: App, project: Project, is_set: bool, is_loop: bool, start: Cell, end: Cell, seek: bool
) -> None:
    name = "loop_points" if is_loop else "time_selection"
    if is_set:
        setattr(project, name, tuple(sorted((start.value, end.value))))
        project.touch()
    start.value, end.value = getattr(project, name)


@api("GetSet_LoopTimeRange")
def get_set_loop_time_range(app: App, is_set: bool, is_loop: bool, start: Cell, end: Cell, seek: bool) -> None:
    get_set_loop_time_range2(app, app.project, is_set, is_loop, start, end, seek)


@api("GetProjectLength")
def get_project_length(app: App, project: Project) -> float:
    ends = [item.values["D_POSITION"] + item.values["D_LENGTH"] for track in project.tracks for item in track.items]
    return max([0.0, *ends, *(max(marker.position_s, marker.end_s) for marker in project.markers)])


@api("SnapToGrid")
def snap_to_grid(app: App, project: Project, time_s: float) -> float:
    beat = 60 / project.settings["TEMPO"]
    return round(time_s / beat) * beat


@api("TimeMap_curFrameRate")
def time_map_cur_frame_rate(app: App, project: Project, drop_frame: Cell) -> float:
    drop_frame.value = 0
    return project.settings["FPS"]


@api("GetProjectTimeOffset")
def get_project_time_offset(app: App, project: Project, round_to_frame: bool) -> float:
    return project.settings["OFFSET_S"]


@api("Master_GetTempo")
def master_get_tempo(app: App) -> float:
    return app.project.settings["TEMPO"]


@api("Master_GetPlayRate")
def master_get_play_rate(app: App, project: Project) -> float:
    return project.settings["PLAYRATE"]


@api("TimeMap2_timeToQN")
def time_map2_time_to_qn(app: App, project: Project, time_s: float) -> float:
    return time_s * project.settings["TEMPO"] / 60


@api("TimeMap2_QNToTime")
def time_map2_qn_to_time(app: App, project: Project, quarter_notes: float) -> float:
    return quarter_notes * 60 / project.settings["TEMPO"]


@api("TimeMap_GetTimeSigAtTime")
def time_map_get_time_sig_at_time(
    app: App, project: Project, time_s: float, numerator: Cell, denominator: Cell, tempo: Cell
) -> None:
    settings = project.settings
    numerator.value, denominator.value = settings["TIMESIG_NUM"], settings["TIMESIG_DENOM"]
    tempo.value = settings["TEMPO"]


# -- undo --------------------------------------------------------------------------------------------------------------


@api("Undo_BeginBlock2")
def undo_begin_block2(app: App, project: Project) -> None:
    app.history_of(project).begin()
    app.own_undo_points += 1


@api("Undo_BeginBlock")
def undo_begin_block(app: App) -> None:
    undo_begin_block2(app, app.project)


@api("Undo_EndBlock2")
def undo_end_block2(app: App, project: Project, title: str, flags: int) -> None:
    app.history_of(project).end(title, flags)


@api("Undo_EndBlock")
def undo_end_block(app: App, title: str, flags: int) -> None:
    app.history.end(title, flags)


@api("Undo_OnStateChangeEx2")
def undo_on_state_change_ex2(app: App, project: Project, title: str, flags: int, track: int) -> None:
    app.own_undo_points += 1
    if not app.history_of(project).block_is_open:
        app.history_of(project).add(title, flags)


@api("Undo_OnStateChange2")
def undo_on_state_change2(app: App, project: Project, title: str) -> None:
    undo_on_state_change_ex2(app, project, title, -1, -1)


@api("Undo_OnStateChange")
def undo_on_state_change(app: App, title: str) -> None:
    undo_on_state_change_ex2(app, app.project, title, -1, -1)


@api("Undo_CanUndo2")
def undo_can_undo2(app: App, project: Project) -> str | None:
    titles = app.history_of(project).titles
    return titles[-1] if titles else None


@api("Undo_CanRedo2")
def undo_can_redo2(app: App, project: Project) -> str | None:
    titles = app.history_of(project).redo_titles
    return titles[-1] if titles else None


@api("Undo_DoUndo2")
def undo_do_undo2(app: App, project: Project) -> int:
    return int(bool(app.history_of(project).undo()))


@api("Undo_DoRedo2")
def undo_do_redo2(app: App, project: Project) -> int:
    return int(bool(app.history_of(project).redo()))
