"""What a key finds gone or spoilt since the take was made: one sentence that names it, and nothing is changed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import MediaError, RequestError
from bridge.jobs import choose
from bridge.media import wav
from tests.bridge.jobs.table import Table
from tests.fakes import video_item


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.mark((10.25, "foley"), (10.75, "foley"))
    return table


def spoil(table: Table, **time_map: Any) -> None:
    """Changes the recipe of the only take, as another program could."""
    item = table.layer()
    recipe = json.loads(item.recipe)
    recipe["time_map"].update(time_map)
    table.change(foley_items=(replace(item, recipe=json.dumps(recipe)),))


@pytest.mark.parametrize("verb", ["again", "variation", "little"])
def test_key_when_the_video_is_gone_from_the_project_then_said_and_how_to_bring_it_back(
    table: Table, verb: str
) -> None:
    table.press("generate")
    table.change(items=(), videos=())
    table.fails(verb, "clip.mp4", "is gone from the project. Put it back (Undo)")


@pytest.mark.parametrize("verb", ["again", "variation"])
def test_key_when_all_markers_are_gone_then_said_and_what_to_press(table: Table, verb: str) -> None:
    table.press("generate")
    table.mark()
    table.fails(verb, "No marker named 'foley' stands in 'clip.mp4' any more. Press Find onsets")


def test_exactly_when_the_recipes_numbers_are_none_of_ours_then_said_and_what_to_press(table: Table) -> None:
    table.press("generate")
    spoil(table, colour="red")
    table.fails("exactly", "The recipe for 'clip.mp4' cannot be read. Press New variation")


@pytest.mark.parametrize("verb", ["generate", "variation", "exactly"])
def test_key_when_a_file_stands_where_the_folder_for_sound_shall_be_then_it_is_named(table: Table, verb: str) -> None:
    if verb != "generate":
        table.press("generate")
    folder = choose.audio_folder(table.host.view, table.host.view.items[0].name)
    if folder.exists():
        folder.rename(folder.with_name("moved"))
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_bytes(b"a file of the user's")
    table.fails(verb, f"The sound for 'clip.mp4' cannot be written to {folder}: ", kind=MediaError)
    assert folder.read_bytes() == b"a file of the user's"


def test_variation_when_the_file_is_of_another_length_then_a_part_of_it_is_not_kept(table: Table) -> None:
    table.press("generate")
    path = Path(table.layer().audio_path)
    sound = wav.read(path)
    path.unlink()
    wav.write(path, replace(sound, samples=sound.samples[:, :-100].copy()))
    table.select(10.5, 11.0)
    table.fails("variation", f"{path} is not the file that its recipe tells of", kind=MediaError)


def test_live_when_one_video_is_gone_then_the_other_follows_and_it_is_told_once(table: Table) -> None:
    second = table.folder / "other.mp4"
    second.write_bytes(b"picture")
    table.press("generate")
    first_item = table.host.view.items[0]
    other = video_item(str(second), guid="{other}", take_guid="{take2}", name="other.mp4", position_s=20.0)
    table.change(items=(other,), videos=(first_item, other), cursor_s=20.5)
    table.mark((10.25, "foley"), (10.75, "foley"), (20.5, "foley"), (21.0, "foley"))
    table.press("generate")
    table.change(videos=(other,))
    table.mark((10.25, "foley"), (10.75, "foley"), (20.4, "foley"), (21.0, "foley"))
    said = table.press("following")
    assert said.startswith("Live: the sound follows the markers. ")
    assert "('clip.mp4') is gone from the project" in said
    table.mark((10.25, "foley"), (10.75, "foley"), (20.3, "foley"), (21.0, "foley"))
    assert table.press("following") == "Live: the sound follows the markers."
    table.change(videos=(), items=())
    with pytest.raises(RequestError, match="is gone from the project"):
        table.press("following")


def test_item_when_it_plays_a_stretch_of_its_source_then_the_clip_does(tmp_path: Path) -> None:
    part = video_item("a.mp4", source_length_s=10.0, section_offset_s=4.0, section_length_s=3.0)
    assert choose.clip_of(part).to_source([10.0, 11.5]).tolist() == [4.0, 5.5]
    to_the_end = video_item("a.mp4", source_length_s=10.0, section_offset_s=4.0, length_s=8.0, loop=True)
    assert choose.clip_of(to_the_end).to_source([10.0, 16.5]).tolist() == [4.0, 4.5]
    back = video_item("a.mp4", source_length_s=10.0, reverse=True)
    assert choose.clip_of(back).to_source([10.0, 11.5]).tolist() == [10.0, 8.5]
