"""What a marker's name says: whether it is a foley event, what it shall sound like, and how loud.

Grammar; case and spaces do not matter::

    foley                       an event at full level, with the project's prompt
    foley 3, [foley], foley #3  the same
    foley: metal plate          with a prompt of its own; a hyphen does as well
    foley @0.62                 with a level: linear amplitude 0..1
    foley: metal plate @-6dB    with both; a level may also be decibels (dB, dBFS), 0 or below
    foley @0.5 metal plate      the same: after a level nobody needs the colon
    metal plate @0.5            in a marker that the bridge made and the designer renamed

A number with a minus is decibels, so "@-0" is full level. A level that cannot be understood ("@loud", "@7") stays in
the name, and the event sounds at full level; of several levels the last one counts. Where it follows words of a prompt
its own words count as such: "foley: door @ kitchen" asks for "door kitchen". "foley" and more words without colon,
hyphen or "@" ("foley cues") is a name of the designer's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.host.base import LABEL

_HEAD = re.compile(rf"\s*\[?\s*{LABEL}\s*\]?(?:\s*#?\d+)?\s*", re.IGNORECASE)
_LEVEL = re.compile(
    r"\(?@\s*(?:"
    r"(?P<number>[-+\u2212\u2013]?(?:\d+[.,]?\d*|[.,]\d+)|[-\u2212\u2013]inf)(?:\s*(?P<unit>dB(?:\s?FS)?))?"
    r"[.,;!?)]*(?=[\s:@\]]|-[^\W\d_]|$)"
    r"|(?P<other>[^\s:@\]]*))",
    re.IGNORECASE,
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
    """What a marker's name says."""
    level, unread, words, end = None, "", "", 0
    for found in _LEVEL.finditer(name):
        words += name[end : found.start()] + " "
        end = found.end()
        understood, other = _level(found), found["other"] or ""
        if understood is not None:
            level, unread = understood, ""
        elif other[:1].isalpha() and _after_label(words).strip(" :-"):
            words += other
            unread = found[0].strip() if level is None else unread
        else:
            level, unread = None, found[0].strip()
    words = " ".join((words + name[end:]).split())
    head, rest = _HEAD.match(words), _after_label(words)
    labelled = head is not None and (rest[:1] in ("", ":", "-") or _after_label(name).startswith(("@", "(@")))
    return Label(
        labelled=labelled,
        prompt=rest.removeprefix(rest[:1] if rest[:1] in (":", "-") else "").strip() if labelled else words,
        strength=1.0 if level is None else level,
        unread=unread,
    )


def name_of(strength: float) -> str:
    """The name of a new marker; a full level is not written."""
    level = rounded(strength)
    return LABEL if level == 1.0 else f"{LABEL} @{level:.2f}"


def rounded(strength: float) -> float:
    """The level that a marker's name keeps of a strength that was found."""
    return max(LEAST, round(strength, 2))


def _after_label(text: str) -> str:
    """What follows the label; all of a text that has none."""
    head = _HEAD.match(text)
    return text[head.end() :] if head else text


def _level(found: re.Match[str]) -> float | None:
    """A level as linear amplitude; a number with a minus can only be decibels. None if it is no level."""
    text = (found["number"] or "").translate(_MINUS).replace(",", ".")
    if not text:
        return None
    number = float(text)
    if found["unit"] or text.startswith("-"):
        return 10.0 ** (number / 20.0) if number <= 0.0 else None
    return number if number <= 1.0 else None
