"""What was seen in the picture is kept in the project as text, at places that stay right when the item is trimmed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.errors import RequestError
from bridge.jobs import seen
from bridge.jobs.seen import Seen

enough = settings(deadline=None, max_examples=100, derandomize=True)
shares = st.floats(0.0, 1.0)
entries = st.builds(
    Seen,
    threshold=shares,
    peaks=st.dictionaries(st.floats(0.0, 4000.0), st.tuples(shares, shares), max_size=8),
    written=st.frozensets(st.floats(0.0, 4000.0), max_size=5),
)


def clip(**fields) -> Clip:
    return Clip(**{"source_path": "a.mp4", "source_length_s": 4.0, "position_s": 10.0, "length_s": 3.0, **fields})


@enough
@given(st.dictionaries(st.text(min_size=1, max_size=5), entries, max_size=4))
def test_load_when_stored_then_the_same(known: dict[str, Seen]) -> None:
    text = seen.store(known)
    assert seen.load(text) == known
    assert "\n" not in text


def test_load_when_nothing_is_remembered_then_nothing() -> None:
    assert seen.load("") == {}


@pytest.mark.parametrize("text", ["{", "[1]", '{"a": 3}', '{"a": {"threshold": 0.5}}', '{"a": null}'])
def test_load_when_it_is_none_of_ours_then_a_sentence(text: str) -> None:
    with pytest.raises(RequestError, match="Find onsets"):
        seen.load(text)


def test_store_when_there_are_too_many_items_then_the_oldest_go() -> None:
    known = {f"{n}": Seen(threshold=0.5) for n in range(seen.MOST_ITEMS + 3)}
    assert list(seen.load(seen.store(known))) == [f"{n}" for n in range(3, seen.MOST_ITEMS + 3)]


def test_renewed_when_there_are_too_many_peaks_then_the_surest_stay() -> None:
    peaks = [Onset(time_s=n * 1e-4, confidence=0.1 + 0.8 * n / 7000) for n in range(7000)]
    kept = Seen(threshold=0.5).renewed(clip(), peaks, 0.0, 3.0, 0.5).peaks
    assert len(kept) == seen.MOST_PEAKS
    assert min(kept) == pytest.approx(0.1)


def test_renewed_when_a_peak_is_nothing_then_it_is_left_out() -> None:
    peaks = [Onset(time_s=1.0, confidence=0.01), Onset(time_s=2.0, confidence=0.03)]
    assert list(Seen(threshold=0.5).renewed(clip(), peaks, 0.0, 3.0, 0.4).peaks) == [2.0]


def test_renewed_when_a_part_is_looked_at_anew_then_the_rest_stays_and_what_was_written_there_is_forgotten() -> None:
    old = Seen(threshold=0.5, peaks={0.5: (0.9, 1.0), 1.5: (0.9, 1.0)}, written=frozenset({0.5, 1.5}))
    new = old.renewed(clip(), [Onset(time_s=1.25, confidence=0.7)], 1.0, 2.0, 0.6)
    assert (set(new.peaks), new.written, new.threshold) == ({0.5, 1.25}, {0.5}, 0.6)


def test_onsets_when_the_item_is_trimmed_then_the_peaks_stand_at_the_same_pictures() -> None:
    one = Seen(threshold=0.5, peaks={0.5: (0.9, 0.7), 2.5: (0.8, 1.0)})
    trimmed = clip(start_offset_s=2.0, length_s=1.0, position_s=12.0)
    (name,), (onset,) = one.onsets(trimmed, 0.0, 1.0), one.onsets(trimmed, 0.0, 1.0).values()
    assert (seen.place_of(name), onset.time_s, onset.confidence, onset.strength) == (2.5, 0.5, 0.8, 1.0)


@pytest.mark.parametrize("name", ["", "x", "/2"])
def test_place_of_when_an_origin_is_of_another_kind_then_no_place(name: str) -> None:
    assert seen.place_of(name) != seen.place_of(name)


@enough
@given(
    st.floats(0.0, 100.0),
    st.floats(0.05, 5.0),
    st.floats(0.25, 4.0),
    st.booleans(),
    st.lists(st.floats(0.0, 0.999), min_size=1, max_size=6),
)
def test_onsets_when_peaks_were_kept_then_each_comes_back_where_it_was(
    offset_s: float, length_s: float, rate: float, loop: bool, shares_of_item: list[float]
) -> None:
    item = clip(start_offset_s=offset_s, length_s=length_s, play_rate=rate, loop=loop, source_length_s=1.37)
    times = sorted({round(share * length_s, 3) for share in shares_of_item})
    peaks = [Onset(time_s=time_s, confidence=0.9) for time_s in times if time_s < length_s - 1e-5]
    one = Seen(threshold=0.5).renewed(item, peaks, 0.0, length_s, 0.5)
    back = [onset.time_s for onset in one.onsets(item, 0.0, length_s).values()]
    for peak in peaks:
        assert min(abs(time_s - peak.time_s) for time_s in back) < 2e-6 / min(rate, 1.0)
