"""Levels on markers: written by Find onsets, edited by the designer, heard in the sound."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.render import Recipe
from bridge.host.base import MarkerView
from bridge.jobs import asides, verbs
from bridge.media import wav
from tests.bridge.jobs.table import Table
from tests.fakes import FakeEngine


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path, engine=FakeEngine(strengths=(1.0, 0.6234)))


def names(table: Table) -> list[str]:
    return [marker.name for marker in table.host.view.markers]


def strengths(table: Table) -> list[float]:
    return [onset.strength for onset in Recipe.from_json(table.host.view.foley_items[0].recipe).request.onsets]


def heights(table: Table) -> list[float]:
    samples = wav.read(Path(table.host.view.foley_items[0].audio_path)).samples[0]
    return samples[np.flatnonzero(samples)].tolist()


def test_detect_when_the_pack_tells_strengths_then_the_markers_carry_them(table: Table) -> None:
    table.press("detect")
    assert names(table) == ["foley", "foley @0.62"]
    table.engine.strengths = (0.3, 1.0)
    table.press("detect")
    assert names(table) == ["foley @0.30", "foley"]


def test_generate_when_markers_have_levels_then_recipe_and_sound_do(table: Table) -> None:
    table.press("detect")
    table.press("generate")
    assert strengths(table) == [1.0, 0.62]
    first, second = heights(table)
    assert second / first == pytest.approx(0.62, rel=1e-3)


def test_again_when_generate_found_the_onsets_itself_then_the_levels_are_those_of_its_markers(table: Table) -> None:
    table.press("generate")
    assert names(table) == ["foley", "foley @0.62"]
    assert strengths(table) == [1.0, 0.62]
    assert "Nothing changed" in table.press("again")


def test_again_when_a_level_was_edited_then_only_that_onset_is_another(table: Table) -> None:
    table.press("generate")
    before = Recipe.from_json(table.host.view.foley_items[0].recipe).request
    first, second = table.host.view.markers
    table.change(markers=(replace(first, name="foley: @-6dB"), second))
    assert "2 onsets made again" in table.press("again")
    assert table.engine.remade == 1
    after = Recipe.from_json(table.host.view.foley_items[0].recipe).request
    assert after.onsets[0] == replace(before.onsets[0], confidence=1.0, strength=10 ** (-6 / 20))
    assert after.onsets[1] == replace(before.onsets[1], confidence=1.0)


def test_again_when_a_marker_with_a_level_moved_and_another_went_then_the_levels_go_with_them(table: Table) -> None:
    table.press("generate")
    _, second = table.host.view.markers
    table.change(markers=(replace(second, position_s=11.0),))
    table.press("again")
    (onset,) = Recipe.from_json(table.host.view.foley_items[0].recipe).request.onsets
    assert (onset.time_s, onset.strength) == (1.0, 0.62)


def test_generate_when_the_designer_renamed_our_marker_then_words_and_level_count(table: Table) -> None:
    table.press("detect")
    first, second = table.host.view.markers
    table.change(markers=(replace(first, name="metal @0.5"), replace(second, name="@0.25")))
    table.press("generate")
    made = {item.layer: Recipe.from_json(item.recipe).request for item in table.host.view.foley_items}
    assert {words: request.prompt for words, request in made.items()} == {"": "wood", "metal": "metal"}
    assert [onset.strength for onset in made["metal"].onsets] == [0.5]
    assert [onset.strength for onset in made[""].onsets] == [0.25]


@pytest.mark.parametrize("verb", ["generate", "variation", "again"])
def test_key_when_a_level_makes_no_sense_then_the_marker_stays_and_one_sentence_tells(table: Table, verb: str) -> None:
    table.press("generate")
    odd = (
        MarkerView(guid="{a}", position_s=10.25, name="foley: metal @loud"),
        MarkerView(guid="{b}", position_s=10.75, name="foley @7"),
    )
    table.change(markers=odd)
    sentence = table.press(verb)
    assert sentence.count("'@loud' at 10.250 s, '@7' at 10.750 s") == 1
    assert "@-6dB" in sentence
    assert table.host.view.markers == odd
    if verb != "variation":
        made = {item.layer: Recipe.from_json(item.recipe).request for item in table.host.view.foley_items[:2]}
        assert [onset.strength for words in ("", "metal loud") for onset in made[words].onsets] == [1.0, 1.0]
    assert "'@loud'" not in table.press("again")
    table.change(markers=(replace(odd[0], name="foley: metal @louder"), odd[1]))
    assert "'@louder'" in table.press("again")


def test_key_when_many_levels_make_no_sense_then_the_sentence_stays_short(table: Table) -> None:
    table.change(
        markers=tuple(MarkerView(guid=f"{{{n}}}", position_s=10.1 + n / 10, name="foley @x") for n in range(9))
    )
    sentence = table.press("generate", verbs.KeyPress(prompt="wood"))
    assert sentence.count("@x") == asides.NAMED
    assert len(sentence) < 300


def test_key_when_a_name_lacks_only_its_colon_then_it_is_left_alone_and_one_sentence_tells(table: Table) -> None:
    own = (
        MarkerView(guid="{a}", position_s=10.25, name="foley @-6dB, metal"),
        MarkerView(guid="{b}", position_s=10.75, name="foley wood @0.5"),
        MarkerView(guid="{c}", position_s=10.8, name="foley cues"),
        MarkerView(guid="{d}", position_s=99.0, name="foley far @0.5"),
    )
    table.change(markers=own)
    sentence = table.press("generate", verbs.KeyPress(prompt="wood"))
    assert sentence.count("'foley wood @0.5' at 10.750 s") == 1
    assert "foley: words" in sentence
    assert "cues" not in sentence
    assert "far" not in sentence
    assert strengths(table) == [10 ** (-6 / 20)]
    assert table.host.view.markers == own
    assert "'foley wood @0.5'" not in table.press("again")
