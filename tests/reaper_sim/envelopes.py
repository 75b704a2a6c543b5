"""Track envelopes: their points, their switches, and the block that holds them in chunks and project files.

Convention: a point keeps the value that a project file has: a linear gain for volume. Scripts see it through the
envelope's scaling mode (``to_scripts``, ``from_scripts``): 1 is fader scaling, REAPER's default for volume. Switches
are kept as the words of their lines (``ACT 1 -1``), so that what is not interpreted passes through. A track has an
envelope from the moment that it is created (action, chunk, designer); until then there is no pointer to it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from . import assumptions
from .rpp_text import Block, ext_block, number, read_ext, split

if TYPE_CHECKING:
    from .model import Track


@dataclass(frozen=True)
class Kind:
    """A built-in envelope: REAPER's English name, its German one, and the values that it can have."""

    english: str
    german: str
    lowest: float
    neutral: float
    is_volume: bool = False

    @property
    def highest(self) -> float:
        """The highest value: a gain for volume."""
        return assumptions.VOLUME_ENVELOPE_TOP_GAIN if self.is_volume else 1.0


KINDS: dict[str, Kind] = {
    "VOLENV": Kind("Volume (Pre-FX)", "Lautstärke (Pre-FX)", 0, 1, True),
    "PANENV": Kind("Pan (Pre-FX)", "Panorama (Pre-FX)", -1, 0),
    "VOLENV2": Kind("Volume", "Lautstärke", 0, 1, True),
    "PANENV2": Kind("Pan", "Panorama", -1, 0),
    "VOLENV3": Kind("Trim Volume", "Trimm-Lautstärke", 0, 1, True),
    "MUTEENV": Kind("Mute", "Stumm", 0, 1),
}
"""By the name of the block, in the order of their indices."""

SWITCHES: dict[str, tuple[str, ...]] = {
    **{"ACT": ("1", "-1"), "VIS": ("1", "1", "1"), "LANEHEIGHT": ("0", "0"), "ARM": ("1",)},
    **{"DEFSHAPE": ("0", "-1", "-1"), "VOLTYPE": ("1",)},
}
ATTRIBUTES = {"ACTIVE": ("ACT", 0), "VISIBLE": ("VIS", 0), "SHOWLANE": ("VIS", 1), "ARM": ("ARM", 0)}
"""GetSetEnvelopeInfo_String's names: the line and the word in it."""


@dataclass(frozen=True)
class Point:
    """A point. ``shape`` 0 linear, 1 square, 2 slow start and end, 3 fast start, 4 fast end, 5 bezier."""

    time_s: float
    value: float
    shape: int = 0
    tension: float = 0.0
    selected: bool = False


@dataclass(eq=False)
class Envelope:
    """One envelope of a track. ``name`` is that of its block (``VOLENV2``)."""

    track: Track
    name: str
    guid: str
    points: list[Point] = field(default_factory=list)
    switches: dict[str, tuple[str, ...]] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    rest: list[str | Block] = field(default_factory=list)

    def alive(self) -> bool:
        """Whether the envelope is part of an open project."""
        return self in self.track.envelopes and self.track.alive()

    @property
    def kind(self) -> Kind:
        """What it controls."""
        return KINDS[self.name]

    def attribute(self, name: str) -> bool:
        """One of ``ATTRIBUTES``."""
        line, place = ATTRIBUTES[name]
        words = self.switches.get(line, ())
        return len(words) > place and words[place] != "0"

    def set_attribute(self, name: str, on: bool) -> None:
        """Sets one of ``ATTRIBUTES``."""
        line, place = ATTRIBUTES[name]
        words = list(self.switches.get(line, SWITCHES[line]))
        words[place] = str(int(on))
        self.switches[line] = tuple(words)

    @property
    def is_saved(self) -> bool:
        """Whether saving the project writes it."""
        hidden = self.attribute("ACTIVE") and not self.attribute("VISIBLE")
        return assumptions.HIDDEN_ACTIVE_ENVELOPES_ARE_SAVED or not hidden

    @property
    def scaling_mode(self) -> int:
        """1 for fader scaling, else 0."""
        return int(self.kind.is_volume and self.switches.get("VOLTYPE", ("0",))[0] == "1")

    def to_scripts(self, value: float) -> float:
        """A point's value as scripts see it."""
        return scale_to(self.scaling_mode, value)

    def from_scripts(self, value: float) -> float:
        """The point's value that scripts mean, kept within what the envelope can have."""
        return min(max(scale_from(self.scaling_mode, value), self.kind.lowest), self.kind.highest)

    @property
    def is_sorted(self) -> bool:
        """Whether the points stand in order of time."""
        return all(one.time_s <= other.time_s for one, other in zip(self.points, self.points[1:], strict=False))

    def sort(self) -> None:
        """Puts the points in order of time; equal times keep their order."""
        self.points.sort(key=lambda point: point.time_s)

    def to_state(self) -> dict[str, Any]:
        """JSON of the envelope, exact."""
        rest = [line if isinstance(line, str) else "\n".join(line.text(0)) for line in self.rest]
        return {
            **{"name": self.name, "guid": self.guid, "texts": dict(self.texts), "rest": rest},
            "switches": {line: list(words) for line, words in self.switches.items()},
            "points": [[p.time_s, p.value, p.shape, p.tension, p.selected] for p in self.points],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any], track: Track) -> Envelope:
        """The envelope that ``to_state`` described."""
        switches = {line: tuple(words) for line, words in state["switches"].items()}
        points = [Point(*values) for values in state["points"]]
        return cls(track, state["name"], state["guid"], points, switches, dict(state["texts"]), list(state["rest"]))

    def block(self) -> Block:
        """The block of chunks and project files."""
        lines: list[str | Block] = [f"EGUID {self.guid}"]
        lines += [" ".join([line, *words]) for line, words in self.switches.items()]
        lines += [*ext_block("EXT", self.texts), *self.rest, *map(_point_line, self.points)]
        return Block([self.name], lines)

    def read(self, block: Block) -> None:
        """Takes everything from a block."""
        self.name = block.words[0]
        self.points, self.switches, self.texts, self.rest = [], {}, {}, []
        for line in block.lines:
            words = line.words if isinstance(line, Block) else split(line)
            if isinstance(line, Block) and words[0] == "EXT":
                read_ext(line, self.texts)
            elif words[0] == "PT":
                self.points.append(_read_point(words))
            elif words[0] == "EGUID":
                self.guid = words[1]
            elif words[0] in SWITCHES:
                self.switches[words[0]] = tuple(words[1:])
            else:
                self.rest.append(line)
        self.sort()


