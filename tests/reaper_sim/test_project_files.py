"""Project files, checked with readers and writers that were made apart from the simulator's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import rpp as rpp_package

from bridge.domain.clip import Clip
from bridge.host.base import Change, NewItem, NewMarker
from bridge.host.rpp import RppHost

from .client import SimReaper
from .conftest import Answer


@pytest.fixture
def saved(reaper: SimReaper, answer: Answer, tmp_path: Path, video: Path) -> Path:
    """A file saved by the simulated REAPER."""
    reaper.place_video(video, 2.0, section=(0.25, 0.5), reverse=True, play_rate=0.5)
    reaper.set_cursor(2.1)
    reaper.add_marker(1.0, "scene", end_s=4.0)
    reaper.add_marker(2.25, "foley: metal plate")
    answer('RPR_SetProjExtState(0, "FOLEY", "prompt", "metal plate"); out = 1')
    path = tmp_path / "film.rpp"
    reaper.save(path)
    return path


def test_numbers_when_saved_and_loaded_then_they_are_rounded(reaper: SimReaper, tmp_path: Path, video: Path) -> None:
    reaper.place_video(video, 10 + 1 / 3, 2 / 3, start_offset_s=1 / 3, play_rate=0.7)
    reaper.add_marker(10 + 2 / 3, "foley")
    reaper.save(tmp_path / "film.rpp")
    reaper.open(tmp_path / "film.rpp")
    (item,), (marker,) = reaper.items(), reaper.markers()
    values = [item["position_s"], item["length_s"], item["takes"][0]["start_offset_s"], marker["position_s"]]
    exact = [10 + 1 / 3, 2 / 3, 1 / 3, 10 + 2 / 3]
    assert values == [round(value, 14) for value in exact]
    assert all(value != other for value, other in zip(values, exact, strict=True))
    assert item["takes"][0]["play_rate"] == 0.7


def test_saved_file_when_read_by_the_rpp_package_then_tracks_and_markers_are_there(saved: Path) -> None:
    project = rpp_package.loads(saved.read_text())
    assert project.tag == "REAPER_PROJECT"
    assert [line[3] for line in project.findall("MARKER") if len(line) > 5] == ["scene", "foley: metal plate"]
    item = project.find("TRACK").find("ITEM")
    assert item.find("POSITION")[1] == "2"
    assert item.find("SOURCE").attrib[0] == "SECTION"


def test_saved_file_when_read_by_the_bridge_then_the_same_project(reaper: SimReaper, saved: Path, video: Path) -> None:
    view = RppHost(saved).read()
    item = reaper.items()[0]
    assert [(marker.guid, marker.position_s, marker.name) for marker in view.markers] == [
        (marker["guid"], marker["position_s"], marker["name"]) for marker in reaper.markers() if not marker["is_region"]
    ]
    assert (view.items[0].guid, view.items[0].take_guid) == (item["guid"], item["takes"][0]["guid"])
    assert (view.items[0].section_offset_s, view.items[0].section_length_s, view.items[0].reverse) == (0.25, 0.5, True)
    assert (view.items[0].play_rate, view.items[0].source_path) == (0.5, str(video))
    assert view.prompt == "metal plate"


def test_file_when_made_by_the_bridge_then_reaper_opens_it(
    reaper: SimReaper, tmp_path: Path, video: Path, sound: Path
) -> None:
    clip = Clip(source_path=str(video), source_length_s=1.0, position_s=3.0, length_s=0.8, name="one second")
    host = RppHost.create(tmp_path / "demo.rpp", clip)
    view = host.read()
    recipe = json.dumps({"prompt": 'a "metal" plate', "seed": 7})
    item = NewItem(
        below_track_guid=view.items[0].track_guid,
        track_name="Foley: metal",
        video_item_guid=view.items[0].guid,
        position_s=3.0,
        length_s=0.8,
        audio_path=str(sound),
        take_name="metal 7",
        recipe=recipe,
    )
    marker = NewMarker(position_s=3.25, name="foley")
    host.write(Change(token=view.token, undo_title="Foley", add_markers=(marker,), new_items=(item,), prompt="metal"))
    reaper.open(tmp_path / "demo.rpp")
    first, second = reaper.tracks()
    assert second["name"] == "Foley: metal"
    assert first["items"][0]["takes"][0]["source"]["path"] == str(video)
    (made,) = second["items"]
    assert (made["position_s"], made["length_s"]) == (3.0, 0.8)
    assert made["takes"][0]["ext"] == {"foley_recipe": recipe}
    assert (made["takes"][0]["source"]["type"], made["takes"][0]["source"]["length_s"]) == ("WAVE", 0.5)
    assert [(m["position_s"], m["name"]) for m in reaper.markers()] == [(3.25, "foley")]
    assert reaper.state()["ext"]["FOLEY"]["prompt"] == "metal"
