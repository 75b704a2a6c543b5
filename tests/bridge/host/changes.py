"""Changes to write in tests, and what a refusal must leave behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import HostError
from bridge.host.base import Change, ItemView, NewItem, ProjectView
from bridge.host.reaper import ReaperHost
from tests.reaper_sim.client import SimReaper

Sounds = Callable[[str], Path]


def new_item(item: ItemView, sound: Path, **changes: Any) -> NewItem:
    made = NewItem(
        below_track_guid=item.track_guid,
        track_name="Foley: wood",
        video_item_guid=item.guid,
        position_s=item.position_s,
        length_s=item.length_s,
        audio_path=str(sound),
        take_name="wood 1",
        recipe='{"seed": 1}',
    )
    return replace(made, **changes)


def look(reaper: SimReaper, host: ReaperHost, video: Path, **placing: Any) -> ProjectView:
    """A project with one video item under the cursor, as the host sees it."""
    reaper.place_video(video, 10.0, 2.0, **placing)
    return host.read(cursor_s=10.5)


def markers(reaper: SimReaper) -> list[tuple[float, str]]:
    return [(marker["position_s"], marker["name"]) for marker in reaper.markers()]


def refused(reaper: SimReaper, host: ReaperHost, change: Change, says: str) -> HostError:
    """The refusal of a change, with the project and its undo history as they were."""
    state, labels = reaper.state(), reaper.undo_labels()
    with pytest.raises(HostError) as caught:
        host.write(change)
    assert says in caught.value.sentence
    assert caught.value.hint
    assert (reaper.state(), reaper.undo_labels()) == (state, labels)
    return caught.value
