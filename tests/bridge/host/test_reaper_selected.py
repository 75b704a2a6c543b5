"""The selected item as an example sound: the part of the file that is heard, wherever the item begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bridge.host.reaper import ReaperHost
from tests.reaper_sim.client import SimReaper


@pytest.mark.parametrize(
    ("placing", "start_s", "length_s"),
    [
        ({"start_offset_s": 0.5}, 0.5, 1.0),
        ({"start_offset_s": 0.5, "play_rate": 2.0}, 0.5, 2.0),
        ({"start_offset_s": -0.25}, 0.0, 0.75),
        ({"start_offset_s": -0.5, "play_rate": 2.0}, 0.0, 1.5),
        ({"start_offset_s": -3.0}, 0.0, 0.0),
        ({"section": (1.0, 2.0), "start_offset_s": 0.25}, 1.25, 1.0),
        ({"section": (1.0, 2.0), "start_offset_s": -0.25}, 1.0, 0.75),
        ({"section": (1.0, 2.0), "start_offset_s": 1.5}, 2.5, 0.5),
        ({"section": (1.0, 2.0), "reverse": True}, 2.0, 1.0),
        ({"section": (1.0, 2.0), "reverse": True, "start_offset_s": 0.25}, 1.75, 1.0),
        ({"section": (1.0, 2.0), "reverse": True, "start_offset_s": -0.25}, 2.25, 0.75),
        ({"section": (1.0, 2.0), "reverse": True, "start_offset_s": 1.5}, 1.0, 0.5),
        ({"reverse": True, "start_offset_s": 0.5}, 2.5, 1.0),
    ],
)
def test_selected_item_when_it_shows_a_part_then_that_part_of_the_file_is_named(
    reaper: SimReaper, host: ReaperHost, video: Path, placing: dict[str, Any], start_s: float, length_s: float
) -> None:
    reaper.place_video(video, 5.0, 1.0, selected=True, **placing)
    seen = host.read().selected
    assert seen is not None
    assert (seen.start_s, seen.length_s) == pytest.approx((start_s, length_s))
