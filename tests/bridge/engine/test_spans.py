"""Span arithmetic, by properties over the set of integers that spans cover."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.spans import changed_onsets, changed_spans, intersect, merge, widen

SPAN = st.tuples(st.integers(-50, 200), st.integers(-50, 200))
SPANS = st.lists(SPAN, max_size=8)
TIMES = st.lists(st.integers(0, 400), unique=True, max_size=8).map(lambda ms: [m / 40 for m in sorted(ms)])


def covered(spans) -> set[int]:
    return {i for start, end in spans for i in range(start, end)}


def tidy(spans) -> bool:
    return all(start < end for start, end in spans) and all(a[1] < b[0] for a, b in itertools.pairwise(spans))


@given(SPANS)
def test_merge_covers_the_same_and_is_ascending_and_apart(spans) -> None:
    assert covered(merge(spans)) == covered(spans)
    assert tidy(merge(spans))


@given(SPANS, SPANS)
def test_intersect_covers_what_both_cover(first, second) -> None:
    first, second = merge(first), merge(second)
    assert covered(intersect(first, second)) == covered(first) & covered(second)


@given(SPANS, st.integers(0, 20), st.integers(0, 20), st.sampled_from([1, 16]))
def test_widen_covers_more_on_both_sides_and_ends_on_the_grid(spans, before, after, align) -> None:
    wide = widen(merge(spans), before=before, after=after, align=align)
    assert tidy(wide)
    assert all(start % align == 0 and end % align == 0 for start, end in wide)
    needed = {j for start, end in merge(spans) for j in range(start - before, end + after)}
    assert needed <= covered(wide)
    assert len(covered(wide)) <= len(needed) + 2 * align * len(spans)


def onsets(times) -> list[Onset]:
    return [Onset(time_s=time) for time in times]


@given(TIMES, TIMES, st.floats(0.05, 3.0))
def test_changed_spans_hold_every_changed_onset_and_no_attack_of_an_unchanged_one(changed, unchanged, tail_s) -> None:
    unchanged = [time for time in unchanged if time not in changed]
    spans = changed_spans(onsets(changed), onsets(unchanged), tail_s=tail_s, length_s=9.0)
    assert all(0.0 <= start < end <= 9.0 for start, end in spans)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(spans))
    for time in changed:
        assert time >= 9.0 or any(start <= time < end for start, end in spans)
    for time in unchanged:
        if all(abs(time - other) > 0.05 for other in changed):
            inside = [span for span in spans if span[0] < time < span[1]]
            assert not inside or min(changed) < time


def test_changed_spans_when_an_onset_follows_while_the_changed_one_rings_cover_it_and_end_before_a_later_one() -> None:
    spans = changed_spans(onsets([1.0]), onsets([0.5, 1.3, 1.6, 2.0]), tail_s=2.5, length_s=5.0)
    assert spans == [(0.99, 1.596)]


def test_changed_spans_when_nothing_follows_last_as_long_as_the_tail() -> None:
    assert changed_spans(onsets([1.0]), onsets([0.5]), tail_s=2.5, length_s=5.0) == [(0.99, 3.5)]
    assert changed_spans(onsets([4.0]), onsets([0.5]), tail_s=2.5, length_s=5.0) == [(3.99, 5.0)]


REQUEST = Request(
    length_samples=48000,
    rate_hz=48000,
    onsets=(Onset(time_s=0.1), Onset(time_s=0.5, prompt="metal"), Onset(time_s=0.9)),
    prompt="wood",
)


def test_changed_onsets_when_one_moves_are_its_old_and_new_place() -> None:
    moved = replace(REQUEST, onsets=(REQUEST.onsets[0], Onset(time_s=0.6, prompt="metal"), REQUEST.onsets[2]))
    changed, unchanged = changed_onsets(REQUEST, moved)
    assert [onset.time_s for onset in changed] == [0.5, 0.6]
    assert [onset.time_s for onset in unchanged] == [0.1, 0.9]


def test_changed_onsets_when_the_prompt_changes_leave_those_with_words_of_their_own() -> None:
    changed, unchanged = changed_onsets(REQUEST, replace(REQUEST, prompt="glass"))
    assert [onset.time_s for onset in changed] == [0.1, 0.1, 0.9, 0.9]
    assert [onset.time_s for onset in unchanged] == [0.5]


def test_changed_onsets_when_only_confidence_differs_are_none() -> None:
    sure = replace(REQUEST, onsets=tuple(replace(onset, confidence=0.3) for onset in REQUEST.onsets))
    assert changed_onsets(REQUEST, sure)[0] == []
