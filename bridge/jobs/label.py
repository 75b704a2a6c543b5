"""What a marker's name says: whether it is a foley event, what it shall sound like, and how loud.

Grammar; case and spaces do not matter::

    foley                       an event at full level, with the project's prompt
    foley 3, [foley], foley #3  the same
    foley: metal plate          with a prompt of its own; a hyphen does as well
    foley @0.62                 with a level: linear amplitude 0..1
    foley: metal plate @-6dB    with both; a level may also be decibels (dB, dBFS), 0 or below
    foley @0.5 metal plate      the same: after a level nobody needs the colon
    foley -6dB                  decibels with minus and unit need no "@"
    metal plate @0.5            in a marker that the bridge made and the designer renamed

``bridge.domain.level`` tells what a level is. One that cannot be understood ("@loud", "@7") stays in the name, and the
event sounds at full level; of several levels the last one counts. Where it follows words of a prompt its own words
count as such: "foley: door @ kitchen" asks for "door kitchen". A dash of any length does for the hyphen, and full-width
signs for the plain ones. "foley" and more words without colon, hyphen or "@" ("foley cues") is a name of the designer's
own; if it ends in a level ("foley metal @0.5") it is left alone as well, and ``almost`` says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from bridge.domain import level
from bridge.host.base import LABEL

_HEAD = re.compile(rf"\s*\[?\s*{LABEL}\s*\]?(?:\s*#?\d+)?\s*", re.IGNORECASE)
_LEVEL = re.compile(
    rf"\(?@\s*(?:\(?{level.NUMBER}"
    r"(?:[.,;!?)\"'/]*(?=[\s:@\]]|-[^\W\d_]|$)|[,;!?)\"'/]+(?=[^\W\d_]))"
    r"|(?P<other>[^\s:@\]]*))"
    r"|(?<!\w)(?P<bare>[-\u2212\u2013]\s?(?:\d+[.,]?\d*|[.,]\d+|inf))\s?dB(?:\s?FS)?[.,;!?)]*(?=[\s:@\]]|$)",
    re.IGNORECASE,
)
_PLAIN = str.maketrans("\uff20\uff1a\uff0d\u2014", "@:--")
"""Full-width signs, and the long dash that some programs make of a hyphen, as the grammar has them."""
_SEPARATORS = (":", "-", "\u2013", "\u2212")
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
        almost: whether it is not labelled for nothing but a colon that is missing after the label.
    """

    labelled: bool
    prompt: str = ""
    strength: float = 1.0
    unread: str = ""
    almost: bool = False


def read(name: str) -> Label:
    """What a marker's name says."""
    name = name.translate(_PLAIN)
    strength, unread, words, end = None, "", "", 0
    for found in _LEVEL.finditer(name):
        words += name[end : found.start()] + " "
        end = found.end()
        understood, other = _amplitude(found), found["other"] or ""
        if understood is not None:
            strength, unread = understood, ""
        elif other[:1].isalpha() and _after_label(words).strip(" :-"):
            words += other
            unread = found[0].strip() if strength is None else unread
        else:
            strength, unread = None, found[0].strip()
    words = " ".join((words + name[end:]).split())
    head, rest = _HEAD.match(words), _after_label(words)
    if leveled := _after_label(name).lstrip(" .,;").startswith(("@", "(@")):
        rest = rest.lstrip(" .,;")
    labelled = head is not None and (rest[:1] in ("", *_SEPARATORS) or leveled)
    return Label(
        labelled=labelled,
        prompt=rest.removeprefix(rest[:1] if rest[:1] in _SEPARATORS else "").strip() if labelled else words,
        strength=1.0 if strength is None else strength,
        unread=unread,
        almost=head is not None and not labelled and strength is not None and head[0].endswith(" "),
    )


def name_of(strength: float) -> str:
    """The name of a new marker; a full level is not written."""
    written = rounded(strength)
    return LABEL if written == 1.0 else f"{LABEL} @{written:.2f}"


def rounded(strength: float) -> float:
    """The level that a marker's name keeps of a strength that was found."""
    return max(LEAST, round(strength, 2))


def _after_label(text: str) -> str:
    """What follows the label; all of a text that has none."""
    head = _HEAD.match(text)
    return text[head.end() :] if head else text


def _amplitude(found: re.Match[str]) -> float | None:
    """What was found, as linear amplitude; None if it is no level."""
    if found["bare"]:
        return level.amplitude(found["bare"], "dB")
    return level.amplitude(found["number"], found["unit"]) if found["number"] else None
