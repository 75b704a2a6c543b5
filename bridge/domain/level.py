"""Levels as people write them: linear amplitude 0..1, or decibels at or below 0.

Convention: a number with a minus is decibels, with or without "dB" ("-6dB", "-6 dBFS", "-6"), so "-0" is full level. A
comma does for the point. Markers' names and the strengths of a table are read by this one grammar.
"""

from __future__ import annotations

import re

NUMBER = (
    r"(?P<number>[-+\u2212\u2013]?\s?(?:\d+[.,]?\d*|[.,]\d+)|[-\u2212\u2013]\s?inf)"
    r"(?:\s*(?P<unit>dB(?:\s?FS)?))?"
)
"""What a level looks like, as a pattern for any case; ``amplitude`` takes its two groups."""

_MINUS = str.maketrans("\u2212\u2013", "--")
_LEVEL = re.compile(rf"@?\s*{NUMBER}", re.IGNORECASE)


def amplitude(number: str, unit: str | None) -> float | None:
    """A level as linear amplitude 0..1; None if it is no level, such as 7 or 3 dB."""
    text = "".join(number.translate(_MINUS).replace(",", ".").split())
    value = float(text)
    if unit or text.startswith("-"):
        return 10.0 ** (value / 20.0) if value <= 0.0 else None
    return value if value <= 1.0 else None


def read(text: str) -> float | None:
    """The level that a whole text is, as linear amplitude; an "@" before it does no harm. None if it is none."""
    found = _LEVEL.fullmatch(text.strip())
    return None if found is None else amplitude(found["number"], found["unit"])
