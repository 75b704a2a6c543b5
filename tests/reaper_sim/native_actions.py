"""Native actions that change the project or its tabs, by their numbers.

Convention: each of ``EDITING`` adds an undo point of its own, under REAPER's name of the action; inside a script's
undo block it becomes part of the block.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from . import assumptions, envelopes, files
from .app import App, Dialog
from .model import Item, new_guid


def _toggle_volume_envelope(app: App) -> None:
    """Shows or hides the volume envelope of the selected tracks; creates it, visible, where there is none."""
    for track in app.project.tracks:
        if track.values["I_SELECTED"]:
            envelope = envelopes.find(track, "VOLENV2")
            if envelope is None:
                envelopes.create(track, "VOLENV2", new_guid())
            else:
                envelope.set_attribute("VISIBLE", not envelope.attribute("VISIBLE"))


def _selected_items(app: App) -> list[Item]:
    return [item for track in app.project.tracks for item in track.items if item.values["B_UISEL"]]


def _crop_to_active_take(app: App) -> None:
    """Keeps only the active take of the selected items."""
    for item in _selected_items(app):
        if item.takes:
            item.takes = [item.active_take]
            item.values["I_CURTAKE"] = 0


def _delete_active_take(app: App) -> None:
    """Removes the active take of the selected items; a neighbour becomes active."""
    for item in _selected_items(app):
        index = int(item.values["I_CURTAKE"])
        only = len(item.takes) == 1
        if 0 <= index < len(item.takes) and (assumptions.ONLY_TAKE_CAN_BE_DELETED or not only):
            del item.takes[index]
            before = assumptions.ACTIVE_AFTER_DELETING_A_TAKE == "before"
            item.values["I_CURTAKE"] = max(0, index - 1 if before else min(index, len(item.takes) - 1))


def _undoable(title: str, work: Callable[[App], None]) -> Callable[[App], None]:
    def act(app: App) -> None:
        history = app.history
        work(app)
        app.project.touch()
        if history.block_is_open:
            return
        app.own_undo_points += 1
        if history.changed():
            history.add(title)

    return act


def _new_tab(app: App) -> None:
    app.add_tab()


def _close_tab(app: App) -> None:
    """Closes the active tab; asks first when its project has changes."""
    answer: object = 7
    if app.project.dirty:
        text = f"Save changes to {app.project.path or 'unsaved project'}?"
        answer = app.open_dialog(Dialog("box", "Save", text, buttons=3))
    if answer == 6 and app.project.path:
        files.save(app, app.project, Path(app.project.path))
    if answer in (6, 7):
        app.close_tab(app.active)


TABS: dict[int, Callable[[App], None]] = {40859: _new_tab, 40860: _close_tab}
EDITING: dict[int, Callable[[App], None]] = {
    40129: _undoable("Delete active take from items", _delete_active_take),
    40131: _undoable("Crop to active take in items", _crop_to_active_take),
    40406: _undoable("Toggle track volume envelope visible", _toggle_volume_envelope),
}
