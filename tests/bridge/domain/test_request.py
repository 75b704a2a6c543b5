"""Requests and recipes with and without an example sound and a sampler."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.render import Recipe
from bridge.domain.request import Request

PLAIN = Request(
    length_samples=100, rate_hz=48000, onsets=(Onset(time_s=0.5), Onset(time_s=1.0, prompt="glass")), prompt="wood"
)
PING = Reference(path="/sounds/ping.wav", sha256="a" * 64, start_s=0.5)


def recipe(request: Request) -> Recipe:
    return Recipe(
        request=request,
        pack="wave",
        pack_version="1",
        pack_digest="d",
        licence="MIT",
        commercial_use="yes",
        video_item_guid="",
        source_path="film.mp4",
        time_map={},
    )


def test_meaning_of_an_onset_is_its_own_words_else_the_reference_else_the_prompt() -> None:
    assert [PLAIN.meaning_of(onset) for onset in PLAIN.onsets] == ["wood", "glass"]
    heard = replace(PLAIN, reference=PING)
    assert [heard.meaning_of(onset) for onset in heard.onsets] == [PING, "glass"]


@pytest.mark.parametrize(
    "change",
    [{"reference": PING}, {"reference": replace(PING, length_s=1.0)}, {"sampler": "ddim"}, {"prompt": ""}],
)
def test_digest_when_a_field_differs_differs(change: dict[str, object]) -> None:
    assert replace(PLAIN, **change).digest() != PLAIN.digest()


def test_digest_when_the_reference_only_lies_elsewhere_is_the_same() -> None:
    moved = replace(PING, path="/other/ping.wav")
    assert replace(PLAIN, reference=moved).digest() == replace(PLAIN, reference=PING).digest()
    other = replace(PING, sha256="b" * 64)
    assert replace(PLAIN, reference=other).digest() != replace(PLAIN, reference=PING).digest()


def test_digest_of_a_request_without_either_is_what_it_was_before_they_existed() -> None:
    """Recipes name the request whose sound they kept by it."""
    assert PLAIN.digest() == "2373a95787118e84a3176ebf5c383e7425a4eaf189c14ff77f3374a52db50c02"


@pytest.mark.parametrize("request_", [PLAIN, replace(PLAIN, reference=PING, sampler="ddim", prompt="")])
def test_recipe_when_written_reads_back_equal(request_: Request) -> None:
    written = recipe(request_)
    again = Recipe.from_json(written.to_json())
    assert again == written
    assert again.to_json() == written.to_json()


def test_recipe_when_written_before_references_existed_still_reads() -> None:
    table = json.loads(recipe(PLAIN).to_json())
    del table["request"]["reference"], table["request"]["sampler"]
    assert Recipe.from_json(json.dumps(table)) == recipe(PLAIN)


def test_recipe_when_it_tells_of_controls_and_output_then_it_reads_back_equal() -> None:
    written = replace(
        recipe(PLAIN),
        controls={"variation": 0.25},
        output={"format": "PCM_24", "loudness_lufs": -23.0, "fades_ms": [5, 20]},
        source_sha256="f" * 64,
        within=(10, 90),
        parts=({"request": {"seed": 1}, "within": None},),
    )
    again = Recipe.from_json(written.to_json())
    assert again == written
    assert again.to_json() == written.to_json()


def test_recipe_when_written_before_it_told_of_these_then_it_still_reads() -> None:
    table = json.loads(recipe(PLAIN).to_json())
    for name in ("within", "parts", "controls", "output", "source_sha256"):
        del table[name]
    for name in ("mix",):
        del table["request"][name]
    for onset in table["request"]["onsets"]:
        del onset["force"]
    assert Recipe.from_json(json.dumps(table)) == recipe(PLAIN)


def test_recipe_when_a_request_mixes_noise_and_an_onset_has_a_force_then_it_reads_back_equal() -> None:
    asked = replace(PLAIN, mix=((5, 0.25), (9, 1.0)), onsets=(Onset(time_s=0.5, strength=0.5, force=1.0),))
    assert Recipe.from_json(recipe(asked).to_json()).request == asked
