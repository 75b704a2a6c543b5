"""Spans of a time line as pairs of integers, and which of them a change of onsets touches. Pure functions.

Convention: a span is half open, ``(start, end)`` with start < end; lists of spans are ascending and apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from bridge.domain.onsets import Onset
from bridge.domain.request import Request

Span = tuple[int, int]

BEFORE_S = 0.010
"""A changed onset's span begins this much before it."""
CLEAR_S = 0.004
"""A span ends this much before the next unchanged onset, whose attack is not touched."""
RING_S = 0.5
"""An unchanged onset this soon after a changed one is made again with it, because the changed one is heard below it."""

_Key = tuple[float, float, float, str]


def merge(spans: Iterable[Span], *, gap: int = 0) -> list[Span]:
    """Ascending spans, those that touch or lie at most ``gap`` apart joined; empty ones dropped."""
    joined: list[Span] = []
    for start, end in sorted(span for span in spans if span[0] < span[1]):
        if joined and start <= joined[-1][1] + gap:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def widen(spans: Iterable[Span], *, before: int, after: int, align: int = 1) -> list[Span]:
    """Every span grown on both sides and out to multiples of ``align``, then merged."""
    grown = ((start - before, end + after) for start, end in spans)
    return merge((start // align * align, -(-end // align) * align) for start, end in grown)


def intersect(first: Sequence[Span], second: Sequence[Span]) -> list[Span]:
    """What lies in both; each argument ascending and apart."""
    common = []
    for start, end in first:
        for other_start, other_end in second:
            if max(start, other_start) < min(end, other_end):
                common.append((max(start, other_start), min(end, other_end)))
    return common


def changed_onsets(old: Request, new: Request) -> tuple[list[Onset], list[Onset]]:
    """Onsets (old or new) that have no equal on the other side, and the unchanged ones, both ascending.

    Two onsets are equal if time, strength, force and the prompt or reference in force are; confidence makes no sound.
    """
    olds, news = Counter(_keys(old)), Counter(_keys(new))
    rest = {**_by_key(old), **_by_key(new)}
    changed = [rest[key] for key in sorted((olds - news) + (news - olds))]
    unchanged = [rest[key] for key in sorted(olds & news)]
    return changed, unchanged


def changed_spans(
    changed: Sequence[Onset], unchanged: Sequence[Onset], *, tail_s: float, length_s: float
) -> list[tuple[float, float]]:
    """The stretches of sound that must be made again, in clip time, ascending and apart.

    Each runs from just before a changed onset to where its tail is over, or to the first unchanged onset ``RING_S`` or
    more after it if that comes first; what of the tail lies below that onset stays as it was, hidden by the attack.

    Args:
        changed: onsets of the old or the new request that the other lacks.
        unchanged: onsets that both have, ascending.
        tail_s: how long a sound lasts after its onset.
        length_s: end of the time line.
    """
    spans: list[tuple[float, float]] = []
    for onset in changed:
        ends = (other.time_s - CLEAR_S for other in unchanged if other.time_s >= onset.time_s + RING_S)
        start, end = (
            max(0.0, onset.time_s - BEFORE_S),
            min(onset.time_s + tail_s, min(ends, default=length_s), length_s),
        )
        if start < end:
            spans.append((start, end))
    joined: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _keys(request: Request) -> list[_Key]:
    return [(onset.time_s, onset.strength, onset.told, repr(request.meaning_of(onset))) for onset in request.onsets]


def _by_key(request: Request) -> dict[_Key, Onset]:
    return dict(zip(_keys(request), request.onsets, strict=True))
