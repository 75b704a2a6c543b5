"""Markers with words of their own make layers: a track for each, in a folder track."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.host.base import RegionView
from bridge.jobs import verbs
from tests.bridge.jobs.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.mark((10.25, "foley"), (10.75, "foley: metal @0.5"), (11.25, "foley: Metal"), (11.5, "foley: glass"))
    return table


def hits(table: Table, words: str = "") -> list[float]:
    return [float(10 + place / 48000) for place in np.flatnonzero(table.samples(words))]


def rename(table: Table, number: int, name: str) -> None:
    markers = list(table.host.view.markers)
    markers[number] = replace(markers[number], name=name)
    table.change(markers=tuple(markers))


def test_generate_when_markers_have_words_then_a_track_for_each_in_one_folder(table: Table) -> None:
    assert "4 onsets sounded for 'clip.mp4' as 'wood' in 3 layers" in table.press("generate")
    made = table.host.changes[-1].new_items
    assert {(item.layer, item.track_name, item.folder) for item in made} == {
        ("", "Foley: wood", "Foley: clip.mp4"),
        ("glass", "Foley: glass", "Foley: clip.mp4"),
        ("metal", "Foley: metal", "Foley: clip.mp4"),
    }
    assert {item.below_track_guid for item in made} == {"{track}"}
    assert len({item.set_id for item in made}) == 1
    assert table.levels() == {10.25: 1.0}
    assert table.levels("metal") == {10.75: 0.5, 11.25: 1.0}
    assert (hits(table), hits(table, "metal"), hits(table, "glass")) == ([10.25], [10.75, 11.25], [11.5])
    assert [table.request(words).prompt for words in ("", "metal", "glass")] == ["wood", "metal", "glass"]
    assert table.host.undo_steps == ["Foley: generate"]


def test_generate_when_all_markers_are_of_one_sort_then_a_plain_track(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley: Wood"), (11.0, "foley: wood @0.5"))
    assert "layers" not in table.press("generate")
    (made,) = table.host.changes[-1].new_items
    assert (made.folder, made.track_name, made.layer) == ("", "Foley: wood", "")
    assert hits(table) == [10.25, 10.75, 11.0]


def test_generate_when_a_region_has_words_then_they_count_for_its_markers_without_their_own(table: Table) -> None:
    table.change(
        regions=(
            RegionView(start_s=10.0, end_s=11.0, name="foley: glass"),
            RegionView(start_s=11.0, end_s=12.0, name="scene two"),
        )
    )
    rename(table, 3, "foley")
    table.press("generate")
    assert hits(table, "glass") == [10.25]
    assert hits(table, "metal") == [10.75, 11.25]
    assert hits(table) == [11.5]


def test_generate_when_words_in_a_region_are_not_understood_then_the_place_is_named(table: Table) -> None:
    table.change(regions=(RegionView(start_s=10.0, end_s=10.5, name="foley: plasma"),))
    table.fails("generate", "'plasma' at 10.250 s")


def test_again_when_a_marker_was_renamed_then_it_leaves_its_layer_for_a_new_track(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"), (11.25, "foley: metal"))
    table.press("generate")
    rename(table, 1, "foley: glass")
    assert "3 onsets made again" in table.press("again")
    (new,) = table.host.changes[-1].new_items
    assert (new.layer, new.folder, new.track_name) == ("glass", "Foley: clip.mp4", "Foley: glass")
    assert new.set_id == table.layer().set_id
    assert (hits(table), hits(table, "metal"), hits(table, "glass")) == ([10.25], [11.25], [10.75])
    assert [table.layer(words).takes for words in ("", "metal", "glass")] == [2, 1, 1]
    assert table.host.undo_steps == ["Foley: generate", "Foley: make again from markers"]
    assert "Nothing changed" in table.press("again")


def test_again_when_a_plain_track_gets_a_second_sort_of_marker_then_a_layer_joins_it(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"))
    table.press("generate")
    rename(table, 1, "foley: glass @0.5")
    table.press("again")
    (new,) = table.host.changes[-1].new_items
    assert (new.below_track_guid, new.folder) == (table.layer().track_guid, "Foley: clip.mp4")
    assert (hits(table), hits(table, "glass")) == ([10.25], [10.75])


def test_again_when_a_layer_has_no_markers_left_then_it_falls_silent_and_stays(table: Table) -> None:
    table.press("generate")
    table.mark((10.25, "foley"), (11.5, "foley: glass"))
    table.press("again")
    assert hits(table, "metal") == []
    assert table.layer("metal").takes == 2
    assert table.layer().takes == table.layer("glass").takes == 1
    table.mark((10.25, "foley"), (10.5, "foley: metal"), (11.5, "foley: glass"))
    table.press("again")
    assert hits(table, "metal") == [10.5]


@pytest.mark.parametrize("verb", ["variation", "little", "lot"])
def test_variation_when_there_are_layers_then_each_keeps_its_own_onsets(table: Table, verb: str) -> None:
    table.press("generate")
    assert "(3 takes)" in table.press(verb)
    assert (hits(table), hits(table, "metal"), hits(table, "glass")) == ([10.25], [10.75, 11.25], [11.5])
    assert [table.request(words).prompt for words in ("", "metal", "glass")] == ["wood", "metal", "glass"]
    assert table.host.undo_steps[1:] == [f"Foley: {'new variation' if verb == 'variation' else f'vary a {verb}'}"]


def test_variation_when_a_marker_was_renamed_then_its_onset_is_not_lost(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"))
    table.press("generate")
    rename(table, 1, "foley: glass")
    table.press("variation")
    assert (hits(table), hits(table, "glass")) == ([10.25], [10.75])


@pytest.mark.parametrize("verb", ["again", "variation"])
def test_key_when_one_layer_is_selected_then_it_alone_is_made(table: Table, verb: str) -> None:
    table.press("generate")
    table.change(
        foley_items=tuple(replace(item, selected=item.layer == "metal") for item in table.host.view.foley_items)
    )
    markers = table.host.view.markers
    new = replace(markers[0], name="foley: metal glass")
    table.change(markers=(new, replace(markers[1], name="foley: wood"), *markers[2:]))
    table.press(verb)
    assert hits(table, "metal") == [11.25]
    assert [table.layer(words).takes for words in ("", "metal", "glass")] == [1, 2, 1]
    assert table.host.changes[-1].new_items == ()


def test_key_when_the_projects_prompt_becomes_a_layers_words_then_the_layer_keeps_its_onsets(table: Table) -> None:
    table.press("generate")
    table.press("prompt", verbs.KeyPress(prompt="metal"))
    table.press("variation")
    assert (hits(table), hits(table, "metal")) == ([10.25], [10.75, 11.25])
    table.change(
        foley_items=tuple(replace(item, selected=item.layer == "metal") for item in table.host.view.foley_items)
    )
    assert "Nothing changed" in table.press("again")


def test_again_when_new_words_are_not_understood_then_the_marker_is_named_and_nothing_made(table: Table) -> None:
    table.press("generate")
    rename(table, 0, "foley: plasma")
    table.fails("again", "'plasma' at 10.250 s", "wood, metal or glass")


def test_again_when_a_copy_of_a_layer_lies_elsewhere_then_new_words_still_make_a_layer(table: Table) -> None:
    table.press("generate")
    copy = replace(table.layer("metal"), guid="{copy}", position_s=40.0)
    table.change(foley_items=(*(replace(item, selected=True) for item in table.host.view.foley_items), copy))
    rename(table, 0, "foley: metal glass")
    table.press("again")
    assert hits(table, "metal glass") == [10.25]
