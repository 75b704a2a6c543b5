"""Draw level from picture: a volume envelope to edit, which REAPER plays and the models are told as force."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.clip import Clip
from bridge.domain.controls import Controls
from bridge.domain.onsets import Onset
from bridge.dsp.following import FLOOR_DB
from bridge.host.base import PointView
from bridge.jobs import level
from bridge.jobs.seen import Seen
from tests.bridge.jobs.table import Table

FLOOR = 10.0 ** (FLOOR_DB / 20.0)
CLIP = Clip(source_path="a", source_length_s=4.0, position_s=10.0, length_s=2.0)


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.engine.sees = ((0.25, 0.9, 1.0), (0.75, 0.6, 0.5), (1.5, 0.3, 1.0))
    table.mark((10.25, "foley"), (10.75, "foley @0.5"), (11.5, "foley"))
    return table


def envelope(table: Table, words: str | None = "") -> tuple[PointView, ...]:
    return next(t.envelope for t in table.host.view.foley_tracks if t.guid == table.layer(words).track_guid)


def gain(points: tuple[PointView, ...], time_s: float) -> float:
    return float(np.interp(time_s, [point.time_s for point in points], [point.gain for point in points]))


def forces(table: Table) -> list[float | None]:
    return [onset.force for onset in table.request().onsets]


def test_level_when_drawn_then_it_rises_at_each_peak_as_high_as_the_picture_says(table: Table) -> None:
    table.press("generate")
    sentence = table.press("level")
    points = envelope(table)
    assert f"{len(points)} points drawn on the track of 'clip.mp4'" in sentence
    assert 6 <= len(points) <= 30
    assert (points[0].time_s, points[-1].time_s) == (10.0, 12.0)
    assert [point.time_s for point in points] == sorted({point.time_s for point in points})
    assert gain(points, 10.25) == pytest.approx(1.0, abs=0.01)
    assert gain(points, 10.75) == pytest.approx(0.5 * 0.6 / 0.9, rel=0.06)
    assert gain(points, 11.5) == pytest.approx(FLOOR, rel=0.06)
    assert gain(points, 10.1) == pytest.approx(FLOOR, rel=0.06)
    assert gain(points, 10.35) < gain(points, 10.25)
    assert table.host.undo_steps[-1] == "Foley: draw level from picture"
    assert table.layer().takes == 1


def test_level_when_onsets_were_found_before_then_the_picture_is_not_looked_at_again(table: Table) -> None:
    table.press("detect")
    table.press("generate")
    table.press("level")
    table.press("level")
    assert table.engine.looked == 1


def test_level_when_nobody_looked_then_what_is_seen_is_remembered(table: Table) -> None:
    table.press("generate")
    table.press("level")
    assert table.engine.looked == 1
    assert "4 onsets" in table.press("more") or "3 onsets" in table.press("fewer")
    assert table.engine.looked == 1


def test_level_when_time_is_selected_then_only_points_there_are_drawn(table: Table) -> None:
    table.press("generate")
    track = table.layer().track_guid
    own = (PointView(time_s=9.0, gain=0.7), PointView(time_s=10.6, gain=0.1), PointView(time_s=11.9, gain=0.8))
    table.change(foley_tracks=tuple(replace(t, envelope=own) for t in table.host.view.foley_tracks))
    table.select(10.5, 11.0)
    table.press("level")
    (new,) = table.host.changes[-1].envelopes
    assert (new.track_guid, new.start_s, new.end_s) == (track, 10.5, 11.0)
    assert {point.time_s for point in new.points} >= {10.5, 11.0}
    assert all(10.5 <= point.time_s <= 11.0 for point in new.points)
    points = envelope(table)
    assert (points[0], points[-1]) == (own[0], own[2])
    assert own[1] not in points


def test_level_when_there_are_layers_then_every_track_gets_the_curve(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley: metal"))
    table.press("generate")
    assert "drawn on the 2 tracks of 'clip.mp4'" in table.press("level")
    assert envelope(table) == envelope(table, "metal") != ()


def test_level_when_nothing_was_seen_then_none_is_drawn(table: Table) -> None:
    table.engine.sees = ((3.5, 0.9, 1.0),)
    table.press("generate")
    table.fails("level", "clip.mp4", "no level to draw")


def test_again_when_an_envelope_was_drawn_then_it_is_told_as_force_and_the_levels_stay(table: Table) -> None:
    table.press("generate")
    levels, before = table.levels(), table.samples()
    assert forces(table) == [None, None, None]
    table.press("level")
    assert "made again" in table.press("again")
    assert table.levels() == levels
    assert np.array_equal(table.samples(), before)
    first, second, third = (force or 0.0 for force in forces(table))
    assert first == pytest.approx(1.0, abs=0.01)
    assert second == pytest.approx(0.5 * gain(envelope(table), 10.75), rel=0.02)
    assert third == pytest.approx(gain(envelope(table), 11.5), rel=0.02)
    assert "Nothing changed" in table.press("again")


def test_again_when_the_envelope_was_edited_then_only_that_onset_is_another(table: Table) -> None:
    table.press("generate")
    table.press("level")
    table.press("again")
    before = forces(table)
    softer = tuple(replace(point, gain=0.1) if 11.45 < point.time_s < 11.55 else point for point in envelope(table))
    table.change(foley_tracks=tuple(replace(t, envelope=softer) for t in table.host.view.foley_tracks))
    table.press("again")
    assert forces(table)[:2] == before[:2]
    assert (forces(table)[2] or 1.0) < 0.15
    table.change(foley_tracks=tuple(replace(t, envelope=()) for t in table.host.view.foley_tracks))
    table.press("again")
    assert forces(table) == [None, None, None]


def test_sounding_when_an_envelope_goes_beyond_full_then_force_is_as_the_level() -> None:
    points = (PointView(time_s=10.0, gain=2.0), PointView(time_s=12.0, gain=2.0))
    (made,) = level.sounding([Onset(time_s=1.0, strength=0.5)], CLIP, Controls(), None, points)
    assert (made.strength, made.force) == (0.5, 0.5)


def test_sounding_when_there_is_neither_envelope_nor_control_then_onsets_stay_as_they_are() -> None:
    onsets = (Onset(time_s=1.0, strength=0.5, prompt="metal"),)
    assert level.sounding(onsets, CLIP, Controls(), None, ()) == onsets


def test_motion_when_a_softer_peak_follows_then_the_curve_stands_at_both_and_falls_between() -> None:
    motion = level.Motion(Seen(threshold=0.2, peaks={0.5: (1.0, 1.0), 0.8: (0.3, 1.0)}), CLIP)
    at = motion.at([0.5, 0.65, 0.8, 1.9, 0.2])
    assert (at[0], at[2]) == pytest.approx((1.0, 0.3))
    assert 0.3 < at[1] < 1.0
    assert (at[3], at[4]) == pytest.approx((FLOOR, FLOOR))


def test_motion_when_a_part_is_asked_for_then_its_points_give_the_curve_there_and_reach_both_ends() -> None:
    motion = level.Motion(Seen(threshold=0.5, peaks={0.3: (0.9, 1.0), 0.9: (0.5, 0.6), 1.2: (0.8, 1.0)}), CLIP)
    points = motion.points(0.35, 1.25)
    assert (points[0][0], points[-1][0]) == (0.35, 1.25)
    times = np.linspace(0.35, 1.25, 997)
    drawn = np.interp(times, [time_s for time_s, _ in points], [value for _, value in points])
    assert np.abs(drawn - motion.at(times.tolist())).max() < 1e-9
    assert len(points) < 30


def test_motion_when_nothing_was_seen_then_the_floor() -> None:
    assert level.Motion(Seen(threshold=0.5), CLIP).at([0.0, 1.0]).tolist() == pytest.approx([FLOOR] * 2)
