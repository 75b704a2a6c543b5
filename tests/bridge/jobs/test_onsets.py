"""Onsets after the fact: what was seen is kept, the threshold moves, and the designer's own edits stay."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.domain.clip import Clip
from bridge.host.base import TakeMarkerView
from bridge.jobs import seen
from tests.bridge.jobs.table import Table

PEAKS = (
    (0.2, 0.95, 1.0),
    (0.4, 0.30, 0.5),
    (0.6, 0.90, 0.62),
    (0.8, 0.40, 1.0),
    (1.0, 0.85, 1.0),
    (1.2, 0.20, 1.0),
    (1.6, 0.80, 1.0),
)


@pytest.fixture(params=["project", "take"])
def table(tmp_path: Path, request: pytest.FixtureRequest) -> Table:
    """Seven peaks of which four are sure, in an item from 10 to 12 s; markers of the project or of the take."""
    table = Table(tmp_path)
    table.engine.sees = PEAKS
    table.wish(take_markers=request.param == "take")
    return table


def in_take(table: Table) -> bool:
    return table.desk.wishes.take_markers


def score(table: Table) -> dict[float, str]:
    """{place in the film: name} of the score's markers."""
    (item,) = table.host.view.items
    if in_take(table):
        return {round(marker.played_s, 4): marker.name for marker in item.take_markers}
    at_s = item.position_s - item.start_offset_s
    return {round(marker.position_s - at_s, 4): marker.name for marker in table.host.view.markers}


def edit(table: Table, place: float, *, to: float | None = None, name: str | None = None) -> None:
    """Moves or renames a marker as a designer does; without a place or a name it is deleted."""
    (item,) = table.host.view.items

    def edited(markers, where: str, left: float):
        found = []
        for marker in markers:
            if abs(getattr(marker, where) - left - place) < 1e-5:
                if to is None and name is None:
                    continue
                at = getattr(marker, where) if to is None else left + to
                marker = replace(marker, **{where: at, "name": marker.name if name is None else name})
            found.append(marker)
        return tuple(sorted(found, key=lambda marker: getattr(marker, where)))

    if in_take(table):
        table.change(items=(replace(item, take_markers=edited(item.take_markers, "played_s", 0.0)),))
    else:
        left = item.position_s - item.start_offset_s
        table.change(markers=edited(table.host.view.markers, "position_s", left))


SURE = {0.2: "foley", 0.6: "foley @0.62", 1.0: "foley", 1.6: "foley"}


def test_detect_when_pressed_then_the_sure_peaks_are_markers_and_the_others_are_remembered(table: Table) -> None:
    assert "4 onsets found" in table.press("detect")
    assert score(table) == SURE
    assert len(seen.load(table.host.view.score)["{video}"].peaks) == 7
    if in_take(table):
        assert table.host.view.markers == ()
        assert all(marker.ours for marker in table.host.view.items[0].take_markers)


def test_more_when_pressed_then_the_next_surest_peaks_join_without_looking_again(table: Table) -> None:
    table.press("detect")
    assert table.press("more") == "5 onsets in 'clip.mp4', 1 more (threshold 0.40)."
    assert score(table) == {**SURE, 0.8: "foley"}
    table.press("more")
    assert score(table) == {**SURE, 0.8: "foley", 0.4: "foley @0.50"}
    table.press("more")
    assert len(score(table)) == 7
    before = table.host.view
    assert "every peak that was seen is an onset" in table.press("more")
    assert (table.host.view, table.engine.looked) == (before, 1)
    assert table.host.undo_steps == ["Foley: find onsets", *["Foley: more onsets"] * 3]


def test_fewer_when_pressed_then_the_least_sure_go_until_one_is_left(table: Table) -> None:
    table.press("detect")
    assert "3 onsets in 'clip.mp4', 1 fewer" in table.press("fewer")
    assert score(table) == {0.2: "foley", 0.6: "foley @0.62", 1.0: "foley"}
    table.press("fewer")
    table.press("fewer")
    assert score(table) == {0.2: "foley"}
    assert "less sure than another" in table.press("fewer")
    table.press("more")
    assert score(table) == {0.2: "foley", 0.6: "foley @0.62"}
    assert table.engine.looked == 1


