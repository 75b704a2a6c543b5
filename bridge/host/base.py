"""The DAW seen from here: what the bridge reads from a project and what it writes into one.

Convention: objects are named by GUID, never by pointer; every time is project time in seconds; one ``read`` and one
``write`` per job, each atomic. Both sides of the wire use exactly these fields (``as_wire`` / ``from_wire``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

LABEL = "foley"
"""Markers whose name starts with this word carry the bridge's label (``foley``, ``foley: metal plate``)."""

SAME_S = 1e-6
"""Times this close are the same: the difference is what saving and loading a project may round away."""


@dataclass(frozen=True, kw_only=True)
class ItemView:
    """A video item as it stands in the project.

    Attributes:
        guid: the item's GUID. take_guid: the active take's. track_guid: its track's.
        name: the take's name, or the file name; what messages call it.
        source_path: absolute path of the file behind the take ("" if none).
        source_type: REAPER's type of the root source, e.g. "VIDEO".
        source_length_s: length of the root source; 0 when unknown or offline.
        offline: the file is offline or missing.
        position_s, length_s: project time. start_offset_s, play_rate, loop: the take's.
        section_offset_s, section_length_s, reverse: the wrapping SECTION source, if any (length None = no section).
        stretch_markers: how many the take has.
        muted, selected: the item's state. track_index: 0-based.
    """

    guid: str
    take_guid: str
    track_guid: str
    name: str
    source_path: str
    source_type: str = "VIDEO"
    source_length_s: float = 0.0
    offline: bool = False
    position_s: float
    length_s: float
    start_offset_s: float = 0.0
    play_rate: float = 1.0
    loop: bool = False
    section_offset_s: float = 0.0
    section_length_s: float | None = None
    reverse: bool = False
    stretch_markers: int = 0
    muted: bool = False
    selected: bool = False
    track_index: int = 0


@dataclass(frozen=True, kw_only=True)
class MarkerView:
    """A project marker (not a region). ``ours``: the bridge made it (its GUID is in the project's ext state)."""

    guid: str
    position_s: float
    name: str
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class FoleyItemView:
    """An item that the bridge made. ``recipe`` is the JSON text stored with its active take."""

    guid: str
    track_guid: str
    video_item_guid: str
    position_s: float
    length_s: float
    takes: int
    recipe: str
    audio_path: str
    selected: bool = False


@dataclass(frozen=True, kw_only=True)
class ProjectView:
    """One consistent look at the project.

    Attributes:
        token: names this tab in this REAPER run; ``write`` refuses when it no longer stands for the same tab.
        path: the project file, "" if never saved. media_dir: where REAPER puts recordings.
        change_count: REAPER's project state change count.
        cursor_s: edit cursor. prompt: the remembered prompt ("" if none).
        items: every video item under the cursor that could be meant, best first.
        chosen: how the first of them was chosen: "selected" or "track" when that left exactly one, "topmost" otherwise
            (a guess if there are several items); "" if there is none.
        muted: names of the video items under the cursor that were passed over because they or their track are muted.
        markers: all markers of the project, ascending. foley_items: every item the bridge made.
    """

    token: str
    path: str
    media_dir: str
    change_count: int
    cursor_s: float
    sample_rate_hz: int
    prompt: str
    items: tuple[ItemView, ...] = ()
    chosen: str = ""
    muted: tuple[str, ...] = ()
    markers: tuple[MarkerView, ...] = ()
    foley_items: tuple[FoleyItemView, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewMarker:
    """A marker to add; the host colours it as the bridge's own and remembers its GUID."""

    position_s: float
    name: str


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """A new track directly below ``below_track_guid`` with one item of one take."""

    below_track_guid: str
    track_name: str
    video_item_guid: str
    position_s: float
    length_s: float
    audio_path: str
    take_name: str
    recipe: str


@dataclass(frozen=True, kw_only=True)
class NewTake:
    """A new take on an item that the bridge made; it becomes the active one, at play rate 1.

    ``position_s``: project time at which the first sample of the sound belongs, wherever the designer has moved or
    trimmed the item to since; None = at the item's left edge.
    """

    item_guid: str
    audio_path: str
    take_name: str
    recipe: str
    position_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """Everything that one key press changes: one undo step named ``undo_title``, all or nothing."""

    token: str
    undo_title: str
    delete_markers: tuple[str, ...] = ()
    add_markers: tuple[NewMarker, ...] = ()
    new_items: tuple[NewItem, ...] = ()
    new_takes: tuple[NewTake, ...] = ()
    prompt: str | None = None
    expect_item: ItemView | None = field(default=None)
    """If given, ``write`` refuses when this video item is gone or was moved or trimmed since it was read."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a write did: GUIDs of what it made, in the order asked."""

    marker_guids: tuple[str, ...] = ()
    item_guids: tuple[str, ...] = ()
    take_guids: tuple[str, ...] = ()


class Host(Protocol):
    """A DAW or a project file. Every method raises HostError with a hint when it cannot do its work."""

    def read(self, *, cursor_s: float | None = None, mouse_track_guid: str = "", project: str = "") -> ProjectView:
        """A project as it stands.

        Args:
            cursor_s, mouse_track_guid: as they were at the key press.
            project: token of the project in which the key was pressed; "" = the one in front now.
        """
        ...

    def write(self, change: Change) -> Report:
        """Applies a change as one undo step, or nothing at all."""
        ...

    def tell(self, sentence: str, *, kind: str = "info") -> None:
        """Shows one sentence to the designer; kind is "progress", "info" or "error". Never raises."""
        ...

    def close(self) -> None:
        """Lets go of the host."""
        ...
