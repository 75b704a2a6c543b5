"""Prompts as a designer types them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from bridge.engine.words import Vocabulary
from bridge.errors import PackError, RequestError

VOCABULARY = Vocabulary(
    ("wood", "metal", "leaf", "hit", "scrape", "hi-hat", "knife"),
    {"oak": ("wood",), "cutlery": ("metal", "knife"), "knock": ("hit",), "drag": ("scrape",)},
)


def tags(prompt: str) -> set[str]:
    return {VOCABULARY.tags[i] for i in np.flatnonzero(VOCABULARY.understand(prompt).tags)}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("wood", {"wood"}),
        ("OAK, Knocks!", {"wood", "hit"}),
        ("hitting dry leaves", {"hit", "leaf"}),
        ("scraping, dragged", {"scrape"}),
        ("cutlery", {"metal", "knife"}),
        ("knives", {"knife"}),
        ("Hi-Hat hits", {"hi-hat", "hit"}),
        ("metal-on-wood", {"metal", "wood"}),
    ],
)
def test_understand_when_words_take_other_forms_finds_their_tags(prompt: str, expected: set[str]) -> None:
    assert tags(prompt) == expected


def test_understand_when_some_words_are_unknown_names_them_and_goes_on() -> None:
    meaning = VOCABULARY.understand("the Purple wood of a zebra")
    assert meaning.ignored == ("Purple", "zebra")
    assert meaning.tags.dtype == np.float32
    assert meaning.tags.sum() == 1.0


def test_understand_when_no_word_is_known_names_them_and_what_is_understood() -> None:
    with pytest.raises(RequestError) as caught:
        VOCABULARY.understand("purple zebras")
    assert '"purple", "zebras"' in caught.value.message
    assert "wood, metal, leaf, hit" in caught.value.hint


@pytest.mark.parametrize("prompt", ["", "   "])
def test_understand_when_the_prompt_is_empty_says_so(prompt: str) -> None:
    with pytest.raises(RequestError, match="prompt is empty"):
        VOCABULARY.understand(prompt)


@pytest.mark.parametrize("prompt", ["the of", "12 34", "!?"])
def test_understand_when_nothing_in_the_prompt_is_a_word_shows_the_prompt(prompt: str) -> None:
    with pytest.raises(RequestError) as caught:
        VOCABULARY.understand(prompt)
    assert prompt in caught.value.message


def test_vocabulary_when_a_word_leads_nowhere_is_refused() -> None:
    with pytest.raises(PackError, match="stone"):
        Vocabulary(("wood",), {"pebble": ("stone",)})


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"tags": ["a"]}', '{"tags": [], "words": {}}', '{"tags": ["a", "a"], "words": {}}']
)
def test_vocabulary_when_its_file_is_damaged_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(content)
    with pytest.raises(PackError):
        Vocabulary.read(path)


def test_vocabulary_when_read_back_understands_the_same(tmp_path: Path) -> None:
    path = tmp_path / "vocabulary.json"
    path.write_text(json.dumps({"tags": ["wood", "hit"], "words": {"oak": ["wood"]}}))
    assert list(Vocabulary.read(path).understand("an oak hit").tags) == [1.0, 1.0]
