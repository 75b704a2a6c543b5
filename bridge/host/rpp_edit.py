"""Changes to a project file's tree: markers, the bridge's notes, new tracks, items and takes.

Convention: only lines that have to change are touched. What is new is written as REAPER writes it, in the least number
of lines that it needs; REAPER fills in the rest when it saves.
"""

from __future__ import annotations

import os
import re
import uuid
from pathlib import Path

from bridge.errors import HostError
from bridge.host import rpp_tree as tree
from bridge.host.base import SAME_S, Change, NewItem, NewTake, Report
from bridge.media.rpp import Block, block, name_of, real, storable, tokens, whole, words

COLOUR = 0x1000000 | 232 | 138 << 8 | 36 << 16
"""Orange, as R + 256 G + 65536 B: a Windows colour value. Which order a file from another system has is not documented;
at worst the markers are blue."""
AFTER_MARKERS = ("PROJBAY", "TRACK", "EXTENSIONS", "EXTSTATE")
"""Blocks before which a project's first marker is put."""
SOURCES = {".wav": "WAVE", ".flac": "FLAC", ".mp3": "MP3", ".ogg": "VORBIS"}


def apply(root: Block, change: Change, folder: Path) -> Report:
    """Makes a change in the tree, markers first.

    Raises:
        HostError: a track or item that the change names is not there, or no project can hold a file's name; the tree
            is then half changed: throw it away.
    """
    marker_guids = _markers(root, change)
    item_guids, take_guids = [], []
    below: dict[str, str] = {}
    for new in change.new_items:
        above = below.get(new.below_track_guid, new.below_track_guid)
        below[new.below_track_guid], item_guid = _new_item(root, new, above, folder)
        item_guids.append(item_guid)
    for new in change.new_takes:
        take_guids.append(_new_take(root, new, folder))
    for key in ("prompt", "reference", "score", "controls"):
        text = getattr(change, key)
        if text is not None:
            set_state(root, key, " ".join(text.split()) if key == "prompt" else text)
    return Report(marker_guids=tuple(marker_guids), item_guids=tuple(item_guids), take_guids=tuple(take_guids))


def set_state(root: Block, key: str, value: str) -> None:
    """Makes the project remember a text for us; "" forgets it."""
    states = root.blocks("EXTSTATE")
    if not states:
        if not value:
            return
        root.append(block("EXTSTATE"))
        states = root.blocks("EXTSTATE")
    section = next((s for s in states[0].children if isinstance(s, Block) and s.name.upper() == tree.SECTION), None)
    if section is None:
        states[0].append(block(tree.SECTION))
        section = states[0].blocks(tree.SECTION)[0]
    for index, line in enumerate(section.children):
        if isinstance(line, str) and name_of(line).lower() == key:
            if value:
                section.replace(index, words(key, value))
            else:
                del section.children[index]
            return
    if value:
        section.append(words(key, value))


def file_line(folder: Path, path: str) -> str:
    """The line that names a media file in a project in ``folder``: relative when it lies inside.

    Raises:
        HostError: no project can hold its name.
    """
    inside = os.path.relpath(path, folder) if os.path.splitdrive(path)[0] == os.path.splitdrive(folder)[0] else ".."
    name = path if inside.split(os.sep)[0] == ".." else inside
    if storable(name) != name:
        shown = name.encode("utf-8", "backslashreplace").decode()
        raise HostError(
            f"No project can name the file {shown}: its name has a line break, or all three of \", ' and `",
            hint="Rename the file, or the folder if the folder's name is the odd one, and try again",
        )
    return words("FILE", name)


def new_guid() -> str:
    """A GUID as REAPER writes it."""
    return "{" + str(uuid.uuid4()).upper() + "}"


def _markers(root: Block, change: Change) -> list[str]:
    """Adds, then deletes; as in REAPER, a marker that stands there already under that name is kept, not doubled."""
    delete = set(change.delete_markers)
    there = tree.markers(root)
    ours = [one for one in tree.project_state(root, "markers").split() if one.partition("=")[0] not in delete]
    made: list[str] = []
    number = max((marker.number for marker in there), default=0)
    for new in change.add_markers:
        name = storable(" ".join(new.name.split()))
        guid = next(
            (m.view.guid for m in there if m.view.name == name and abs(m.view.position_s - new.position_s) <= SAME_S),
            "",
        )
        if guid in delete:
            delete.remove(guid)
            ours.append(f"{guid}={new.origin}" if new.origin else guid)
        elif not guid:
            guid, number = new_guid(), number + 1
            line = words("MARKER", number, new.position_s, name, 0, COLOUR, 1, "B", guid, 0)
            root.insert(_place_of_marker(root, new.position_s), line)
            ours.append(f"{guid}={new.origin}" if new.origin else guid)
            there = tree.markers(root)
        made.append(guid)
    for marker in reversed(tree.markers(root)):
        if marker.view.guid in delete:
            del root.children[marker.index]
    if delete or made or ours:
        set_state(root, "markers", " ".join(ours))
    return made


