"""A recipe tells of every step of a take."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.render import Recipe
from bridge.domain.request import Request
from bridge.engine.engine import Engine
from bridge.engine.parts import Part, parts_of
from bridge.errors import RequestError
from tests.bridge.engine.waves import alone

RATE_HZ = 44_100
PLAIN = Request(
    length_samples=4 * RATE_HZ,
    rate_hz=RATE_HZ,
    onsets=tuple(Onset(time_s=time, strength=0.7, force=0.9) for time in (0.2, 0.9, 1.5, 2.6)),
    prompt="wood",
    seed=3,
)
MOVED = replace(PLAIN, onsets=(*PLAIN.onsets[:2], Onset(time_s=1.62), PLAIN.onsets[3]))
CHAIN = (
    Part(request=PLAIN),
    Part(request=MOVED),
    Part(request=replace(MOVED, seed=8, mix=((4, 0.25),)), within=(RATE_HZ // 3, 2 * RATE_HZ)),
    Part(request=replace(MOVED, seed=8, mix=((4, 0.25),), onsets=MOVED.onsets[1:])),
)


def recipe(**fields: Any) -> Recipe:
    return Recipe(
        request=PLAIN,
        pack="tiny",
        pack_version="1",
        pack_digest="d",
        licence="MIT",
        commercial_use="yes",
        video_item_guid="",
        source_path="film.mp4",
        time_map={},
        **fields,
    )


def test_parts_when_kept_in_a_recipe_then_they_read_back_equal() -> None:
    heard = Part(request=replace(PLAIN, reference=Reference(path="/s/ping.wav", sha256="a" * 64)), within=(3, 9))
    chain = (*CHAIN, heard)
    written = replace(
        recipe(parts=tuple(part.to_table() for part in chain[:-1])), request=heard.request, within=heard.within
    )
    again = Recipe.from_json(written.to_json())
    assert again == written
    assert parts_of(again) == chain
    assert parts_of(recipe()) == CHAIN[:1]


@pytest.mark.parametrize("table", [{}, {"request": 3, "within": None}, {"request": {}, "within": [1]}])
def test_parts_when_a_recipe_is_damaged_then_the_way_out_is_named(table: dict[str, Any]) -> None:
    with pytest.raises(RequestError, match="cannot be read") as caught:
        parts_of(recipe(parts=(table,)))
    assert caught.value.hint


def test_engine_when_it_is_told_of_parts_then_the_recipe_keeps_them(tmp_path: Path) -> None:
    engine = Engine(alone(tmp_path))  # pyright: ignore[reportArgumentType]
    told = engine.recipe(
        MOVED, Clip.whole("film.mp4", 4.0), parts=(CHAIN[0].to_table(),), controls={"variation": 0.5}, within=(1, 2)
    )
    assert (told.controls, told.within, parts_of(told)[0]) == ({"variation": 0.5}, (1, 2), CHAIN[0])
