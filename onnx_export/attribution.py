"""Who made the sounds that the starter pack's generator and embedder learned from.

Convention: ``attribution.csv`` beside this file is the ledger, one row per author and source; the table that goes
into the pack is written from it, with every row.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, fields
from pathlib import Path

from bridge.errors import PackError

LEDGER = Path(__file__).with_name("attribution.csv")
FILE_NAME = "ATTRIBUTION.md"

_HEAD = """# Sounds that this pack was trained on

The pack holds no recordings. Its generator and its embedder were trained on recorded one-shots from the collections
below, all of them CC0 or CC-BY. Every file was changed for training: mixed to mono, resampled to 48 kHz, silence
trimmed, many cut into single events, short fades. The authors do not endorse this pack.

Licence texts: https://creativecommons.org/publicdomain/zero/1.0/ , https://creativecommons.org/licenses/by/3.0/ ,
https://creativecommons.org/licenses/by/4.0/

"""


@dataclass(frozen=True, kw_only=True)
class Credit:
    """One row: sounds of one author from one source.

    Attributes:
        licence: SPDX name. author: as the source names them; "" where CC0 needs none. collection: title of the set.
        works: file names in the set, where few. files: how many. source: address of the original.
        repository: where the file was taken from.
    """

    licence: str
    author: str
    collection: str
    works: str
    files: int
    source: str
    repository: str


def credits(path: Path = LEDGER) -> tuple[Credit, ...]:
    """Every row of the ledger.

    Raises:
        PackError: it cannot be read, or a row is not whole.
    """
    names = [field.name for field in fields(Credit)]
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames != names:
                raise PackError(f"{path} must have the columns {', '.join(names)}", hint="Restore the file")
            return tuple(Credit(**{**row, "files": int(row["files"])}) for row in reader)
    except (OSError, ValueError, TypeError) as error:
        raise PackError(f"{path} cannot be read ({error})", hint="Restore the file") from error


def attribution_markdown(rows: tuple[Credit, ...]) -> str:
    """The table as it goes into a pack, CC-BY first as in the ledger."""
    lines = ["| licence | author | title | files | source | taken from |", "|---|---|---|---|---|---|"]
    for row in rows:
        title = f"{row.collection}: {row.works}" if row.works else row.collection
        cells = (row.licence, row.author or "(none required)", title, row.files, row.source, row.repository)
        lines.append("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |")
    return _HEAD + "\n".join(lines) + "\n"
