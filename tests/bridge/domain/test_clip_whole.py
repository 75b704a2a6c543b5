"""Clips made of a whole source and of a stored time map, and the edges to the nanosecond."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from bridge.domain.clip import Clip, Section, samples_of

STICK: dict[str, Any] = {"source_path": "stick.mp4", "source_length_s": 10.0, "length_s": 4.0}


def test_whole_when_a_source_is_taken_then_from_its_first_to_its_last_instant() -> None:
    clip = Clip.whole("/v/stick.mp4", 2.5)
    assert (clip.source_path, clip.source_length_s, clip.length_s, clip.position_s) == ("/v/stick.mp4", 2.5, 2.5, 0.0)
    assert clip.spans() == ((0.0, 2.5),)
    assert clip.title == 'the item "stick.mp4"'
    placed = Clip.whole("/v/stick.mp4", 2.5, position_s=7.0, name="Take 1")
    assert (placed.position_s, placed.end_s, placed.title) == (7.0, 9.5, 'the item "Take 1"')


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/v/stick.mp4", 'the item "stick.mp4"'),
        ("C:\\v\\stick.mp4", 'the item "stick.mp4"'),
        ("\\\\server\\v/stick.mp4", 'the item "stick.mp4"'),
        ("", "the item"),
    ],
)
def test_title_when_the_item_has_no_name_then_that_of_its_file(path: str, title: str) -> None:
    assert Clip(**{**STICK, "source_path": path}).title == title


@pytest.mark.parametrize("section", [None, Section(offset_s=1.0, length_s=2.0, reverse=True)])
def test_time_map_when_stored_and_read_again_then_the_same_clip(section: Section | None) -> None:
    clip = Clip(**STICK, position_s=3.0, start_offset_s=0.5, play_rate=2.0, loop=True, section=section, name="Take 1")
    stored = json.loads(json.dumps(clip.time_map))
    assert "source_path" not in stored
    assert set(stored) == set(Clip.__dataclass_fields__) - {"source_path"}
    assert Clip.of_time_map("other.mp4", stored) == Clip(**{**vars(clip), "source_path": "other.mp4"})


def test_time_map_when_stored_before_there_were_sections_then_read() -> None:
    numbers = {name: value for name, value in Clip(**STICK).time_map.items() if name != "section"}
    assert Clip.of_time_map("stick.mp4", numbers) == Clip(**STICK)
    with pytest.raises(TypeError):
        Clip.of_time_map("stick.mp4", {**numbers, "colour": 1})


def test_samples_of_when_a_hair_below_a_half_then_up() -> None:
    assert [samples_of(seconds, 10) for seconds in (0.0, 0.0499, 0.05 - 5e-8, 0.05, 0.149, 0.15)] == [0, 0, 1, 1, 1, 2]


def test_edges_when_an_instant_is_within_a_nanosecond_then_it_belongs_to_what_follows() -> None:
    clip = Clip(**STICK, position_s=0.0)
    assert np.isnan(clip.to_source([4.0 - 0.5e-9, 4.0 - 2e-9])).tolist() == [True, False]
    assert np.isnan(clip.to_source([-0.5e-9, -2e-9])).tolist() == [False, True]
    assert clip.to_source(-0.5e-9) == 0.0
    assert clip.to_project([-0.5e-9, 4.0 - 0.5e-9, 4.0 - 2e-9]).tolist() == [0.0, 4.0 - 2e-9]


def test_edges_when_an_item_starts_before_its_source_and_shows_a_place_then_never_before_the_item() -> None:
    late = Clip(**STICK, position_s=1.0, start_offset_s=2.0)
    assert late.to_project(2.0 - 0.5e-9).tolist() == [1.0]
    assert late.shown_at(2.0 - 0.5e-6).tolist() == [1.0]
    assert late.shown_at(6.0 - 0.5e-6).tolist() == []
    assert late.shown_at(6.0 - 2e-6).tolist() == pytest.approx([5.0 - 2e-6])


def test_edges_when_a_reversed_section_ends_with_its_source_then_the_last_picture_is_shown_first() -> None:
    back = Clip(**STICK, section=Section(offset_s=6.0, length_s=4.0, reverse=True))
    assert back.to_source([0.0, 1.0]).tolist() == [10.0, 9.0]
    assert back.to_project([10.0, 9.0, 6.0]).tolist() == [0.0, 1.0]
    past = Clip(**STICK, section=Section(offset_s=7.0, length_s=4.0, reverse=True))
    assert np.isnan(past.to_source([0.5, 1.5])).tolist() == [True, False]
    whole = Clip(**{**STICK, "length_s": 10.0}, section=Section(offset_s=0.0, length_s=10.0, reverse=True))
    assert whole.spans() == ((0.0, 10.0),)
    assert np.isnan(whole.to_source([10.0 - 2e-9, 10.0 - 0.5e-9])).tolist() == [False, True]


def test_edges_when_a_loop_comes_to_its_seam_within_a_nanosecond_then_it_begins_anew() -> None:
    loop = Clip(**{**STICK, "length_s": 2.5}, loop=True, section=Section(offset_s=0.0, length_s=1.0))
    assert loop.to_source([1.0 - 2e-9, 1.0 - 0.5e-9]).tolist() == pytest.approx([1.0 - 2e-9, 0.0], abs=1e-15)
    assert loop.to_project(1.0 - 0.8e-9).tolist() == [0.0, 1.0, 2.0]
    assert loop.to_project(1.0 - 0.3e-9).tolist() == []
    assert loop.to_project(1.0 - 2e-9).tolist() == pytest.approx([1.0 - 2e-9, 2.0 - 2e-9], abs=1e-15)


def test_spans_when_an_item_loops_then_each_stretch_once_and_apart() -> None:
    loop = {**STICK, "loop": True, "source_length_s": 4.0}
    assert Clip(**{**loop, "length_s": 4.0}, start_offset_s=1.0).spans() == ((0.0, 4.0),)
    assert Clip(**{**loop, "length_s": 3.0}, start_offset_s=6.0).spans() == ((0.0, 1.0), (2.0, 4.0))
    assert Clip(**{**loop, "length_s": 2.0}, start_offset_s=1.0).spans() == ((1.0, 3.0),)
    assert Clip(**{**loop, "length_s": 1.0}, start_offset_s=1.0, play_rate=2.0).spans() == ((1.0, 3.0),)
    assert Clip(**{**loop, "length_s": 1.5}, start_offset_s=3.0, play_rate=2.0).spans() == ((0.0, 2.0), (3.0, 4.0))


def test_sub_when_a_part_is_cut_then_position_length_and_offset_of_just_that() -> None:
    part = Clip(**STICK, position_s=100.0, start_offset_s=1.0, play_rate=2.0, name="Take 1").sub(101.0, 102.5)
    assert (part.position_s, part.length_s, part.start_offset_s, part.name) == (101.0, 1.5, 3.0, "Take 1")
    left = Clip(**STICK, position_s=100.0).sub(0.0, 101.0)
    assert (left.position_s, left.length_s, left.start_offset_s) == (100.0, 1.0, 0.0)


def test_clip_and_project_time_when_converted_then_the_items_position_apart() -> None:
    clip = Clip(**STICK, position_s=100.0)
    assert clip.clip_time([100.0, 101.5]).tolist() == [0.0, 1.5]
    assert clip.project_time([0, 2]).tolist() == [100.0, 102.0]
