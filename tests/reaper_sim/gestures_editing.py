"""What the designer does to regions, takes, take markers and envelopes; part of ``Gestures``.

Convention: as in ``gestures``: ``do_x`` is the command ``x``, and what changes the project ends with one undo step.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from . import envelopes
from .app import App
from .envelopes import Envelope, Point
from .functions_markers import change_marker
from .model import Item, Marker, Take, Track, new_guid


class Editing(ABC):
    """The hands on regions, takes and envelopes."""

    _app: App

    @abstractmethod
    def _find(self, guid: str, kind: type) -> Any:
        """The thing of a GUID."""

    @abstractmethod
    def _done(self, title: str) -> None:
        """Ends the gesture as one undo step."""

    def do_resize_region(self, guid: str, start_s: float, end_s: float) -> None:
        region = self._find(guid, Marker)
        if not region.is_region:
            raise LookupError(f"the marker {guid} is no region")
        change_marker(region, position_s=start_s, end_s=end_s)
        self._done("Move region edge")

    def do_set_time_selection(self, start_s: float, end_s: float) -> None:
        self._app.project.time_selection = (min(start_s, end_s), max(start_s, end_s))
        self._app.project.touch()

    def do_toggle_state(self, name: str) -> list[int]:
        action = self._app.actions.by_name(name)
        if action is None:
            raise LookupError(f"{name} is not in the action list")
        return [table.get(action.command, -1) for table in (self._app.toggle_states, self._app.toolbar)]

    # -- take markers ----------------------------------------------------------------------------------------------

    def _active_take(self, guid: str) -> Take:
        take = self._find(guid, Item).active_take
        if take is None:
            raise LookupError(f"the item {guid} has no active take")
        return take

    def do_add_take_marker(self, guid: str, source_position_s: float, name: str, color: int) -> int:
        take = self._active_take(guid)
        marker = (source_position_s, name, color)
        take.markers.append(marker)
        return self._sorted(take, marker, "Add take marker")

    def do_set_take_marker(self, guid: str, index: int, source_position_s: float | None, name: str | None) -> int:
        take = self._active_take(guid)
        position, text, color = take.markers[index]
        marker = (position if source_position_s is None else source_position_s, text if name is None else name, color)
        take.markers[index] = marker
        return self._sorted(take, marker, "Edit take marker")

    def do_delete_take_marker(self, guid: str, index: int) -> None:
        del self._active_take(guid).markers[index]
        self._done("Delete take marker")

    def _sorted(self, take: Take, marker: tuple[float, str, int], title: str) -> int:
        take.markers.sort(key=lambda entry: entry[0])
        self._done(title)
        return take.markers.index(marker)

    # -- envelopes -------------------------------------------------------------------------------------------------

    def _volume(self, guid: str) -> Envelope:
        track = self._find(guid, Track)
        return envelopes.find(track, "VOLENV2") or envelopes.create(track, "VOLENV2", new_guid())

    def do_show_envelope(self, guid: str, visible: bool) -> None:
        self._volume(guid).set_attribute("VISIBLE", visible)
        self._done("Toggle track volume envelope visible")

    def do_draw_envelope(self, guid: str, points: list[list[float]]) -> None:
        envelope = self._volume(guid)
        envelope.set_attribute("VISIBLE", True)
        drawn = [Point(time_s, min(max(gain, 0.0), envelope.kind.highest)) for time_s, gain in sorted(points)]
        start_s, end_s = drawn[0].time_s, drawn[-1].time_s
        envelope.points = [point for point in envelope.points if not start_s <= point.time_s <= end_s] + drawn
        envelope.sort()
        self._done("Add/edit envelope points")
