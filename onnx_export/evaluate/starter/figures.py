"""Figures with their spread, as JSON for programs and as Markdown for people.

Convention: a figure is one statistic (mean, median, share, worst) over a named kind of things; its interval is a
percentile bootstrap (Efron 1979) over those things, or over the groups that they come in. NaN is ``null`` in JSON and
"-" in Markdown. ``figures.json`` names the pack and the SHA-256 of each graph that was measured, so that figures are
never shown beside other weights.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bridge.errors import MediaError, RequestError
from bridge.packs.store import PackFiles

NAME = "figures.json"
REPORT = "report.md"
RESAMPLINGS = 1000
INTERVAL = 0.95

STATISTICS: Mapping[str, Callable[..., Any]] = {
    "mean": np.mean,
    "median": np.median,
    "share": np.mean,
    "most": np.max,
    "least": np.min,
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number and how sure it is.

    Attributes:
        value: the statistic. statistic: which; a key of ``STATISTICS``.
        low, high: 95 % bootstrap interval; NaN where there is none.
        least, first, median, third, most: of the values themselves; NaN for a share, which has no such.
        count, of: how many of what. unit: of the value, "" for a plain number.
        at_least, at_most: what was wanted; None for no wish.
    """

    value: float
    statistic: str
    low: float
    high: float
    least: float
    first: float
    median: float
    third: float
    most: float
    count: int
    of: str
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether what was wanted was met; None where nothing was."""
        if self.at_least is None and self.at_most is None:
            return None
        if math.isnan(self.value):
            return False
        above = self.at_least is None or self.value >= self.at_least
        return above and (self.at_most is None or self.value <= self.at_most)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of plain values under named columns."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one part found.

    Attributes:
        name: e.g. "when". title: in words. figures: by name. notes: what to know, in sentences.
        tables: what the figures stand on. roles: graphs whose cards show it.
        basis: digest of all that it depends on, see ``Box.basis``; "" where nobody said.
    """

    name: str
    title: str
    figures: Mapping[str, Figure]
    notes: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    roles: tuple[str, ...] = ()
    basis: str = ""


def figure(
    values: ArrayLike,
    *,
    of: str,
    statistic: str = "mean",
    groups: Sequence[object] | None = None,
    unit: str = "",
    at_least: float | None = None,
    at_most: float | None = None,
    seed: int = 0,
) -> Figure:
    """A statistic of some values; NaN values are left out.

    Args:
        values: shape (n,). of: what they are, e.g. "clips". statistic: a key of ``STATISTICS``.
        groups: shape (n,); values of one group are drawn together by the bootstrap. None: each by itself.
        unit, at_least, at_most: as in ``Figure``. seed: of the bootstrap.
    """
    numbers = np.asarray(values, np.float64)
    known = ~np.isnan(numbers)
    labels = np.arange(len(numbers)) if groups is None else np.asarray([str(group) for group in groups])
    numbers, labels = numbers[known], labels[known]
    nothing = float("nan")
    if not len(numbers):
        return Figure(
            value=nothing, statistic=statistic, low=nothing, high=nothing, least=nothing, first=nothing,
            median=nothing, third=nothing, most=nothing, count=0, of=of, unit=unit, at_least=at_least, at_most=at_most,
        )  # fmt: skip
    compute = STATISTICS[statistic]
    low, high = nothing, nothing
    if statistic not in ("most", "least"):
        low, high = _bootstrap(numbers, labels, compute, seed)
    spread = [nothing] * 5 if statistic == "share" else np.quantile(numbers, [0.0, 0.25, 0.5, 0.75, 1.0])
    least, first, median, third, most = (float(one) for one in spread)
    return Figure(
        value=float(compute(numbers)), statistic=statistic, low=low, high=high, least=least, first=first,
        median=median, third=third, most=most, count=len(numbers), of=of, unit=unit, at_least=at_least, at_most=at_most,
    )  # fmt: skip


def _bootstrap(numbers: Any, labels: Any, compute: Callable[..., Any], seed: int) -> tuple[float, float]:
    members = [numbers[labels == label] for label in dict.fromkeys(labels.tolist())]
    if len(members) < 2:
        return float("nan"), float("nan")
    random = np.random.default_rng(seed)
    again = [
        compute(np.concatenate([members[pick] for pick in random.integers(0, len(members), len(members))]))
        for _ in range(RESAMPLINGS)
    ]
    low, high = np.quantile(again, [0.5 - INTERVAL / 2, 0.5 + INTERVAL / 2])
    return float(low), float(high)


