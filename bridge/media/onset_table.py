"""Onsets as a CSV file: ``time_s,confidence,strength``; ``time_s`` is *source time*, seconds in the video file.

The header is optional when reading and says which column is which; without one the columns are these three, in this
order. A time without confidence or strength counts with 1. A strength is what a marker's level is, linear amplitude or
decibels (see ``bridge.domain.level``). Nothing is passed over in silence: a column that looks like one of the three and
is none is refused, any other one is told.
"""

from __future__ import annotations

import csv
import difflib
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path

from bridge import durable
from bridge.domain import level
from bridge.domain.onsets import Onset
from bridge.errors import MediaError
from bridge.media.container import check_readable
from bridge.media.files import publish, temporary_beside, unreadable

COLUMNS = ("time_s", "confidence", "strength")
LARGEST_BYTES = 50_000_000
MOST_COLUMNS = 200
MOST_ROWS = 500_000
MOST_NAMED = 8

_HINT = "The table needs the columns time_s,confidence,strength; `foley-bridge detect` writes one"
_KNOWN = f"known are {', '.join(COLUMNS)}"
_ALLOWED = {
    "time_s": "Write seconds in the video file, 0 or more, such as 1.25",
    "confidence": "Write a number in 0..1",
    "strength": "Write linear amplitude in 0..1, such as 0.5, or decibels at or below 0, such as -6dB",
}
_MEANT = {
    name: column
    for column, names in (
        ("time_s", "time times timestamp t sec secs seconds s start position onset"),
        ("confidence", "conf probability prob score activation certainty sure"),
        ("strength", "level gain volume velocity loudness amplitude amp db hard intensity"),
    )
    for name in names.split()
}
"""Names that others give to our columns."""
_ALIKE = 0.75
"""From this likeness on, 0..1, a name may be a misspelt one of ours."""
_LONGEST = 40
"""So much of a value is shown."""

Say = Callable[[str], None]


