"""How much of REAPER's main thread a look at a project, or a change, costs: counted where REAPER runs, never timed.

How long it takes by the clock is for ``make bench`` (``tests/bench_reaper_time.py``) to say.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.host.base import Change, NewMarker
from bridge.host.reaper import ReaperHost
from tests.bridge.host.changes import Sounds, look, new_item
from tests.bridge.host.conftest import SCRIPTS
from tests.reaper_sim.client import SimReaper

COUNTING = f"""
import json, sys
sys.path.insert(0, {str(SCRIPTS)!r})
import reaper_python as rp
from foley_inside import project, read, slices, watch, write

counts = {{"buffers": 0, "pointers": 0}}
def counted(name, key):
    function = getattr(rp, name)
    def call(*values):
        counts[key] += 1
        return function(*values)
    setattr(rp, name, call)
counted("rpr_packs", "buffers")
counted("rpr_packp", "pointers")

def cost(function, *values):
    counts.update(buffers=0, pointers=0)
    answer = function(*values)
    assert not isinstance(answer, dict) or "ok" in answer, answer
    return dict(counts)

project.new_run("test")
token = project.token(*project.active())
names = "delete_markers add_markers new_items new_takes take_markers keep_takes envelopes track_controls"
change = dict.fromkeys(names.split(), [])
change.update(dict.fromkeys(("prompt", "reference", "score", "expect_item")))
change.update(token=token, undo_title="Foley: controls", controls="x")
found = {{
    "read": cost(lambda: slices.at_once(read.read())),
    "write": cost(lambda: slices.at_once(write.write(change))),
    "fingerprint": cost(lambda: slices.at_once(watch.fingerprint(project.active()[0]))),
}}
rp.RPR_SetExtState("test", "out", json.dumps(found), 0)
"""


def costs(reaper: SimReaper, script: Path) -> dict[str, dict[str, int]]:
    script.write_text(COUNTING)
    reaper.set_ext_state("test", "out", "")
    reaper.run_script(script)
    text = reaper.ext_state("test", "out")
    assert text, reaper.console()
    return json.loads(text)


@pytest.mark.parametrize("profile", ["7.78", "6.80"])
def test_read_when_there_are_more_markers_then_no_more_large_buffers_are_made(
    reaper: SimReaper, host: ReaperHost, video: Path, sounds: Sounds, tmp_path: Path
) -> None:
    view = look(reaper, host, video)
    host.write(Change(token=view.token, undo_title="Foley", new_items=(new_item(view.items[0], sounds("w")),)))
    reaper.add_marker(1.0, "one")
    few = costs(reaper, tmp_path / "count.py")
    for number in range(20):
        reaper.add_marker(2.0 + number, "more")
        reaper.add_take_marker(view.items[0].guid, 0.05 * number, "more")
    many = costs(reaper, tmp_path / "count.py")
    assert {what: cost["buffers"] for what, cost in many.items()} == {
        what: cost["buffers"] for what, cost in few.items()
    }
    assert many["read"]["pointers"] > few["read"]["pointers"]
    assert many["write"] == few["write"], "a change without markers looks at none"


@pytest.mark.parametrize("profile", ["7.78", "6.80"])
def test_read_when_a_name_is_very_long_or_foreign_then_it_is_whole(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    names = ["x" * 20_000, "Schritt auf Kies, größer 🥾", ""]
    for number, name in enumerate(names):
        reaper.add_marker(1.0 + number, name)
    assert [marker.name for marker in host.read().markers] == names


# -- turns -------------------------------------------------------------------------------------------------------------

MARKERS, TRACKS = 300, 60
STEPS_A_TURN = 50
SLOW_CLOCK = f"""
import sys
sys.path.insert(0, {str(SCRIPTS)!r})
import reaper_python as rp
import reapy
from foley_inside import loop, slices

class Clock:
    now_s = 0.0
    def __call__(self):
        self.now_s += slices.BUDGET_S / {STEPS_A_TURN}
        return self.now_s

