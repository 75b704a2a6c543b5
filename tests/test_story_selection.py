"""A time selection: every key works inside it alone, and what is outside stays as it is, sample for sample."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.story import Studio, taken_back, tiny_studio

SELECTED = (12.0, 14.0)
START, STOP = ((at - 10.0) * 48000 for at in SELECTED)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[Studio]:
    with tiny_studio(tmp_path_factory.mktemp("selection"), film, profile="6.80") as desk:
        desk.press_and_wait("set_prompt")
        yield desk


@pytest.fixture
def desk(house: Studio) -> Iterator[Studio]:
    with taken_back(house):
        yield house


def times(desk: Studio) -> list[float]:
    return [position_s for position_s, name in desk.markers() if name == "foley"]


def inside(positions_s: list[float]) -> list[float]:
    return [at for at in positions_s if SELECTED[0] <= at < SELECTED[1]]


def assert_differs_only_inside(before: np.ndarray, after: np.ndarray) -> None:
    differs = np.flatnonzero(before != after)
    assert len(differs)
    assert differs[0] >= START
    assert differs[-1] < STOP


def test_find_when_a_part_is_selected_then_only_its_markers_are_found_anew(desk: Studio) -> None:
    reaper = desk.reaper
    reaper.set_time_selection(*SELECTED)
    desk.press_and_wait("find_onsets")
    part = times(desk)
    assert part
    assert part == inside(part)
    reaper.set_time_selection(0.0, 0.0)
    desk.press_and_wait("find_onsets")
    whole = times(desk)
    assert len(whole) > len(part)

    hits = reaper.markers()
    reaper.move_marker(hits[0]["guid"], hits[0]["position_s"] + 0.03)
    moved = times(desk)
    reaper.set_time_selection(*SELECTED)
    for marker in reaper.markers():
        if marker["position_s"] in inside(moved):
            reaper.delete_marker(marker["guid"])
    desk.press_and_wait("find_onsets")
    assert times(desk) == pytest.approx(moved)

    desk.press_and_wait("fewer_onsets")
    assert [at for at in times(desk) if at not in inside(times(desk))] == [
        at for at in moved if at not in inside(moved)
    ]
    assert len(inside(times(desk))) == len(inside(moved)) - 1


def test_variation_and_again_when_a_part_is_selected_then_all_else_is_the_same_to_the_sample(desk: Studio) -> None:
    reaper = desk.reaper
    for at in (10.5, 11.9, 12.5, 13.5, 14.5):
        reaper.add_marker(at, "foley")
    desk.press_and_wait("generate")
    first = desk.sound()
    reaper.set_time_selection(*SELECTED)
    desk.press_and_wait("new_variation")
    second = desk.sound()
    assert_differs_only_inside(first, second)
    assert np.abs(second[round(2.5 * 48000) : round(2.6 * 48000)]).max() > 0.01

    for marker in reaper.markers():
        if marker["position_s"] in (12.5, 14.5):
            reaper.move_marker(marker["guid"], marker["position_s"] + 0.25)
    desk.press_and_wait("make_again_from_markers")
    third = desk.sound()
    assert_differs_only_inside(second, third)
    (item,) = desk.foley_items()
    assert len(item["takes"]) == 3
    assert len({take["source"]["path"] for take in item["takes"]}) == 3

    reaper.set_time_selection(0.0, 0.0)
    desk.press_and_wait("make_again_from_markers")
    fourth = desk.sound()
    differs = np.flatnonzero(third != fourth)
    assert differs[0] >= 4.45 * 48000, "only the hit outside the selection was still to be made"


def test_generate_when_a_part_is_selected_then_an_item_that_fits_it(desk: Studio) -> None:
    for at in (10.5, 12.5, 13.5, 14.5):
        desk.reaper.add_marker(at, "foley")
    desk.reaper.set_time_selection(*SELECTED)
    desk.press_and_wait("generate")
    (item,) = desk.foley_items()
    assert (item["position_s"], item["length_s"]) == (12.0, 2.0)
    assert [onset.time_s for onset in desk.recipe().request.onsets] == pytest.approx([0.5, 1.5])
    assert len(desk.sound()) == 96000


def test_keys_when_the_selection_lies_elsewhere_then_a_sentence_with_the_way_out(desk: Studio) -> None:
    desk.reaper.add_marker(12.5, "foley")
    desk.press_and_wait("generate")
    desk.reaper.set_time_selection(20.0, 22.0)
    for action in ("find_onsets", "generate", "new_variation", "make_again_from_markers"):
        desk.press_and_hear(action, "20.000 to 22.000 s does not touch", '"film.mp4"', "Move it over the item")
