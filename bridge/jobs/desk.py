"""What every verb works with: the key press, and a desk with the host, the models and the user's wishes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from bridge.host.base import Host, ProjectView
from bridge.media.output import Output

if TYPE_CHECKING:
    from bridge.engine.engine import Engine


@dataclass(frozen=True, kw_only=True)
class KeyPress:
    """What only the moment of the key press knows.

    Attributes:
        cursor_s: edit cursor, project time; None takes the host's own.
        mouse_track_guid: track under the mouse, or that something was typed for; "" if none.
        prompt: words typed just now, "" if none.
        project: names the tab in which the key was pressed; "" takes the one in front.
    """

    cursor_s: float | None = None
    mouse_track_guid: str = ""
    prompt: str = ""
    project: str = ""


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the user set once for all projects.

    Attributes:
        take_markers: the score is the video take's markers instead of the project's.
        project_rate: sound is made at the project's sampling rate instead of the pack's.
        output: how sound files are written.
    """

    take_markers: bool = False
    project_rate: bool = False
    output: Output = field(default_factory=Output)


class LiveProjects(Protocol):
    """Which projects are live."""

    def is_on(self, project: str) -> bool: ...

    def switch(self, project: str, *, on: bool) -> None: ...


class NeverLive:
    """No project is, where nothing can follow."""

    def is_on(self, project: str) -> bool:
        """Never."""
        return False

    def switch(self, project: str, *, on: bool) -> None:
        """Nothing."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What the verbs work with.

    Attributes:
        host: the project. engine: opens the models when first called. new_seed: gives a seed for a new variation.
        threshold: activation at which a peak becomes a marker; None takes the pack's own.
        wishes: what the user set. now: the time of day, for what is written into files.
        live: which projects are live. told: asides that were told already: each is told once.
    """

    host: Host
    engine: Callable[[], Engine]
    new_seed: Callable[[], int]
    threshold: float | None = None
    wishes: Wishes = field(default_factory=Wishes)
    now: Callable[[], datetime] = datetime.now
    live: LiveProjects = field(default_factory=lambda: NeverLive())
    told: set[str] = field(default_factory=set)

    def read(self, key: KeyPress) -> ProjectView:
        """The project as it stands."""
        return self.host.read(cursor_s=key.cursor_s, mouse_track_guid=key.mouse_track_guid, project=key.project)

    def once(self, aside: str) -> str:
        """An aside, unless it was told before."""
        if aside in self.told:
            return ""
        self.told.add(aside)
        return aside
