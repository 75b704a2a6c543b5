"""Items and takes in project files.

Convention: the first take's lines stand in the item's block; a further take begins with a line ``TAKE`` (``TAKE SEL``
if active, ``TAKE NULL`` if empty). Paths below the project file's folder are written relative to it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import assumptions, media
from .model import Item, Source, Take
from .rpp_text import Block, ext_block, keep, number, quote, read_ext, split, unknown

_ITEM_LINES = {
    **{
        "POSITION": "D_POSITION",
        "SNAPOFFS": "D_SNAPOFFSET",
        "LENGTH": "D_LENGTH",
        "LOOP": "B_LOOPSRC",
        "SEL": "B_UISEL",
    },
    **{
        "MUTE": "B_MUTE",
        "LOCK": "C_LOCK",
        "GROUP": "I_GROUPID",
        "COLOR": "I_CUSTOMCOLOR",
        "ALLTAKES": "B_ALLTAKESPLAY",
    },
}
_RATES = ("D_PLAYRATE", "B_PPITCH", "D_PITCH", "I_PITCHMODE")
_FADES = {"FADEIN": "D_FADEINLEN", "FADEOUT": "D_FADEOUTLEN"}
_ITEM_VALUES_IN_BLOCK = {*_ITEM_LINES.values(), *_FADES.values(), "D_VOL", "I_CURTAKE"}
_TAKE_VALUES_IN_BLOCK = {*_RATES, "D_VOL", "D_PAN", "D_STARTOFFS", "I_CHANMODE"}
_TAKE_WORDS = ("NAME", "VOLPAN", "TAKEVOLPAN", "SOFFS", "PLAYRATE", "CHANMODE", "GUID", "TKM", "SM", "SOURCE")


def dump_item(item: Item, path: Path | None) -> Block:
    """The block of an item."""
    block = Block(["ITEM"])
    block.lines += [f"{word} {number(item.values[name])}" for word, name in _ITEM_LINES.items()]
    block.lines += [f"{word} 1 {number(item.values[name])} 0" for word, name in _FADES.items()]
    block.lines.append(f"IGUID {item.guid}")
    notes: list[str | Block] = [f"|{line}" for line in item.texts.get("P_NOTES", "").splitlines()]
    if notes:
        block.lines.append(Block(["NOTES"], notes))
    block.lines += ext_block("EXT", item.texts)
    for index, take in enumerate(item.takes):
        if index or take is None:
            active = " SEL" if index == int(item.values["I_CURTAKE"]) else ""
            block.lines.append("TAKE NULL" if take is None else "TAKE" + active)
        if take is not None:
            block.lines += _take_lines(take, path)
    block.lines += unknown(item.texts)
    return block


def _take_lines(take: Take, path: Path | None) -> list[str | Block]:
    values = take.values
    volume, pan = values["D_VOL"], values["D_PAN"]
    first = take is take.item.takes[0]
    lines: list[str | Block] = [
        f"NAME {quote(take.texts.get('P_NAME', ''))}",
        f"VOLPAN {number(take.item.values['D_VOL'])} {number(pan)} {number(volume)} -1"
        if first
        else f"TAKEVOLPAN {number(pan)} {number(volume)} -1",
        f"SOFFS {number(values['D_STARTOFFS'])}",
        " ".join(["PLAYRATE", *(number(values[name]) for name in _RATES)]),
        f"CHANMODE {int(values['I_CHANMODE'])}",
        f"GUID {take.guid}",
        *(f"TKM {number(position)} {quote(name)} {color}" for position, name, color in take.markers),
        *_stretch_line(take),
        *ext_block(assumptions.TAKE_EXTENSION_BLOCK, take.texts),
    ]
    return lines if take.source is None else [*lines, _source_block(take.source, path)]


def _stretch_line(take: Take) -> list[str]:
    marks = [
        f"{number(position)} {number(source)}" + (f" {number(slope)}" if slope else "")
        for position, source, slope in take.stretch
    ]
    return ["SM " + " + ".join(marks)] if marks else []


def _source_block(source: Source, path: Path | None) -> Block:
    if source.parent is None:
        file = Path(source.path)
        if path is not None and file.is_relative_to(path.parent):
            file = file.relative_to(path.parent)
        return Block(["SOURCE", source.type], [f"FILE {quote(file)}"])
    lines: list[str | Block] = [
        f"LENGTH {number(source.section_length_s)}",
        f"MODE {assumptions.SECTION_MODE_REVERSE if source.reverse else 0}",
        f"STARTPOS {number(source.section_offset_s)}",
        _source_block(source.parent, path),
    ]
    return Block(["SOURCE", "SECTION"], lines)


def read_item(item: Item, block: Block, path: Path | None, outside: Callable[..., Any]) -> None:
    """Fills an item without takes and texts from its block."""
    for line in block.lines:
        words = line.words if isinstance(line, Block) else split(line)
        if words[0] == "TAKE":
            item.takes.append(None if "NULL" in words else Take(item))
            if "SEL" in words:
                item.values["I_CURTAKE"] = len(item.takes) - 1
        elif words[0] in (*_TAKE_WORDS, assumptions.TAKE_EXTENSION_BLOCK) or (words[0] == "EXT" and item.takes):
            if not item.takes or item.takes[-1] is None:
                item.takes.append(Take(item))
            take = item.takes[-1]
            assert take is not None
            _load_take_line(take, words, line, path, outside)
        elif not _load_item_line(item, words, line):
            keep(item.texts, line)


def carry_over(item: Item, old: Item) -> None:
    """Gives an item that was read from a chunk what its block does not hold, from the item that it replaces."""
    item.values.update({name: old.values[name] for name in old.values if name not in _ITEM_VALUES_IN_BLOCK})
    takes = {take.guid: take for take in old.takes if take is not None}
    for take in item.takes:
        if take is not None and take.guid in takes:
            values = takes[take.guid].values
            take.values.update({name: values[name] for name in values if name not in _TAKE_VALUES_IN_BLOCK})


def _load_item_line(item: Item, words: list[str], line: str | Block) -> bool:
    if words[0] in _ITEM_LINES:
        item.values[_ITEM_LINES[words[0]]] = float(words[1])
    elif words[0] in _FADES:
        item.values[_FADES[words[0]]] = float(words[2])
    elif words[0] == "IGUID":
        item.guid = words[1]
    elif words[0] == "NOTES" and isinstance(line, Block):
        item.texts["P_NOTES"] = "\n".join(text.removeprefix("|") for text in line.lines if isinstance(text, str))
    elif words[0] == "EXT" and isinstance(line, Block):
        read_ext(line, item.texts)
    else:
        return False
    return True


def _load_take_line(
    take: Take, words: list[str], line: str | Block, path: Path | None, outside: Callable[..., Any]
) -> None:
    values = take.values
    if isinstance(line, Block):
        if words[0] == "SOURCE":
            take.set_source(_load_source(line, path, outside))
        else:
            read_ext(line, take.texts)
    elif words[0] == "NAME":
        take.texts["P_NAME"] = words[1]
    elif words[0] == "VOLPAN":
        take.item.values["D_VOL"] = float(words[1])
        values.update(D_PAN=float(words[2]), D_VOL=float(words[3]))
    elif words[0] == "TAKEVOLPAN":
        values.update(D_PAN=float(words[1]), D_VOL=float(words[2]))
    elif words[0] == "SOFFS":
        values["D_STARTOFFS"] = float(words[1])
    elif words[0] == "PLAYRATE":
        values["D_PLAYRATE"] = float(words[1])
        if len(words) > 4:
            values.update(B_PPITCH=int(words[2]), D_PITCH=float(words[3]), I_PITCHMODE=int(words[4]))
    elif words[0] == "CHANMODE":
        values["I_CHANMODE"] = int(words[1])
    elif words[0] == "GUID":
        take.guid = words[1]
    elif words[0] == "TKM":
        take.markers.append(
            (float(words[1]), words[2] if len(words) > 2 else "", int(words[3]) if len(words) > 3 else 0)
        )
    elif words[0] == "SM":
        for part in " ".join(words[1:]).split("+"):
            position, source, *slope = map(float, part.split())
            take.stretch.append((position, source, slope[0] if slope else 0.0))


def _load_source(block: Block, path: Path | None, outside: Callable[..., Any]) -> Source:
    plain = {
        words[0]: words[1] for words in (split(line) for line in block.lines if isinstance(line, str)) if len(words) > 1
    }
    if block.words[1:2] == ["SECTION"]:
        mode = int(plain.get("MODE", "0"))
        source = Source(type="SECTION", reverse=bool(mode & assumptions.SECTION_MODE_REVERSE))
        source.parent = next(_load_source(line, path, outside) for line in block.lines if isinstance(line, Block))
        if mode & assumptions.SECTION_MODE_WHOLE:
            source.section_length_s = source.parent.length_s
        else:
            source.section_length_s, source.section_offset_s = float(plain["LENGTH"]), float(plain.get("STARTPOS", "0"))
        source.parent.owner = source
        return source
    file = plain.get("FILE", "")
    return media.open_source(file if path is None else str(path.parent / file), outside)
