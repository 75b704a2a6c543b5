"""What a REAPER project is made of, as plain Python objects without any pointer or ctypes.

Convention: the numeric parameters of tracks, items and takes are kept in ``values`` and their texts in ``texts`` under
REAPER's own names (``D_POSITION``, ``P_NAME``, ``P_EXT:mine``), so that what the API does not interpret passes through.
Every object knows its owner and tells with ``alive`` whether it is still part of an open project. ``to_state`` and
``from_state`` turn an object into JSON and back; a project's state is made in ``state.py``.
"""

from __future__ import annotations

import bisect
import operator
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from . import assumptions

if TYPE_CHECKING:
    from .envelopes import Envelope

TRACK_VALUES: dict[str, float] = {
    **{
        "B_MUTE": 0,
        "B_PHASE": 0,
        "I_SOLO": 0,
        "B_SOLO_DEFEAT": 0,
        "I_FXEN": 1,
        "I_RECARM": 0,
        "I_RECINPUT": 0,
        "I_RECMODE": 0,
    },
    **{"I_RECMON": 0, "I_SELECTED": 0, "I_NCHAN": 2, "I_FOLDERDEPTH": 0, "I_FOLDERCOMPACT": 0, "I_CUSTOMCOLOR": 0},
    **{
        "I_HEIGHTOVERRIDE": 0,
        "D_VOL": 1,
        "D_PAN": 0,
        "D_WIDTH": 1,
        "B_SHOWINTCP": 1,
        "B_SHOWINMIXER": 1,
        "B_MAINSEND": 1,
    },
    **{"I_FREEMODE": 0, "I_NUMFIXEDLANES": 1, "I_TCPH": 40, "I_AUTOMODE": 0, "I_PERFFLAGS": 0, "C_BEATATTACHMODE": -1},
    **{"D_PLAY_OFFSET": 0, "C_LANESCOLLAPSED": 0, "B_HEIGHTLOCK": 0, "B_TCPPIN": 0},
}
ITEM_VALUES: dict[str, float] = {
    **{
        "D_POSITION": 0,
        "D_LENGTH": 0,
        "D_SNAPOFFSET": 0,
        "B_LOOPSRC": 0,
        "B_MUTE": 0,
        "C_LOCK": 0,
        "I_GROUPID": 0,
        "D_VOL": 1,
    },
    **{
        "I_CURTAKE": 0,
        "C_BEATATTACHMODE": -1,
        "C_LANEPLAYS": 1,
        "I_FIXEDLANE": 0,
        "D_FADEINLEN": 0.01,
        "D_FADEOUTLEN": 0.01,
    },
    **{"D_FADEINLEN_AUTO": -1, "D_FADEOUTLEN_AUTO": -1, "C_FADEINSHAPE": 0, "C_FADEOUTSHAPE": 0, "I_CUSTOMCOLOR": 0},
    **{"B_UISEL": 0, "B_ALLTAKESPLAY": 0, "B_SOLO": 0, "F_FREEMODE_Y": 0, "F_FREEMODE_H": 1, "B_FIXEDLANE_HIDDEN": 0},
}
TAKE_VALUES: dict[str, float] = {
    **{
        "D_STARTOFFS": 0,
        "D_PLAYRATE": 1,
        "D_VOL": 1,
        "D_PAN": 0,
        "D_PANLAW": -1,
        "D_PITCH": 0,
        "B_PPITCH": 1,
        "I_CHANMODE": 0,
    },
    **{"I_PITCHMODE": -1, "I_STRETCHFLAGS": 0, "F_STRETCHFADESIZE": 0.0025, "I_RECPASSID": 0, "I_CUSTOMCOLOR": 0},
    "I_TAKEFX_NCH": 2,
}


def new_guid() -> str:
    """A GUID as REAPER writes it."""
    digits = os.urandom(16).hex().upper()
    return f"{{{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}}}"


