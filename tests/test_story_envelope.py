"""Draw level from picture: a volume envelope that is seen, played and edited, and that tells the net of force."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.packs import tiny_pack
from tests.reaper_sim.envelopes import scale_from, scale_to
from tests.story import Studio, tiny_studio

FLOOR_DB = -24.0
"""What the action promises: never silent."""


@pytest.fixture(params=["7.78", "7.30", "6.80"])
def desk(tmp_path: Path, film: Path, request: pytest.FixtureRequest) -> Iterator[Studio]:
    with tiny_studio(tmp_path, film, pack=partial(tiny_pack, strength=True), profile=request.param) as desk:
        yield desk


def foley_track(desk: Studio) -> dict[str, Any]:
    return next(track for track in desk.reaper.tracks() if track["name"] == "Foley: wood")


def envelope(desk: Studio) -> dict[str, Any]:
    (found,) = foley_track(desk)["envelopes"]
    return found


def played_db(desk: Studio, at_s: float) -> float:
    """What REAPER plays at a time: straight lines between the points, drawn on the fader's scale."""
    points = envelope(desk)["points"]
    faders = [scale_to(1, point[1]) for point in points]
    return 20 * math.log10(scale_from(1, float(np.interp(at_s, [point[0] for point in points], faders))))


def seen_db(desk: Studio, at_s: float) -> float:
    """What the picture says of a hit: its strength times how sure it is, beside the greatest of them."""
    (one,) = json.loads(desk.reaper.state()["ext"]["FOLEY"]["score"]).values()
    peaks = {10.0 + place - 0.5: (sure, sure * strength) for place, sure, strength in one["peaks"]}
    hits = {at: height for at, (sure, height) in peaks.items() if 10.0 <= at < 16.0 and sure >= one["threshold"]}
    height = next(height for at, height in hits.items() if abs(at - at_s) < 1e-4)
    return max(FLOOR_DB, 20 * math.log10(height / max(hits.values())))


def test_level_when_drawn_and_edited_by_hand_then_reaper_plays_it_and_the_net_is_told(desk: Studio) -> None:
    reaper = desk.reaper
    reaper.select(reaper.add_track("Music"))
    desk.press_and_wait("find_onsets")
    hits = [position for position, _ in desk.markers()]
    desk.press_and_wait("generate")
    desk.press_and_hear("make_again_from_markers", "Nothing changed")
    plain, before = desk.sound(), reaper.state()

    desk.press_and_wait("draw_level_from_picture")
    drawn = envelope(desk)
    assert (drawn["name"], drawn["active"], drawn["visible"]) == ("VOLENV2", True, True)
    assert [track["name"] for track in reaper.tracks() if track["selected"]] == ["Music"]
    assert all(not track["envelopes"] for track in reaper.tracks() if track["name"] != "Foley: wood")
    assert max(point[1] for point in drawn["points"]) == pytest.approx(1.0, abs=1e-6)
    for at in hits:
        assert played_db(desk, at) == pytest.approx(seen_db(desk, at), abs=0.6)
        if not any(at < other < at + 0.3 for other in hits):
            assert FLOOR_DB - 0.6 <= played_db(desk, at + 0.2) < max(FLOOR_DB, played_db(desk, at) - 3.0) + 0.6
    assert len({round(played_db(desk, at), 1) for at in hits}) > 3
    assert reaper.undo_labels()[-1] == "Foley: draw level from picture"

    desk.press_and_wait("make_again_from_markers")
    told = desk.sound()
    assert not np.array_equal(plain, told)
    for onset in desk.recipe().request.onsets:
        level = 10 ** (played_db(desk, 10.0 + onset.time_s) / 20)
        assert onset.force == pytest.approx(min(1.0, onset.strength * level), abs=0.02)

    last = hits[-1]
    reaper.draw_envelope(foley_track(desk)["guid"], [(last - 0.05, 0.05), (last, 0.1), (last + 0.2, 0.05)])
    by_hand = [point for point in envelope(desk)["points"] if point[0] < last - 0.06]
    desk.press_and_wait("make_again_from_markers")
    onset = desk.recipe().request.onsets[-1]
    assert onset.force == pytest.approx(0.1 * onset.strength, rel=1e-3)
    differs = np.flatnonzero(told != desk.sound()) / 48000
    assert len(differs)
    assert differs[0] >= last - 10.0 - 0.02
    assert [point for point in envelope(desk)["points"] if point[0] < last - 0.06] == by_hand

    reaper.show_envelope(foley_track(desk)["guid"], False)
    desk.press_and_wait("draw_level_from_picture")
    assert (envelope(desk)["active"], envelope(desk)["visible"]) == (True, True)
    assert played_db(desk, last) == pytest.approx(seen_db(desk, last), abs=0.6)
    assert [track["name"] for track in reaper.tracks() if track["selected"]] == ["Music"]

    while "Foley: draw level from picture" in reaper.undo_labels():
        assert reaper.undo()
    now = reaper.state()
    assert (now["tracks"], now["ext"]) == (before["tracks"], before["ext"])


def test_level_when_a_part_is_selected_then_only_there_points_are_drawn(desk: Studio) -> None:
    reaper = desk.reaper
    desk.press_and_wait("generate")
    guid = foley_track(desk)["guid"]
    reaper.draw_envelope(guid, [(9.0, 0.5), (11.0, 0.6), (12.5, 0.7), (15.0, 0.8)])
    reaper.set_time_selection(12.0, 13.0)
    before = played_db(desk, 11.99), played_db(desk, 13.01)
    desk.press_and_wait("draw_level_from_picture")
    points = envelope(desk)["points"]
    outside = [(point[0], round(point[1], 6)) for point in points if not 11.99 <= point[0] <= 13.01]
    assert [point for point in outside if point[0]] == [(9.0, 0.5), (11.0, 0.6), (15.0, 0.8)]
    assert played_db(desk, 11.99) == pytest.approx(before[0], abs=0.1)
    assert played_db(desk, 13.01) == pytest.approx(before[1], abs=0.1)
    inside = [point[0] for point in points if 12.0 <= point[0] <= 13.0]
    assert (inside[0], inside[-1]) == (12.0, 13.0)
    assert inside == sorted(inside)
