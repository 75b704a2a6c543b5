"""Save and load of project files, the lines that the model knows; others are kept as they are.

Convention: what a block holds that the model does not know is kept as text (in ``texts["_rpp"]``) and written back at
the end of the same block. Written with LF, two spaces per level. A ``path`` of None means a chunk: media paths are
absolute, and nothing is left out because saving would leave it out.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .envelopes import KINDS, Envelope, add
from .model import Item, Marker, Project, Track, new_guid
from .rpp_items import dump_item, read_item
from .rpp_text import Block, ext_block, keep, number, parse, quote, read_ext, split, unknown


def dump(project: Project, path: Path, profile: str) -> str:
    """The text of the project file for ``path`` (media paths are written relative to it)."""
    head = Block(["REAPER_PROJECT", "0.1", f"{profile}/linux-x86_64", "0", "0"])
    head.lines = [
        f"RECORD_PATH {quote(project.texts.get('RECORD_PATH', ''))} {quote('')}",
        f"CURSOR {number(project.cursor_s)}",
        f"SAMPLERATE {int(project.settings['PROJECT_SRATE'])} {int(project.settings['PROJECT_SRATE_USE'])} 0",
        f"TEMPO {number(project.settings['TEMPO'])} 4 4",
        f"SELECTION {number(project.time_selection[0])} {number(project.time_selection[1])}",
        f"SELECTION2 {number(project.loop_points[0])} {number(project.loop_points[1])}",
    ]
    for marker in project.markers:
        head.lines += _marker_lines(marker)
    for track in project.tracks:
        head.lines.append(track_block(track, path))
    sections: list[str | Block] = [
        Block([section], [f"{quote(key)} {quote(value)}" for key, value in keys.items()])
        for section, keys in project.ext.items()
    ]
    if sections:
        head.lines.append(Block(["EXTSTATE"], sections))
    head.lines += unknown(project.texts)
    return "\n".join(head.text(0)) + "\n"


def _marker_lines(marker: Marker) -> list[str]:
    flags = int(marker.is_region) | 8 * bool(marker.values["B_UISEL"]) | 16 * bool(marker.values["B_HIDDEN"])
    letter = "R" if marker.is_region else "B"
    lane = int(marker.values["I_LANENUMBER"])
    name = quote(marker.name)
    place = f"MARKER {marker.number} {number(marker.position_s)}"
    start = f"{place} {name} {flags} {marker.color} 1 {letter} {marker.guid} {lane}"
    return [start, f'MARKER {marker.number} {number(marker.end_s)} "" 1'] if marker.is_region else [start]


def track_block(track: Track, path: Path | None) -> Block:
    """The block of a track."""
    values, depth = track.values, int(track.values["I_FOLDERDEPTH"])
    bus = {0: "0 0", 1: "1 1"}.get(depth, f"2 {depth}")
    block = Block(["TRACK"] if path is None else ["TRACK", track.guid])
    block.lines = [
        f"NAME {quote(track.texts.get('P_NAME', ''))}",
        f"PEAKCOL {int(values['I_CUSTOMCOLOR'])}",
        f"VOLPAN {number(values['D_VOL'])} {number(values['D_PAN'])} -1 -1 1",
        f"MUTESOLO {int(values['B_MUTE'])} {int(values['I_SOLO'])} 0",
        f"ISBUS {bus}",
        f"NCHAN {int(values['I_NCHAN'])}",
        f"SEL {int(values['I_SELECTED'])}",
        f"TRACKID {track.guid}",
        *ext_block("EXT", track.texts),
        *(envelope.block() for envelope in track.envelopes if path is None or envelope.is_saved),
        *(dump_item(item, path) for item in track.items),
        *unknown(track.texts),
    ]
    return block


def load(project: Project, text: str, path: Path, outside: Callable[..., Any]) -> None:
    """Fills an empty project from the text of a file."""
    for line in parse(text).lines:
        words = line.words if isinstance(line, Block) else split(line)
        if isinstance(line, Block) and words[0] == "TRACK":
            project.tracks.append(Track(project))
            read_track(project.tracks[-1], line, path, outside)
        elif isinstance(line, Block) and words[0] == "EXTSTATE":
            _load_ext(project, line)
        elif not _load_line(project, words):
            keep(project.texts, line)
    project.markers = [marker for marker in project.markers if marker.guid]
    project.sort_markers()


def _load_line(project: Project, words: list[str]) -> bool:
    if words[0] == "MARKER":
        _load_marker(project, words)
    elif words[0] == "RECORD_PATH":
        project.texts["RECORD_PATH"] = words[1]
    elif words[0] == "CURSOR":
        project.cursor_s = float(words[1])
    elif words[0] == "SAMPLERATE":
        project.settings.update(PROJECT_SRATE=float(words[1]), PROJECT_SRATE_USE=float(words[2]))
    elif words[0] == "TEMPO":
        project.settings["TEMPO"] = float(words[1])
    elif words[0] == "SELECTION":
        project.time_selection = (float(words[1]), float(words[2]))
    elif words[0] == "SELECTION2":
        project.loop_points = (float(words[1]), float(words[2]))
    else:
        return False
    return True


def _load_marker(project: Project, words: list[str]) -> None:
    number, position, flags = int(words[1]), float(words[2]), int(words[4])
    last = project.markers[-1] if project.markers else None
    if flags & 1 and last is not None and last.is_region and last.number == number and not words[3]:
        last.end_s = position
        return
    marker = Marker(project, position, 0.0, bool(flags & 1), words[3], number)
    if len(words) > 5:
        marker.color = int(words[5])
    if len(words) > 8:
        marker.guid = words[8]
    if len(words) > 9:
        marker.values["I_LANENUMBER"] = int(words[9])
    marker.values.update(B_UISEL=flags >> 3 & 1, B_HIDDEN=flags >> 4 & 1)
    project.markers.append(marker)


def _load_ext(project: Project, block: Block) -> None:
    for section in block.lines:
        if isinstance(section, Block):
            pairs = [split(line) for line in section.lines if isinstance(line, str)]
            project.ext[section.words[0]] = {pair[0]: pair[1] for pair in pairs}


def read_track(track: Track, block: Block, path: Path | None, outside: Callable[..., Any]) -> None:
    """Fills a track without items, envelopes and texts from its block."""
    if len(block.words) > 1:
        track.guid = block.words[1]
    for line in block.lines:
        words = line.words if isinstance(line, Block) else split(line)
        if isinstance(line, Block) and words[0] == "ITEM":
            track.items.append(Item(track))
            read_item(track.items[-1], line, path, outside)
        elif isinstance(line, Block) and words[0] in KINDS:
            envelope = Envelope(track, words[0], new_guid())
            envelope.read(line)
            add(envelope)
        elif isinstance(line, Block) and words[0] == "EXT":
            read_ext(line, track.texts)
        elif not _load_track_line(track, words):
            keep(track.texts, line)
    track.sort_items()


def _load_track_line(track: Track, words: list[str]) -> bool:
    values = track.values
    if words[0] == "NAME":
        track.texts["P_NAME"] = words[1]
    elif words[0] == "PEAKCOL":
        values["I_CUSTOMCOLOR"] = int(words[1])
    elif words[0] == "VOLPAN":
        values.update(D_VOL=float(words[1]), D_PAN=float(words[2]))
    elif words[0] == "MUTESOLO":
        values.update(B_MUTE=int(words[1]), I_SOLO=int(words[2]))
    elif words[0] == "ISBUS":
        values["I_FOLDERDEPTH"] = int(words[2])
    elif words[0] == "NCHAN":
        values["I_NCHAN"] = int(words[1])
    elif words[0] == "TRACKID":
        track.guid = words[1]
    elif words[0] == "SEL":
        values["I_SELECTED"] = int(words[1])
    else:
        return False
    return True
