"""With a time selection every action works on it alone: what lies outside stays as it is, to the sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.errors import MediaError
from bridge.host.base import NewItem
from tests.bridge.jobs.table import Table

RATE = 48000


@pytest.fixture
def table(tmp_path: Path) -> Table:
    """Five peaks of which three are sure, in an item from 10 to 12 s."""
    table = Table(tmp_path)
    table.engine.sees = ((0.25, 0.9, 1.0), (0.5, 0.3, 1.0), (0.75, 0.8, 1.0), (1.25, 0.3, 1.0), (1.5, 0.9, 1.0))
    table.engine.hum = 0.1
    return table


def made(table: Table) -> NewItem:
    (item,) = table.host.changes[-1].new_items
    return item


def differs(table: Table, before: np.ndarray) -> tuple[float, float]:
    """Project times of the first and the last sample that changed."""
    places = np.flatnonzero(table.samples() != before)
    return 10 + float(places[0]) / RATE, 10 + float(places[-1]) / RATE


def test_detect_when_time_is_selected_then_only_markers_there_are_replaced(table: Table) -> None:
    table.mark((10.1, "foley"), (10.9, "foley: metal"), (11.6, "foley"), (10.95, "door"))
    table.select(10.5, 11.0)
    assert "1 onset found in 'clip.mp4' from 10.500 to 11.000 s" in table.press("detect")
    assert table.times() == [10.1, 10.75, 10.9, 10.95, 11.6]
    table.engine.sees = ((0.65, 0.9, 1.0),)
    assert "replacing 1" in table.press("detect")
    assert table.times() == [10.1, 10.65, 10.9, 10.95, 11.6]


def test_detect_when_time_is_selected_then_what_was_seen_elsewhere_is_still_known(table: Table) -> None:
    table.press("detect")
    table.engine.sees = ((0.8, 0.9, 1.0),)
    table.select(10.5, 11.0)
    table.press("detect")
    assert table.times() == [10.25, 10.8, 11.5]
    table.select(0.0, 0.0)
    table.press("more")
    assert table.times() == [10.25, 10.8, 11.25, 11.5]


@pytest.mark.parametrize("verb", ["detect", "generate"])
def test_key_when_the_selection_begins_at_a_peak_then_it_is_inside(table: Table, verb: str) -> None:
    table.engine.sees = ((16 / 30, 0.9, 1.0), (22 / 30, 0.9, 1.0))
    table.select(10 + 16 / 30, 10 + 22 / 30)
    assert "1 onset" in table.press(verb)
    assert table.times() == pytest.approx([10 + 16 / 30], abs=1e-6)


def test_more_when_time_is_selected_then_markers_come_and_go_there_alone(table: Table) -> None:
    table.press("detect")
    table.select(10.4, 11.0)
    assert "2 onsets in 'clip.mp4' from 10.400 to 11.000 s, 1 more" in table.press("more")
    assert table.times() == [10.25, 10.5, 10.75, 11.5]
    assert "every peak" in table.press("more")
    assert "1 fewer" in table.press("fewer")
    assert table.times() == [10.25, 10.75, 11.5]


def test_generate_when_time_is_selected_then_the_item_is_that_part(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley @0.5"), (11.5, "foley"))
    table.select(10.5, 11.25)
    assert "1 onset sounded" in table.press("generate")
    item = made(table)
    assert (item.position_s, item.length_s) == (10.5, 0.75)
    assert item.fade_in_s > 0.0 < item.fade_out_s
    assert table.levels() == {10.75: 0.5}
    assert len(table.samples()) == 36000
    assert table.recipe().time_map["start_offset_s"] == 0.5


def test_generate_when_time_is_selected_and_nothing_is_marked_then_onsets_are_found_there(table: Table) -> None:
    table.select(10.5, 11.25)
    table.press("generate")
    assert table.times() == [10.75]
    assert table.levels() == {10.75: 1.0}


def test_generate_when_the_selection_reaches_over_the_item_then_the_part_ends_with_it(table: Table) -> None:
    table.mark((10.25, "foley"), (11.75, "foley"))
    table.select(11.0, 99.0)
    table.press("generate")
    assert (made(table).position_s, made(table).length_s) == (11.0, 1.0)
    table.select(1.0, 99.0)
    table.press("generate")
    assert (made(table).length_s, made(table).fade_in_s) == (2.0, 0.0)


def test_place_when_time_is_selected_then_the_item_is_that_part_too(screening: Table, sound) -> None:
    table = screening
    table.change(selected=sound(table.folder / "knock.wav"))
    table.select(10.5, 11.25)
    table.press("place")
    assert (made(table).position_s, made(table).length_s) == (10.5, 0.75)


@pytest.mark.parametrize("verb", ["variation", "little", "lot"])
def test_variation_when_time_is_selected_then_the_rest_stays_to_the_sample(table: Table, verb: str) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"), (11.5, "foley"))
    table.press("generate")
    before = table.samples()
    table.select(10.5, 11.0)
    table.press(verb)
    first, last = differs(table, before)
    assert first == last == 10.75
    assert table.recipe().within == (24000, 48000)
    assert (table.layer().takes, table.layer().length_s) == (2, 2.0)


def test_variation_when_a_marker_outside_the_selection_moved_then_it_is_not_heard_yet(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"), (11.5, "foley"))
    table.press("generate")
    before = table.samples()
    table.mark((10.25, "foley"), (10.75, "foley"), (11.6, "foley"))
    table.select(10.5, 11.0)
    table.press("variation")
    assert differs(table, before) == (10.75, 10.75)
    assert list(table.levels()) == [10.25, 10.75, 11.5]
    table.select(0.0, 0.0)
    table.press("again")
    assert list(table.levels()) == [10.25, 10.75, 11.6]


def test_again_when_time_is_selected_then_only_what_changed_there_is_made(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"), (11.5, "foley"))
    table.press("generate")
    before = table.samples()
    table.mark((10.3, "foley"), (10.8, "foley"), (11.6, "foley"))
    table.select(10.5, 11.0)
    table.press("again")
    first, last = differs(table, before)
    assert 10.5 <= first <= last < 11.0
    assert list(table.levels()) == [10.25, 10.8, 11.5]
    assert "Nothing changed" in table.press("again")
    assert table.layer().takes == 2


def test_again_when_only_what_lies_outside_the_selection_changed_then_nothing_is_made(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"))
    table.press("generate")
    table.mark((10.3, "foley"), (10.75, "foley"), (11.5, "foley: glass"))
    table.select(10.5, 11.0)
    assert "Nothing changed" in table.press("again")
    assert len(table.host.undo_steps) == 1


def test_again_when_new_words_stand_inside_and_outside_the_selection_then_the_new_layer_has_those_inside(
    table: Table,
) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"))
    table.press("generate")
    table.mark((10.25, "foley: glass"), (10.75, "foley: glass"))
    table.select(10.5, 11.0)
    table.press("again")
    assert list(table.levels("glass")) == [10.75]
    assert list(table.levels()) == [10.25]


def test_again_when_the_take_is_of_a_part_then_it_stays_that_part(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"), (11.5, "foley"))
    table.select(10.5, 11.25)
    table.press("generate")
    table.select(0.0, 0.0)
    assert "Nothing changed" in table.press("again")
    table.mark((10.25, "foley"), (10.8, "foley"), (11.5, "foley"))
    table.press("again")
    assert list(table.levels()) == [10.8]
    assert len(table.samples()) == 36000
    table.press("variation")
    assert table.layer().takes == 3


@pytest.mark.parametrize("verb", ["detect", "more", "generate", "variation", "again", "level"])
@pytest.mark.parametrize("span", [(3.0, 9.5), (12.5, 14.0)])
def test_key_when_the_selection_lies_beside_the_item_then_a_refusal_with_the_way_out(
    table: Table, verb: str, span: tuple[float, float]
) -> None:
    table.press("generate")
    table.select(*span)
    table.fails(verb, "clip.mp4", f"from {span[0]:.3f} to {span[1]:.3f} s", "remove it")


def test_again_when_the_items_sound_is_gone_then_a_part_cannot_be_made(table: Table) -> None:
    table.press("generate")
    Path(table.layer().audio_path).unlink()
    table.select(10.5, 11.0)
    table.fails("variation", Path(table.layer().audio_path).name, kind=MediaError)
    assert table.layer().takes == 1
