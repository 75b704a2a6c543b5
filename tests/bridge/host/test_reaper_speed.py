"""How much of REAPER's main thread a look at a project costs: large buffers and pointers, counted where REAPER runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bridge.host.base import Change
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