def write(path: Path, onsets: Iterable[Onset]) -> Path:
    """Writes onsets in time order, whole or not at all; never over another file.

    Raises:
        MediaError: the name is taken, or the folder is missing or cannot be written to.
    """
    if os.path.lexists(path):
        raise MediaError(f"{path} exists already", hint="Name another file; nothing is ever overwritten")
    rows = sorted((onset.time_s, onset.confidence, onset.strength) for onset in onsets)
    with temporary_beside(path) as temporary:
        with temporary.open("x", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows([f"{time_s:.6f}", f"{sure:.4f}", f"{hard:.4f}"] for time_s, sure, hard in rows)
        durable.sync_file(temporary)
        if len(read(temporary)) != len(rows):
            raise unreadable(path)
        return publish(temporary, path)


def read(path: Path, *, say: Say = lambda sentence: None) -> tuple[Onset, ...]:
    """Onsets of a table, ascending.

    Args:
        path: the table. say: gets a sentence about columns that are passed over, if there are any.

    Raises:
        MediaError: the file is missing, too large, or no text; its columns are not understood; or a value is none. The
            message names the line, the column and the value.
    """
    rows = _rows(path)
    if not rows:
        return ()
    names, headed = rows[0][1], _is_header(rows[0][1])
    if headed:
        places = _places(path, rows[0][0], names)
        rows = rows[1:]
    else:
        names, places = list(COLUMNS), {name: place for place, name in enumerate(COLUMNS)}
    onsets = []
    beside = {place for place, name in enumerate(names) if name and place not in places.values()}
    for line, cells in rows:
        values = {
            name: _value(path, line, name, cells[place] if place < len(cells) else "") for name, place in places.items()
        }
        onsets.append(
            Onset(
                time_s=values["time_s"], confidence=values.get("confidence", 1.0), strength=values.get("strength", 1.0)
            )
        )
        if len(cells) > MOST_COLUMNS:
            raise MediaError(f"{path}, line {line}: there are {len(cells)} values", hint=_HINT)
        more = {place for place, cell in enumerate(cells) if cell and place not in places.values()}
        if headed and any(place >= len(names) for place in more):
            raise MediaError(
                f"{path}, line {line}: there are {len(cells)} values, but the header names {len(names)} columns",
                hint="Name every column; a decimal comma needs quotes",
            )
        beside |= more
    if beside:
        shown = ", ".join(
            repr(names[place][:_LONGEST]) if place < len(names) and names[place] else f"number {place + 1} (no name)"
            for place in sorted(beside)[:MOST_NAMED]
        ) + (f" and {len(beside) - MOST_NAMED} more" if len(beside) > MOST_NAMED else "")
        say(f"{path.name}: passed over the column{'s' if len(beside) > 1 else ''} {shown}; {_KNOWN}")
    return tuple(sorted(onsets, key=lambda onset: onset.time_s))


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines of a table that are not empty, each with its number in the file, cut into cells."""
    check_readable(path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise MediaError(f"{path} is too large to be a table of onsets", hint=_HINT)
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            rows = [(lines.line_num, [cell.strip() for cell in row]) for row in islice(lines, MOST_ROWS + 1)]
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}", hint="Check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MediaError(f"{path} is no table of onsets", hint=_HINT) from error
    if len(rows) > MOST_ROWS:
        raise MediaError(f"{path} is too large to be a table of onsets", hint=_HINT)
    rows = [(line, cells) for line, cells in rows if any(cells)]
    for mark, name in ((";", "semicolons"), ("\t", "tabs")):
        if rows and len(rows[0][1]) == 1 and mark in rows[0][1][0]:
            raise MediaError(f"{path} has {name} between its columns", hint=f"Write commas. {_HINT}")
    return rows


def _places(path: Path, line: int, header: Sequence[str]) -> Mapping[str, int]:
    """Where the columns are that a header names.

    Raises:
        MediaError: there is no time_s, one is there twice, or a name is nearly one of ours.
    """
    if len(header) > MOST_COLUMNS:
        raise MediaError(f"{path} has {len(header)} columns", hint=_HINT)
    names = [cell.lower() for cell in header]
    if "time_s" not in names and {"name", "start"} <= set(names):
        raise MediaError(
            f"{path} is a list of markers as REAPER exports it ({', '.join(header)[:_LONGEST]}), no table of onsets",
            hint="Write the seconds of Start as time_s and the level in Name as strength; or leave the markers in the "
            "project, where the actions read them",
        )
    for name in COLUMNS:
        if names.count(name) > 1:
            raise MediaError(f"{path} has the column {name} twice", hint="Rename or remove one of them")
    for cell, name in zip(header, names, strict=True):
        if name and name not in COLUMNS and (meant := _nearest(name)) and meant not in names:
            raise MediaError(
                f"{path}, line {line}: the column {cell[:_LONGEST]!r} is unknown; {_KNOWN}",
                hint=f"Did you mean {meant}? Rename the column, or remove it",
            )
    if "time_s" not in names:
        shown = ", ".join(repr(cell[:_LONGEST]) for cell in header[:4])
        raise MediaError(f"{path}, line {line}: none of the columns ({shown}) is time_s; {_KNOWN}", hint=_HINT)
    return {name: names.index(name) for name in COLUMNS if name in names}


def _nearest(name: str) -> str:
    """The column that a name may stand for; "" if none."""
    if name in _MEANT:
        return _MEANT[name]
    if any(sign.isdigit() for sign in name):
        return ""
    alike = difflib.get_close_matches(name, [*COLUMNS, *(one for one in _MEANT if len(one) > 4)], 1, _ALIKE)
    return _MEANT.get(alike[0], alike[0]) if alike else ""


def _value(path: Path, line: int, name: str, text: str) -> float:
    """The number in a cell; 1 where none is needed and none is there.

    Raises:
        MediaError: it is no number, or outside what is allowed.
    """
    if not text and name != "time_s":
        return 1.0
    value = level.read(text) if name == "strength" else None
    if value is None:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
    if not 0.0 <= value <= (math.inf if name == "time_s" else 1.0) or math.isinf(value):
        raise MediaError(f"{path}, line {line}, column {name}: {text[:_LONGEST]!r} is not allowed", hint=_ALLOWED[name])
    return value


def _is_header(cells: Sequence[str]) -> bool:
    """Whether a first line names columns: it has time_s, or nothing that may be a value."""
    return any(cell.lower() == "time_s" for cell in cells) or not any(_is_number(cell) for cell in cells)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return level.read(text) is not None
    return True
