"""What a test may do as the designer: place items, drag markers, press keys, answer dialogs, look at the project.

Convention: see ``client``, whose ``SimReaper`` has all of this.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .designer_editing import EditingDesigner


class Designer(EditingDesigner):
    """The gestures; each asks the simulated REAPER through the control pipe."""

    # -- gestures: tracks and items --------------------------------------------------------------------------------

    def add_track(self, name: str = "", index: int | None = None) -> str:
        """A new track (at the end without ``index``)."""
        return self._ask("add_track", name=name, index=index)

    def delete_track(self, guid: str) -> None:
        """Deletes a track with everything on it."""
        self._ask("delete_track", guid=guid)

    def set_track(self, guid: str, **values: Any) -> None:
        """Changes fields of a track: name, mute, solo, selected, folder_depth, lock."""
        self._ask("set_track", guid=guid, values=values)

    def place_video(
        self,
        path: str | os.PathLike[str],
        position_s: float,
        length_s: float | None = None,
        start_offset_s: float = 0.0,
        play_rate: float = 1.0,
        loop: bool = False,
        section: tuple[float, float] | None = None,
        reverse: bool = False,
        track: str | None = None,
        muted: bool = False,
        selected: bool = False,
    ) -> str:
        """Puts a media file (video or sound) on a track and returns the item's GUID.

        Args:
            length_s: of the item; None = what the file allows. section: (offset, length) in the file makes a SECTION
                source around it; ``reverse`` too. track: its GUID; None = a new track named "Video".
        """
        return self._ask(
            "place_media",
            path=os.fspath(path),
            position_s=position_s,
            length_s=length_s,
            start_offset_s=start_offset_s,
            play_rate=play_rate,
            loop=loop,
            section=section,
            reverse=reverse,
            track=track,
            muted=muted,
            selected=selected,
        )

    def set_item(self, guid: str, **values: Any) -> None:
        """Changes an item: position_s, length_s, start_offset_s, play_rate, loop, muted, active_take, track, locked."""
        self._ask("set_item", guid=guid, values=values)

    def delete_item(self, guid: str) -> None:
        """Deletes an item."""
        self._ask("delete_item", guid=guid)

    def split_item(self, guid: str, position_s: float) -> str:
        """Splits an item and returns the GUID of the right part."""
        return self._ask("split_item", guid=guid, position_s=position_s)

    def copy_item(self, guid: str, position_s: float) -> str:
        """Pastes a copy of an item on its track; private texts (P_EXT) are copied with it, GUIDs are new."""
        return self._ask("copy_item", guid=guid, position_s=position_s)

    def set_stretch_markers(self, guid: str, markers: Sequence[tuple[float, float]]) -> None:
        """Stretch markers (position in the item x play rate, source position) of the item's active take."""
        self._ask("set_stretch_markers", guid=guid, markers=list(markers))

    def set_offline(self, guid: str, offline: bool = True) -> None:
        """Sets the media of the item's active take offline or online again."""
        self._ask("set_offline", guid=guid, offline=offline)

    def select(self, *guids: str) -> None:
        """Selects exactly these items and tracks; nothing without arguments. Not an undo step."""
        self._ask("select", guids=list(guids))

    def set_cursor(self, position_s: float) -> None:
        """Moves the edit cursor. Not an undo step."""
        self._ask("set_cursor", position_s=position_s)

    def set_mouse_track(self, guid: str | None) -> None:
        """Puts the mouse over a track (None = over nothing)."""
        self._ask("set_mouse_track", guid=guid)

    # -- gestures: markers -----------------------------------------------------------------------------------------

    def add_marker(self, position_s: float, name: str = "", *, end_s: float | None = None, number: int = -1) -> str:
        """A new marker, or a region when ``end_s`` is given."""
        return self._ask("add_marker", position_s=position_s, name=name, end_s=end_s, number=number)

    def move_marker(self, guid: str, position_s: float) -> None:
        """Drags a marker, or a whole region."""
        self._ask("move_marker", guid=guid, position_s=position_s)

    def drag_marker(
        self, guid: str, positions_s: Sequence[float], *, notify: str | None = None, ticks_per_step: int = 1
    ) -> None:
        """Drags a marker with the mouse through several positions and lets go at the last one: one undo step.

        Args:
            notify: when control surfaces hear of it: "during" the drag, at each position, or on "release" alone;
                None = what ``assumptions.MARKER_DRAG_IS_NOTIFIED`` says. ticks_per_step: rounds spent at each position.
        """
        for position_s in positions_s:
            self._ask("drag_marker", guid=guid, position_s=position_s, notify=notify)
            self.wait_ticks(ticks_per_step)
        self._ask("drop_marker", guid=guid, position_s=positions_s[-1])

    def rename_marker(self, guid: str, name: str) -> None:
        """Renames a marker."""
        self._ask("rename_marker", guid=guid, name=name)

    def delete_marker(self, guid: str) -> None:
        """Deletes a marker."""
        self._ask("delete_marker", guid=guid)

    # -- looking ---------------------------------------------------------------------------------------------------

    def markers(self) -> list[dict[str, Any]]:
        """Markers and regions in enumeration order: guid, position_s, end_s, is_region, name, number, color."""
        return self.state()["markers"]

    def tracks(self) -> list[dict[str, Any]]:
        """Tracks from the top: guid, name, mute, solo, selected, folder_depth, ext, envelopes, items."""
        return self.state()["tracks"]

    def items(self) -> list[dict[str, Any]]:
        """All items, by track then time: as in ``state`` plus track (GUID) and track_index."""
        return [
            {**item, "track": track["guid"], "track_index": index}
            for index, track in enumerate(self.tracks())
            for item in track["items"]
        ]

    def state(self) -> dict[str, Any]:
        """Everything that the active project holds, as JSON; equal states mean an unchanged project.

        Keys: path, tracks (with items, with takes, with source), markers, ext, cursor_s, time_selection, loop_points.
        Envelope: guid, name, active, visible, arm, showlane, ext, points (time, linear gain, shape, tension, selected).
        Item: guid, position_s, length_s, loop, muted, selected, active_take, notes, ext, takes.
        Take: guid, name, start_offset_s, play_rate, ext, markers, stretch_markers, source (or null).
        Source: type, path, length_s, offline, peaks, parent, section_offset_s, section_length_s, reverse.
        """
        return self._ask("state")

    def change_count(self) -> int:
        """GetProjectStateChangeCount of the active project."""
        return self._ask("change_count")

    def ext_state(self, section: str, key: str) -> str:
        """GetExtState; "" if none."""
        return self._ask("ext_state", section=section, key=key)

    def set_ext_state(self, section: str, key: str, value: str, persist: bool = False) -> None:
        """SetExtState, as another script would."""
        self._ask("set_ext_state", section=section, key=key, value=value, persist=persist)

    # -- undo, files, tabs -----------------------------------------------------------------------------------------

    def undo(self) -> str:
        """Ctrl+Z; returns the undone step's title ("" if there was none)."""
        return self._ask("undo")

    def redo(self) -> str:
        """Ctrl+Shift+Z; returns the redone step's title ("" if there was none)."""
        return self._ask("redo")

    def undo_labels(self) -> list[str]:
        """Titles of the steps that can be undone, oldest first."""
        return self._ask("undo_labels")

    def save(self, path: str | os.PathLike[str] | None = None) -> None:
        """Saves the active project (under ``path``: Save as)."""
        self._ask("save", path=None if path is None else os.fspath(path))

    def open(self, path: str | os.PathLike[str]) -> None:
        """Opens a project file in the active tab."""
        self._ask("open", path=os.fspath(path))

    def new_tab(self) -> int:
        """Opens a tab with an empty project, makes it the active one and returns its index."""
        return self._ask("new_tab")

    def switch_tab(self, index: int) -> None:
        """Makes a tab the active one."""
        self._ask("switch_tab", index=index)

    def close_tab(self, index: int | None = None) -> None:
        """Closes a tab (None = the active one) without saving; an empty project replaces the last one."""
        self._ask("close_tab", index=index)

    # -- scripts, time, dialogs ------------------------------------------------------------------------------------

    def run_script(self, path: str | os.PathLike[str], *, when_running: str = "ask") -> str:
        """Presses the key bound to a script; "ran", or "modal" when a dialog is open now.

        ``when_running`` is what the designer once chose for a script that still runs: "ask" (REAPER's task control
        dialog opens), "terminate" (the old one ends first) or "new" (a second instance).
        """
        return self._ask("run_script", path=os.fspath(path), when_running=when_running)

    def terminate_scripts(self) -> None:
        """Ends every running script; their atexit runs."""
        self._ask("terminate_scripts")

    def running_scripts(self) -> list[str]:
        """Paths of the scripts that wait for their next cycle."""
        return self._ask("running_scripts")

    def turns(self) -> list[dict[str, Any]]:
        """How long each script cycle since the last question held REAPER's main thread, oldest first.

        Each has script (file name), held_s, calls (API functions called), worked_s: of held_s, what the processor was
        at work, and inside_s: of held_s, what the simulated functions took, which says nothing about a real REAPER.
        """
        return self._ask("turns")

    def wait_ticks(self, count: int = 1, timeout_s: float = 30.0) -> None:
        """Returns when the main loop has completed ``count`` further rounds."""
        self._ask("wait_ticks", timeout_s=timeout_s, count=count)

    def open_modal(self, title: str = "REAPER Preferences") -> None:
        """Opens a dialog of REAPER's own: scripts and web interface stop until ``close_modal``."""
        self._ask("open_modal", title=title)

    def close_modal(self) -> None:
        """Closes the open dialog with Cancel."""
        self._ask("close_modal")

    def modal(self) -> dict[str, Any] | None:
        """The open dialog (kind, title, text, fields) or None."""
        return self._ask("modal")

    def answer_modal(self, value: str | int | None) -> None:
        """Answers the open dialog: the values of GetUserInputs, or the number of a message box's button."""
        self._ask("answer_modal", value=value)

    def answer_next_inputs(self, answers: Sequence[str | None]) -> None:
        """Queues answers for the next GetUserInputs calls; None = Cancel."""
        self._ask("answer_next_inputs", answers=list(answers))

    def answer_next_boxes(self, buttons: Sequence[int]) -> None:
        """Queues the buttons for the next message boxes (1 OK, 2 Cancel, 6 Yes, 7 No)."""
        self._ask("answer_next_boxes", buttons=list(buttons))

    def dialogs(self) -> list[dict[str, Any]]:
        """Every dialog that scripts opened so far: kind, title, text, fields, answer."""
        return self._ask("dialogs")

    def warnings(self) -> list[str]:
        """What is untidy but harmless: undo blocks closed by REAPER, sources created and never used."""
        return self._ask("warnings")

    def peaks_built(self, take_guid: str) -> bool:
        """Whether the waveform of the take's file is there."""
        return self._ask("peaks_built", guid=take_guid)

    def console(self) -> str:
        """REAPER's console: ShowConsoleMsg and tracebacks of scripts."""
        return self._ask("console")

    def help_text(self) -> str:
        """The text last given to Help_Set."""
        return self._ask("help_text")
