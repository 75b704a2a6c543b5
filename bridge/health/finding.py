"""One line of the doctor's."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What was seen of one thing.

    Attributes:
        name: what was looked at. good: whether it is as it should be. text: what was seen. cure: what to do if not.
        needed: whether the tool works at all without it. late: whether everything else is to be mended before it.
        public: what a report says instead of ``text``, where that names a project; "" for the same.
    """

    name: str
    good: bool
    text: str
    cure: str = ""
    needed: bool = True
    late: bool = False
    public: str = ""


def first_to_fix(findings: list[Finding]) -> Finding | None:
    """The finding to mend first, None if all is well: what is needed before the rest, then as they stand."""
    bad = [finding for finding in findings if not finding.good]
    return min(bad, key=lambda finding: (not finding.needed, finding.late)) if bad else None
