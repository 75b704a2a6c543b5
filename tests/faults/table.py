"""The matrix as text: a row for each fault, a column for each step."""

from __future__ import annotations

from tests.faults.hooks import STEPS
from tests.faults.matrix import Result

LETTERS = {"FINISHED": "F", "LOST": "L", "UNSURE": "U", "UNHEARD": "-", "UNSAVED": "R", "STUCK": "S"}
LEGEND = (
    "F finished, once   L lost or refused, and told how to go on   U told to look whether it is there\n"
    "R finished and told, but REAPER was killed before it was saved   - the press reached nobody who lives on\n"
    "! breaks the rule   . not tried: it makes no difference there"
)


def drawn(results: list[Result]) -> str:
    """One table for each verb, and what broke the rule."""
    parts: list[str] = []
    for verb in dict.fromkeys(result.cell.verb for result in results):
        mine = [result for result in results if result.cell.verb == verb]
        parts.append(_table(verb, mine))
    broken = [f"! {result.cell}: {fault}" for result in results for fault in result.faults]
    return "\n\n".join([*parts, _steps(), LEGEND, *(["\n".join(broken)] if broken else [])])


def _table(verb: str, results: list[Result]) -> str:
    found = {(result.cell.fault, result.cell.step): result for result in results}
    width = max(len(result.cell.fault) for result in results)
    lines = [f"{verb:<{width}}  " + " ".join(f"{number:>2}" for number in range(1, len(STEPS) + 1))]
    for fault in dict.fromkeys(result.cell.fault for result in results):
        row = [_letter(found.get((fault, step))) for step in STEPS]
        lines.append(f"{fault:<{width}}  " + " ".join(f"{letter:>2}" for letter in row))
    return "\n".join(lines)


def _letter(result: Result | None) -> str:
    if result is None:
        return "."
    return LETTERS.get(result.verdict.outcome, "?") + ("!" if result.faults else "")


def _steps() -> str:
    told = [f"{number:>2} {words}" for number, words in enumerate(STEPS.values(), 1)]
    half = (len(told) + 1) // 2
    return "\n".join(f"{left:<36}{right}" for left, right in zip(told[:half], [*told[half:], ""], strict=False))
