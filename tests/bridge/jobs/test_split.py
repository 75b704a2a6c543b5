"""Foley that was cut, pasted, or made for a part of the picture: which of it a key means, and what gets the take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bridge.host.base import FoleyItemView
from tests.bridge.jobs.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.mark((10.25, "foley"), (11.5, "foley"))
    return table


def split(table: Table, at_s: float) -> None:
    items: list[FoleyItemView] = []
    for item in table.host.view.foley_items:
        left = replace(item, length_s=at_s - item.position_s)
        right = replace(item, guid=item.guid + "r", position_s=at_s, length_s=item.position_s + item.length_s - at_s)
        items += [left, replace(right, take_guid=item.take_guid + "r")]
    table.change(foley_items=tuple(items))


@pytest.mark.parametrize("cursor_s", [10.5, 11.8])
def test_again_when_the_foley_was_split_then_both_halves_get_the_take(table: Table, cursor_s: float) -> None:
    table.press("generate")
    split(table, 11.0)
    table.mark((10.25, "foley"), (11.6, "foley"))
    table.change(cursor_s=cursor_s)
    table.press("again")
    assert [item.takes for item in table.host.view.foley_items] == [2, 2]
    new = table.host.changes[-1].new_takes
    assert len({take.audio_path for take in new}) == 1
    assert {take.position_s for take in new} == {10.0}


def test_variation_when_one_half_is_selected_then_it_alone_gets_the_take(table: Table) -> None:
    table.press("generate")
    split(table, 11.0)
    left, right = table.host.view.foley_items
    table.change(foley_items=(left, replace(right, selected=True)))
    table.press("variation")
    assert [item.takes for item in table.host.view.foley_items] == [1, 2]


def test_variation_when_the_foley_was_pasted_away_from_its_picture_then_it_says_where_it_belongs(table: Table) -> None:
    table.press("generate")
    (item,) = table.host.view.foley_items
    table.change(foley_items=(replace(item, position_s=40.0, selected=True),))
    table.fails("variation", "foley at 40.000 s belongs to", "at 10.000 s")


def test_variation_when_parts_were_made_then_the_time_selection_says_which_is_meant(table: Table) -> None:
    table.press("generate")
    table.select(11.2, 11.8)
    table.press("generate")
    part, whole = table.host.view.foley_items
    assert (part.position_s, part.length_s) == pytest.approx((11.2, 0.6))
    table.press("variation")
    assert [item.takes for item in table.host.view.foley_items] == [2, 1]
    table.select(10.1, 10.5)
    table.press("variation")
    assert [item.takes for item in table.host.view.foley_items] == [2, 2]
    assert whole.guid == table.host.view.foley_items[1].guid
    table.select(0.0, 0.0)
    table.change(cursor_s=11.5)
    table.press("variation")
    assert [item.takes for item in table.host.view.foley_items] == [2, 3]


def test_generate_when_every_marker_has_words_then_no_prompt_is_needed(table: Table) -> None:
    table.mark((10.25, "foley: metal"), (11.5, "foley: glass"))
    table.change(prompt="")
    assert "2 layers" in table.press("generate")
    table.mark((10.25, "foley: metal"), (11.5, "foley"))
    table.fails("generate", "prompt for 'clip.mp4' is empty")


def test_exactly_when_the_video_is_gone_and_the_markers_too_then_the_recipe_is_enough(table: Table) -> None:
    table.press("generate")
    (item,) = table.host.view.foley_items
    before = Path(item.audio_path).read_bytes()
    table.video.unlink()
    table.change(items=(), videos=(), markers=(), cursor_s=10.5)
    table.press("exactly")
    (item,) = table.host.view.foley_items
    assert item.takes == 2
    assert Path(item.audio_path).read_bytes() == before


def test_variation_when_time_is_selected_then_only_what_lies_there_is_counted(table: Table) -> None:
    table.press("generate")
    table.select(11.2, 11.8)
    assert "1 onset from 11.200 to 11.800 s made as a new variation" in table.press("variation")
