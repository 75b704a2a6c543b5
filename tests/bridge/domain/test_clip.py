"""The time map, against examples worked out by hand and against properties over everything an item can be."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.domain.clip import EDGE_S, Clip, Section, samples_of
from bridge.errors import RequestError

enough = settings(deadline=None, max_examples=150, derandomize=True)


def clip(**changes: Any) -> Clip:
    values: dict[str, Any] = {
        "source_path": "/v/stick.mp4",
        "source_length_s": 10.0,
        "position_s": 100.0,
        "length_s": 4.0,
    }
    return Clip(**(values | changes))


# --- by hand ---------------------------------------------------------------------------------------------------------


def test_to_source_when_trimmed_and_sped_up_then_start_offset_and_play_rate_apply():
    item = clip(start_offset_s=1.5, play_rate=2.0)
    assert item.to_source([100.0, 101.0, 103.5]).tolist() == [1.5, 3.5, 8.5]


def test_to_source_when_outside_the_item_then_nothing_is_shown():
    shown = clip().to_source([99.999, 100.0, 103.999, 104.0])
    assert np.isnan(shown).tolist() == [True, False, False, True]


def test_to_source_when_item_is_longer_than_its_source_then_nothing_past_the_end_unless_it_loops():
    item = clip(length_s=25.0)
    assert np.isnan(item.to_source(110.0))
    assert clip(length_s=25.0, loop=True).to_source([110.0, 112.5, 121.0]).tolist() == [0.0, 2.5, 1.0]


def test_to_source_when_start_offset_is_negative_then_nothing_before_the_beginning():
    item = clip(start_offset_s=-1.0)
    assert np.isnan(item.to_source(100.5))
    assert item.to_source(101.5) == pytest.approx(0.5)
    assert clip(start_offset_s=-1.0, loop=True).to_source(100.5) == pytest.approx(9.5)


def test_to_source_when_reversed_section_then_counts_back_from_its_end():
    item = clip(section=Section(offset_s=2.0, length_s=5.0, reverse=True), start_offset_s=1.0)
    assert item.to_source([100.0, 101.0]).tolist() == [6.0, 5.0]


def test_to_source_when_section_loops_then_repeats_the_section_only():
    item = clip(section=Section(offset_s=2.0, length_s=1.5), loop=True)
    assert item.to_source([100.0, 101.4, 101.5, 103.0]).tolist() == pytest.approx([2.0, 3.4, 2.0, 2.0])


def test_to_source_when_section_reaches_past_the_file_then_nothing_there():
    item = clip(section=Section(offset_s=8.0, length_s=4.0))
    assert item.to_source(101.0) == 9.0
    assert np.isnan(item.to_source(102.5))


def test_to_project_when_looped_then_every_pass_is_given_ascending():
    item = clip(source_length_s=2.0, length_s=7.0, start_offset_s=0.5, loop=True)
    assert item.to_project([0.25, 1.0]).tolist() == [100.5, 101.75, 102.5, 103.75, 104.5, 105.75, 106.5]


def test_to_project_when_the_instant_is_trimmed_away_then_none():
    assert clip(start_offset_s=1.0).to_project([0.5, 5.0, 9.0, np.nan]).size == 0


def test_to_project_when_an_item_was_split_then_each_instant_belongs_to_exactly_one_half():
    whole = clip(position_s=0.1, start_offset_s=0.3, play_rate=1.1)
    for cut in np.linspace(0.2, 4.0, 50):
        left, right = whole.sub(0.0, cut), whole.sub(cut, 99.0)
        on_the_cut = whole.to_source(cut)
        assert left.to_project(on_the_cut).size + right.to_project(on_the_cut).size == 1


def test_spans_when_shown_twice_then_merged():
    item = clip(source_length_s=4.0, length_s=3.0, start_offset_s=2.5, loop=True)
    assert item.spans() == ((0.0, 1.5), (2.5, 4.0))
    assert clip(source_length_s=4.0, length_s=300.0, start_offset_s=2.5, loop=True).spans() == ((0.0, 4.0),)


def test_spans_when_reversed_then_ascending_source_time():
    item = clip(section=Section(offset_s=2.0, length_s=5.0, reverse=True), start_offset_s=1.0)
    assert item.spans() == ((2.0, 6.0),)


def test_spans_when_trimmed_past_the_end_then_empty():
    assert clip(start_offset_s=11.0).spans() == ()


def test_sub_when_range_is_wider_than_the_item_then_the_item():
    assert clip().sub(0.0, 1000.0) == clip()


def test_sub_when_range_misses_the_item_then_error_names_both():
    with pytest.raises(
        RequestError, match=r'"stick.mp4" lies at 100.000 to 104.000 s .* 90.000 to 100.000 s'
    ) as caught:
        clip().sub(90.0, 100.0)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("length_s", "rate_hz", "samples"),
    [(1.0, 44100, 44100), (0.1, 44100, 4410), (1 / 3, 48000, 16000), (1.5 / 48000, 48000, 2), (0.4 / 48000, 48000, 0)],
)
def test_length_samples_when_between_samples_then_halves_go_up(length_s, rate_hz, samples):
    assert clip(length_s=length_s).length_samples(rate_hz) == samples


@pytest.mark.parametrize("change", ["play_rate", "length_s", "source_length_s"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.nan, math.inf])
def test_clip_when_a_value_makes_no_sense_then_error_names_the_item(change, value):
    with pytest.raises(RequestError, match='"my video"') as caught:
        clip(name="my video", **{change: value})
    assert caught.value.hint


@pytest.mark.parametrize("section", [Section(offset_s=math.nan, length_s=1.0), Section(offset_s=0.0, length_s=0.0)])
def test_clip_when_the_section_makes_no_sense_then_error(section):
    with pytest.raises(RequestError, match="section's"):
        clip(section=section)


def test_clip_when_it_has_stretch_markers_then_refused_with_the_way_out():
    with pytest.raises(RequestError, match=r'"stick.mp4" has 3 stretch markers') as caught:
        clip(stretch_markers=3)
    assert "glue" in caught.value.hint


def test_clip_when_it_loops_almost_nothing_then_refused():
    with pytest.raises(RequestError, match="too short"):
        clip(loop=True, section=Section(offset_s=0.0, length_s=1e-6))


# --- over everything an item can be ----------------------------------------------------------------------------------

positions = st.one_of(st.sampled_from([0.0, 1.0, 3600.0]), st.floats(-10.0, 20_000.0))
rates = st.one_of(st.sampled_from([0.25, 0.5, 1.0, 2.0, 24 / 23.976, 4.0]), st.floats(0.1, 8.0))
lengths = st.one_of(st.sampled_from([0.04, 1.0, 10.0]), st.floats(0.05, 600.0))


@st.composite
def clips(draw: st.DrawFn) -> Clip:
    source = draw(lengths)
    section = None
    if draw(st.booleans()):
        section = Section(
            offset_s=draw(st.floats(-0.5, 1.0)) * source,
            length_s=draw(st.floats(0.05, 1.5)) * source,
            reverse=draw(st.booleans()),
        )
    return Clip(
        source_path="a.mp4",
        source_length_s=source,
        position_s=draw(positions),
        length_s=draw(lengths),
        start_offset_s=draw(st.one_of(st.just(0.0), st.floats(-20.0, 700.0))),
        play_rate=draw(rates),
        loop=draw(st.booleans()),
        section=section,
    )


def exact_source(item: Clip, t: float) -> Fraction | None:
    """REAPER's rule in exact arithmetic; None where nothing is shown."""
    section = item.section or Section(offset_s=0.0, length_s=item.source_length_s)
    position, period = Fraction(item.position_s), Fraction(section.length_s)
    place = Fraction(item.start_offset_s) + (Fraction(t) - position) * Fraction(item.play_rate)
    if item.loop:
        place %= period
    if not (position <= Fraction(t) < position + Fraction(item.length_s) and 0 <= place < period):
        return None
    offset = Fraction(section.offset_s)
    source = offset + period - place if section.reverse else offset + place
    inside = 0 < source <= item.source_length_s if section.reverse else 0 <= source < item.source_length_s
    return source if inside else None


