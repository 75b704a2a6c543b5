"""Places in what a take plays: there and back again, however the item plays it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.clip import PLACE_S, Clip, Section

enough = settings(deadline=None, max_examples=200, derandomize=True)


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    section = draw(
        st.none() | st.builds(Section, offset_s=st.just(0.5), length_s=st.floats(0.2, 3.0), reverse=st.booleans())
    )
    return Clip(
        source_path="a.mp4",
        source_length_s=draw(st.floats(0.3, 10.0)),
        position_s=draw(st.floats(0.0, 4000.0)),
        length_s=draw(st.floats(0.01, 20.0)),
        start_offset_s=draw(st.floats(-5.0, 5.0)),
        play_rate=draw(st.floats(0.25, 4.0)),
        loop=draw(st.booleans()),
        section=section,
    )


@enough
@given(clips(), st.floats(0.0, 0.999))
def test_shown_at_when_a_place_was_taken_from_the_item_then_it_is_shown_there(clip: Clip, share: float) -> None:
    project_s = clip.position_s + share * clip.length_s
    shown = clip.shown_at(clip.played_time(project_s))
    if project_s < clip.end_s - 2 * PLACE_S / clip.play_rate:
        assert np.abs(shown - project_s).min() < 1e-8
    assert (np.diff(shown) > 0).all()
    assert len(shown) <= (1 if not clip.loop else math.inf)


@enough
@given(clips(), st.floats(0.0, 0.999))
def test_shown_at_when_a_place_was_rounded_then_it_is_not_lost(clip: Clip, share: float) -> None:
    project_s = clip.position_s + share * clip.length_s
    shown = clip.shown_at(round(clip.played_time(project_s), 6))
    if project_s < clip.end_s - 2 * PLACE_S / clip.play_rate:
        assert np.abs(shown - project_s).min() < PLACE_S / clip.play_rate
    assert (shown >= clip.position_s).all()
    assert (shown < clip.end_s).all()


@enough
@given(clips(), st.integers(0, 6))
def test_played_time_when_a_loop_comes_round_then_the_same_place(clip: Clip, number: int) -> None:
    period = clip.section.length_s if clip.section else clip.source_length_s
    first = clip.played_time(clip.position_s)
    later = clip.played_time(clip.position_s + number * period / clip.play_rate)
    if clip.loop:
        assert 0.0 <= later < period
        assert min(abs(later - first), period - abs(later - first)) < 1e-8
    else:
        assert later == pytest.approx(first + number * period)


def test_played_time_when_rounding_ends_just_before_the_seam_then_the_loops_beginning() -> None:
    clip = Clip(source_path="a", source_length_s=0.7371, position_s=10.1, length_s=4.0, loop=True)
    assert [clip.played_time(10.1 + number * 0.7371) for number in range(5)] == pytest.approx([0.0] * 5, abs=1e-12)


@pytest.mark.parametrize(("place", "times"), [(0.5, [100.25]), (3.0, []), (-1.0, []), (0.0, [100.0])])
def test_shown_at_when_an_item_plays_double_speed_then_places_by_hand(place: float, times: list[float]) -> None:
    clip = Clip(source_path="a", source_length_s=9.0, position_s=100.0, length_s=1.0, play_rate=2.0)
    assert clip.shown_at(place).tolist() == times
