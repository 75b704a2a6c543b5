"""The main job, end to end: real scripts, real OSC, real reapy, real ONNX Runtime, against the simulated REAPER."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from bridge.media import wav
from tests.packs import tiny_pack
from tests.story import Studio, studio


@pytest.fixture
def desk(tmp_path: Path, film: Path, free_port: int) -> Iterator[Studio]:
    pack = tiny_pack(tmp_path / "packs")
    flags = ["--packs-dir", str(pack.parent), "--pack", pack.name, "--threads", "1"]
    with studio(tmp_path, film, flags=flags, port=free_port, length_s=6.0, start_offset_s=0.5) as desk:
        yield desk


def sound(path: Path) -> np.ndarray:
    return wav.read(path).samples[0]


def test_designers_first_hour_when_every_key_is_pressed_then_sound_that_follows_the_markers(
    desk: Studio, film: Path
) -> None:
    before_bytes = hashlib.sha256(film.read_bytes()).hexdigest()
    reaper = desk.reaper
    start = reaper.state()
    designers = reaper.add_marker(11.0, "look at this")

    desk.press_and_wait("find_onsets")
    found = [position for position, name in desk.markers() if name == "foley"]
    assert found
    assert all(10.0 <= position < 16.0 for position in found)
    ours = [marker for marker in reaper.markers() if marker["name"] == "foley"]
    reaper.move_marker(ours[0]["guid"], ours[0]["position_s"] + 0.05)
    desk.press_and_wait("find_onsets")
    assert [position for position, name in desk.markers() if name == "foley"] == pytest.approx(found)
    assert (11.0, "look at this") in desk.markers()

    desk.press_and_wait("generate")
    (item,) = desk.foley_items()
    video = next(other for other in reaper.items() if other["guid"] == desk.item)
    assert (item["position_s"], item["length_s"]) == (video["position_s"], video["length_s"])
    assert item["track_index"] == video["track_index"] + 1
    first = desk.active_audio(item)
    assert len(sound(first)) == round(6.0 * 48000)
    assert np.abs(sound(first)).max() > 0.01

    desk.press_and_wait("new_variation")
    (item,) = desk.foley_items()
    assert len(item["takes"]) == 2
    second = desk.active_audio(item)
    assert not np.array_equal(sound(first), sound(second))

    ours = [marker for marker in reaper.markers() if marker["name"] == "foley"]
    moved = ours[-1]
    reaper.move_marker(moved["guid"], moved["position_s"] + 0.2)
    desk.press_and_wait("make_again_from_markers")
    (item,) = desk.foley_items()
    third = desk.active_audio(item)
    assert len({first, second, third}) == 3
    differs = np.flatnonzero(sound(second) != sound(third)) / 48000
    assert len(differs)
    assert differs[0] > moved["position_s"] - 10.0 - 0.1

    labels = reaper.undo_labels()
    assert [label for label in labels if label.startswith("Foley")] == [
        "Foley: find onsets",
        "Foley: find onsets",
        "Foley: generate",
        "Foley: new variation",
        "Foley: make again from markers",
    ]
    while designers in [marker["guid"] for marker in reaper.markers()]:
        assert reaper.undo()
    now = reaper.state()
    assert (now["tracks"], now["markers"], now["ext"]) == (start["tracks"], start["markers"], start["ext"])
    assert all(path.is_file() for path in (first, second, third))
    assert hashlib.sha256(film.read_bytes()).hexdigest() == before_bytes


def test_generate_when_the_cursor_is_elsewhere_then_a_sentence_and_no_change(desk: Studio) -> None:
    desk.reaper.set_cursor(3.0)
    before = desk.reaper.state()
    desk.press("find_onsets")
    desk.until_console("No video item lies under the edit cursor at 3.000 s")
    assert desk.reaper.state()["markers"] == before["markers"]


def test_keys_when_reaper_restarts_then_they_work_again(desk: Studio) -> None:
    desk.press_and_wait("find_onsets")
    path = desk.folder / "project" / "show.rpp"
    desk.reaper.save()
    desk.reaper.restart(clean=False)
    desk.reaper.open(path)
    desk.reaper.set_cursor(10.1)
    before = desk.markers()
    desk.reaper.delete_marker(desk.reaper.markers()[0]["guid"])
    desk.press_and_wait("find_onsets")
    assert desk.markers() == [(pytest.approx(position), name) for position, name in before]


def test_key_when_the_daemon_is_gone_then_reapers_console_says_how_to_start_it(desk: Studio) -> None:
    desk.daemon.terminate()
    desk.daemon.wait(15)
    desk.press("generate")
    assert "foley-bridge serve" in desk.reaper.console()


def test_key_when_the_designer_turns_to_another_tab_then_the_pressed_one_is_worked_on(desk: Studio) -> None:
    reaper = desk.reaper
    reaper.new_tab()
    reaper.switch_tab(0)
    desk.press("find_onsets")
    reaper.switch_tab(1)
    desk.until(lambda: "onsets found" in reaper.help_text())
    assert reaper.markers() == []
    reaper.switch_tab(0)
    assert reaper.markers()


def test_free_memory_when_pressed_between_two_keys_then_the_models_open_again_by_themselves(desk: Studio) -> None:
    desk.press_and_wait("generate")
    desk.until(lambda: "sounded for" in desk.reaper.help_text())
    desk.press("free_memory")
    desk.until(lambda: "4 graphs of pack tiny closed" in desk.reaper.help_text() + desk.reaper.console())
    desk.press_and_wait("new_variation")
    (item,) = desk.foley_items()
    assert len(item["takes"]) == 2


def test_new_variation_when_the_foley_item_was_trimmed_then_its_sound_still_fits_the_picture(desk: Studio) -> None:
    desk.press_and_wait("generate")
    (item,) = desk.foley_items()
    desk.reaper.set_item(item["guid"], position_s=11.0, length_s=5.0, start_offset_s=1.0)
    desk.press_and_wait("new_variation")
    (item,) = desk.foley_items()
    assert [take["start_offset_s"] for take in item["takes"]] == pytest.approx([1.0, 1.0])