@dataclass(eq=False)
class Source:
    """A PCM_source: a file, or a SECTION around another source. Length and rate are of the file, online or not."""

    type: str = "EMPTY"
    path: str = ""
    file_length_s: float = 0.0
    channels: int = 0
    sample_rate_hz: int = 0
    offline: bool = False
    parent: Source | None = None
    section_offset_s: float = 0.0
    section_length_s: float = 0.0
    reverse: bool = False
    owner: Take | Source | None = None
    destroyed: bool = False

    def alive(self) -> bool:
        """Whether it may be used: not destroyed, and if it was ever given to a take, that take still has it."""
        if isinstance(self.owner, Take):
            return self.owner.source is self and self.owner.alive()
        if isinstance(self.owner, Source):
            return self.owner.parent is self and self.owner.alive()
        return not self.destroyed

    @property
    def root(self) -> Source:
        """The source at the bottom, which has the file."""
        return self if self.parent is None else self.parent.root

    @property
    def length_s(self) -> float:
        """What REAPER reports as the source's length."""
        if self.root.offline:
            return assumptions.OFFLINE_SOURCE_LENGTH_S
        return self.file_length_s if self.parent is None else self.section_length_s

    def copy(self) -> Source:
        """An independent source of the same media."""
        twin = replace(self, owner=None, destroyed=False)
        if self.parent is not None:
            twin.parent = self.parent.copy()
            twin.parent.owner = twin
        return twin

    def to_state(self) -> dict[str, Any]:
        """JSON of the source with its parents."""
        parent = None if self.parent is None else self.parent.to_state()
        return {**{name: getattr(self, name) for name in _SOURCE_FIELDS}, "length_s": self.length_s, "parent": parent}

    @classmethod
    def from_state(cls, state: dict[str, Any], owner: Take | Source | None) -> Source:
        """The source that ``to_state`` described."""
        source = cls(**{name: state[name] for name in _SOURCE_FIELDS}, owner=owner)
        if state["parent"] is not None:
            source.parent = cls.from_state(state["parent"], source)
        return source


_SOURCE_FIELDS = (
    *("type", "path", "file_length_s", "channels", "sample_rate_hz", "offline"),
    *("section_offset_s", "section_length_s", "reverse"),
)


@dataclass(eq=False)
class Take:
    """A take. ``markers``: (source position, name, colour); ``stretch``: (position, source position, slope)."""

    item: Item
    guid: str = field(default_factory=new_guid)
    source: Source | None = None
    values: dict[str, float] = field(default_factory=lambda: dict(TAKE_VALUES))
    texts: dict[str, str] = field(default_factory=dict)
    markers: list[tuple[float, str, int]] = field(default_factory=list)
    stretch: list[tuple[float, float, float]] = field(default_factory=list)

    def alive(self) -> bool:
        """Whether the take is part of an open project."""
        return self in self.item.takes and self.item.alive()

    def set_source(self, source: Source | None) -> None:
        """Gives the take a source of its own."""
        self.source = source
        if source is not None:
            source.owner = self

    def to_state(self) -> dict[str, Any]:
        """JSON of the take."""
        return {
            **{"guid": self.guid, "values": dict(self.values), "texts": dict(self.texts)},
            **{"markers": [list(m) for m in self.markers], "stretch": [list(m) for m in self.stretch]},
            "source": None if self.source is None else self.source.to_state(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], item: Item) -> Take:
        """The take that ``to_state`` described."""
        take = cls(item, state["guid"], None, dict(state["values"]), dict(state["texts"]))
        take.markers = [(m[0], m[1], m[2]) for m in state["markers"]]
        take.stretch = [(m[0], m[1], m[2]) for m in state["stretch"]]
        if state["source"] is not None:
            take.source = Source.from_state(state["source"], take)
        return take


@dataclass(eq=False)
class Item:
    """A media item. ``takes`` may hold None: an empty take ("TAKE NULL")."""

    track: Track
    guid: str = field(default_factory=new_guid)
    takes: list[Take | None] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=lambda: dict(ITEM_VALUES))
    texts: dict[str, str] = field(default_factory=dict)

    def alive(self) -> bool:
        """Whether the item is part of an open project."""
        return self in self.track.items and self.track.alive()

    @property
    def active_take(self) -> Take | None:
        """The take that plays."""
        index = int(self.values["I_CURTAKE"])
        return self.takes[index] if 0 <= index < len(self.takes) else None

    def to_state(self) -> dict[str, Any]:
        """JSON of the item with its takes."""
        takes = [None if take is None else take.to_state() for take in self.takes]
        return {"guid": self.guid, "values": dict(self.values), "texts": dict(self.texts), "takes": takes}

    @classmethod
    def from_state(cls, state: dict[str, Any], track: Track) -> Item:
        """The item that ``to_state`` described."""
        item = cls(track, state["guid"], [], dict(state["values"]), dict(state["texts"]))
        item.takes = [None if take is None else Take.from_state(take, item) for take in state["takes"]]
        return item


@dataclass(eq=False)
class Track:
    """A track; its items are kept in order of position."""

    project: Project
    guid: str = field(default_factory=new_guid)
    items: list[Item] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=lambda: dict(TRACK_VALUES))
    texts: dict[str, str] = field(default_factory=dict)
    envelopes: list[Envelope] = field(default_factory=list)

    def alive(self) -> bool:
        """Whether the track is part of an open project."""
        return (self in self.project.tracks or self is self.project.master) and self.project.alive()

    def sort_items(self) -> None:
        """Restores the order by position; equal positions keep their order."""
        self.items.sort(key=lambda item: item.values["D_POSITION"])


