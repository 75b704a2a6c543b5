"""What the designer does, command by command of the control pipe.

Convention: a method ``do_x`` is the command ``x``; its arguments and result are JSON. Those that change the project end
with one undo step, as a gesture with the mouse does.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import files
from .app import App
from .drags import drag_marker, drop_marker
from .functions_items import copy_item, move_media_item_to_track, split_media_item
from .functions_markers import add_marker, change_marker, remove_marker
from .functions_tracks import insert_track
from .gestures_editing import Editing
from .gestures_media import place_media, set_media_online
from .model import Item, Marker, Take, Track
from .state import describe

ITEM_FIELDS = {
    **{"position_s": "D_POSITION", "length_s": "D_LENGTH", "loop": "B_LOOPSRC", "muted": "B_MUTE", "locked": "C_LOCK"},
    **{"active_take": "I_CURTAKE", "lane_plays": "C_LANEPLAYS"},
}
TAKE_FIELDS = {"start_offset_s": "D_STARTOFFS", "play_rate": "D_PLAYRATE", "pitch": "D_PITCH"}
TRACK_FIELDS = {"mute": "B_MUTE", "solo": "I_SOLO", "selected": "I_SELECTED", "folder_depth": "I_FOLDERDEPTH"}


class Gestures(Editing):
    """The designer's hands."""

    def __init__(self, app: App) -> None:
        self._app = app

    def _find(self, guid: str, kind: type) -> Any:
        thing = self._app.find(guid)
        if not isinstance(thing, kind):
            raise LookupError(f"no {kind.__name__.lower()} has the GUID {guid}")
        return thing

    def _done(self, title: str) -> None:
        self._app.history.add(title)

    # -- tracks and items ------------------------------------------------------------------------------------------

    def do_add_track(self, name: str, index: int | None) -> str:
        track = insert_track(self._app.project, 1 << 20 if index is None else index, name)
        self._done("Add track")
        return track.guid

    def do_delete_track(self, guid: str) -> None:
        self._app.project.tracks.remove(self._find(guid, Track))
        self._done("Remove tracks")

    def do_set_track(self, guid: str, values: dict[str, Any]) -> None:
        track = self._find(guid, Track)
        for name, value in values.items():
            if name == "name":
                track.texts["P_NAME"] = value
            else:
                track.values[TRACK_FIELDS[name]] = float(value)
        self._done("Change track")

    def do_place_media(self, **wanted: Any) -> str:
        if wanted["track"]:
            self._find(wanted["track"], Track)
        item = place_media(self._app, wanted)
        self._done("Insert media file")
        return item.guid

    def do_set_item(self, guid: str, values: dict[str, Any]) -> None:
        item = self._find(guid, Item)
        for name, value in values.items():
            if name == "track":
                move_media_item_to_track(self._app, item, self._find(value, Track))
            elif name in TAKE_FIELDS:
                item.active_take.values[TAKE_FIELDS[name]] = float(value)
            else:
                item.values[ITEM_FIELDS[name]] = float(value)
        item.track.sort_items()
        self._done("Change media item")

    def do_delete_item(self, guid: str) -> None:
        item = self._find(guid, Item)
        item.track.items.remove(item)
        self._done("Delete items")

    def do_split_item(self, guid: str, position_s: float) -> str:
        right = split_media_item(self._app, self._find(guid, Item), position_s)
        if right is None:
            raise LookupError(f"{position_s} is not inside the item {guid}")
        self._done("Split items")
        return right.guid

    def do_copy_item(self, guid: str, position_s: float) -> str:
        twin = copy_item(self._find(guid, Item))
        twin.values["D_POSITION"] = position_s
        twin.track.sort_items()
        self._done("Paste items")
        return twin.guid

    def do_set_stretch_markers(self, guid: str, markers: list[list[float]]) -> None:
        self._find(guid, Item).active_take.stretch = [(position, source, 0.0) for position, source in markers]
        self._done("Add stretch marker")

    def do_set_offline(self, guid: str, offline: bool) -> None:
        set_media_online(self._app, self._find(guid, Item), not offline)

    def do_select(self, guids: list[str]) -> None:
        for track in self._app.project.tracks:
            track.values["I_SELECTED"] = int(track.guid in guids)
            if track.guid in guids:
                self._app.project.last_touched = track.guid
            for item in track.items:
                item.values["B_UISEL"] = int(item.guid in guids)
        self._app.project.touch()

    def do_set_cursor(self, position_s: float) -> None:
        self._app.project.cursor_s = position_s

    def do_set_mouse_track(self, guid: str | None) -> None:
        self._app.mouse_track = "" if guid is None else self._find(guid, Track).guid

    # -- markers ---------------------------------------------------------------------------------------------------

    def do_add_marker(self, position_s: float, name: str, end_s: float | None, number: int) -> str:
        end = 0.0 if end_s is None else end_s
        marker = add_marker(self._app.project, end_s is not None, position_s, end, name, number, 0)
        self._done("Insert marker")
        return marker.guid

    def do_move_marker(self, guid: str, position_s: float) -> None:
        marker = self._find(guid, Marker)
        end_s = marker.end_s + position_s - marker.position_s if marker.is_region else 0.0
        change_marker(marker, position_s=position_s, end_s=end_s)
        self._done("Move marker")

    def do_drag_marker(self, guid: str, position_s: float, notify: str | None) -> None:
        drag_marker(self._app, self._find(guid, Marker), position_s, notify)

    def do_drop_marker(self, guid: str, position_s: float) -> None:
        drop_marker(self._app, self._find(guid, Marker), position_s)
        self._done("Move marker")

    def do_rename_marker(self, guid: str, name: str) -> None:
        change_marker(self._find(guid, Marker), name=name)
        self._done("Edit marker")

    def do_delete_marker(self, guid: str) -> None:
        remove_marker(self._find(guid, Marker))
        self._done("Delete marker")

    # -- looking ---------------------------------------------------------------------------------------------------

    def do_state(self) -> dict[str, Any]:
        return describe(self._app.project)

    def do_change_count(self) -> int:
        return self._app.project.change_count

    def do_console(self) -> str:
        return self._app.console

    def do_help_text(self) -> str:
        return self._app.help_text

    def do_warnings(self) -> list[str]:
        leaked = [f"PCM_source never used or destroyed: {source.path}" for source in self._app.free_sources]
        return [*self._app.faults.warnings, *leaked]

    def do_peaks_built(self, guid: str) -> bool:
        thing = self._find(guid, Take)
        return thing.source is not None and thing.source.root.path in self._app.peaks

    def do_ext_state(self, section: str, key: str) -> str:
        return self._app.ext_state.get(section, key)

    def do_set_ext_state(self, section: str, key: str, value: str, persist: bool) -> None:
        self._app.ext_state.set(section, key, value, persist=persist)

    # -- undo, files, tabs -----------------------------------------------------------------------------------------

    def do_undo(self) -> str:
        return self._app.history.undo()

    def do_redo(self) -> str:
        return self._app.history.redo()

    def do_undo_labels(self) -> list[str]:
        return self._app.history.titles

    def do_save(self, path: str | None) -> None:
        target = path or self._app.project.path
        if not target:
            raise LookupError("the project was never saved: a path is needed")
        files.save(self._app, self._app.project, Path(target))

    def do_open(self, path: str) -> None:
        files.open_project(self._app, Path(path))

    def do_new_tab(self) -> int:
        return self._app.add_tab()

    def do_switch_tab(self, index: int) -> None:
        if not 0 <= index < len(self._app.tabs):
            raise LookupError(f"there is no tab {index}")
        self._app.active = index

    def do_close_tab(self, index: int | None) -> None:
        self._app.close_tab(self._app.active if index is None else index)

    # -- dialogs ---------------------------------------------------------------------------------------------------

    def do_modal(self) -> dict[str, Any] | None:
        return None if self._app.dialog is None else self._app.dialog.describe()

    def do_dialogs(self) -> list[dict[str, Any]]:
        return [dialog.describe() for dialog in self._app.dialogs]

    def do_answer_modal(self, value: Any) -> None:
        dialog = self._app.dialog
        if dialog is None:
            raise LookupError("no dialog is open")
        dialog.answer, dialog.open = value, False

    def do_close_modal(self) -> None:
        self.do_answer_modal(None)

    def do_answer_next_inputs(self, answers: list[str | None]) -> None:
        self._app.input_answers += answers

    def do_answer_next_boxes(self, buttons: list[int]) -> None:
        self._app.box_answers += buttons
