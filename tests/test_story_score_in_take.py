"""The score in the video's take markers: found, moved, more and fewer, sounded, and split with the item."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.story import Studio, taken_back, tiny_studio

OFFSET_S = 0.5


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("take")
    with tiny_studio(folder, film, env={"FOLEY_BRIDGE_SCORE": "take"}, profile="7.30") as desk:
        desk.press_and_wait("set_prompt")
        yield desk


@pytest.fixture
def desk(house: Studio) -> Iterator[Studio]:
    with taken_back(house):
        yield house


def score(desk: Studio, guid: str | None = None) -> list[float]:
    """Places of the take markers of the bridge, in what the take plays."""
    item = next(item for item in desk.reaper.items() if item["guid"] == (guid or desk.item))
    return [marker[0] for marker in item["takes"][0]["markers"] if marker[1].startswith("foley")]


def heard(desk: Studio) -> list[float]:
    return [onset.time_s + OFFSET_S for onset in desk.recipe().request.onsets]


def test_score_when_it_is_in_the_take_then_every_key_reads_and_writes_it_there(desk: Studio) -> None:
    reaper = desk.reaper
    reaper.add_take_marker(desk.item, 2.0, "look at this")
    reaper.add_marker(11.0, "foley")
    desk.press_and_wait("find_onsets")
    found = score(desk)
    assert len(found) > 4
    assert all(OFFSET_S <= place < OFFSET_S + 6.0 for place in found)
    assert desk.markers() == [(11.0, "foley")], "project markers are none of this score"

    last = len(found)  # the designer's own marker lies among them
    reaper.move_take_marker(desk.item, last, found[-1] + 0.08)
    moved = [*found[:-1], pytest.approx(found[-1] + 0.08)]
    desk.press_and_wait("more_onsets")
    more = score(desk)
    assert len(more) > len(found)
    assert [place for place in more if place in found or place == moved[-1]] == moved
    desk.press_and_wait("fewer_onsets")
    desk.press_and_wait("fewer_onsets")
    few = score(desk)
    assert len(few) < len(found)
    assert few[-1] == moved[-1], "what was moved by hand stays"

    desk.press_and_wait("generate")
    assert heard(desk) == pytest.approx(few)
    begins = round((few[0] - OFFSET_S) * 48000)
    assert np.abs(desk.sound()[: begins - 480]).max(initial=0.0) < 1e-4
    item = next(item for item in reaper.items() if item["guid"] == desk.item)
    assert [marker[1] for marker in item["takes"][0]["markers"]].count("look at this") == 1

    index = next(i for i, marker in enumerate(item["takes"][0]["markers"]) if marker[0] == few[0])
    reaper.rename_take_marker(desk.item, index, "foley: metal")
    desk.press_and_wait("make_again_from_markers")
    assert set(desk.layers()) == {"Foley: wood", "Foley: metal"}


def test_score_when_the_item_is_moved_and_split_then_each_part_has_its_own(desk: Studio) -> None:
    reaper = desk.reaper
    desk.press_and_wait("find_onsets")
    found = score(desk)
    reaper.set_item(desk.item, position_s=20.0)
    right = reaper.split_item(desk.item, 23.0)
    reaper.set_cursor(24.0)
    desk.press_and_wait("generate")
    (item,) = desk.foley_items()
    assert (item["position_s"], item["length_s"]) == (23.0, 3.0)
    late = [place for place in found if place >= OFFSET_S + 3.0]
    assert [onset.time_s + OFFSET_S + 3.0 for onset in desk.recipe().request.onsets] == pytest.approx(late)

    before = score(desk)
    reaper.set_cursor(24.0)
    desk.press_and_hear("fewer_onsets", "Nobody has looked at the picture of 'film.mp4' yet", "Press Find onsets")
    desk.press_and_wait("find_onsets")
    desk.press_and_wait("fewer_onsets")
    assert len([place for place in score(desk, right) if place >= OFFSET_S + 3.0]) < len(late)
    assert score(desk) == before, "the other part keeps its own"
