"""Onsets as a CSV file: ``time_s,confidence,strength``; ``time_s`` is *source time*, seconds in the video file.

The header is optional when reading and says which column is which; further columns are ignored, and a time without
confidence or strength counts with 1. Without a header a third column that is no number is one of the ignored ones.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterable
from pathlib import Path

from bridge.domain.onsets import Onset
from bridge.errors import MediaError
from bridge.media.container import check_readable
from bridge.media.files import publish, temporary_beside

COLUMNS = ("time_s", "confidence", "strength")
LARGEST_BYTES = 50_000_000


def write(path: Path, onsets: Iterable[Onset]) -> Path:
    """Writes onsets in time order, whole or not at all; never over another file.

    Raises:
        MediaError: the name is taken, or the folder is missing or cannot be written to.
    """
    if os.path.lexists(path):
        raise MediaError(f"{path} exists already", hint="Name another file; nothing is ever overwritten")
    rows = sorted((onset.time_s, onset.confidence, onset.strength) for onset in onsets)
    with temporary_beside(path) as temporary:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows([f"{time_s:.6f}", f"{sure:.4f}", f"{hard:.4f}"] for time_s, sure, hard in rows)
        return publish(temporary, path)


def read(path: Path) -> tuple[Onset, ...]:
    """Onsets of a table, ascending.

    Raises:
        MediaError: the file is missing, too large, or no text, or a line has no time; the message names the line.
    """
    hint = "The table needs the columns time_s,confidence,strength; `foley-bridge detect` writes one"
    check_readable(path)
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise MediaError(f"{path} is too large to be a table of onsets", hint=hint)
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}", hint="Check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MediaError(f"{path} is no table of onsets", hint=hint) from error
    places, guessed = dict(zip(COLUMNS, range(len(COLUMNS)), strict=True)), True
    onsets = []
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if number == 1 and COLUMNS[0] in (names := [cell.lower() for cell in cells]):
            places, guessed = {name: names.index(name) for name in COLUMNS if name in names}, False
            continue
        try:
            time_s = float(cells[places["time_s"]])
            confidence = _share(cells, places.get("confidence", len(cells)))
            strength = 1.0 if guessed and _is_text(cells) else _share(cells, places.get("strength", len(cells)))
        except (ValueError, IndexError) as error:
            raise MediaError(f"{path}, line {number}: {','.join(row)[:80]!r} is no onset", hint=hint) from error
        if not math.isfinite(time_s) or time_s < 0 or not (0 <= confidence <= 1 and 0 <= strength <= 1):
            raise MediaError(
                f"{path}, line {number}: the time must be 0 or more, confidence and strength in 0..1", hint=hint
            )
        onsets.append(Onset(time_s=time_s, confidence=confidence, strength=strength))
    return tuple(sorted(onsets, key=lambda onset: onset.time_s))


def _share(cells: list[str], at: int) -> float:
    """The number in a cell; 1 if there is none."""
    return float(cells[at]) if at < len(cells) and cells[at] else 1.0


def _is_text(cells: list[str]) -> bool:
    """Whether what may be a strength is something else."""
    try:
        _share(cells, COLUMNS.index("strength"))
    except ValueError:
        return True
    return False
