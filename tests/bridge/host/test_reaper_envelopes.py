"""Levels drawn on a track of ours: heard where they were drawn, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.host.base import Change, NewEnvelope, PointView
from bridge.host.reaper import ReaperHost
from tests.bridge.host.changes import Sounds, look, new_item
from tests.reaper_sim.client import SimReaper


def draw(host: ReaperHost, start_s: float, end_s: float, gain: float) -> None:
    """A level between two times, on the one track of ours."""
    view = host.read(cursor_s=10.5)
    points = (PointView(time_s=start_s, gain=gain), PointView(time_s=end_s, gain=gain))
    (track,) = view.foley_tracks
    new = NewEnvelope(track_guid=track.guid, start_s=start_s, end_s=end_s, points=points)
    host.write(Change(token=view.token, undo_title="Foley: draw level from picture", envelopes=(new,)))


def heard(reaper: SimReaper, *times_s: float) -> list[float]:
    """The gain of the foley track at these times."""
    (envelope,) = reaper.tracks()[1]["envelopes"]
    places, gains = [point[0] for point in envelope["points"]], [point[1] for point in envelope["points"]]
    return np.interp(times_s, places, gains).tolist()


@pytest.mark.parametrize("profile", ["6.80", "7.78"])
def test_level_when_drawn_in_a_part_then_the_rest_of_the_track_sounds_as_before(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds
) -> None:
    view = look(reaper, host, video)
    made = new_item(view.items[0], sounds("one"))
    host.write(Change(token=view.token, undo_title="Foley: generate", new_items=(made,)))
    draw(host, 10.5, 11.0, 0.25)
    assert heard(reaper, 0.0, 10.0, 10.49, 10.5, 11.0, 11.01, 12.0) == pytest.approx([1, 1, 1, 0.25, 0.25, 1, 1])
    draw(host, 10.7, 10.8, 0.5)
    assert heard(reaper, 10.49, 10.6, 10.7, 10.8, 10.9, 11.01) == pytest.approx([1, 0.25, 0.5, 0.5, 0.25, 1], abs=1e-6)
    before = len(reaper.tracks()[1]["envelopes"][0]["points"])
    draw(host, 10.7, 10.8, 0.5)
    assert len(reaper.tracks()[1]["envelopes"][0]["points"]) == before