def near_an_edge(item: Clip, t: float) -> bool:
    """Whether the half-open rule's last nanoseconds decide at this project time."""
    seams = {0.0, item.source_length_s}
    if item.section:
        seams |= {item.section.offset_s, item.section.offset_s + item.section.length_s}
    exact = [exact_source(item, moved) for moved in (t - 1e-7, t, t + 1e-7)]
    return any(source is None for source in exact) or any(
        abs(float(source) - seam) < 1e-6 for source in exact if source is not None for seam in seams
    )


times_in_clip = st.floats(-0.1, 1.1)


@enough
@given(clips(), st.lists(times_in_clip, min_size=1, max_size=20))
def test_to_source_when_compared_with_exact_arithmetic_then_equal(item, places):
    times = [item.position_s + place * item.length_s for place in places]
    for t, source in zip(times, item.to_source(times), strict=True):
        expected = exact_source(item, t)
        neighbours = [exact_source(item, t - 1e-7), exact_source(item, t + 1e-7)]
        if (expected is None) != np.isnan(source):
            assert None in [expected, *neighbours], "disagrees away from every edge"
        elif expected is not None and not near_an_edge(item, t):
            assert source == pytest.approx(float(expected), rel=1e-9, abs=1e-8)


@enough
@given(clips(), st.lists(st.floats(0.0, 1.0, exclude_max=True), min_size=1, max_size=20))
def test_time_map_when_there_and_back_from_the_project_then_identity(item, places):
    times = np.array([item.position_s + place * item.length_s for place in places])
    times = times[times < item.end_s - 10 * EDGE_S]
    for t, source in zip(times, item.to_source(times), strict=True):
        if np.isnan(source) or (not item.loop and near_an_edge(item, t)):
            continue
        back = item.to_project(source)
        assert back.size, f"{source} was shown at {t} but is said not to be shown"
        assert np.min(np.abs(back - t)) <= 1e-8 + 1e-9 * abs(t)