slices.Turn.__init__.__defaults__ = (Clock(),)
loop.start()
"""
"""A clock that is looked at so many times until our share of a turn is over."""
LARGE = f"""
from reaper_python import *
RPR_Undo_BeginBlock2(0)
for number in range({TRACKS}):
    RPR_InsertTrackAtIndex(number, False)
    RPR_AddMediaItemToTrack(RPR_GetTrack(0, number))
for number in range({MARKERS}):
    RPR_AddProjectMarker2(0, False, 20.0 + 0.1 * number, 0.0, "designer's", -1, 0)
RPR_Undo_EndBlock2(0, "large", -1)
"""


@pytest.fixture
def startup(tmp_path: Path) -> Path:
    script = tmp_path / "slow_clock_server.py"
    script.write_text(SLOW_CLOCK)
    (tmp_path / "large.py").write_text(LARGE)
    return script


@pytest.fixture
def large(tmp_path: Path, profile: str, startup: Path, video: Path) -> Iterator[tuple[SimReaper, ReaperHost]]:
    """A REAPER with many tracks, items and markers, whose server has a clock of its own; and a host."""
    with SimReaper.start(
        tmp_path / "reaper", profile=profile, tick_s=0.002, web_port=None, startup_scripts=[startup]
    ) as reaper:
        reaper.run_script(tmp_path / "large.py")
        reaper.place_video(video, 10.0, 2.0)
        host = ReaperHost()
        yield reaper, host
        host.close()


def calls(reaper: SimReaper) -> list[int]:
    """How many of REAPER's functions each turn called since this was asked last, turns without work left out."""
    return [turn["calls"] for turn in reaper.turns() if turn["calls"] > 12]


@pytest.mark.parametrize("profile", ["7.78", "6.80"])
def test_turns_when_the_project_is_large_then_each_does_little_and_only_the_acts_are_in_one(
    large: tuple[SimReaper, ReaperHost],
) -> None:
    """Between two places at which the work may be cut are few calls; an act is a few calls a marker."""
    reaper, host = large
    host.read()
    calls(reaper)
    view = host.read(cursor_s=10.5)
    reading = calls(reaper)
    assert sum(reading) < 2.5 * MARKERS + 25 * TRACKS
    assert len(reading) > sum(reading) / (5 * STEPS_A_TURN)
    assert max(reading) < 5 * STEPS_A_TURN

    change = Change(token=view.token, undo_title="Foley: find onsets", expect_item=view.items[0])
    new = tuple(NewMarker(position_s=10.0 + 0.1 * k, name="foley") for k in range(MARKERS))
    report = host.write(replace(change, add_markers=new))
    adding = calls(reaper)
    assert len(adding) > 5
    assert max(adding) < 5 * MARKERS + 100
    assert sorted(adding)[-2] < 5 * STEPS_A_TURN

    later = tuple(replace(marker, position_s=marker.position_s + 0.05) for marker in new)
    host.write(replace(change, undo_title="Foley: more", delete_markers=report.marker_guids, add_markers=later))
    replacing = calls(reaper)
    assert max(replacing) < 7 * MARKERS + 100
    assert sorted(replacing)[-2] < 5 * STEPS_A_TURN
    assert reaper.undo_labels()[-2:] == ["Foley: find onsets", "Foley: more"], "one step for each key press"

    host.watch(view.token, on=True)
    assert max(calls(reaper)) < 5 * STEPS_A_TURN + 3 * TRACKS
    reaper.move_marker(reaper.markers()[0]["guid"], 1.0)
    reaper.wait_ticks(150)
    watching = calls(reaper)
    assert len(watching) > 5
    assert max(watching) < 5 * STEPS_A_TURN + 3 * TRACKS


@pytest.mark.parametrize("profile", ["7.78"])
def test_write_when_there_are_more_markers_then_a_change_of_one_marker_costs_its_turn_no_more(
    large: tuple[SimReaper, ReaperHost],
) -> None:
    reaper, host = large
    view = host.read(cursor_s=10.5)
    calls(reaper)
    host.write(Change(token=view.token, undo_title="F", add_markers=(NewMarker(position_s=11.0, name="foley"),)))
    assert max(calls(reaper)) < 5 * STEPS_A_TURN
