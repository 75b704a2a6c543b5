"""A marker under the mouse: what the project and control surfaces know of it while the button is down.

Convention: which of it a real REAPER does is open (``assumptions``: MARKER_DRAG_...). No undo step before the release.
"""

from __future__ import annotations

from . import assumptions
from .app import App
from .functions_markers import change_marker
from .model import Marker


def drag_marker(app: App, marker: Marker, position_s: float, notify: str | None) -> None:
    """The mouse is at a position. ``notify``: "during", "release" or None for what is assumed."""
    notify = notify or assumptions.MARKER_DRAG_IS_NOTIFIED
    if notify not in ("during", "release"):
        raise ValueError(f"notify is {notify!r}: say 'during' or 'release'")
    if notify == "during":
        _move(marker, position_s)
        return
    app.markers_held = True
    if assumptions.MARKER_DRAG_MOVES_THE_MARKER:
        count = marker.project.change_count
        _move(marker, position_s)
        marker.project.change_count = count


def drop_marker(app: App, marker: Marker, position_s: float) -> None:
    """The button is up; the caller adds the undo step."""
    app.markers_held = False
    _move(marker, position_s)


def _move(marker: Marker, position_s: float) -> None:
    end_s = marker.end_s + position_s - marker.position_s if marker.is_region else 0.0
    change_marker(marker, position_s=position_s, end_s=end_s)
