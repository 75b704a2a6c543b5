"""What each source of examples is worth to the onset nets.

A row is a training from some of the sources: from recordings alone, with one more source, with all. Each row is judged
as a cross-validation judges: by recordings that its nets have not seen, at the threshold that is best on the other
folds, and by false onsets in films without action at that same threshold. A row's nets lie in ``out/ROW`` and are not
trained again where they are finished, so the same command goes on where it was interrupted.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.dsp.motion import MotionSettings
from bridge.errors import RequestError
from onnx_export.train.clips import Example
from onnx_export.train.when_data import kind_of_quiet
from onnx_export.train.when_fit import Data, Plan, predict
from onnx_export.train.when_report import false_per_10_s, figures
from onnx_export.train.when_score import Held, cross_validate, fair_thresholds

log = logging.getLogger(__name__)

CSV, TABLE = "ablation.csv", "ablation.md"
"""Files of the output folder, whole after each row."""
ROWS: Mapping[str, frozenset[str]] = {
    "clips": frozenset(),
    "clips + variants": frozenset({"variants"}),
    "clips + scenes": frozenset({"scenes"}),
    "clips + quiet": frozenset({"quiet"}),
    "all": frozenset({"variants", "scenes", "quiet"}),
}
"""What each row learns from beside recordings, by the names of ``Data``."""
FALSE = "false onsets per 10 s without action"

Row = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class Folds:
    """Which recordings judge.

    Attributes:
        count: how many folds the recordings are divided into.
        only: numbers of those that are held out, one after the other.
        by: what is never split, ``group`` or ``name``.
        seeds: nets per fold.
    """

    count: int
    only: Sequence[int]
    by: str = "group"
    seeds: int = 1

    def __post_init__(self) -> None:
        if len(set(self.only)) != len(self.only) or not set(self.only) <= set(range(self.count)):
            raise RequestError(
                f"folds {' '.join(map(str, self.only))} are not numbers from 0 to {self.count - 1}, each once",
                hint="Name others with --folds, or more folds with --of",
            )
        if len(self.only) < 2:
            raise RequestError(
                "a threshold is chosen on the other folds, and there is no other fold", hint="Give --folds two or more"
            )


def ablate(
    data: Data, plan: Plan, held: Folds, *, settings: MotionSettings, still: Sequence[Example], out: Path
) -> str:
    """The table; rows are in ``out``'s files as soon as they are known.

    Args:
        data: every source; a row with one that is empty is left out.
        plan: of each net. held: which recordings judge. settings: of the front end.
        still: films without action that train nothing; none: they are not asked.
        out: folder.
    """
    rows: list[Row] = []
    table = ""
    for name, added in ROWS.items():
        if not all(getattr(data, source) for source in added):
            log.info("no row %s: there are none of some of it", name)
            continue
        learned = replace(data, **dict.fromkeys(ROWS["all"] - added, ()))
        seen = cross_validate(
            learned,
            plan,
            settings=settings,
            count=held.count,
            seeds=held.seeds,
            by=held.by,
            out=out / name.replace(" + ", "-"),
            only=held.only,
        )
        rows.append({"learned from": name, **_told(learned, seen, held, still)})
        log.info("%s", rows[-1])
        table = _written(rows, out)
    return table


def _told(learned: Data, seen: Held, held: Folds, still: Sequence[Example]) -> Row:
    """A row's amounts and figures."""
    peaks = [answer.peaks for answer in seen.answers]
    thresholds = fair_thresholds(seen.clips, peaks, seen.division)
    amounts = {"variants": len(learned.variants), "scenes": len(learned.scenes), "quiet films": len(learned.quiet)}
    row: Row = {
        **amounts,
        "nets per fold": held.seeds,
        "steps": seen.steps,
        "folds": " ".join(map(str, held.only)),
        **figures(seen.clips, seen.answers, thresholds),
    }
    if still:
        false = [
            false_per_10_s(still, [predict(nets, one) for one in still], thresholds[tests[0]], kind=kind_of_quiet)
            for nets, tests in zip(seen.nets, seen.division, strict=True)
        ]
        row[FALSE] = round(sum(each["all"] for each in false) / len(false), 2)
    return row


def _written(rows: Sequence[Row], out: Path) -> str:
    """Writes the rows so far; the table in Markdown."""
    columns = list(rows[0])
    with (out / CSV).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
    cells = [columns, ["---"] * len(columns), *([_cell(row[name]) for name in columns] for row in rows)]
    table = "".join("| " + " | ".join(line) + " |\n" for line in cells)
    (out / TABLE).write_text(table, encoding="utf-8")
    return table


def _cell(value: object) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)
