"""Onsets as a CSV file: columns ``time_s,confidence``; ``time_s`` is *source time*, seconds in the video file.

The header is optional when reading and says which column is which; further columns are ignored, and a time without
confidence counts with 1.
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

COLUMNS = ("time_s", "confidence")
LARGEST_BYTES = 50_000_000


def write(path: Path, onsets: Iterable[Onset]) -> Path:
    """Writes onsets in time order, whole or not at all; never over another file.

    Raises:
        MediaError: the name is taken, or the folder is missing or cannot be written to.
    """
    if os.path.lexists(path):
        raise MediaError(f"{path} exists already", hint="Name another file; nothing is ever overwritten")
    rows = sorted((onset.time_s, onset.confidence) for onset in onsets)
    with temporary_beside(path) as temporary:
        with temporary.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file)
            table.writerow(COLUMNS)
            table.writerows([f"{time_s:.6f}", f"{confidence:.4f}"] for time_s, confidence in rows)
        return publish(temporary, path)


def read(path: Path) -> tuple[Onset, ...]:
    """Onsets of a table, ascending.

    Raises:
        MediaError: the file is missing, too large, or no text, or a line has no time; the message names the line.
    """
    hint = "The table needs the columns time_s,confidence; `foley-bridge detect` writes one"
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
    places = dict(zip(COLUMNS, range(2), strict=True))
    onsets = []
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if number == 1 and COLUMNS[0] in (names := [cell.lower() for cell in cells]):
            places = {name: names.index(name) for name in COLUMNS if name in names}
            continue
        try:
            time_s = float(cells[places["time_s"]])
            at = places.get("confidence", len(cells))
            confidence = float(cells[at]) if at < len(cells) and cells[at] else 1.0
        except (ValueError, IndexError) as error:
            raise MediaError(f"{path}, line {number}: {','.join(row)[:80]!r} is no onset", hint=hint) from error
        if not math.isfinite(time_s) or time_s < 0 or not 0 <= confidence <= 1:
            raise MediaError(f"{path}, line {number}: the time must be 0 or more and the confidence in 0..1", hint=hint)
        onsets.append(Onset(time_s=time_s, confidence=confidence))
    return tuple(sorted(onsets, key=lambda onset: onset.time_s))
