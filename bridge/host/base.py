"""The DAW seen from here: what the bridge reads from a project and what it writes into one.

Convention: objects are named by GUID, never by pointer; every time is project time in seconds; one ``read`` and one
``write`` per job, each atomic. Both sides of the wire use exactly these fields (``as_wire`` / ``from_wire``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

LABEL = "foley"
"""Markers whose name starts with this word carry the bridge's label (``foley``, ``foley: metal plate``)."""

SAME_S = 1e-6
"""Times this close are the same: the difference is what saving and loading a project may round away."""


@dataclass(frozen=True, kw_only=True)
class TakeMarkerView:
    """A take marker: it has no GUID, so place and name say which. ``ours``: it has the bridge's colour.

    ``played_s`` is the place in what the take plays: start offset plus item time times play rate.
    """

    played_s: float
    name: str
    ours: bool = False


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
        stretch_markers: how many the take has. take_markers: its take markers, ascending.
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
    take_markers: tuple[TakeMarkerView, ...] = ()
    muted: bool = False
    selected: bool = False
    track_index: int = 0


@dataclass(frozen=True, kw_only=True)
class MarkerView:
    """A project marker (not a region).

    ``ours``: the bridge made it (its GUID is in the project's ext state). ``origin``: what it was made for, as
    ``NewMarker`` said; "" if nothing.
    """

    guid: str
    position_s: float
    name: str
    ours: bool = False
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class RegionView:
    """A region, project time."""

    start_s: float
    end_s: float
    name: str


@dataclass(frozen=True, kw_only=True)
class FoleyItemView:
    """An item that the bridge made.

    Attributes:
        video_item_guid: the video item that it was made for. layer, set_id: see ``NewItem``.
        takes: how many it has. take_guid, recipe, audio_path: its active take's GUID, the JSON text stored with it, and
            its sound file. live: the active take is one that *live* may replace.
    """

    guid: str
    track_guid: str
    video_item_guid: str
    position_s: float
    length_s: float
    takes: int
    recipe: str
    audio_path: str
    selected: bool = False
    layer: str | None = None
    set_id: str = ""
    take_guid: str = ""
    live: bool = False


@dataclass(frozen=True, kw_only=True)
class PointView:
    """A point of a track's volume envelope: project time, linear gain (1 = 0 dB)."""

    time_s: float
    gain: float


@dataclass(frozen=True, kw_only=True)
class FoleyTrackView:
    """A track that the bridge made.

    Attributes:
        name: its name. index: 0-based. video_item_guid: the video item that it was made for.
        controls: JSON text of the controls stored with it; "" if none.
        envelope: its volume envelope as far as it is in force, ascending; empty if there is none.
        pointed: it is selected, or an item on it is, or the mouse was over it.
    """

    guid: str
    name: str
    index: int
    video_item_guid: str
    controls: str = ""
    envelope: tuple[PointView, ...] = ()
    pointed: bool = False


@dataclass(frozen=True, kw_only=True)
class SelectedView:
    """The one selected item, whatever it holds: its file, and the part of it that is visible (seconds in the file).

    ``offline``: the file is offline or missing. ``foley``: the bridge made the item.
    """

    name: str
    source_path: str
    start_s: float
    length_s: float
    offline: bool = False
    foley: bool = False


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
        regions: all regions, by start. selection_start_s, selection_end_s: the time selection; equal = none.
        selected: the one selected item; None if none or several are.
        videos: every video item that foley was made for, wherever the cursor is.
        foley_tracks: every track the bridge made, from the top.
        reference, score, controls: texts that the project remembers for the bridge ("" if none): the example sound
            that is wanted, what was seen in the picture, the controls of tracks to come.
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
    regions: tuple[RegionView, ...] = ()
    selection_start_s: float = 0.0
    selection_end_s: float = 0.0
    selected: SelectedView | None = None
    videos: tuple[ItemView, ...] = ()
    foley_tracks: tuple[FoleyTrackView, ...] = ()
    reference: str = ""
    score: str = ""
    controls: str = ""


@dataclass(frozen=True, kw_only=True)
class NewMarker:
    """A marker to add; the host colours it as the bridge's own and remembers its GUID.

    ``origin``: a word without spaces that is remembered with it: what it was made for. "" for nothing.
    """

    position_s: float
    name: str
    origin: str = ""


