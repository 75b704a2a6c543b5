"""What a project file shows the bridge: video items under the cursor and the items that it made.

Convention: the rules are those of the live host. What only a running REAPER knows (the last touched track, the length
of a source) is left out or asked of the file behind it.
"""

from __future__ import annotations

import logging
import math
import os
from pathlib import Path

from bridge.errors import MediaError
from bridge.host.base import FoleyItemView, ItemView
from bridge.host.rpp_tree import (
    OURS,
    RECIPE,
    Take,
    active_take,
    clean,
    every_item,
    ext,
    guid_of_item,
    guid_of_track,
    own_parts,
    takes,
    text_of,
    tracks,
)
from bridge.media import video
from bridge.media.bounds import is_foreign
from bridge.media.rpp import Block, name_of, real, tokens, whole

log = logging.getLogger(__name__)

# Not documented by REAPER's makers; to be compared with a file saved by a real REAPER:
MODE_WHOLE, MODE_REVERSE = 1, 2
"""Bits of a SECTION source's MODE: its bounds are not in force; it plays backwards."""
LANES = 64
"""No track has more of them."""
FIXED_LANES = "2"
"""FREEMODE of a track with fixed lanes; LANESOLO holds a bit for each lane that plays, YPOS where an item's lane is."""


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
    offline = kind.startswith("_OFFLINE_") or is_foreign(path, str(folder)) or not os.path.isfile(path)
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
        position_s=real(item.line("POSITION")),
        length_s=real(item.line("LENGTH")),
        start_offset_s=real(take.line("SOFFS")),
        play_rate=real(take.line("PLAYRATE"), default=1.0),
        loop=bool(real(item.line("LOOP"))),
        section_offset_s=offset_s,
        section_length_s=section_s,
        reverse=reverse,
        stretch_markers=_stretch_markers(take),
        muted=bool(real(item.line("MUTE"))),
        selected=bool(real(item.line("SEL"))),
        track_index=track_index,
    )


def items_at(root: Block, folder: Path, cursor_s: float, early_s: float, mouse: str) -> tuple[list[ItemView], str]:
    """(video items under the cursor, best first; how the first was chosen), as the live host ranks them."""
    found = []
    for index, track, item in every_item(root):
        start_s = real(item.line("POSITION"))
        end_s = start_s + real(item.line("LENGTH"))
        if not start_s - early_s <= cursor_s < end_s - early_s:
            continue
        silent = bool(real(item.line("MUTE"))) or bool(real(track.line("MUTESOLO"))) or not _plays(item, track)
        if silent and not real(item.line("SEL")):
            continue
        view = item_view(item, track, index, folder)
        if view is not None:
            found.append(view)
    pointed = {guid_of_track(track) for track in tracks(root) if real(track.line("SEL"))}
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
        played = source_path(_root_source(source), folder) if source else ""
        view = FoleyItemView(
            guid=guid_of_item(item),
            track_guid=guid_of_track(track),
            video_item_guid=made_for,
            position_s=real(item.line("POSITION")),
            length_s=real(item.line("LENGTH")),
            takes=len(takes(item)),
            recipe=ext(take.parts, RECIPE) if take else "",
            audio_path="" if is_foreign(played, str(folder)) else played,
            selected=bool(real(item.line("SEL"))),
        )
        found.append(view)
    return found


def source_path(source: Block, folder: Path) -> str:
    """Absolute path of a source's file; "" if it names none. A path in the file is relative to the project's folder."""
    named = text_of(source.line("FILE"))
    if not named:
        return ""
    path = os.path.join(folder, named)
    if os.sep == "/" and "\\" in named and not os.path.lexists(path):  # a project saved on Windows
        path = os.path.join(folder, named.replace("\\", "/"))
    return os.path.normpath(path)


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
        mode = whole(wrapper.line("MODE"))
        inner_s, part_s = (
            (0.0, 0.0)
            if mode & MODE_WHOLE
            else (
                real(wrapper.line("STARTPOS")),
                real(wrapper.line("LENGTH")),
            )
        )
        if part_s <= 0.0:
            part_s = whole_s - inner_s
        offset_s += whole_s - inner_s - part_s if reverse else inner_s
        length_s, reverse = part_s, reverse != bool(mode & MODE_REVERSE)
    return offset_s, length_s, reverse


def _plays(item: Block, track: Block) -> bool:
    """Whether an item's lane plays; always where the track has none, or where its lines cannot be read."""
    lanes, place = whole(track.line("LANESOLO")), item.line("YPOS")
    height = real(place, 2, math.nan)
    if text_of(track.line("FREEMODE")) != FIXED_LANES or not lanes or math.isnan(height):
        return True
    lane = min(max(real(place) / height, 0.0), LANES) if height > 0 else 0
    return bool(lanes >> round(lane) & 1)


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