@dataclass(eq=False)
class Marker:
    """A project marker or region. Colour 0 = default, else native colour | 0x1000000."""

    project: Project
    position_s: float
    end_s: float = 0.0
    is_region: bool = False
    name: str = ""
    number: int = 1
    color: int = 0
    guid: str = field(default_factory=new_guid)
    values: dict[str, float] = field(default_factory=lambda: {"B_UISEL": 0, "B_HIDDEN": 0, "I_LANENUMBER": 0})

    def alive(self) -> bool:
        """Whether the marker is part of an open project."""
        return self.project.index_of(self) >= 0 and self.project.alive()


@dataclass(eq=False)
class Project:
    """One tab. Positions in seconds of project time."""

    path: str = ""
    open: bool = True
    tracks: list[Track] = field(default_factory=list)
    markers: list[Marker] = field(default_factory=list)
    ext: dict[str, dict[str, str]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=lambda: {"RECORD_PATH": assumptions.DEFAULT_RECORD_PATH})
    cursor_s: float = 0.0
    time_selection: tuple[float, float] = (0.0, 0.0)
    loop_points: tuple[float, float] = (0.0, 0.0)
    settings: dict[str, float] = field(default_factory=lambda: dict(PROJECT_SETTINGS))
    play_state: int = 0
    dirty: bool = False
    change_count: int = 0
    last_touched: str = ""

    def __post_init__(self) -> None:
        self.master = Track(self, texts={"P_NAME": "MASTER"})
        self._revision = 0
        self._numbers: dict[bool, tuple[int, set[int], int]] = {}

    def alive(self) -> bool:
        """Whether the tab is open."""
        return self.open

    def touch(self) -> None:
        """Counts a change, in a script's hands or the designer's."""
        self._revision += 1
        if assumptions.CHANGES_WITHOUT_UNDO_POINT_ARE_COUNTED:
            self.change_count += 1

    def step_recorded(self) -> None:
        """Counts an undo point that was added, undone or redone, and a project that was loaded."""
        self._revision += 1
        self.change_count += 1

    def insert_marker(self, marker: Marker) -> None:
        """Puts a marker at its place in the enumeration."""
        index = bisect.bisect_right(self.markers, marker.position_s, key=_position)
        while index and _marker_order(self.markers[index - 1]) > _marker_order(marker):
            index -= 1
        self.markers.insert(index, marker)

    def numbers_taken(self, is_region: bool) -> tuple[set[int], int]:
        """(displayed numbers in use, the lowest that is not) of the markers, or of the regions."""
        known_at, taken, lowest = self._numbers.get(is_region, (-1, set(), 1))
        if known_at != self._revision:
            taken = {marker.number for marker in self.markers if marker.is_region == is_region}
            lowest = 1
        while lowest in taken:
            lowest += 1
        return taken, lowest

    def take_number(self, is_region: bool, number: int) -> None:
        """Remembers for the change that comes next, and for that one, that a number is in use."""
        taken, lowest = self.numbers_taken(is_region)
        taken.add(number)
        self._numbers[is_region] = self._revision + 1, taken, lowest

    def markers_near(self, position_s: float, tolerance_s: float) -> list[Marker]:
        """Markers and regions that begin at most so far from a position, in the order of enumeration."""
        first = bisect.bisect_left(self.markers, position_s - tolerance_s, key=_position)
        after = bisect.bisect_right(self.markers, position_s + tolerance_s, key=_position)
        return self.markers[first:after]

    def index_of(self, marker: Marker) -> int:
        """Place of a marker or region in the enumeration; -1 if it is not part of the project."""
        index = bisect.bisect_left(self.markers, marker.position_s, key=_position)
        if index < len(self.markers) and self.markers[index] is marker:
            return index
        return self.markers.index(marker) if marker in self.markers else -1  # several there, or one being dragged

    def sort_markers(self) -> None:
        """Restores the order of enumeration; equals keep their order."""
        self.markers.sort(key=_marker_order)


PROJECT_SETTINGS: dict[str, float] = {
    **{"PROJECT_SRATE": 48000, "PROJECT_SRATE_USE": 0, "TEMPO": 120, "TIMESIG_NUM": 4, "TIMESIG_DENOM": 4},
    **{"FPS": 30, "OFFSET_S": 0, "PLAYRATE": 1},
}


_position = operator.attrgetter("position_s")


def _marker_order(marker: Marker) -> tuple[float, int]:
    first = marker.is_region == (assumptions.ORDER_AT_SAME_POSITION == "regions_first")
    return marker.position_s, 0 if first else 1
