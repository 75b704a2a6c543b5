"""Takes made by earlier versions are known again: digests and texts stay what they were."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.controls import Controls
from bridge.domain.onsets import Onset
from bridge.domain.render import PLACED
from bridge.errors import RequestError
from tests.bridge.domain.test_request import PING, PLAIN, Recipe, recipe


@pytest.mark.parametrize(
    ("change", "digest"),
    [
        ({"reference": PING}, "5ac30de98344a074793784a599019fbc66c8723df04112f50fcae8560ab7b092"),
        ({"sampler": "ddim"}, "7f8723170c38a1a334237568fc05e1935b03262f97e3a80bc590bef3e4f622fc"),
        ({"mix": ((5, 0.25), (9, 1.0))}, "107d0ab9e8a8f40077e34ca67511f37399dbbe6cc95a294c358eea3a6a32254b"),
        (
            {"onsets": (Onset(time_s=0.5, strength=0.5, force=1.0), Onset(time_s=1.0))},
            "357d2061e5004860071bc28d024a5eb615b6a9620ee1262caa31fe4d4ce7b630",
        ),
    ],
)
def test_digest_when_a_take_was_made_by_this_version_then_every_later_one_knows_it(
    change: dict[str, Any], digest: str
) -> None:
    """A recipe names by it the request whose sound was partly kept."""
    assert replace(PLAIN, **change).digest() == digest


def test_recipe_when_stored_then_keys_are_sorted_and_words_readable_in_one_line() -> None:
    text = recipe(replace(PLAIN, prompt="Türschloß")).to_json()
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert "Türschloß" in text
    assert "\n" not in text
    assert list(json.loads(Controls().to_json())) == sorted(Controls().to_table())


def test_recipe_when_the_sound_is_the_reference_itself_then_placed() -> None:
    assert replace(recipe(PLAIN), pack=PLACED).placed
    assert not recipe(PLAIN).placed


def test_recipe_when_another_pack_found_the_onsets_then_it_can_be_told_again() -> None:
    found = replace(recipe(PLAIN), onset_pack="finder", onset_pack_digest="e" * 64)
    assert found.found_by == {"onset_pack": "finder", "onset_pack_digest": "e" * 64}
    assert replace(recipe(PLAIN), **found.found_by) == found


@pytest.mark.parametrize(
    "edit",
    [
        {"request": None},
        {"request": []},
        {"request": {}},
        {"within": [1]},
        {"within": 7},
        {"parts": 7},
        {"colour": "red"},
        {"schema": None},
    ],
)
def test_recipe_when_a_field_is_none_of_ours_then_a_sentence_and_no_crash(edit: dict[str, Any]) -> None:
    table = {**recipe(PLAIN).to_table(), **edit}
    with pytest.raises(RequestError) as caught:
        Recipe.from_json(json.dumps(table))
    assert caught.value.hint == "Press Generate to make a new sound"


@pytest.mark.parametrize("text", ["", "null", "[]", "7", '"text"', "{}"])
def test_recipe_when_the_text_is_none_then_a_sentence(text: str) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        Recipe.from_json(text)
