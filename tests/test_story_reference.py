"""A sound as the wish: an item's visible part is the reference, is placed on the onsets, and varied."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bridge.media import wav
from tests.story import Studio, taken_back, tiny_studio
from tests.wave_pack import wave_pack

RATE_HZ = 48000


@pytest.fixture(scope="module")
def knock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds with two sounds: low from 0.5 s on, high from 1.5 s on; silence between them."""
    path = tmp_path_factory.mktemp("sounds") / "two knocks.wav"
    times = np.arange(3 * RATE_HZ) / RATE_HZ
    samples = np.zeros(len(times))
    for start_s, tone_hz in ((0.5, 200.0), (1.5, 3000.0)):
        since = times - start_s
        samples += np.where(since >= 0, np.sin(2 * np.pi * tone_hz * since) * np.exp(-np.maximum(since, 0) / 0.05), 0)
    wav.write_blocks(path, iter([0.5 * samples[None].astype(np.float32)]), rate_hz=RATE_HZ, channels=1)
    return path


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[Studio]:
    with tiny_studio(tmp_path_factory.mktemp("reference"), film, pack=wave_pack) as desk:
        desk.press_and_wait("set_prompt")
        yield desk


@pytest.fixture
def desk(house: Studio) -> Iterator[Studio]:
    with taken_back(house):
        for at in (10.5, 11.5, 12.5, 13.5):
            house.reaper.add_marker(at, "foley")
        yield house


def select(desk: Studio, sound: Path, **placing: Any) -> str:
    """The sound as an item far behind the picture, selected."""
    item = desk.reaper.place_video(sound, 30.0, track=desk.reaper.add_track("Sounds"), **placing)
    desk.reaper.select(item)
    return item


def reference(desk: Studio) -> dict:
    return json.loads(desk.reaper.state()["ext"]["FOLEY"]["reference"])


def loudest_hz(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE_HZ / len(samples)


def hit(samples: np.ndarray, at_s: float) -> np.ndarray:
    return samples[round(at_s * RATE_HZ) : round((at_s + 0.25) * RATE_HZ)]


def test_place_when_the_item_is_trimmed_then_only_its_visible_part_sounds(desk: Studio, knock: Path) -> None:
    select(desk, knock, start_offset_s=1.4, length_s=0.6)
    desk.press_and_wait("place_this_sound")
    audio = desk.sound()
    assert len(audio) == 6 * RATE_HZ
    assert np.abs(audio[: round(0.4 * RATE_HZ)]).max() < 1e-4
    hits = [hit(audio, at) for at in (0.5, 1.5, 2.5, 3.5)]
    assert all(np.abs(one).max() > 0.05 for one in hits)
    assert all(2000 < loudest_hz(one) < 4500 for one in hits), "the low knock is not in the visible part"
    assert not any(np.array_equal(one, other) for one, other in pairwise(hits))
    assert (desk.recipe().pack, desk.recipe().request.prompt) == ("place", "")
    assert "Foley: two knocks.wav" in desk.layers()


def test_reference_when_used_then_it_is_remembered_sounds_and_is_forgotten(desk: Studio, knock: Path) -> None:
    reaper = desk.reaper
    select(desk, knock, start_offset_s=0.4, length_s=0.3, play_rate=2.0)
    steps = reaper.state()["ext"]
    desk.press_and_wait("use_item_as_reference")
    copy = Path(reference(desk)["path"])
    assert copy.is_relative_to(desk.folder / "project" / "Media" / "Foley" / "References")
    assert wav.read(copy).length_s == pytest.approx(0.6)
    taken = (wav.read_provenance(copy) or {})["reference"]
    assert (taken["path"], taken["start_s"], taken["length_s"]) == (
        str(knock),
        pytest.approx(0.4),
        pytest.approx(0.6),
    )
    reaper.select()

    desk.press_and_wait("generate")
    heard = desk.recipe().request.reference
    assert heard is not None
    assert (heard.path, heard.start_s, heard.length_s) == (str(copy), 0.0, None)
    assert set(desk.layers()) == {"Foley: two knocks.wav"}
    assert reaper.undo() == "Foley: generate"

    desk.press_and_wait("forget_reference")
    desk.press_and_wait("generate")
    assert desk.recipe().request.reference is None
    assert set(desk.layers()) == {"Foley: wood"}
    for title in ("Foley: generate", "Foley: forget the reference", "Foley: use item as reference"):
        assert reaper.undo() == title
    assert reaper.state()["ext"] == steps


def test_placed_sound_when_varied_and_a_hit_moves_then_only_what_is_asked_for_changes(
    desk: Studio, knock: Path
) -> None:
    reaper = desk.reaper
    select(desk, knock, start_offset_s=1.4, length_s=0.6)
    desk.press_and_wait("use_item_as_reference")
    reaper.select()
    desk.press("place_this_sound")
    tab = reaper.new_tab()
    desk.until_said("placed on 4 onsets")
    assert reaper.tracks() == []
    reaper.switch_tab(0)
    first = desk.sound()

    desk.press_and_wait("new_variation")
    second = desk.sound()
    assert len(desk.foley_items()[0]["takes"]) == 2
    assert all(not np.array_equal(hit(first, at), hit(second, at)) for at in (0.5, 1.5, 2.5, 3.5))
    assert all(2000 < loudest_hz(hit(second, at)) < 4500 for at in (0.5, 1.5, 2.5, 3.5))

    last = reaper.markers()[-1]
    reaper.move_marker(last["guid"], 14.0)
    desk.press_and_wait("make_again_from_markers")
    third = desk.sound()
    assert np.array_equal(second[: round(1.4 * RATE_HZ)], third[: round(1.4 * RATE_HZ)])
    assert np.abs(third[round(3.45 * RATE_HZ) : round(3.9 * RATE_HZ)]).max() < 1e-3
    assert np.abs(hit(third, 4.0)).max() > 0.05

    desk.press_and_wait("vary_a_little")
    assert len(desk.foley_items()[0]["takes"]) == 4
    assert np.abs(hit(desk.sound(), 4.0)).max() > 0.05
    reaper.close_tab(tab)
    reaper.switch_tab(0)


def test_reference_when_no_sound_is_selected_then_a_sentence(desk: Studio) -> None:
    desk.reaper.select()
    desk.press_and_hear("use_item_as_reference", "Not one item with a sound file is selected")
    desk.press_and_hear("place_this_sound", "There is no sound to place", "Use selected item as reference")
