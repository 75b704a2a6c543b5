"""Onsets as a CSV file: columns ``time_s,confidence``; ``time_s`` is *source time*, seconds in the video file.

The header is optional when reading, further columns are ignored, and a lone time counts with confidence 1.
"""

from __future__ import annotations

import csv
import math
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from bridge.domain.onsets import Onset
from bridge.errors import MediaError


def write(path: Path, onsets: Iterable[Onset]) -> None:
    """Writes onsets in time order, through a temporary file in the same folder.

    Raises:
        MediaError: the folder is missing or cannot be written to.
    """
    rows = sorted((onset.time_s, onset.confidence) for onset in onsets)
    temporary = ""
    try:
        with tempfile.NamedTemporaryFile(
            "w", newline="", encoding="utf-8", dir=path.parent, suffix=".part", delete=False
        ) as file:
            temporary = file.name
            table = csv.writer(file)
            table.writerow(["time_s", "confidence"])
            table.writerows([f"{time_s:.6f}", f"{confidence:.4f}"] for time_s, confidence in rows)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise MediaError(
            f"{path} cannot be written: {error.strerror}", hint="Name a folder that exists and is writable"
        ) from error


def read(path: Path) -> tuple[Onset, ...]:
    """Onsets of a table, ascending.

    Raises:
        MediaError: the file is missing, is no text, or a line has no time; the message names the line.
    """
    hint = "The table needs the columns time_s,confidence; `foley-bridge detect` writes one"
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror}", hint="Check the path") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise MediaError(f"{path} is no table of onsets", hint=hint) from error
    onsets = []
    for number, row in enumerate(rows, start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0] == "time_s"):
            continue
        try:
            time_s = float(cells[0])
            confidence = float(cells[1]) if len(cells) > 1 and cells[1] else 1.0
        except ValueError as error:
            raise MediaError(f"{path}, line {number}: {','.join(row)!r} is no onset", hint=hint) from error
        if not math.isfinite(time_s) or time_s < 0 or not 0 <= confidence <= 1:
            raise MediaError(
                f"{path}, line {number}: time {cells[0]} must be 0 or more and the confidence in 0..1", hint=hint
            )
        onsets.append(Onset(time_s=time_s, confidence=confidence))
    return tuple(sorted(onsets, key=lambda onset: onset.time_s))
