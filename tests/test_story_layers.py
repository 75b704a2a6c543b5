"""Layers: markers with words of their own become tracks in a folder, wherever the video's track lies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.story import Studio, taken_back, tiny_studio


@pytest.fixture(scope="module", params=["7.30", "6.80"])
def house(tmp_path_factory: pytest.TempPathFactory, film: Path, request: pytest.FixtureRequest) -> Iterator[Studio]:
    with tiny_studio(tmp_path_factory.mktemp("layers"), film, profile=request.param) as desk:
        desk.press_and_wait("set_prompt")
        yield desk


@pytest.fixture
def desk(house: Studio) -> Iterator[Studio]:
    with taken_back(house):
        house.reaper.add_marker(11.0, "foley")
        house.reaper.add_marker(12.0, "foley: metal")
        yield house


def depths(desk: Studio) -> list[tuple[str, int]]:
    return [(track["name"], track["folder_depth"]) for track in desk.reaper.tracks()]


def parents(desk: Studio) -> dict[str, list[str]]:
    """The folders around each track, from the outside in."""
    open_folders: list[str] = []
    found = {}
    for name, depth in depths(desk):
        found[name] = list(open_folders)
        if depth > 0:
            open_folders.append(name)
        for _ in range(-depth):
            open_folders.pop()
    assert open_folders == [], f"folders without an end: {depths(desk)}"
    return found


def video_track(desk: Studio) -> dict[str, Any]:
    return next(t for t in desk.reaper.tracks() if any(item["guid"] == desk.item for item in t["items"]))


FOLDER = "Foley: film.mp4"


def test_generate_when_two_words_are_asked_for_then_two_tracks_in_a_folder_below_the_video(desk: Studio) -> None:
    desk.reaper.add_track("Music")
    desk.press_and_wait("generate")
    assert depths(desk) == [("Video", 0), (FOLDER, 1), ("Foley: wood", 0), ("Foley: metal", -1), ("Music", 0)]
    desk.press_and_hear("make_again_from_markers", "Nothing changed")


def test_generate_when_the_video_ends_a_folder_then_the_layers_are_in_that_folder_too(desk: Studio) -> None:
    reaper = desk.reaper
    picture = reaper.add_track("Picture", 0)
    reaper.set_track(picture, folder_depth=1)
    reaper.set_track(video_track(desk)["guid"], folder_depth=-1)
    reaper.add_track("Music")
    desk.press_and_wait("generate")
    assert parents(desk) == {
        "Picture": [],
        "Video": ["Picture"],
        FOLDER: ["Picture"],
        "Foley: wood": ["Picture", FOLDER],
        "Foley: metal": ["Picture", FOLDER],
        "Music": [],
    }


def test_generate_when_the_video_is_a_folders_parent_then_the_layers_are_its_children(desk: Studio) -> None:
    reaper = desk.reaper
    reaper.set_track(video_track(desk)["guid"], folder_depth=1)
    child = reaper.add_track("Dialogue")
    reaper.set_track(child, folder_depth=-1)
    reaper.add_track("Music")
    desk.press_and_wait("generate")
    assert parents(desk) == {
        "Video": [],
        FOLDER: ["Video"],
        "Foley: wood": ["Video", FOLDER],
        "Foley: metal": ["Video", FOLDER],
        "Dialogue": ["Video"],
        "Music": [],
    }


def test_again_when_a_third_word_is_asked_for_then_its_track_joins_the_folder_and_undo_takes_it_out(
    desk: Studio,
) -> None:
    reaper = desk.reaper
    desk.press_and_wait("generate")
    two = reaper.state()["tracks"]
    reaper.add_marker(13.0, "foley: glass")
    desk.press_and_wait("make_again_from_markers")
    assert depths(desk) == [
        ("Video", 0),
        (FOLDER, 1),
        ("Foley: wood", 0),
        ("Foley: metal", 0),
        ("Foley: glass", -1),
    ]
    assert {name: len(item["takes"]) for name, item in desk.layers().items()} == {
        "Foley: wood": 1,
        "Foley: metal": 1,
        "Foley: glass": 1,
    }
    assert reaper.undo() == "Foley: make again from markers"
    assert reaper.state()["tracks"] == two


def test_variation_when_a_third_word_is_asked_for_then_it_sounds_too(desk: Studio) -> None:
    desk.press_and_wait("generate")
    desk.reaper.add_marker(13.0, "foley: glass")
    desk.press_and_wait("new_variation")
    layers = desk.layers()
    assert {name: len(item["takes"]) for name, item in layers.items()} == {
        "Foley: wood": 2,
        "Foley: metal": 2,
        "Foley: glass": 1,
    }
    assert [o.time_s for o in desk.recipe(layers["Foley: glass"]).request.onsets] == pytest.approx([3.0])


def test_again_when_a_word_is_asked_for_no_more_then_its_layer_falls_silent(desk: Studio) -> None:
    reaper = desk.reaper
    desk.press_and_wait("generate")
    (metal,) = [marker for marker in reaper.markers() if marker["name"] == "foley: metal"]
    reaper.rename_marker(metal["guid"], "foley")
    desk.press_and_wait("make_again_from_markers")
    layers = desk.layers()
    assert not desk.sound(layers["Foley: metal"]).any()
    assert [o.time_s for o in desk.recipe(layers["Foley: wood"]).request.onsets] == pytest.approx([1.0, 2.0])


def test_again_when_a_second_word_is_asked_for_then_a_folder_is_put_around_both(desk: Studio) -> None:
    reaper = desk.reaper
    (metal,) = [marker for marker in reaper.markers() if marker["name"] == "foley: metal"]
    reaper.rename_marker(metal["guid"], "foley")
    reaper.add_track("Music")
    desk.press_and_wait("generate")
    assert depths(desk) == [("Video", 0), ("Foley: wood", 0), ("Music", 0)]
    one = reaper.state()["tracks"]
    reaper.rename_marker(metal["guid"], "foley: metal")
    desk.press_and_wait("make_again_from_markers")
    assert depths(desk) == [("Video", 0), (FOLDER, 1), ("Foley: wood", 0), ("Foley: metal", -1), ("Music", 0)]
    layers = desk.layers()
    assert {name: len(item["takes"]) for name, item in layers.items()} == {"Foley: wood": 2, "Foley: metal": 1}
    assert [o.time_s for o in desk.recipe(layers["Foley: wood"]).request.onsets] == pytest.approx([1.0])
    assert [o.time_s for o in desk.recipe(layers["Foley: metal"]).request.onsets] == pytest.approx([2.0])
    assert reaper.undo() == "Foley: make again from markers"
    assert reaper.state()["tracks"] == one


def test_again_when_the_designer_put_a_track_into_the_one_track_then_it_stays_there(desk: Studio) -> None:
    reaper = desk.reaper
    (metal,) = [marker for marker in reaper.markers() if marker["name"] == "foley: metal"]
    reaper.rename_marker(metal["guid"], "foley")
    desk.press_and_wait("generate")
    wood = next(track for track in reaper.tracks() if track["name"] == "Foley: wood")
    reaper.set_track(wood["guid"], folder_depth=1)
    reaper.set_track(reaper.add_track("Sweetener"), folder_depth=-1)
    reaper.add_track("Music")
    reaper.rename_marker(metal["guid"], "foley: metal")
    desk.press_and_wait("make_again_from_markers")
    assert parents(desk) == {
        "Video": [],
        FOLDER: [],
        "Foley: metal": [FOLDER],
        "Foley: wood": [FOLDER],
        "Sweetener": [FOLDER, "Foley: wood"],
        "Music": [],
    }


def test_again_when_the_one_track_ends_a_folder_then_the_folder_around_both_ends_there_too(desk: Studio) -> None:
    reaper = desk.reaper
    (metal,) = [marker for marker in reaper.markers() if marker["name"] == "foley: metal"]
    reaper.rename_marker(metal["guid"], "foley")
    reaper.set_track(video_track(desk)["guid"], folder_depth=1)
    child = reaper.add_track("Dialogue")
    reaper.set_track(child, folder_depth=-1)
    desk.press_and_wait("generate")
    reaper.delete_track(child)
    wood = next(track for track in reaper.tracks() if track["name"] == "Foley: wood")
    reaper.set_track(wood["guid"], folder_depth=-1)
    reaper.add_track("Music")
    reaper.rename_marker(metal["guid"], "foley: metal")
    desk.press_and_wait("make_again_from_markers")
    assert parents(desk) == {
        "Video": [],
        FOLDER: ["Video"],
        "Foley: wood": ["Video", FOLDER],
        "Foley: metal": ["Video", FOLDER],
        "Music": [],
    }
