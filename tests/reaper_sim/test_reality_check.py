"""The script for a real REAPER runs, and the simulator does what its assumptions say."""

from __future__ import annotations

import json
from pathlib import Path

from . import assumptions
from .client import SimReaper

SCRIPT = Path(__file__).with_name("reality_check.py")


def test_reality_check_when_run_in_the_simulator_then_it_sees_the_assumptions(reaper: SimReaper) -> None:
    reaper.run_script(SCRIPT)
    reaper.wait_ticks(3)
    assert "Written" in reaper.console()
    report = json.loads((reaper.resource_dir / "foley-reality-check.json").read_text())
    constants = {name.lower(): getattr(assumptions, name) for name in dir(assumptions) if name.isupper()}
    compared = {name: value for name, value in report.items() if name in constants}
    assert compared == {name: constants[name] for name in compared}
    assert len(compared) > 12
    assert report["offline_source_type"] == "_OFFLINE_VIDEO"
    assert (report["undo_keeps_item_pointers"], report["unknown_types_are_valid"]) == (False, True)


def test_reality_check_when_run_then_the_project_is_as_before(reaper: SimReaper) -> None:
    before = reaper.state()
    for _ in range(2):
        reaper.run_script(SCRIPT)
        reaper.wait_ticks(3)
    assert reaper.state() == before


def test_reality_check_when_the_project_is_not_empty_then_it_refuses(reaper: SimReaper) -> None:
    reaper.add_marker(1.0, "mine")
    reaper.run_script(SCRIPT)
    assert "empty project" in reaper.console()
    assert [marker["name"] for marker in reaper.markers()] == ["mine"]