@enough
@given(clips(), st.lists(st.floats(-0.2, 1.2), min_size=1, max_size=20))
def test_time_map_when_there_and_back_from_the_source_then_identity(item, places):
    for source in (place * item.source_length_s for place in places):
        back = item.to_project(source)
        assert np.all(np.diff(back) > 0)
        assert np.all((back >= item.position_s) & (back < item.end_s))
        again = item.to_source(back)
        bound = 1e-7 * max(1.0, item.play_rate)
        section = item.section or Section(offset_s=0.0, length_s=item.source_length_s)
        seam = item.loop and abs(abs(source - section.offset_s - section.length_s / 2) - section.length_s / 2) < 1e-6
        near = [
            abs(value - source) <= bound or seam or near_an_edge(item, t) for t, value in zip(back, again, strict=True)
        ]
        assert all(near)


@enough
@given(clips())
def test_to_project_when_looped_then_gives_exactly_as_many_times_as_the_item_passes(item):
    assume(item.loop)
    section = item.section or Section(offset_s=0.0, length_s=item.source_length_s)
    source = section.offset_s + 0.37 * section.length_s
    assume(0.01 < source < item.source_length_s - 0.01)
    fine = np.arange(0, item.length_s, section.length_s / item.play_rate / 50)
    assume(len(fine) < 20_000)
    shown = item.to_source(item.position_s + fine)
    side = np.sign(source - shown)
    crossings = np.count_nonzero((side[1:] * side[:-1] < 0) & (np.abs(np.diff(shown)) < section.length_s / 2))
    assert abs(item.to_project(source).size - crossings) <= 1


@enough
@given(clips(), st.lists(st.floats(0.0, 1.0), min_size=50, max_size=50))
def test_spans_when_compared_with_what_is_shown_then_cover_exactly_that(item, places):
    spans = item.spans()
    assert all(0.0 <= left < right <= item.source_length_s for left, right in spans)
    assert all(a[1] < b[0] for a, b in pairwise(spans))
    shown = item.to_source([item.position_s + place * item.length_s for place in places])
    for source in shown[~np.isnan(shown)]:
        assert any(left - 1e-7 <= source <= right + 1e-7 for left, right in spans)
    for left, right in spans:
        for inside in (left + 0.01 * (right - left), (left + right) / 2, right - 0.01 * (right - left)):
            assert item.to_project(inside).size, f"{inside} is in {spans} but nowhere in the item"


@enough
@given(lengths, st.sampled_from([44_100, 48_000, 96_000]))
def test_length_samples_when_any_length_then_within_half_a_sample(length_s, rate_hz):
    item = clip(length_s=length_s)
    assert abs(item.length_samples(rate_hz) - Fraction(length_s) * rate_hz) <= Fraction(1, 2) + Fraction(2, 10**6)


@enough
@given(st.integers(1, 60 * 96_000), st.sampled_from([44_100, 48_000, 96_000]))
def test_length_samples_when_the_item_is_whole_samples_long_then_exact(samples, rate_hz):
    assert clip(length_s=samples / rate_hz).length_samples(rate_hz) == samples
    assert samples_of(float(f"{samples / rate_hz:.14f}"), rate_hz) == samples, "as REAPER writes it in a project file"


@enough
@given(clips(), st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_sub_when_cut_out_then_shows_the_same_as_the_item_did(item, left, right, place):
    start, end = sorted((item.position_s + left * item.length_s, item.position_s + right * item.length_s))
    assume(end - start > 1e-6)
    part = item.sub(start, end)
    t = start + place * (end - start) * 0.999
    assume(not near_an_edge(item, t))
    assert part.to_source(t) == pytest.approx(float(item.to_source(t)), rel=1e-9, abs=1e-7)
    assert part.position_s == start
    assert part.end_s == pytest.approx(end, abs=1e-9)
    assert part.clip_time(start) == 0.0
    assert part.project_time(part.clip_time(t)) == pytest.approx(t, abs=1e-9)