def test_more_when_there_are_many_then_a_press_takes_a_share_of_them(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.engine.sees = tuple((0.02 * n, 0.9 if n < 40 else 0.4 - n / 1000, 1.0) for n in range(90))
    table.press("detect")
    assert "46 onsets" in table.press("more")
    assert "40 onsets" in table.press("fewer")


def test_more_and_fewer_when_a_marker_was_moved_or_renamed_then_it_stays_and_is_not_doubled(table: Table) -> None:
    table.press("detect")
    edit(table, 1.6, name="foley: metal")
    if not in_take(table):
        edit(table, 1.0, to=1.05)
    for _ in range(3):
        table.press("fewer")
    kept = {0.2: "foley", 1.6: "foley: metal"}
    assert score(table) == (kept if in_take(table) else {**kept, 1.05: "foley"})
    for _ in range(6):
        table.press("more")
    again = {0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.6}
    assert set(score(table)) == (again if in_take(table) else again - {1.0} | {1.05})
    assert score(table)[1.6] == "foley: metal"


def test_more_when_a_marker_was_moved_then_its_old_place_stays_empty(table: Table) -> None:
    table.press("detect")
    edit(table, 1.0, to=1.05)
    table.press("more")
    assert set(score(table)) == {0.2, 0.6, 0.8, 1.05, 1.6}


def test_more_when_a_marker_was_deleted_then_it_does_not_come_back(table: Table) -> None:
    table.press("detect")
    edit(table, 0.6)
    edit(table, 1.0)
    table.press("more")
    assert set(score(table)) == {0.2, 0.8, 1.6}
    edit(table, 0.8)
    table.press("more")
    assert set(score(table)) == {0.2, 0.4, 1.6}
    table.press("detect")
    assert score(table) == SURE


def test_more_when_a_deleted_one_is_below_the_threshold_in_between_then_it_does_not_come_back(table: Table) -> None:
    table.press("detect")
    edit(table, 1.6)
    table.press("fewer")
    table.press("more")
    assert set(score(table)) == {0.2, 0.6, 1.0}


def test_more_when_the_designer_marked_the_very_place_then_it_is_not_doubled(table: Table) -> None:
    table.press("detect")
    if in_take(table):
        (item,) = table.host.view.items
        own = TakeMarkerView(played_s=0.8, name="foley: wood")
        table.change(items=(replace(item, take_markers=(*item.take_markers, own)),))
    else:
        known = table.host.view.markers
        table.mark((10.8, "foley: wood"))
        table.change(markers=tuple(sorted((*known, *table.host.view.markers), key=lambda m: m.position_s)))
    table.press("more")
    assert score(table) == {**SURE, 0.8: "foley: wood"}
    table.press("fewer")
    assert score(table)[0.8] == "foley: wood"


def test_more_when_the_item_was_moved_with_its_markers_then_it_goes_on(table: Table) -> None:
    table.press("detect")
    (item,) = table.host.view.items
    table.change(
        items=(replace(item, position_s=30.0),),
        markers=tuple(replace(marker, position_s=marker.position_s + 20) for marker in table.host.view.markers),
    )
    table.press("more")
    assert score(table) == {**SURE, 0.8: "foley"}
    table.press("fewer")
    table.press("fewer")
    assert set(score(table)) == {0.2, 0.6, 1.0}


def test_more_when_the_items_edges_were_trimmed_then_what_it_shows_counts(table: Table) -> None:
    table.press("detect")
    (item,) = table.host.view.items
    table.change(items=(replace(item, position_s=10.5, start_offset_s=0.5, length_s=0.6),))
    assert "3 onsets" in table.press("more")
    assert score(table) == {**SURE, 0.8: "foley"}
    assert "every peak" in table.press("more")
    table.press("fewer")
    table.press("fewer")
    assert score(table) == {0.2: "foley", 0.6: "foley @0.62", 1.6: "foley"}


def test_more_when_the_item_plays_at_another_rate_then_places_still_fit(table: Table) -> None:
    (item,) = table.host.view.items
    table.change(items=(replace(item, play_rate=0.5, length_s=4.0),))
    table.press("detect")
    table.press("more")
    assert len(table.host.changes[-1].add_markers or table.host.changes[-1].take_markers[0].add) == 1
    if not in_take(table):
        assert [round(time, 4) for time in table.times()] == [10.4, 11.2, 11.6, 12.0, 13.2]


def test_more_and_fewer_when_the_item_loops_then_every_round_follows(table: Table) -> None:
    (item,) = table.host.view.items
    table.engine.sees = ((0.0, 0.9, 1.0), (0.25, 0.3, 1.0), (0.5, 0.8, 1.0))
    table.change(items=(replace(item, loop=True, source_length_s=0.7, length_s=2.0, start_offset_s=0.1),))
    table.press("detect")
    places = [10.4, 10.6, 11.1, 11.3, 11.8]
    if in_take(table):
        assert score(table) == {0.0: "foley", 0.5: "foley"}
    else:
        assert [round(time, 5) for time in table.times()] == places
    table.press("more")
    if in_take(table):
        assert score(table) == {0.0: "foley", 0.25: "foley", 0.5: "foley"}
    else:
        more = [time for time in table.times() if round(time, 5) not in places]
        assert [round(time, 5) for time in more] == [10.15, 10.85, 11.55]
    for _ in range(4):
        table.press("fewer")
    assert table.press("fewer").endswith("the markers are unchanged.")
    table.press("generate")
    hits = table.request().onsets
    assert len(hits) == (2 if in_take(table) else len(table.times()))


def test_fewer_when_a_looped_item_was_trimmed_at_its_left_then_untouched_markers_still_go(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.engine.sees = ((0.25, 0.6, 1.0), (0.5, 0.8, 1.0))
    (item,) = table.host.view.items
    table.change(items=(replace(item, loop=True, source_length_s=0.7, length_s=2.1),))
    table.press("detect")
    table.change(
        items=(replace(item, loop=True, source_length_s=0.7, length_s=1.7, position_s=10.4, start_offset_s=0.4),)
    )
    while "unchanged" not in table.press("fewer"):
        pass
    assert [round(time, 4) for time in table.times()] == [10.25, 10.5, 11.2, 11.9]


def test_more_when_one_round_of_a_loop_was_moved_by_hand_then_it_is_not_doubled(tmp_path: Path) -> None:
    table = Table(tmp_path)
    table.engine.sees = ((0.25, 0.6, 1.0), (0.5, 0.8, 1.0))
    (item,) = table.host.view.items
    table.change(items=(replace(item, loop=True, source_length_s=1.0),))
    table.press("detect")
    edit(table, 0.25, to=0.3)
    table.press("fewer")
    assert [round(time, 4) for time in table.times()] == [10.3, 10.5, 11.5]
    table.press("more")
    assert 10.25 not in [round(time, 4) for time in table.times()]


@pytest.mark.parametrize("verb", ["more", "fewer"])
def test_more_when_nobody_has_looked_yet_then_what_to_press(table: Table, verb: str) -> None:
    table.fails(verb, "Nobody has looked", "clip.mp4", "Press Find onsets")


def test_detect_when_nothing_is_sure_then_more_brings_the_surest(table: Table) -> None:
    table.engine.sees = ((0.5, 0.2, 1.0), (1.0, 0.4, 1.0))
    sentence = table.press("detect")
    assert "No onsets were found" in sentence
    assert "More onsets" in sentence
    table.press("more")
    assert set(score(table)) == {1.0}


def test_detect_when_what_is_remembered_is_damaged_then_it_is_looked_at_anew(table: Table) -> None:
    table.change(score="{broken")
    table.fails("more", "cannot be read", "Find onsets")
    table.press("detect")
    assert score(table) == SURE


def test_detect_when_pressed_for_two_items_then_both_are_remembered(table: Table) -> None:
    table.press("detect")
    (item,) = table.host.view.items
    table.change(items=(replace(item, guid="{other}", position_s=50.0),))
    table.press("detect")
    table.press("more")
    table.change(items=(item,))
    assert "5 onsets" in table.press("more") or in_take(table)


def test_detect_when_an_onset_is_at_the_items_first_instant_then_it_is_not_lost(table: Table) -> None:
    (item,) = table.host.view.items
    table.change(items=(replace(item, start_offset_s=1 / 30, length_s=1.9),))
    table.engine.sees = ((1 / 30, 0.9, 1.0), (31 / 30, 0.9, 1.0))
    assert "2 onsets" in table.press("detect")
    table.press("generate")
    assert len(table.request().onsets) == 2


def test_detect_when_an_onset_is_at_a_loops_seam_then_each_round_has_it_once(table: Table) -> None:
    (item,) = table.host.view.items
    period = 0.7371
    table.change(items=(replace(item, loop=True, source_length_s=period, length_s=2.9, position_s=10.1),))
    table.engine.sees = ((0.0, 0.9, 1.0),)
    assert "4 onsets" in table.press("detect")
    assert len(seen.load(table.host.view.score)["{video}"].peaks) == 1
    clip = Clip(source_path="a", source_length_s=period, position_s=10.1, length_s=2.9, loop=True)
    assert len(clip.shown_at(0.0)) == 4


def test_generate_when_take_markers_are_the_score_then_their_words_and_levels_count(table: Table) -> None:
    if not in_take(table):
        pytest.skip("the other kind of markers")
    table.mark((10.1, "foley: glass"))
    (item,) = table.host.view.items
    markers = (
        TakeMarkerView(played_s=0.25, name="foley @0.5"),
        TakeMarkerView(played_s=0.5, name="foley: metal"),
        TakeMarkerView(played_s=0.75, name="door"),
        TakeMarkerView(played_s=3.0, name="foley"),
    )
    table.change(items=(replace(item, take_markers=markers),))
    assert "2 onsets" in table.press("generate")
    assert (table.levels(), table.levels("metal")) == ({10.25: 0.5}, {10.5: 1.0})
    table.change(items=(replace(item, take_markers=(replace(markers[0], played_s=0.3), *markers[1:])),))
    table.press("again")
    assert table.levels() == {10.3: 0.5}
    assert table.layer("metal").takes == 1
