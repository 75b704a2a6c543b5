"""Pattern files (``.ReaperOSC``): which OSC address stands for what in REAPER.

Convention: a line is ``NAME pattern pattern ...``; a pattern is a flag (n normalised, f number, b on/off, t trigger,
r rotary, s text, i integer) and an address, in which ``@`` stands for a number or for the name of an action. A file in
which one pattern is wrong counts for nothing: the built-in patterns are used. Names that are not known are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

FLAGS = "nfbtrsi"
LONGEST_PATTERN = 512
EXTENSION = ".ReaperOSC"
_FOLLOWS = ("REAPER", "DEVICE", "LAST_TOUCHED", "FOCUSED", "MIXER")

BUILT_IN = """
DEVICE_MARKER_COUNT 0
DEVICE_REGION_COUNT 0
TIME f/time s/time/str
BEAT s/beat/str
SAMPLES f/samples s/samples/str
FRAMES s/frames/str
RECORD t/record
STOP t/stop
PLAY t/play
PAUSE t/pause
REPEAT t/repeat
METRONOME t/click
REWIND b/rewind
FORWARD b/forward
SCRUB r/scrub
PLAY_RATE f/playrate/raw n/playrate r/playrate/rotary s/playrate/str
TEMPO f/tempo/raw n/tempo r/tempo/rotary s/tempo/str
MARKER_NAME s/marker/@/name
MARKER_NUMBER s/marker/@/number/str
MARKER_TIME f/marker/@/time
REGION_NAME s/region/@/name
REGION_NUMBER s/region/@/number/str
REGION_TIME f/region/@/time
REGION_LENGTH f/region/@/length
LAST_MARKER_NAME s/lastmarker/name
LAST_MARKER_NUMBER s/lastmarker/number/str
LAST_MARKER_TIME f/lastmarker/time
LAST_REGION_NAME s/lastregion/name
LAST_REGION_NUMBER s/lastregion/number/str
LAST_REGION_TIME f/lastregion/time
LAST_REGION_LENGTH f/lastregion/length
MARKERID_NAME s/marker_id/@/name
MARKERID_NUMBER f/marker_id/@/number
MARKERID_TIME f/marker_id/@/time
REGIONID_NAME s/region_id/@/name
REGIONID_NUMBER f/region_id/@/number
REGIONID_TIME f/region_id/@/time
REGIONID_LENGTH f/region_id/@/length
LOOP_START_TIME f/loop/start/time
LOOP_END_TIME f/loop/end/time
GOTO_MARKER i/marker t/marker/@
GOTO_REGION i/region t/region/@
DEVICE_MARKER_COUNT i/device/marker/count t/device/marker/count/@
DEVICE_REGION_COUNT i/device/region/count t/device/region/count/@
DEVICE_MARKER_BANK_SELECT i/device/marker/bank/select t/device/marker/bank/select/@
DEVICE_REGION_BANK_SELECT i/device/region/bank/select t/device/region/bank/select/@
DEVICE_PREV_MARKER_BANK t/device/marker/bank/-
DEVICE_NEXT_MARKER_BANK t/device/marker/bank/+
DEVICE_PREV_REGION_BANK t/device/region/bank/-
DEVICE_NEXT_REGION_BANK t/device/region/bank/+
ACTION i/action s/action/str t/action/@ f/action/@/cc
ACTION_SOFT f/action/@/cc/soft
ACTION_RELATIVE f/action/@/cc/relative
"""
"""What concerns us of REAPER's own patterns; tracks, sends, effects and MIDI are left out. Counts of 0 are REAPER's."""


class PatternError(ValueError):
    """A line that REAPER refuses, and with it the file."""


@dataclass(frozen=True)
class Pattern:
    """One address of a name. ``wildcards``: how many ``@`` it has."""

    name: str
    flag: str
    address: str
    expression: re.Pattern[str]

    @property
    def wildcards(self) -> int:
        """How many numbers its addresses carry."""
        return self.address.count("@")

    def filled(self, numbers: Sequence[int]) -> str:
        """The address with these numbers."""
        text = self.address
        for number in numbers:
            text = text.replace("@", str(number), 1)
        return text


@dataclass(frozen=True)
class Match:
    """What an address means: a pattern, and what stood for its ``@`` (several, when they were listed with commas)."""

    pattern: Pattern
    numbers: tuple[str, ...]


@dataclass
class Patterns:
    """The patterns of one surface. ``counts``: bank sizes, e.g. ``MARKER``; ``unknown``: names that were left out."""

    by_name: dict[str, list[Pattern]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def wants(self, prefix: str) -> bool:
        """Whether a name that begins so has an address."""
        return any(name.startswith(prefix) for name in self.by_name)

    def of(self, name: str) -> list[Pattern]:
        """The patterns of a name; none if the file has no line for it."""
        return self.by_name.get(name, [])

    def find(self, address: str) -> Match | None:
        """What an incoming address means; None if nothing. Plain addresses come before those with ``@``."""
        every = [pattern for patterns in self.by_name.values() for pattern in patterns]
        for pattern in sorted(every, key=lambda pattern: pattern.wildcards):
            found = pattern.expression.fullmatch(address)
            if found is not None:
                return Match(pattern, tuple(part for group in found.groups() for part in group.split(",")))
        return None


def parse(text: str) -> Patterns:
    """The patterns in a file's text.

    Raises:
        PatternError: a pattern with an unknown flag, without an address or of more than 512 characters.
    """
    known = {line.split()[0] for line in BUILT_IN.splitlines() if line}
    patterns = Patterns()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if len(words) < 2 or words[0].startswith("#"):
            continue
        name, words = words[0], words[1:]
        if name not in known:
            patterns.unknown.append(name)
            continue
        if _is_setting(name, words[0]):
            if name.endswith("_COUNT") and int(words[0]) > 0:
                patterns.counts[name.removesuffix("_COUNT").split("_", 1)[1]] = int(words[0])
            words = words[1:]
        found = [_pattern(name, word, number) for word in words]
        if found:
            patterns.by_name.setdefault(name, []).extend(found)
    return patterns


def _is_setting(name: str, word: str) -> bool:
    if not name.startswith(("DEVICE_", "REAPER_")):
        return False
    return (name.endswith("_COUNT") and word.isdigit()) or (name.endswith("_FOLLOWS") and word in _FOLLOWS)


def _pattern(name: str, word: str, line: int) -> Pattern:
    if word[0] not in FLAGS:
        raise PatternError(f"line {line}: {word!r} begins with the unknown flag {word[0]!r}")
    if word[1:2] != "/":
        raise PatternError(f"line {line}: the address of {word!r} does not begin with a slash")
    if len(word) > LONGEST_PATTERN:
        raise PatternError(f"line {line}: a pattern of {len(word)} characters")
    one = r"(?:\d+|_\w+)"
    expression = re.escape(word[1:]).replace("@", f"({one}(?:,{one})*)")
    return Pattern(name, word[0], word[1:], re.compile(expression))


def load(resource: Path, name: str) -> tuple[Patterns, str]:
    """The patterns of ``<resource>/OSC/NAME.ReaperOSC``, and why they are not in force ("" if they are)."""
    if not name:
        return parse(BUILT_IN), ""
    path = resource / "OSC" / Path(name).name
    if path.suffix.lower() != EXTENSION.lower():
        path = path.with_name(path.name + EXTENSION)
    try:
        patterns = parse(path.read_text("utf-8"))
    except (OSError, PatternError) as error:
        return parse(BUILT_IN), f"{path.name}: {error}"
    if not patterns.by_name and not patterns.counts:
        return parse(BUILT_IN), f"{path.name}: no known line"
    return patterns, ""
