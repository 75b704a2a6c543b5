"""What a sentence tells besides: words, levels and names that were not understood."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.domain.clip import Clip
from bridge.host.base import MarkerView
from bridge.jobs import score
from bridge.jobs.desk import Desk

NAMED = 3
"""So many levels that are none, and names that are nearly onsets, are told in a sentence."""


def left_out(words: Iterable[str]) -> str:
    """Words of prompts that were left out."""
    words = tuple(dict.fromkeys(words))
    return f" (not understood: {', '.join(words)})" if words else ""


def unread(desk: Desk, clip: Clip, markers: Iterable[MarkerView]) -> str:
    """What to say of levels in markers' names that nobody understands, and of names that are nearly onsets; once."""
    markers = tuple(markers)
    levels = _some(desk, score.unread_levels(clip, markers))
    names = _some(desk, score.left_alone(clip, markers))
    said = f" (no level, so at full level: {levels}; write @0.5 or @-6dB)" if levels else ""
    return said + (f" (no onset for want of a colon: {names}; write 'foley: words @0.5')" if names else "")


def _some(desk: Desk, found: tuple[tuple[str, float], ...]) -> str:
    """The first few of what markers say, each with its place, without what was told before."""
    fresh = [entry for entry in (f"'{text}' at {position_s:.3f} s" for text, position_s in found) if desk.once(entry)]
    return ", ".join(fresh[:NAMED]) + (", ..." if len(fresh) > NAMED else "")
