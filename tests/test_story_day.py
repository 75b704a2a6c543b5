"""A designer's hour: every key of a day's work in order, one undo step each, and all of it undone at the end."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.story import Studio, tiny_studio

KEPT_BY_REAPER = ("CURSOR", "SELECTION")
"""Lines of a project file that are the view's, not the project's: undo leaves them as they are."""


@pytest.fixture
def desk(tmp_path: Path, film: Path) -> Iterator[Studio]:
    with tiny_studio(tmp_path, film) as desk:
        yield desk


def score(desk: Studio) -> list[dict]:
    return [marker for marker in desk.reaper.markers() if not marker["is_region"] and marker["name"] != "look at this"]


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """(lines that went, lines that came), but for those that are the view's."""
    lines = [
        line
        for line in difflib.ndiff(before.splitlines(), after.splitlines())
        if line[0] in "+-" and not line[2:].strip().startswith(KEPT_BY_REAPER)
    ]
    return [line[2:] for line in lines if line[0] == "-"], [line[2:] for line in lines if line[0] == "+"]


def test_designers_hour_when_all_of_it_is_undone_then_everything_is_as_it_was(desk: Studio, film: Path) -> None:
    reaper = desk.reaper
    file = desk.folder / "project" / "show.rpp"
    film_bytes = hashlib.sha256(film.read_bytes()).hexdigest()
    reaper.add_marker(11.0, "look at this")
    reaper.save()
    start, start_text = reaper.state(), file.read_text()
    began = len(reaper.undo_labels())

    # nine in the morning: where are the hits?
    desk.press_and_wait("find_onsets")
    found = score(desk)
    assert len(found) >= 6

    # two are none of ours, one is late, and three are of other stuff
    for marker in found[1:3]:
        reaper.delete_marker(marker["guid"])
    first, *middle, last = score(desk)
    reaper.move_marker(first["guid"], first["position_s"] + 0.04)
    reaper.rename_marker(middle[0]["guid"], "foley: metal")
    reaper.rename_marker(middle[1]["guid"], "metal @0.5")
    reaper.rename_marker(last["guid"], "Foley - glass")
    hits = score(desk)

    # the sound: a layer for each word
    desk.press_and_wait("generate")
    layers = desk.layers()
    assert set(layers) == {"Foley: wood", "Foley: metal", "Foley: glass"}
    heard = {name: [round(10 + o.time_s, 4) for o in desk.recipe(item).request.onsets] for name, item in layers.items()}
    at = [round(marker["position_s"], 4) for marker in hits]
    assert heard["Foley: metal"] == [at[1], at[2]]
    assert heard["Foley: glass"] == [at[-1]]
    assert sorted(time for times in heard.values() for time in times) == at
    for name, item in layers.items():
        audio = desk.sound(item)
        assert len(audio) == 6 * 48000
        begins = heard[name][0] - 10.0
        assert np.abs(audio[: round((begins - 0.01) * 48000)]).max(initial=0.0) < 1e-4
        assert np.abs(audio[round(begins * 48000) :]).max() > 0.01

    # one more try, and that one stays
    desk.press_and_wait("new_variation")
    assert [len(item["takes"]) for item in desk.foley_items()] == [2, 2, 2]
    second = {name: desk.sound(item) for name, item in desk.layers().items()}
    for name, item in layers.items():
        assert not np.array_equal(second[name], desk.sound(item))
        assert np.abs(second[name][round((heard[name][0] - 10.0) * 48000) :]).max() > 0.01
    desk.press_and_wait("keep_this_take")
    assert [len(item["takes"]) for item in desk.foley_items()] == [1, 1, 1]
    assert all(np.array_equal(desk.sound(item), second[name]) for name, item in desk.layers().items())

    # the picture editor was here: the last hit comes later
    reaper.move_marker(hits[-1]["guid"], hits[-1]["position_s"] + 0.1)
    desk.press_and_wait("make_again_from_markers")
    again = desk.layers()
    assert {name: len(item["takes"]) for name, item in again.items()} == {
        "Foley: wood": 1,
        "Foley: metal": 1,
        "Foley: glass": 2,
    }
    glass = desk.sound(again["Foley: glass"])
    assert not np.array_equal(glass, second["Foley: glass"])
    assert np.abs(glass[: round((hits[-1]["position_s"] + 0.09 - 10.0) * 48000)]).max() < 1e-4

    # the file of that hour only has more in it than the morning's
    reaper.save()
    gone, came = changed_lines(start_text, file.read_text())
    assert gone == []
    assert sum("TRACKID" in line for line in came) == 4
    assert reaper.undo_labels()[began:] == [
        "Foley: find onsets",
        *["Delete marker"] * 2,
        "Move marker",
        *["Edit marker"] * 3,
        "Foley: generate",
        "Foley: new variation",
        "Foley: keep this take",
        "Move marker",
        "Foley: make again from markers",
    ]

    # and back to the morning, step by step
    desk.undo_back_to(began)
    now = reaper.state()
    assert {key: value for key, value in now.items() if key != "cursor_s"} == {
        key: value for key, value in start.items() if key != "cursor_s"
    }
    reaper.save()
    assert changed_lines(start_text, file.read_text()) == ([], [])
    assert hashlib.sha256(film.read_bytes()).hexdigest() == film_bytes

    # forth again, for regret
    while reaper.redo():
        pass
    assert {name: len(item["takes"]) for name, item in desk.layers().items()} == {
        name: len(item["takes"]) for name, item in again.items()
    }
    assert all(np.array_equal(desk.sound(item), desk.sound(again[name])) for name, item in desk.layers().items())