@dataclass(frozen=True, kw_only=True)
class Report:
    """All that was found of one pack.

    Attributes:
        pack: name, version, digest, commercial use. graphs: role to the SHA-256 of the graph that was measured.
        machine: what it was measured on. parts: by name.
    """

    pack: Mapping[str, str]
    graphs: Mapping[str, str]
    machine: Mapping[str, Any]
    parts: Mapping[str, Part] = field(default_factory=dict)

    @classmethod
    def of(cls, files: PackFiles, *, machine: Mapping[str, Any]) -> Report:
        """An empty report of a pack."""
        manifest = files.manifest
        return cls(
            pack={
                "name": manifest.name,
                "version": manifest.version,
                "digest": files.digest,
                "commercial use": manifest.licence.commercial_use,
            },
            graphs={role: manifest.files[entry.file] for role, entry in sorted(manifest.graphs.items())},
            machine=machine,
        )

    def of_role(self, role: str) -> tuple[Part, ...]:
        """The parts that tell something about a graph."""
        return tuple(part for part in self.parts.values() if role in part.roles)


def to_json(report: Report) -> str:
    """The report as JSON, ending in a newline."""
    return json.dumps(_plain(asdict(report)), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def load(path: Path) -> Report:
    """A report that ``to_json`` wrote.

    Raises:
        MediaError: the file is missing. RequestError: it is no such report.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return Report(
            pack=content["pack"],
            graphs=content["graphs"],
            machine=content["machine"],
            parts={name: _part(part) for name, part in content["parts"].items()},
        )
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error})", hint="foley-export evaluate starter writes it") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RequestError(
            f"{path} is no report of foley-export evaluate starter ({error})", hint="Write it again"
        ) from error


def to_markdown(report: Report) -> str:
    """The report for people."""
    pack = report.pack
    lines = [
        f"# Measured: pack {pack['name']} {pack['version']} ({pack['digest'][:12]})",
        "",
        f"Commercial use: {pack['commercial use']}. Machine: "
        + ", ".join(f"{key} {value}" for key, value in report.machine.items())
        + ".",
    ]
    for part in report.parts.values():
        lines += ["", f"## {part.title}", "", *part_lines(part)]
        for table in part.tables:
            lines += ["", f"### {table.title}", "", *_rows(table.columns, table.rows)]
    return "\n".join(lines) + "\n"


def part_lines(part: Part) -> list[str]:
    """A part's figures as a table in Markdown, and its notes."""
    head = ("", "value", "95 % interval", "quartiles", "least .. most", "over", "wanted", "reached")
    lines = _rows(head, [_cells(name, one) for name, one in part.figures.items()])
    return lines + ([""] if part.notes else []) + [f"- {note}" for note in part.notes]


def _cells(name: str, one: Figure) -> tuple[str, ...]:
    unit = f" {one.unit}" if one.unit else ""
    spread = not math.isnan(one.least)
    wanted = [f">= {_number(one.at_least)}"] if one.at_least is not None else []
    wanted += [f"<= {_number(one.at_most)}"] if one.at_most is not None else []
    return (
        name,
        f"{_number(one.value)}{unit} ({one.statistic})",
        "-" if math.isnan(one.low) else f"{_number(one.low)} .. {_number(one.high)}",
        f"{_number(one.first)} / {_number(one.median)} / {_number(one.third)}" if spread else "-",
        f"{_number(one.least)} .. {_number(one.most)}" if spread else "-",
        f"{one.count} {one.of}",
        " and ".join(wanted) + (unit if wanted else "") or "-",
        {None: "-", True: "yes", False: "**no**"}[one.reached],
    )


def _rows(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    def line(cells: Iterable[Any]) -> str:
        return "| " + " | ".join(_text(cell).replace("|", "/") for cell in cells) + " |"

    return [line(columns), "|" + "---|" * len(columns), *(line(row) for row in rows)]


def _text(value: Any) -> str:
    return _number(value) if isinstance(value, float) else str(value)


def _number(value: float | None) -> str:
    if value is None or math.isnan(value):
        return "-"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 0.1 else f"{value:.3f}"


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _part(content: Mapping[str, Any]) -> Part:
    return Part(
        name=content["name"],
        title=content["title"],
        figures={name: Figure(**_numbers(one)) for name, one in content["figures"].items()},
        notes=tuple(content["notes"]),
        tables=tuple(
            Table(
                title=one["title"],
                columns=tuple(one["columns"]),
                rows=tuple(tuple(float("nan") if cell is None else cell for cell in row) for row in one["rows"]),
            )
            for one in content["tables"]
        ),
        roles=tuple(content["roles"]),
        basis=content.get("basis", ""),
    )


def _numbers(content: Mapping[str, Any]) -> dict[str, Any]:
    """A figure's fields; what JSON calls null is NaN, but for wishes."""
    wishes = ("at_least", "at_most")
    return {key: float("nan") if one is None and key not in wishes else one for key, one in content.items()}
