"""The script for a real REAPER runs, and the simulator does what its assumptions say."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from . import assumptions
from .client import SimReaper

SCRIPT = Path(__file__).with_name("reality_check.py")
KB_LINE = f'SCR {assumptions.NEW_REASCRIPT_FLAGS} 0 RSreality "Custom: reality_check.py" "{SCRIPT}"\n'


def _run(reaper: SimReaper) -> dict[str, Any]:
    reaper.run_script(SCRIPT)
    reaper.wait_ticks(3)
    assert "Written" in reaper.console()
    return json.loads((reaper.resource_dir / "foley-reality-check.json").read_text())


def _open_questions() -> dict[str, Any]:
    """Constants whose comment says [U] or [D], in lower case, with their values."""
    found: dict[str, Any] = {}
    names: list[str] = []
    for statement in ast.parse(Path(assumptions.__file__).read_text("utf-8")).body:
        if isinstance(statement, (ast.Assign, ast.AnnAssign)):
            names = [part.id for part in ast.walk(statement) if isinstance(part, ast.Name) and part.id.isupper()]
        elif isinstance(statement, ast.Expr) and ("[U]" in ast.unparse(statement) or "[D]" in ast.unparse(statement)):
            found |= {name.lower(): getattr(assumptions, name) for name in names}
    return found


@pytest.mark.parametrize("profile", ["6.80", "7.30", "7.78"])
def test_reality_check_when_run_in_the_simulator_then_it_sees_every_assumption(tmp_path: Path, profile: str) -> None:
    (tmp_path / "reaper").mkdir()
    (tmp_path / "reaper" / "reaper-kb.ini").write_text(KB_LINE)
    with SimReaper.start(tmp_path / "reaper", profile=profile, tick_s=0.01) as reaper:
        report = _run(reaper)
        assert reaper.dialogs() == []
    assert report["failed"] == {}
    constants = {name.lower(): getattr(assumptions, name) for name in dir(assumptions) if name.isupper()}
    compared = {name: value for name, value in report.items() if name in constants}
    expected = {name: constants[name] for name in compared}
    expected["validated_types"] = list(expected["validated_types"])
    expected["fader_of_unity_gain"] = pytest.approx(assumptions.FADER_OF_UNITY_GAIN, rel=1e-12)
    assert compared == expected
    assert report["offline_source_type"] == "_OFFLINE_VIDEO"
    assert (report["undo_keeps_item_pointers"], report["unknown_types_are_valid"]) == (False, True)
    assert report["marker_pointer_functions"] == (profile == "7.78")
    open_questions = _open_questions()
    assert len(open_questions) > 35
    assert set(open_questions) - set(compared) - set(report["by hand"]) == set(), "neither tried nor given to a person"
    assert not set(compared) & set(report["by hand"])


def test_reality_check_when_its_line_is_not_in_the_file_yet_then_left_to_a_person(reaper: SimReaper) -> None:
    report = _run(reaper)
    assert "new_reascript_flags" not in report
    assert "reaper-kb.ini" in report["by hand"]["new_reascript_flags"]


def test_reality_check_when_projects_are_open_then_they_stay_and_no_file_of_its_own_is_left(
    reaper: SimReaper, video: Path
) -> None:
    reaper.place_video(video, 1.0)
    reaper.new_tab()
    reaper.add_marker(1.0, "mine")
    before, steps, files = reaper.state(), reaper.undo_labels(), set(reaper.resource_dir.rglob("*"))
    for _ in range(2):
        _run(reaper)
    assert reaper.dialogs() == [], "closing its tab asked nothing"
    assert (reaper.state(), reaper.undo_labels()) == (before, steps)
    reaper.switch_tab(0)
    assert len(reaper.items()) == 1
    assert {path.name for path in set(reaper.resource_dir.rglob("*")) - files} == {"foley-reality-check.json"}
    reaper.close_tab()
    reaper.close_tab()
    assert reaper.markers() == [], "two tabs were left"


def test_reality_check_when_another_tab_is_chosen_meanwhile_then_it_stops_and_says_so(tmp_path: Path) -> None:
    with SimReaper.start(tmp_path / "reaper", tick_s=0.5) as reaper:
        reaper.add_marker(1.0, "mine")
        before = reaper.state()
        reaper.run_script(SCRIPT)
        reaper.switch_tab(0)
        reaper.wait_ticks(2)
        assert "another tab" in reaper.console()
        assert reaper.state() == before
