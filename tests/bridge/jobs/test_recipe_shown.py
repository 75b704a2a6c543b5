"""Show recipe prints how the active takes were made; what is told besides is told once."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.host.base import MarkerView
from bridge.jobs import verbs
from tests.bridge.jobs.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.mark((10.25, "foley"), (10.75, "foley: metal @0.5"))
    return table


def test_recipe_when_pressed_then_every_layers_recipe_is_readable_and_nothing_changes(table: Table) -> None:
    table.press("generate")
    view, files = table.host.view, table.files()
    sentence = table.press("recipe")
    assert sentence.endswith("is in the console.")
    (shown,) = table.host.shown
    assert shown.count("Foley Bridge: recipe of") == 2
    for said in (
        "prompt: wood",
        "prompt: metal",
        "seed: 1",
        "pack: fake",
        f"pack_digest: {'d' * 64}",
        "licence: none",
        "source_sha256:",
        "1 onsets (seconds in the item, level, words):",
        "    0.750  0.50",
    ):
        assert said in shown
    assert (table.host.view, table.files(), len(table.host.undo_steps)) == (view, files, 1)


def test_recipe_when_a_take_was_varied_in_a_part_then_its_steps_are_told(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"))
    table.press("generate")
    table.select(10.5, 11.0)
    table.press("little")
    table.press("recipe")
    assert "within: [24000, 48000]" in table.host.shown[0]
    assert "mix:" in table.host.shown[0]
    assert "parts:" in table.host.shown[0]


def test_recipe_when_the_sound_was_placed_then_the_reference_is_told(screening: Table, sound) -> None:
    screening.change(selected=sound(screening.folder / "knock.wav"))
    screening.press("place")
    screening.press("recipe")
    assert "knock.wav" in screening.host.shown[0]
    assert "pack: place" in screening.host.shown[0]


def test_recipe_when_there_is_no_foley_then_what_to_press(table: Table) -> None:
    table.fails("recipe", "no foley", "Generate")
    assert table.host.shown == []


@pytest.mark.parametrize("verb", ["variation", "again", "little", "generate"])
def test_aside_when_it_was_told_then_no_key_tells_it_again(table: Table, verb: str) -> None:
    table.mark((10.25, "foley @loud"), (10.75, "foley wood @0.5"))
    first = table.press("generate")
    assert "'@loud' at 10.250 s" in first
    assert "'foley wood @0.5' at 10.750 s" in first
    second = table.press(verb)
    assert "@loud" not in second
    assert "'foley wood" not in second
    assert [marker.name for marker in table.host.view.markers] == ["foley @loud", "foley wood @0.5"]


def test_aside_when_the_marker_moves_then_it_is_told_anew(table: Table) -> None:
    table.mark((10.25, "foley @loud"))
    table.press("generate")
    table.mark((10.5, "foley @loud"))
    assert "'@loud' at 10.500 s" in table.press("again")


def test_aside_when_the_key_fails_then_the_next_one_tells_it(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley"))
    table.press("generate")
    table.mark((10.25, "foley"), (10.5, "foley @loud"))
    table.host.refuse = "The item was moved"
    with pytest.raises(Exception, match="moved"):
        table.press("again")
    table.host.refuse = ""
    assert "'@loud' at 10.500 s" in table.press("again")


def test_aside_when_words_are_left_out_then_each_press_that_uses_them_says_so(table: Table) -> None:
    table.mark((10.25, "foley: shiny metal"), (10.75, "foley"))
    assert "(not understood: shiny)" in table.press("generate")
    table.change(
        markers=(
            MarkerView(guid="{a}", position_s=10.25, name="foley: shiny metal"),
            MarkerView(guid="{b}", position_s=10.75, name="foley: glass loudly"),
        )
    )
    assert "(not understood: shiny, loudly)" in table.press("again", verbs.KeyPress())
