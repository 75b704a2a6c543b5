"""The script that tries OSC on a real REAPER runs, and sees what the simulator assumes, whatever that is."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from . import assumptions
from .client import SimReaper
from .osc_device import OscDevice

SCRIPT = Path(__file__).with_name("reality_check_osc.py")
OPEN = {
    "OSC_EDIT_IS_NOTIFIED_AT_ONCE": False,
    "OSC_EDITS_ARE_ONE_UNDO_STEP": False,
    "REFRESH_CLEARS_OSC_CACHE": True,
    "MARKER_DRAG_MOVES_THE_MARKER": False,
    "MARKER_DRAG_IS_NOTIFIED": "release",
}
"""The questions that the script answers, each with the answer that is not assumed."""


@pytest.mark.parametrize("otherwise", [False, True])
def test_reality_check_when_run_with_a_surface_then_it_sees_the_assumptions(tmp_path: Path, otherwise: bool) -> None:
    expected: dict[str, Any] = OPEN if otherwise else {name: getattr(assumptions, name) for name in OPEN}
    with OscDevice() as device:
        ours = device.config(name="foley check")
    env = {"FOLEY_CHECK_HURRY": "1"}
    with SimReaper.start(tmp_path / "reaper", tick_s=0.01, osc=[ours], assume=expected, env=env) as reaper:
        before = reaper.state()
        reaper.run_script(SCRIPT)
        _wait(reaper, "Drag the marker")
        reaper.drag_marker(reaper.markers()[0]["guid"], [1.5, 2.0, 2.5, 3.0], ticks_per_step=6)
        _wait(reaper, "Written")
        assert {**reaper.state(), "cursor_s": 0.0} == before
    report = json.loads((tmp_path / "reaper" / "foley-reality-check-osc.json").read_text())
    assert {name: report[name.lower()] for name in expected} == expected
    assert report["marker_count_is_0_by_default"]
    assert report["marker_count_can_be_set"]
    assert report["osc_edit_works"]
    assert 5 < report["time_messages_per_second"] <= 16


def _wait(reaper: SimReaper, words: str) -> None:
    end = time.monotonic() + 30
    while words not in reaper.console():
        assert time.monotonic() < end, reaper.console()
        reaper.wait_ticks(5)


def test_reality_check_when_there_is_no_surface_then_it_says_how(tmp_path: Path) -> None:
    (tmp_path / "reaper").mkdir()
    (tmp_path / "reaper" / "reaper.ini").write_text("[REAPER]\n")
    with SimReaper.start(tmp_path / "reaper", tick_s=0.01) as reaper:
        reaper.run_script(SCRIPT)
        assert 'named "foley check"' in reaper.console()
