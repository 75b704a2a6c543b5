"""What crosses the wire: exact fields, exact numbers, and nothing that JSON cannot carry."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import HostError
from bridge.host.base import (
    Change,
    FoleyItemView,
    ItemView,
    MarkerView,
    NewItem,
    NewMarker,
    NewTake,
    ProjectView,
    Report,
)
from bridge.host.wire import from_wire, to_wire

ITEM = ItemView(
    guid="{I}",
    take_guid="{T}",
    track_guid="{R}",
    name="a.mp4",
    source_path="/a.mp4",
    source_length_s=3.3,
    position_s=0.1 + 0.2,
    length_s=1 / 3,
    section_length_s=2.0,
    stretch_markers=2,
)
VIEW = ProjectView(
    token="t",
    path="",
    media_dir="/m",
    change_count=3,
    cursor_s=1.0,
    sample_rate_hz=48000,
    prompt="wood",
    items=(ITEM, replace(ITEM, section_length_s=None)),
    chosen="topmost",
    muted=("b.mp4", "c.mp4"),
    markers=(MarkerView(guid="{M}", position_s=1e-9, name="foley", ours=True),),
    foley_items=(
        FoleyItemView(
            guid="{F}",
            track_guid="{R}",
            video_item_guid="{I}",
            position_s=0.0,
            length_s=1.0,
            takes=2,
            recipe="{}",
            audio_path="/f.wav",
        ),
    ),
)


@pytest.mark.parametrize("value", [VIEW, ITEM, Report(marker_guids=("{A}",), take_guids=("{B}", "{C}"))])
def test_dataclass_when_sent_and_read_back_then_it_is_equal_to_the_last_bit(value: object) -> None:
    assert from_wire(type(value), json.loads(json.dumps(to_wire(value), allow_nan=False))) == value


def test_change_when_it_holds_numpy_values_and_paths_then_plain_json_leaves() -> None:
    change = Change(
        token="t",
        undo_title="u",
        add_markers=(NewMarker(position_s=np.float32(0.5), name="foley"),),  # pyright: ignore[reportArgumentType]
        new_takes=(NewTake(item_guid="{I}", audio_path=Path("/x.wav"), take_name="x", recipe="{}"),),  # pyright: ignore[reportArgumentType]
        new_items=(
            NewItem(
                below_track_guid="{R}",
                track_name="n",
                video_item_guid="{I}",
                position_s=np.float64(1.25),  # pyright: ignore[reportArgumentType]
                length_s=np.int64(2),  # pyright: ignore[reportArgumentType]
                audio_path="/y.wav",
                take_name="y",
                recipe="{}",
            ),
        ),
    )
    wire = json.loads(json.dumps(to_wire(change)))
    assert wire["add_markers"] == [{"position_s": 0.5, "name": "foley", "origin": ""}]
    assert wire["new_items"][0]["position_s"] == 1.25
    assert wire["new_items"][0]["length_s"] == 2
    assert wire["new_takes"][0]["audio_path"] == "/x.wav"
    assert wire["prompt"] is None
    assert wire["expect_item"] is None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan"), b"bytes", np.zeros(2), object()])
def test_value_when_json_cannot_carry_it_then_a_host_error(value: object) -> None:
    with pytest.raises(HostError):
        to_wire([value])


@pytest.mark.parametrize(
    "change",
    [
        {"cursor_s": "1.0"},
        {"cursor_s": None},
        {"change_count": 1.5},
        {"change_count": True},
        {"path": 5},
        {"items": "none"},
        {"items": [{"guid": "{I}"}]},
        {"markers": [7]},
        {"unknown": 1},
    ],
)
def test_view_when_the_script_sends_other_fields_then_the_hint_names_the_release(change: dict) -> None:
    with pytest.raises(HostError, match="same release"):
        from_wire(ProjectView, {**to_wire(VIEW), **change})


def test_view_when_a_field_is_missing_then_it_is_refused() -> None:
    data = to_wire(VIEW)
    del data["markers"]
    with pytest.raises(HostError, match="same release"):
        from_wire(ProjectView, data)
