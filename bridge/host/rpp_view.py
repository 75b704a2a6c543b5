"""What a project file shows: tracks, items, takes, sources, markers and the bridge's own notes, read from its tree.

Convention: the words are REAPER's; the rules are those of the live host. What only a running REAPER knows (the last
touched track, the length of a source) is left out or asked of the file behind it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import MediaError
from bridge.host.base import FoleyItemView, ItemView, MarkerView
from bridge.media import video
from bridge.media.rpp import Block, name_of, tokens

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
MODE_WHOLE, MODE_REVERSE = 1, 2
"""Bits of a SECTION source's MODE: its bounds are not in force; it plays backwards."""
FIXED_LANES = "2"
"""FREEMODE of a track with fixed lanes; LANESOLO holds a bit for each lane that plays, YPOS where an item's lane is."""


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
    """A marker and the place of its line among the project's children."""

    index: int
    number: int
    view: MarkerView


def markers(root: Block) -> list[MarkerLine]:
    """Every marker in the file's order, regions left out. A marker without GUID (old files) goes by its place."""
    ours = set(project_state(root, "markers").split())
    found = []
    for index, child in enumerate(root.children):
        if isinstance(child, str) and name_of(child) == "MARKER":
            words = [*tokens(child), *[""] * 9][:10]
            if int(words[4] or 0) & 1:
                continue
            guid = words[8] if words[8].startswith("{") else f"marker {len(found)}"
            view = MarkerView(guid=guid, position_s=float(words[2]), name=clean(words[3]), ours=guid in ours)
            found.append(MarkerLine(index, int(words[1] or 0), view))
    return found


def item_view(item: Block, track: Block, track_index: int, folder: Path) -> ItemView | None:
    """The view of an item whose active take plays a video file; None for any other."""
    take = active_take(item)
    outer = take.block("SOURCE") if take else None
    if take is None or outer is None:
        return None
    root = _root_source(outer)
    kind = root.args[1] if len(root.args) > 1 else ""
    if kind.removeprefix("_OFFLINE_") != "VIDEO":
        return None
    path = source_path(root, folder)
    offline = kind.startswith("_OFFLINE_") or not path or not os.path.isfile(path)
    length_s = 0.0 if offline else _length_s(path)
    offset_s, section_s, reverse = _section(outer, length_s)
    return ItemView(
        guid=guid_of_item(item),
        take_guid=text_of(take.line("GUID")),
        track_guid=guid_of_track(track),
        name=clean(text_of(take.line("NAME"))) or os.path.basename(path),
        source_path=path,
        source_length_s=length_s,
        offline=offline,
        position_s=number_of(item.line("POSITION")),
        length_s=number_of(item.line("LENGTH")),
        start_offset_s=number_of(take.line("SOFFS")),
        play_rate=number_of(take.line("PLAYRATE"), 1.0),
        loop=bool(number_of(item.line("LOOP"))),
        section_offset_s=offset_s,
        section_length_s=section_s,
        reverse=reverse,
        stretch_markers=_stretch_markers(take),
        muted=bool(number_of(item.line("MUTE"))),
        selected=bool(number_of(item.line("SEL"))),
        track_index=track_index,
    )


def items_at(root: Block, folder: Path, cursor_s: float, early_s: float, mouse: str) -> tuple[list[ItemView], str]:
    """(video items under the cursor, best first; how the first was chosen), as the live host ranks them."""
    found = []
    for index, track, item in every_item(root):
        start_s = number_of(item.line("POSITION"))
        end_s = start_s + number_of(item.line("LENGTH"))
        if not start_s - early_s <= cursor_s < end_s - early_s:
            continue
        silent = (
            bool(number_of(item.line("MUTE"))) or bool(number_of(track.line("MUTESOLO"))) or not _plays(item, track)
        )
        if silent and not number_of(item.line("SEL")):
            continue
        view = item_view(item, track, index, folder)
        if view is not None:
            found.append(view)
    pointed = {guid_of_track(track) for track in tracks(root) if number_of(track.line("SEL"))}
    for chosen, best in (
        ("selected", [view for view in found if view.selected]),
        ("track", [view for view in found if view.track_guid == mouse]),
        ("track", [view for view in found if view.track_guid in pointed]),
    ):
        if best:
            rest = [view for view in found if view not in best]
            return best + rest, chosen if len(best) == 1 else "topmost"
    return found, "topmost" if found else ""


