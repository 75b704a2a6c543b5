"""The program around the projects: tabs, ext state, dialogs, actions, console, mouse.

Convention: one ``App`` per process. ``functions_*`` (the API) and ``gestures`` (the designer) work on it; it knows
neither ctypes nor sockets. Whatever waits for the designer goes through ``ask``, which the main loop provides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .actions import Actions
from .envelopes import Envelope
from .ext_state import ExtState
from .faults import Faults
from .handles import Handles
from .model import Project, Source, Track
from .undo import History


@dataclass
class Dialog:
    """A modal dialog. ``kind``: "inputs", "box", "save_as", "task_control" or "reaper"."""

    kind: str
    title: str
    text: str = ""
    fields: list[str] = field(default_factory=list)
    buttons: int = 0
    answer: Any = None
    open: bool = True

    def describe(self) -> dict[str, Any]:
        """JSON of the dialog."""
        return dict(self.__dict__)


class App:
    """REAPER as far as it is simulated."""

    def __init__(
        self, resource: Path, profile: str, *, reuse_pointers: bool = False, language: str = "english"
    ) -> None:
        self.resource = resource
        self.profile = profile
        self.language = language
        if not (resource / "reaper.ini").exists():
            (resource / "reaper.ini").write_text("[REAPER]\n", "utf-8")
        portable = any((resource / name).exists() for name in ("reaper", "reaper.exe"))
        self.exe_folder = resource if portable else resource / "program"
        self.toggle_states: dict[int, int] = {}
        self.toolbar: dict[int, int] = {}
        self.faults = Faults(resource)
        self.handles = Handles(reuse=reuse_pointers)
        self.ext_state = ExtState(resource / "reaper-extstate.ini")
        self.actions = Actions(resource / "reaper-kb.ini")
        self.tabs: list[Project] = []
        self.histories: dict[int, History] = {}
        self.active = 0
        self.console = ""
        self.help_text = ""
        self.mouse_track = ""
        self.snapping = False
        self.surfaces: list[Any] = []
        self.markers_held = False
        self.ui_refresh_blocks = 0
        self.peaks: set[str] = set()
        self.peaks_progress: dict[str, int] = {}
        self.free_sources: list[Source] = []
        self.dialogs: list[Dialog] = []
        self.input_answers: list[str | None] = []
        self.box_answers: list[int] = []
        self.own_undo_points = 0
        self.functions: frozenset[str] = frozenset()
        self.ask: Callable[[Dialog], Any] = lambda dialog: None
        self.run_action: Callable[[int], None] = lambda command: None
        self.outside: Callable[..., Any] = lambda function, *values: function(*values)
        self.add_tab()

    # -- tabs ------------------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The project of the active tab."""
        return self.tabs[self.active]

    @property
    def history(self) -> History:
        """Undo history of the active tab."""
        return self.history_of(self.project)

    def history_of(self, project: Project) -> History:
        """Undo history of a project."""
        return self.histories[id(project)]

    def add_tab(self) -> int:
        """A new tab with an empty project; becomes the active one."""
        project = Project()
        self.tabs.append(project)
        self.histories[id(project)] = History(project, self.handles)
        self.active = len(self.tabs) - 1
        return self.active

    def close_tab(self, index: int) -> None:
        """Closes a tab; every pointer into it is stale from now on."""
        project = self.tabs.pop(index)
        project.open = False
        if not self.tabs:
            self.add_tab()
        self.active = min(self.active if index >= self.active else self.active - 1, len(self.tabs) - 1)

    # -- dialogs ---------------------------------------------------------------------------------------------------

    @property
    def dialog(self) -> Dialog | None:
        """The dialog that is open now."""
        return self.dialogs[-1] if self.dialogs and self.dialogs[-1].open else None

    def open_dialog(self, dialog: Dialog) -> Any:
        """Shows a dialog and returns its answer; blocks unless an answer is queued."""
        queue: list[Any] = {"inputs": self.input_answers, "box": self.box_answers}.get(dialog.kind, [])
        self.dialogs.append(dialog)
        if queue:
            dialog.answer, dialog.open = queue.pop(0), False
        else:
            self.ask(dialog)
        return dialog.answer

    # -- finding ---------------------------------------------------------------------------------------------------

    def find(self, guid: str, project: Project | None = None) -> Any:
        """The track, item, take or marker with a GUID; None if there is none."""
        project = project or self.project
        things: list[Any] = [*project.tracks, *project.markers]
        for track in project.tracks:
            things += track.items
            things += [take for item in track.items for take in item.takes if take is not None]
        return next((thing for thing in things if thing.guid == guid), None)

    def envelope_name(self, envelope: Envelope) -> str:
        """REAPER's name of an envelope, in its language."""
        return envelope.kind.german if self.language == "german" else envelope.kind.english

    def track_under_mouse(self) -> Track | None:
        """The track that the mouse is over."""
        return next((track for track in self.project.tracks if track.guid == self.mouse_track), None)