def _place_of_marker(root: Block, position_s: float) -> int:
    """Before the first marker or region that begins later, else after the last one."""
    place = None
    open_region: int | None = None
    for line in tree.marker_lines(root):
        ends_region = line.region and open_region == line.number and not line.view.name
        open_region = line.number if line.region and not ends_region else None
        if not ends_region and line.view.position_s > position_s:
            return line.index
        place = line.index + 1
    if place is not None:
        return place
    for index, child in enumerate(root.children):
        if isinstance(child, Block) and child.name in AFTER_MARKERS:
            return index
    return len(root.children)


def _new_item(root: Block, new: NewItem, above_guid: str, folder: Path) -> tuple[str, str]:
    """(GUID of the new track, GUID of its item); the track lies directly below the one named."""
    above = next((track for track in tree.tracks(root) if tree.guid_of_track(track) == above_guid), None)
    if above is None:
        raise HostError(f'The track of the video is gone, so "{new.take_name}" has no place', hint="Try again")
    track_guid, item_guid = new_guid(), new_guid()
    item = block(
        "ITEM",
        words("POSITION", new.position_s),
        "SNAPOFFS 0",
        words("LENGTH", new.length_s),
        "LOOP 0",
        "ALLTAKES 0",
        "FADEIN 1 0 0 1 0 0 0",
        "FADEOUT 1 0 0 1 0 0 0",
        "MUTE 0 0",
        "SEL 0",
        words("IGUID", item_guid),
        block(tree.EXT_BLOCK, words(tree.OURS, new.video_item_guid)),
        words("NAME", new.take_name),
        "VOLPAN 1 0 1 -1",
        *_take_lines(new, folder),
    )
    track = block(
        words("TRACK", track_guid),
        words("NAME", new.track_name),
        "PEAKCOL 16576",
        "VOLPAN 1 0 -1 -1 1",
        "MUTESOLO 0 0 0",
        _moved_folder_end(above),
        "NCHAN 2",
        "FX 1",
        words("TRACKID", track_guid),
        "MAINSEND 1 0",
        block(tree.EXT_BLOCK, words(tree.OURS, new.video_item_guid)),
        item,
    )
    track_index = tree.tracks(root).index(above) + 1
    _shift_receives(root, track_index)
    root.insert(root.children.index(above) + 1, track)
    return track_guid, item_guid


def _moved_folder_end(above: Block) -> str:
    """The new track's ISBUS line. If the track above was the last of its folder, the new one is now."""
    for index, line in enumerate(above.children):
        if isinstance(line, str) and name_of(line) == "ISBUS":
            state = tokens(line)
            ends = whole(state, 2)
            if ends < 0:
                above.replace(index, "ISBUS 0 0")
                return f"ISBUS 2 {ends}"
            break
    return "ISBUS 0 0"


def _shift_receives(root: Block, first: int) -> None:
    """Receives name their source by track index; those from ``first`` on move down by one."""
    for track in tree.tracks(root):
        for index, line in enumerate(track.children):
            if isinstance(line, str) and name_of(line) == "AUXRECV" and whole(tokens(line), 1, -1) >= first:
                track.children[index] = re.sub(
                    r"(AUXRECV[ \t]+)(\d+)", lambda m: f"{m[1]}{int(m[2]) + 1}", line, count=1
                )


def _new_take(root: Block, new: NewTake, folder: Path) -> str:
    item = next((item for _, _, item in tree.every_item(root) if tree.guid_of_item(item) == new.item_guid), None)
    if item is None:
        raise HostError(f'The foley item for the take "{new.take_name}" is gone', hint="Make a new one with Generate")
    for index, line in enumerate(item.children):
        if isinstance(line, str) and name_of(line) == "TAKE":
            item.replace(index, " ".join(word for word in tokens(line) if word != "SEL"))
    offset_s = 0.0 if new.position_s is None else real(item.line("POSITION")) - new.position_s
    lines = _take_lines(new, folder, offset_s)
    item.append("TAKE SEL", words("NAME", new.take_name), "TAKEVOLPAN 0 1 -1", *lines)
    return _guid_in(lines)


def _take_lines(new: NewItem | NewTake, folder: Path, offset_s: float = 0.0) -> list[str | Block]:
    kind = SOURCES.get(Path(new.audio_path).suffix.lower(), "WAVE")
    return [
        words("SOFFS", offset_s),
        "PLAYRATE 1 1 0 -1 0 0.0025",
        "CHANMODE 0",
        words("GUID", new_guid()),
        block(f"SOURCE {kind}", file_line(folder, new.audio_path)),
        block(tree.TAKE_EXT_BLOCK, words(tree.RECIPE, _one_line(new.recipe))),
    ]


def _guid_in(lines: list[str | Block]) -> str:
    return next(tokens(line)[1] for line in lines if isinstance(line, str) and name_of(line) == "GUID")


def _one_line(recipe: str) -> str:
    """JSON text that survives REAPER's quoting, which cannot hold all three kinds of quotes at once."""
    line = " ".join(recipe.splitlines())
    if all(mark in line for mark in "\"'`"):
        line = line.replace("`", "\\u0060")
    return line