def create(track: Track, name: str, guid: str) -> Envelope:
    """A new envelope of a track, visible, with one neutral point at the start."""
    envelope = Envelope(track, name, guid, [Point(0.0, KINDS[name].neutral)], dict(SWITCHES))
    if not (KINDS[name].is_volume and assumptions.NEW_VOLUME_ENVELOPE_HAS_FADER_SCALING):
        del envelope.switches["VOLTYPE"]
    add(envelope)
    return envelope


def add(envelope: Envelope) -> None:
    """Gives an envelope to its track, at the place of its kind."""
    envelope.track.envelopes.append(envelope)
    envelope.track.envelopes.sort(key=lambda one: list(KINDS).index(one.name))


def find(track: Track, name: str) -> Envelope | None:
    """The envelope with the name of its block or its GUID."""
    return next((one for one in track.envelopes if name in (one.name, one.guid)), None)


# -- fader scaling -----------------------------------------------------------------------------------------------------


def _bend() -> float:
    """Exponent of the power law through silence, 0 dB and the top."""
    top, unity = assumptions.VOLUME_ENVELOPE_TOP_GAIN, assumptions.FADER_OF_UNITY_GAIN
    return math.log(top) / math.log(assumptions.FADER_TOP / unity)


def scale_to(mode: int, gain: float) -> float:
    """ScaleToEnvelopeMode: the fader position of a linear gain."""
    if mode != 1:
        return gain
    return assumptions.FADER_TOP * (max(gain, 0.0) / assumptions.VOLUME_ENVELOPE_TOP_GAIN) ** (1 / _bend())


def scale_from(mode: int, position: float) -> float:
    """ScaleFromEnvelopeMode: the linear gain of a fader position."""
    if mode != 1:
        return position
    return assumptions.VOLUME_ENVELOPE_TOP_GAIN * (max(position, 0.0) / assumptions.FADER_TOP) ** _bend()


def evaluate(envelope: Envelope, time_s: float) -> float:
    """The value at a time, as scripts see it; between points along the shape, in the scaled values."""
    later = [place for place, point in enumerate(envelope.points) if point.time_s > time_s]
    if not envelope.points:
        return envelope.to_scripts(envelope.kind.neutral)
    if not later or later[0] == 0:
        return envelope.to_scripts(envelope.points[0 if later else -1].value)
    left, right = envelope.points[later[0] - 1], envelope.points[later[0]]
    part = _along(left.shape, (time_s - left.time_s) / (right.time_s - left.time_s))
    start, end = envelope.to_scripts(left.value), envelope.to_scripts(right.value)
    return start + (end - start) * part


def _along(shape: int, part: float) -> float:
    return {1: 0.0, 2: part * part * (3 - 2 * part), 3: 1 - (1 - part) ** 3, 4: part**3}.get(shape, part)


# -- lines -------------------------------------------------------------------------------------------------------------


def _point_line(point: Point) -> str:
    value = f"{point.value:.{assumptions.ENVELOPE_VALUE_DECIMALS}f}".rstrip("0").rstrip(".")
    line = f"PT {number(point.time_s)} {value} {point.shape}"
    if point.tension:
        return f"{line} 0 {int(point.selected)} 0 {number(point.tension)}"
    return f"{line} 0 1" if point.selected else line


def _read_point(words: list[str]) -> Point:
    point = Point(float(words[1]), float(words[2]), int(words[3]) if len(words) > 3 else 0)
    if len(words) > 5:
        point = replace(point, selected=words[5] == "1")
    return replace(point, tension=float(words[7])) if len(words) > 7 else point