def foley_items(root: Block, folder: Path) -> list[FoleyItemView]:
    """Every item that the bridge made, from the top."""
    found = []
    for _, track, item in every_item(root):
        made_for = ext(own_parts(item), OURS)
        if not made_for:
            continue
        take = active_take(item)
        source = take.block("SOURCE") if take else None
        view = FoleyItemView(
            guid=guid_of_item(item),
            track_guid=guid_of_track(track),
            video_item_guid=made_for,
            position_s=number_of(item.line("POSITION")),
            length_s=number_of(item.line("LENGTH")),
            takes=len(takes(item)),
            recipe=ext(take.parts, RECIPE) if take else "",
            audio_path=source_path(_root_source(source), folder) if source else "",
            selected=bool(number_of(item.line("SEL"))),
        )
        found.append(view)
    return found


def source_path(source: Block, folder: Path) -> str:
    """Absolute path of a source's file; "" if it names none. A path in the file is relative to the project's folder."""
    named = text_of(source.line("FILE"))
    if not named:
        return ""
    path = os.path.join(folder, named)
    if os.sep == "/" and "\\" in named and not os.path.exists(path):  # a project saved on Windows
        path = os.path.join(folder, named.replace("\\", "/"))
    return os.path.normpath(path)


def clean(text: str) -> str:
    """Text that can be shown: bytes that were not UTF-8 are read as Latin-1."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text


def text_of(line: list[str]) -> str:
    """A line's first value; "" if there is none."""
    return line[1] if len(line) > 1 else ""


def number_of(line: list[str], default: float = 0.0) -> float:
    """A line's first value as a number; the default if there is none."""
    try:
        return float(line[1]) if len(line) > 1 else default
    except ValueError:
        return default


def _root_source(source: Block) -> Block:
    while inner := source.blocks("SOURCE"):
        source = inner[0]
    return source


def _section(outer: Block, root_length_s: float) -> tuple[float, float | None, bool]:
    """(offset, length or None, reverse) of the SECTION sources around a root, as one section of it."""
    wrappers = []
    while inner := outer.blocks("SOURCE"):
        wrappers.append(outer)
        outer = inner[0]
    offset_s, length_s, reverse = 0.0, None, False
    for wrapper in reversed(wrappers):
        whole_s = root_length_s if length_s is None else length_s
        mode = int(number_of(wrapper.line("MODE")))
        inner_s, part_s = (
            (0.0, 0.0)
            if mode & MODE_WHOLE
            else (
                number_of(wrapper.line("STARTPOS")),
                number_of(wrapper.line("LENGTH")),
            )
        )
        if part_s <= 0.0:
            part_s = whole_s - inner_s
        offset_s += whole_s - inner_s - part_s if reverse else inner_s
        length_s, reverse = part_s, reverse != bool(mode & MODE_REVERSE)
    return offset_s, length_s, reverse


def _plays(item: Block, track: Block) -> bool:
    """Whether an item's lane plays; always where the track has none."""
    lanes, place = track.line("LANESOLO"), item.line("YPOS")
    if text_of(track.line("FREEMODE")) != FIXED_LANES or len(lanes) < 2 or len(place) < 3 or not int(lanes[1]):
        return True
    height = float(place[2])
    lane = round(float(place[1]) / height) if height > 0 else 0
    return bool(int(lanes[1]) >> lane & 1)


def _stretch_markers(take: Take) -> int:
    """SM lines hold markers separated by plus signs."""
    lines = [tokens(part) for part in take.parts if isinstance(part, str) and name_of(part) == "SM"]
    return sum(1 + line.count("+") for line in lines if len(line) > 1)


def _length_s(path: str) -> float:
    try:
        return video.probe(path).duration_s
    except MediaError as error:
        log.warning("%s", error.sentence)
        return 0.0
