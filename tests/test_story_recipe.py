"""How a take was made: shown, made exactly again with the same bytes, and the controls that are stored per track."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.story import Studio, taken_back, tiny_studio

TITLES = ["Guidance", "Onset strength", "Level follows motion", "Variation", "Takes per variation"]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[Studio]:
    with tiny_studio(tmp_path_factory.mktemp("recipe"), film, profile="6.80") as desk:
        desk.press_and_wait("set_prompt")
        yield desk


@pytest.fixture
def desk(house: Studio) -> Iterator[Studio]:
    with taken_back(house):
        for at in (10.5, 12.5, 13.5):
            house.reaper.add_marker(at, "foley")
        yield house


def controls(desk: Studio, typed: str | None) -> None:
    """Opens the dialog and types these numbers, one a line; None cancels."""
    desk.reaper.answer_next_inputs([typed])
    desk.press_and_wait("controls")


def test_exactly_again_when_the_take_has_a_history_then_the_same_bytes_in_another_file(desk: Studio) -> None:
    reaper = desk.reaper
    desk.press_and_wait("generate")
    desk.press_and_wait("vary_a_little")
    reaper.move_marker(reaper.markers()[-1]["guid"], 13.75)
    desk.press_and_wait("make_again_from_markers")
    reaper.set_time_selection(12.0, 13.0)
    desk.press_and_wait("new_variation")
    reaper.set_time_selection(0.0, 0.0)
    for number, take in enumerate(desk.foley_items()[0]["takes"]):
        reaper.set_item(desk.foley_items()[0]["guid"], active_take=number)
        desk.press_and_wait("make_exactly_again")
        (item,) = desk.foley_items()
        assert len(item["takes"]) == 5 + number
        original, again = Path(take["source"]["path"]), desk.active_audio(item)
        assert original != again
        assert original.read_bytes() == again.read_bytes()


def test_recipe_when_shown_then_the_console_tells_how_the_active_take_was_made(desk: Studio) -> None:
    desk.press_and_wait("generate")
    (item,) = desk.foley_items()
    recipe, told = desk.recipe(), len(desk.reaper.console())
    desk.press_and_hear("show_recipe", "is in the console")
    text = desk.reaper.console()[told:]
    for words in (desk.active_audio(item).name, "prompt: wood", f"seed: {recipe.request.seed}", "pack: tiny"):
        assert words in text
    lines = text.splitlines()
    at = lines.index("  3 onsets (seconds in the item, level, words):")
    assert [line.split()[:2] for line in lines[at + 1 : at + 4]] == [
        ["0.500", "1.00"],
        ["2.500", "1.00"],
        ["3.500", "1.00"],
    ]


def test_controls_when_typed_for_a_track_then_they_belong_to_it_sound_and_are_undone(desk: Studio) -> None:
    reaper = desk.reaper
    desk.press_and_wait("generate")
    first = desk.sound()
    before = reaper.state()
    track = next(track for track in reaper.tracks() if track["name"] == "Foley: wood")
    reaper.set_mouse_track(track["guid"])
    controls(desk, "0\n0,5\n0\n1\n2")
    reaper.set_mouse_track(None)
    dialog = reaper.dialogs()[-1]
    assert dialog["title"] == "Foley Bridge: Foley: wood"
    assert [any(title in field for field in dialog["fields"]) for title in TITLES] == [True] * 5
    stored = next(track for track in reaper.tracks() if track["name"] == "Foley: wood")["ext"]["foley_controls"]
    assert json.loads(stored) == {"guidance": 0, "onset_strength": 0.5, "follow": 0, "variation": 1, "takes": 2}

    desk.press_and_wait("make_again_from_markers")
    softer = desk.sound()
    assert np.abs(softer).max() == pytest.approx(0.5 * np.abs(first).max(), rel=0.02)
    desk.press_and_wait("new_variation")
    assert len(desk.foley_items()[0]["takes"]) == 4
    while reaper.undo() != "Foley: controls":
        pass
    assert reaper.state()["tracks"] == before["tracks"]

    controls(desk, "\n\n\n\n3")
    assert reaper.dialogs()[-1]["title"] == "Foley Bridge: tracks to come"
    desk.press_and_wait("generate")
    stored = [track["ext"]["foley_controls"] for track in reaper.tracks() if track["name"] == "Foley: wood"]
    assert sorted(json.loads(text)["takes"] for text in stored) == [1, 3]


def test_controls_when_mistyped_or_cancelled_then_nothing_changes(desk: Studio) -> None:
    desk.reaper.answer_next_inputs(["0\nloud\n0\n1\n1", "0\n1\n7\n1\n1", None])
    desk.press_and_hear("controls", "'onset strength' is no number: 'loud'")
    desk.press_and_hear("controls", "'level follows motion' must lie in 0..1, got 7")
    desk.press_and_hear("controls", "unchanged")
