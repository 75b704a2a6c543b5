"""An evaluation for people, as text, and for programs, as JSON.

Convention: the text is a table of figures with the paper's beside them; the JSON holds every figure, every clip's own
and everything that the run depended on. A number that could not be told is "-" and ``null``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from onnx_export.evaluate.results import PAPER, Figure, Table

SOURCE = "Comunita et al., SyncFusion, ICASSP 2024 (arXiv 2310.15247)"


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that was found.

    Attributes:
        pack: name, version, digest. data: what of the data set was there. settings: of the run.
        libraries: name to version. tables: in order. notes: what to know about the whole, in sentences.
    """

    pack: Mapping[str, str]
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    libraries: Mapping[str, str]
    tables: Sequence[Table]
    notes: Sequence[str]


def text(report: Report) -> str:
    """The report as lines of text."""
    lines = [
        f"SyncFusion's protocol on pack {report.pack['name']} {report.pack['version']} ({report.pack['digest'][:12]})",
        "Data: " + ", ".join(f"{key} {value}" for key, value in report.data.items()),
        "Settings: " + ", ".join(f"{key} {value}" for key, value in report.settings.items()),
        f"The paper's figures: {SOURCE}.",
        *report.notes,
    ]
    for table in report.tables:
        lines += ["", *_table(table)]
    return "\n".join(lines) + "\n"


def to_json(report: Report) -> str:
    """The report as JSON, ending in a newline."""
    content = {
        "protocol": "SyncFusion",
        "pack": report.pack,
        "data": report.data,
        "settings": report.settings,
        "libraries": report.libraries,
        "notes": list(report.notes),
        "paper": {"source": SOURCE, **{name: dict(rows) for name, rows in PAPER.items()}},
        "tables": {
            table.name: {
                "title": table.title,
                "figures": {name: asdict(figure) for name, figure in table.figures.items()},
                "notes": list(table.notes),
                "clips": list(table.clips),
            }
            for table in report.tables
        },
    }
    return json.dumps(_plain(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _table(table: Table) -> list[str]:
    papers = PAPER[table.name]
    head = ["", "ours", "spread", "95 % interval", "over", *(name.removeprefix("paper, ") for name in papers)]
    rows = [head]
    for kind, official in (("as the authors measure", True), ("strict, and further", False)):
        rows.append([kind, *[""] * (len(head) - 1)])
        for name, figure in table.figures.items():
            if figure.official is official:
                rows.append([f"  {name}", *_cells(figure), *(_number(row.get(name)) for row in papers.values())])
    if len(papers) and any("FAD" in row for row in papers.values()):
        theirs = [_number(row.get("FAD")) for row in papers.values()]
        rows.append(["  FAD (VGGish, theirs)", "-", "", "", "", *theirs])
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return [table.title, *lines, *(f"  {note}" for note in table.notes)]


def _cells(figure: Figure) -> list[str]:
    low, high = _number(figure.low), _number(figure.high)
    between = f"{low} to {high}" if not math.isnan(figure.low) else "-"
    return [_number(figure.value), _number(figure.spread), between, f"{figure.count} {figure.of}"]


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.4f}" if abs(value) < 1 else f"{value:.2f}"


def _plain(value: Any) -> Any:
    """What JSON can hold: numbers of numpy as Python's, NaN and infinity as null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
