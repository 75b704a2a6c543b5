"""The host as a job has it: the journal knows every change before it goes out, and what became of it.

Convention: where no answer came, or one that may be wrong, the host is asked whether the change is there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.errors import HostError, HostUnsure
from bridge.host.base import Change, Host, ProjectView, Report
from bridge.jobs.journal import Notes

LOOK = "Look whether the change is there; if not, press the key again"


class NotedHost:
    """A host of which the journal knows every change; a change whose answer did not come is asked after.

    Args:
        host: the DAW. notes: of the job that works with it.
    """

    def __init__(self, host: Host, notes: Notes) -> None:
        self._host, self._notes = host, notes

    def read(self, *, cursor_s: float | None = None, mouse_track_guid: str = "", project: str = "") -> ProjectView:
        """As the host's."""
        return self._host.read(cursor_s=cursor_s, mouse_track_guid=mouse_track_guid, project=project)

    def write(self, change: Change) -> Report:
        """As the host's; the report is empty where only the asking after said that the change is there."""
        mark = self._notes.sending()
        before, self._notes.reached = self._notes.reached, True
        try:
            report = self._host.write(replace(change, mark=mark))
        except HostError as error:
            unsure = isinstance(error, HostUnsure)
            try:
                landed = bool(mark) and bool(self._host.landed(change.token, (mark,)))
            except HostError:
                if unsure:
                    raise HostUnsure(error.message, hint=LOOK) from error
                self._notes.refused(mark)
                raise error from None
            if landed and not unsure:  # it failed when its work was done
                raise HostUnsure(error.message, hint=LOOK) from error
            if not landed:
                self._notes.refused(mark)
                if unsure:
                    raise HostError(f"{error.message}, and nothing was changed", hint="Press the key again") from error
                self._notes.reached = before
                raise
            report = Report()
        self._notes.taken(mark)
        return report

    def landed(self, token: str, marks: tuple[str, ...]) -> tuple[str, ...]:
        """As the host's."""
        return self._host.landed(token, marks)

    def show(self, text: str) -> None:
        """As the host's."""
        self._host.show(text)

    def watch(self, project: str, *, on: bool) -> None:
        """As the host's."""
        self._host.watch(project, on=on)

    def tell(self, sentence: str, *, kind: str = "info", told: Callable[[], None] | None = None) -> None:
        """As the host's."""
        self._host.tell(sentence, kind=kind, told=told)

    def close(self) -> None:
        """As the host's."""
        self._host.close()
