"""What a test may do as the designer with regions, takes, take markers and envelopes; part of ``Designer``."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from typing import Any


class EditingDesigner(abc.ABC):
    """Gestures on what lies inside items and tracks."""

    @abc.abstractmethod
    def _ask(self, command: str, *, timeout_s: float = 30.0, **arguments: Any) -> Any:
        """Sends a command and returns its result."""

    def add_region(self, start_s: float, end_s: float, name: str = "", *, number: int = -1) -> str:
        """A new region; ``move_marker``, ``rename_marker`` and ``delete_marker`` work on it as on markers."""
        return self._ask("add_marker", position_s=start_s, name=name, end_s=end_s, number=number)

    def resize_region(self, guid: str, start_s: float, end_s: float) -> None:
        """Drags the edges of a region."""
        self._ask("resize_region", guid=guid, start_s=start_s, end_s=end_s)

    def set_time_selection(self, start_s: float, end_s: float) -> None:
        """Sets the time selection; equal values = none. Not an undo step."""
        self._ask("set_time_selection", start_s=start_s, end_s=end_s)

    def press_key(self, modifier: int, key: int | str) -> str:
        """Presses a key in the main window; "ran", or "modal" when a dialog is open now.

        Runs what the KEY line of ``reaper-kb.ini`` binds, as it was when REAPER started, else REAPER's own default.

        Args:
            modifier: 1 plain, plus 4 Shift, 8 Ctrl, 16 Alt. key: a virtual key code, or a letter.

        Raises:
            SimReaperError: nothing is bound, or what is bound does not exist.
        """
        code = key if isinstance(key, int) else ord(key.upper())
        return self._ask("press_key", modifier=modifier, key=code)

    def toggle_state(self, name: str) -> tuple[int, int]:
        """A script action's toggle state (1, 0, -1 = none) by its name (``_RS...``), and what toolbars show of it."""
        state, shown = self._ask("toggle_state", name=name)
        return state, shown

    def add_take_marker(self, item: str, source_position_s: float, name: str = "", *, color: int = 0) -> int:
        """A new take marker in the item's active take, at a position in the source; returns its index."""
        return self._ask("add_take_marker", guid=item, source_position_s=source_position_s, name=name, color=color)

    def move_take_marker(self, item: str, index: int, source_position_s: float) -> int:
        """Drags a take marker of the active take; returns its index afterwards (they are in order of position)."""
        return self._ask("set_take_marker", guid=item, index=index, source_position_s=source_position_s, name=None)

    def rename_take_marker(self, item: str, index: int, name: str) -> int:
        """Renames a take marker of the active take; returns its index."""
        return self._ask("set_take_marker", guid=item, index=index, source_position_s=None, name=name)

    def delete_take_marker(self, item: str, index: int) -> None:
        """Deletes a take marker of the active take."""
        self._ask("delete_take_marker", guid=item, index=index)

    def show_envelope(self, track: str, visible: bool = True) -> None:
        """Shows or hides a track's volume envelope; creates it where there is none."""
        self._ask("show_envelope", guid=track, visible=visible)

    def draw_envelope(self, track: str, points: Sequence[tuple[float, float]]) -> None:
        """Draws a track's volume envelope: (project time in seconds, linear gain 0..2) points replace those between."""
        self._ask("draw_envelope", guid=track, points=[list(point) for point in points])
