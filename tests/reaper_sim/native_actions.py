"""Native actions that change the project, by their numbers.

Convention: each adds an undo point of its own, under REAPER's name of the action; inside a script's undo block it
becomes part of the block.
"""

from __future__ import annotations

from collections.abc import Callable

from . import envelopes
from .app import App
from .model import new_guid


def _toggle_volume_envelope(app: App) -> None:
    """Shows or hides the volume envelope of the selected tracks; creates it, visible, where there is none."""
    for track in app.project.tracks:
        if track.values["I_SELECTED"]:
            envelope = envelopes.find(track, "VOLENV2")
            if envelope is None:
                envelopes.create(track, "VOLENV2", new_guid())
            else:
                envelope.set_attribute("VISIBLE", not envelope.attribute("VISIBLE"))


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


EDITING: dict[int, Callable[[App], None]] = {
    40406: _undoable("Toggle track volume envelope visible", _toggle_volume_envelope),
}
