"""The undo history of one project.

Convention: every step keeps the state before and after it. Undoing a step restores only the parts that its flags name,
so that a step recorded with wrong flags leaves behind what it does not name, as in REAPER. The state before a step is
the state after the previous step: changes made outside any block belong to the next step.
"""

from __future__ import annotations

from dataclasses import dataclass

from . import assumptions
from .handles import Handles
from .model import Project
from .state import Snapshot, differ, restore, snapshot


@dataclass
class Step:
    """One undo point."""

    title: str
    flags: int
    before: Snapshot
    after: Snapshot
    merge: str = ""


class History:
    """Steps that can be undone and redone, and the block that is open now."""

    def __init__(self, project: Project, handles: Handles) -> None:
        self._project = project
        self._handles = handles
        self._done: list[Step] = []
        self._undone: list[Step] = []
        self._recorded = snapshot(project)
        self._open: Snapshot | None = None
        self._depth = 0

    def forget(self) -> None:
        """Empties the history: the project was loaded."""
        self.__init__(self._project, self._handles)

    @property
    def block_is_open(self) -> bool:
        """Whether a begun block was not ended yet."""
        return self._depth > 0

    @property
    def titles(self) -> list[str]:
        """Titles of the steps that can be undone, oldest first."""
        return [step.title for step in self._done]

    @property
    def redo_titles(self) -> list[str]:
        """Titles of the steps that can be redone, next one last."""
        return [step.title for step in self._undone]

    def begin(self) -> None:
        """Undo_BeginBlock."""
        if self._depth == 0:
            self._open = snapshot(self._project)
        self._depth += 1

    def end(self, title: str, flags: int) -> None:
        """Undo_EndBlock; the outermost one adds the step."""
        if self._depth == 0:
            if not assumptions.LATE_END_OF_BLOCK_IS_IGNORED:
                self.add(title, flags)
            return
        self._depth -= 1
        if self._depth == 0:
            self._close(title, flags)

    def _close(self, title: str, flags: int) -> None:
        begun, self._open = self._open, None
        now = snapshot(self._project)
        if begun is None or differ(begun, now) or not assumptions.EMPTY_BLOCKS_ADD_NO_UNDO_POINT:
            self.add(title, flags, now=now)

    def end_of_cycle(self) -> bool:
        """Closes a block that the script left open; returns whether there was one."""
        if self._depth == 0:
            return False
        self._depth = 0
        self._close(assumptions.AUTO_CLOSED_BLOCK_TITLE, -1)
        return True

    def changed(self) -> bool:
        """Whether the project differs from the last recorded state."""
        return differ(self._recorded, snapshot(self._project))

    def add(self, title: str, flags: int = -1, *, merge: str = "", now: Snapshot | None = None) -> None:
        """Records a step that ends now. Steps in a row with the same ``merge`` become one, which has the last title."""
        now = now or snapshot(self._project)
        before, last = self._recorded, self._done[-1] if self._done else None
        if merge and last is not None and last.merge == merge and assumptions.OSC_EDITS_ARE_ONE_UNDO_STEP:
            before = self._done.pop().before
        self._done.append(Step(title, flags, before, now, merge))
        self._undone.clear()
        self._recorded = now
        self._project.dirty = True
        self._project.step_recorded()

    def undo(self) -> str:
        """Undoes the last step and returns its title; "" if there is none."""
        if not self._done:
            return ""
        step = self._done.pop()
        self._undone.append(step)
        self._apply(step.before, step.flags)
        return step.title

    def redo(self) -> str:
        """Redoes the step that was undone last and returns its title; "" if there is none."""
        if not self._undone:
            return ""
        step = self._undone.pop()
        self._done.append(step)
        self._apply(step.after, step.flags)
        return step.title

    def _apply(self, wanted: Snapshot, flags: int) -> None:
        restore(self._project, wanted, flags, self._handles)
        self._recorded = snapshot(self._project)
        self._project.dirty = True
