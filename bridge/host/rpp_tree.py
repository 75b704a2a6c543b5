"""What a project file's tree is made of: tracks, items, takes, markers and the bridge's own notes.

Convention: the words are REAPER's. Objects are blocks and lines of ``bridge.media.rpp``; nothing is changed here.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass

from bridge.host.base import MarkerView
from bridge.media.rpp import Block, name_of, real, tokens, whole

log = logging.getLogger(__name__)

SECTION = "FOLEY"
"""Our section of the project's ext state; keys: ``prompt``, ``markers`` (GUIDs of those the bridge made)."""
OURS = "foley"
"""Key of our P_EXT text on a track or item: the GUID of the video item it was made for."""
RECIPE = "foley_recipe"
"""Key of our P_EXT text on a take."""

# Not documented by REAPER's makers; to be compared with a file saved by a real REAPER:
EXT_BLOCK, TAKE_EXT_BLOCK = "EXT", "TAKEEXT"
"""Blocks of P_EXT texts, a line ``key value`` each: of a track or an item, which stands before its first take begins,
and of a take. For a take the first name is read as well."""
FIRST_TAKE = ("NAME", "VOLPAN", "SOFFS", "GUID", "SOURCE")
"""Where the first of these stands, an item's own lines end and its first take begins."""


@dataclass(eq=False)
class Take:
    """A take: its lines and blocks, which are a run of its item's children; ``null`` if it is an empty take."""

    parts: list[str | Block]
    selected: bool
    null: bool = False

    def line(self, name: str) -> list[str]:
        """Tokens of its first line of this name."""
        return next((tokens(p) for p in self.parts if isinstance(p, str) and name_of(p) == name), [])

    def block(self, name: str) -> Block | None:
        """Its first block of this name."""
        return next((p for p in self.parts if isinstance(p, Block) and p.name == name), None)


def tracks(root: Block) -> list[Block]:
    """Every track from the top."""
    return root.blocks("TRACK")


def every_item(root: Block) -> Iterator[tuple[int, Block, Block]]:
    """(track index, track, item) of every item."""
    for index, track in enumerate(tracks(root)):
        for item in track.blocks("ITEM"):
            yield index, track, item


def guid_of_track(track: Block) -> str:
    """A track's GUID; old files hold it in a line."""
    return track.args[1] if len(track.args) > 1 else text_of(track.line("TRACKID"))


def guid_of_item(item: Block) -> str:
    """An item's GUID."""
    return text_of(item.line("IGUID"))


def takes(item: Block) -> list[Take]:
    """Every take of an item, empty ones too; the first one begins where the item's own lines end."""
    found: list[Take] = []
    for child in item.children:
        name = child.name if isinstance(child, Block) else name_of(child)
        if name == "TAKE" and isinstance(child, str):
            mark = tokens(child)
            found.append(Take([], "SEL" in mark, "NULL" in mark))
        elif found:
            found[-1].parts.append(child)
        elif name in FIRST_TAKE:
            found.append(Take([child], False))
    return found


def active_take(item: Block) -> Take | None:
    """The take that plays; None if there is none or it is empty."""
    all_takes = takes(item)
    take = next((take for take in all_takes if take.selected), all_takes[0] if all_takes else None)
    return None if take is None or take.null or take.block("SOURCE") is None else take


def ext(parts: list[str | Block], key: str) -> str:
    """A P_EXT text among these children; "" if there is none."""
    for part in parts:
        if isinstance(part, Block) and part.name in (EXT_BLOCK, TAKE_EXT_BLOCK):
            for line in part.children:
                if isinstance(line, str) and (pair := tokens(line))[:1] == [key]:
                    return text_of(pair)
    return ""


def own_parts(item: Block) -> list[str | Block]:
    """An item's children before its first take."""
    for index, child in enumerate(item.children):
        if (child.name if isinstance(child, Block) else name_of(child)) in (*FIRST_TAKE, "TAKE"):
            return item.children[:index]
    return item.children


def project_state(root: Block, key: str) -> str:
    """What the project remembers for us under a key; "" if nothing."""
    for state in root.blocks("EXTSTATE"):
        for section in state.children:
            if isinstance(section, Block) and section.name.upper() == SECTION:
                for line in section.children:
                    if isinstance(line, str) and (pair := tokens(line))[:1] and pair[0].lower() == key:
                        return text_of(pair)
    return ""


@dataclass(frozen=True)
class MarkerLine:
    """A marker, or an edge of a region, and the place of its line among the project's children."""

    index: int
    number: int
    region: bool
    view: MarkerView


def marker_lines(root: Block) -> Iterator[MarkerLine]:
    """Every MARKER line in the file's order; one whose number, position or flags cannot be read is passed over.

    A marker without GUID (old files) goes by its place.
    """
    entries = (entry.partition("=") for entry in project_state(root, "markers").split())
    ours = {guid: origin for guid, _, origin in entries}
    count = 0
    for index, child in enumerate(root.children):
        if isinstance(child, Block) or name_of(child) != "MARKER":
            continue
        line = tokens(child)
        number, flags = whole(line, 1, -1), whole(line, 4, -1 if line[4:] else 0)
        position_s = real(line, 2, math.nan)
        if number < 0 or flags < 0 or math.isnan(position_s):
            log.warning("this marker's line is not understood and left alone: %s", clean(child.strip()[:120]))
            continue
        guid = line[8] if len(line) > 8 and line[8].startswith("{") else f"marker {count}"
        view = MarkerView(
            guid=guid, position_s=position_s, name=clean(text_of(line, 3)), ours=guid in ours, origin=ours.get(guid, "")
        )
        yield MarkerLine(index, number, bool(flags & 1), view)
        count += not flags & 1


def markers(root: Block) -> list[MarkerLine]:
    """Every marker in the file's order, regions left out."""
    return [line for line in marker_lines(root) if not line.region]


def clean(text: str) -> str:
    """Text that can be shown: bytes that were not UTF-8 are read as Latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text


def text_of(line: list[str], at: int = 1) -> str:
    """The text at a place of a line's tokens, its first value if none is named; "" if nothing stands there."""
    return line[at] if len(line) > at else ""