@dataclass(frozen=True, kw_only=True)
class TakeMarkers:
    """Take markers of a video item's active take: those to delete, those to add (in the bridge's colour)."""

    item_guid: str
    delete: tuple[TakeMarkerView, ...] = ()
    add: tuple[TakeMarkerView, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """A new track below ``below_track_guid`` with one item of one take.

    Attributes:
        folder: name of the folder track that holds the new track; "" for none. New items of one change with the same
            folder and the same ``below_track_guid`` share it. If the track below which it goes is one of the bridge's
            own, that one is taken into the folder too (unless it lies in a folder of the bridge's already, which then
            takes the new one).
        layer: the words that the layer is of; "" for those without words of their own; None for a mix of all.
        set_id: a short word that the layers made together share.
        controls: JSON text that the track remembers.
        fade_in_s, fade_out_s: the item's fades.
    """

    below_track_guid: str
    track_name: str
    video_item_guid: str
    position_s: float
    length_s: float
    audio_path: str
    take_name: str
    recipe: str
    folder: str = ""
    layer: str | None = None
    set_id: str = ""
    controls: str = ""
    fade_in_s: float = 0.0
    fade_out_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class NewTake:
    """A new take on an item that the bridge made; it becomes the active one, at play rate 1.

    ``position_s``: project time at which the first sample of the sound belongs, wherever the designer has moved or
    trimmed the item to since; None = at the item's left edge. ``live``: *live* may replace it. ``replaces``: GUID of
    the take that it takes the place of; "" adds one.
    """

    item_guid: str
    audio_path: str
    take_name: str
    recipe: str
    position_s: float | None = None
    live: bool = False
    replaces: str = ""


@dataclass(frozen=True, kw_only=True)
class NewEnvelope:
    """Points of a track's volume envelope that take the place of those from ``start_s`` to ``end_s``; made visible."""

    track_guid: str
    start_s: float
    end_s: float
    points: tuple[PointView, ...]


@dataclass(frozen=True, kw_only=True)
class TrackControls:
    """The controls that a track of the bridge's remembers, JSON text."""

    track_guid: str
    controls: str


@dataclass(frozen=True, kw_only=True)
class Change:
    """Everything that one key press changes: one undo step named ``undo_title``, all or nothing."""

    token: str
    undo_title: str
    delete_markers: tuple[str, ...] = ()
    add_markers: tuple[NewMarker, ...] = ()
    new_items: tuple[NewItem, ...] = ()
    new_takes: tuple[NewTake, ...] = ()
    take_markers: tuple[TakeMarkers, ...] = ()
    keep_takes: tuple[str, ...] = ()
    """GUIDs of the bridge's items of which only the active take stays."""
    envelopes: tuple[NewEnvelope, ...] = ()
    track_controls: tuple[TrackControls, ...] = ()
    prompt: str | None = None
    reference: str | None = None
    score: str | None = None
    controls: str | None = None
    expect_item: ItemView | None = field(default=None)
    """If given, ``write`` refuses when this video item is gone or was moved or trimmed since it was read."""
    mark: str = ""
    """Names this change for ``landed``; "" for one that nobody will ask after."""


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

    def landed(self, token: str, marks: tuple[str, ...]) -> tuple[str, ...]:
        """Which of some changes a project took, also one that was closed and opened again since.

        Raises:
            HostGone: the project is not open. HostError: the host is away or busy.
        """
        ...

    def show(self, text: str) -> None:
        """Shows a text of several lines in a window of its own that the designer may keep open.

        Raises:
            HostError: the host is away or busy.
        """
        ...

    def watch(self, project: str, *, on: bool) -> None:
        """Asks the host to tell the daemon (``/foley/touched``) whenever the score of a project changes, or to stop.

        Raises:
            HostError: the host is away or busy; the project was closed.
        """
        ...

    def tell(self, sentence: str, *, kind: str = "info", told: Callable[[], None] | None = None) -> None:
        """Shows one sentence to the designer; kind is "progress", "info" or "error". Never raises.

        Args:
            told: called, perhaps from another thread, when it was shown.
        """
        ...

    def close(self) -> None:
        """Lets go of the host."""
        ...
