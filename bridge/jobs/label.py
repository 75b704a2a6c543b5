"""What a marker's name says: whether it is a foley event, what it shall sound like, and how loud.

Grammar; case and spaces do not matter::

    foley                       an event at full level, with the project's prompt
    foley 3, [foley], foley #3  the same
    foley: metal plate          with a prompt of its own; a hyphen does as well
    foley @0.62                 with a level: linear amplitude 0..1
    foley: metal plate @-6dB    with both; a level may also be decibels, 0 or below
    metal plate @0.5            in a marker that the bridge made and the designer renamed

A level that cannot be understood ("@loud", "@7") stays in the name; the event then sounds at full level.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.host.base import LABEL

_LABEL = re.compile(rf"^\[?\s*{LABEL}\s*\]?(?:\s*#?\d+)?\s*(?:[:\-]\s*(?P<prompt>.*))?$", re.IGNORECASE | re.DOTALL)
_LEVEL = re.compile(r"@\s*(?P<level>[^\s:@\]]*(?:\s+dB\b)?)", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?P<number>[+-]?(?:\d+[.,]?\d*|[.,]\d+))\s*(?P<unit>dB)?|(?P<silent>-inf)\s*(?:dB)?", re.IGNORECASE
)
_MINUS = str.maketrans("\u2212\u2013", "--")
LEAST = 0.01
"""The lowest level that is written for an onset that was found: what was seen is never quite silent."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """A name, understood.

    Attributes:
        labelled: whether it begins with the bridge's label.
        prompt: its words; "" means the project's prompt.
        strength: its level, 0..1, linear amplitude; 1 if it names none.
        unread: what looks like a level and is none, as typed, with its "@"; "" if all was understood.
    """

    labelled: bool
    prompt: str = ""
    strength: float = 1.0
    unread: str = ""


def read(name: str) -> Label:
    """What a marker's name says; of several levels the last one counts."""
    strength, unread = 1.0, ""
    for found in _LEVEL.finditer(name):
        level = _level(found["level"])
        if level is None:
            unread = found[0].strip()
        else:
            strength = level
    words = " ".join(_LEVEL.sub(" ", name).split())
    label = _LABEL.match(words)
    return Label(
        labelled=label is not None,
        prompt=(label["prompt"] or "").strip() if label else words,
        strength=strength,
        unread=unread,
    )


def name_of(strength: float) -> str:
    """The name of a new marker; a full level is not written."""
    level = rounded(strength)
    return LABEL if level == 1.0 else f"{LABEL} @{level:.2f}"


def rounded(strength: float) -> float:
    """The level that a marker's name keeps of a strength that was found."""
    return max(LEAST, round(strength, 2))


def _level(text: str) -> float | None:
    """A level as linear amplitude; a number below 0 can only be decibels. None if it is no level."""
    found = _NUMBER.fullmatch(text.translate(_MINUS).strip())
    if found is None:
        return None
    if found["silent"]:
        return 0.0
    number = float(found["number"].replace(",", "."))
    if found["unit"] or number < 0.0:
        return 10.0 ** (number / 20.0) if number <= 0.0 else None
    return max(0.0, number) if number <= 1.0 else None
