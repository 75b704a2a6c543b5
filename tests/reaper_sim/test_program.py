"""Scripts, dialogs, ext state, tabs, files and exits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .client import SimReaper, SimReaperError
from .conftest import Answer

Script = Callable[[str, str], Path]
COUNTING = """
import sys
def count():
    RPR_SetExtState("test", "rounds", str(int(RPR_GetExtState("test", "rounds") or 0) + 1), 0)
    RPR_defer("count()")
RPR_atexit('RPR_SetExtState("test", "exit", "done", 1)')
count()
"""


def _rounds(reaper: SimReaper) -> int:
    return int(reaper.ext_state("test", "rounds") or 0)


def test_deferred_code_when_ticks_pass_then_once_a_tick(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(script("x.py", COUNTING))
    start = _rounds(reaper)
    reaper.wait_ticks(10)
    assert 9 <= _rounds(reaper) - start <= 11


def test_deferred_code_when_a_dialog_is_open_then_it_waits(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(script("x.py", COUNTING))
    reaper.open_modal()
    start = _rounds(reaper)
    reaper.wait_ticks(10)
    assert _rounds(reaper) == start
    with pytest.raises(SimReaperError, match="dialog"):
        reaper.run_script(script("y.py", ""))
    reaper.close_modal()
    reaper.wait_ticks(5)
    assert _rounds(reaper) > start


def test_inputs_when_nobody_answers_then_the_script_waits_and_others_too(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(script("x.py", COUNTING))
    asking = """
r = RPR_GetUserInputs("Foley", 1, "Prompt,extrawidth=200", "wood", 512)
RPR_ShowConsoleMsg(repr((r[0], r[4])))
"""
    assert reaper.run_script(script("y.py", asking)) == "modal"
    dialog = reaper.modal()
    assert dialog is not None
    assert (dialog["title"], dialog["text"], dialog["fields"]) == ("Foley", "wood", ["Prompt"])
    start = _rounds(reaper)
    reaper.wait_ticks(5)
    assert _rounds(reaper) == start
    reaper.answer_modal("metal plate")
    reaper.wait_ticks(2)
    assert reaper.console() == "(1, 'metal plate')"
    assert _rounds(reaper) > start


def test_inputs_when_answers_are_queued_then_no_waiting(reaper: SimReaper, answer: Answer) -> None:
    reaper.answer_next_inputs(["glass", None])
    reaper.answer_next_boxes([6])
    out = answer("""
        out = [RPR_GetUserInputs("t", 1, "c", "", 99)[0:5:4] for _ in range(2)] + [RPR_ShowMessageBox("x", "y", 4)]
        """)
    assert out == [[1, "glass"], [0, ""], 6]
    assert [dialog["kind"] for dialog in reaper.dialogs()] == ["inputs", "inputs", "box"]


def test_script_when_run_while_running_then_the_choice_decides(reaper: SimReaper, script: Script) -> None:
    path = script("x.py", COUNTING)
    reaper.run_script(path)
    assert reaper.run_script(path) == "modal"
    reaper.close_modal()
    assert reaper.running_scripts() == [str(path)]
    reaper.run_script(path, when_running="new")
    assert len(reaper.running_scripts()) == 2
    reaper.run_script(path, when_running="terminate")
    assert len(reaper.running_scripts()) == 1
    assert reaper.ext_state("test", "exit") == "done"


def test_script_when_it_raises_in_a_deferred_call_then_it_ends(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(
        script("x.py", "RPR_atexit('RPR_ShowConsoleMsg(\"bye\")')\nRPR_defer('1 / 0')\nRPR_defer('again()')\n")
    )
    reaper.wait_ticks(3)
    assert "ZeroDivisionError" in reaper.console()
    assert reaper.console().endswith("bye")
    assert reaper.running_scripts() == []


def test_script_when_it_calls_exit_then_reaper_lives(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(script("x.py", "import sys\nsys.exit(3)\n"))
    assert reaper.alive()


def test_modules_when_two_scripts_import_them_then_each_has_its_own(
    reaper: SimReaper, script: Script, tmp_path: Path
) -> None:
    (tmp_path / "shared_thing.py").write_text("value = 0\n")
    body = "import shared_thing, sys\nshared_thing.value += 1\nRPR_ShowConsoleMsg(str(shared_thing.value))\n"
    reaper.run_script(script("x.py", body))
    reaper.run_script(script("y.py", body))
    assert reaper.console() == "11"


def test_imports_when_not_installed_in_reapers_python_then_missing(reaper: SimReaper, answer: Answer) -> None:
    out = answer("""
        import importlib
        out = []
        for name in ("reapy", "numpy", "bridge", "pythonosc", "tests", "json"):
            try:
                importlib.import_module(name)
                out.append(name)
            except ImportError:
                pass
        """)
    assert out == ["reapy", "json"]


def test_ext_state_when_restarted_then_only_the_persistent_stays(reaper: SimReaper) -> None:
    reaper.set_ext_state("foley", "kept", "a=b [c]", persist=True)
    reaper.set_ext_state("foley", "lost", "x")
    reaper.restart()
    assert reaper.ext_state("foley", "kept") == "a=b [c]"
    assert reaper.ext_state("foley", "lost") == ""
    reaper.set_ext_state("foley", "late", "x", persist=True)
    reaper.restart(clean=False)
    assert reaper.ext_state("foley", "late") == "", "written on a clean exit only"


def test_exit_when_clean_then_atexit_runs_and_when_killed_not(reaper: SimReaper, script: Script) -> None:
    path = script("x.py", COUNTING)
    reaper.run_script(path)
    reaper.restart(clean=False)
    assert reaper.ext_state("test", "exit") == ""
    reaper.run_script(path)
    reaper.restart()
    assert reaper.ext_state("test", "exit") == "done"


def test_startup_scripts_when_started_and_restarted_then_run(tmp_path: Path, script: Script) -> None:
    path = script("start.py", 'RPR_ShowConsoleMsg("started")\n')
    with SimReaper.start(tmp_path / "reaper", startup_scripts=[path]) as reaper:
        assert reaper.console() == "started"
        reaper.restart()
        assert reaper.console() == "started"


def test_action_when_added_then_run_by_its_lasting_name(reaper: SimReaper, answer: Answer, script: Script) -> None:
    path = script("action.py", 'RPR_ShowConsoleMsg("ran")\n')
    out = answer(f"""
        command = RPR_AddRemoveReaScript(True, 0, {str(path)!r}, True)
        name = RPR_ReverseNamedCommandLookup(command)
        RPR_Main_OnCommand(RPR_NamedCommandLookup("_" + name), 0)
        out = [name, RPR_NamedCommandLookup(name), RPR_AddRemoveReaScript(True, 0, "/nowhere.py", True)]
        """)
    assert reaper.console() == "ran"
    assert out[1:] == [0, 0]
    reaper.restart()
    assert answer(f'RPR_Main_OnCommand(RPR_NamedCommandLookup("_{out[0]}"), 0); out = 1') == 1
    assert reaper.console() == "ran"


def test_unknown_action_when_run_then_fault(reaper: SimReaper, script: Script) -> None:
    reaper.run_script(script("x.py", "RPR_Main_OnCommand(40999, 0)\n"))
    assert "40999" in reaper.forgive_faults()[0]["message"]


def test_tabs_when_switched_then_zero_means_the_active_one(reaper: SimReaper, answer: Answer) -> None:
    reaper.add_track("first tab")
    assert reaper.new_tab() == 1
    assert answer("out = RPR_CountTracks(0)") == 0
    reaper.switch_tab(0)
    assert answer("out = RPR_CountTracks(0)") == 1
    reaper.close_tab()
    assert reaper.tracks() == []


def test_media_folder_when_saved_then_beside_the_project(reaper: SimReaper, answer: Answer, tmp_path: Path) -> None:
    body = 'out = [RPR_EnumProjects(-1, "", 999)[2], RPR_GetProjectPathEx(0, "", 999)[1], RPR_IsProjectDirty(0)]'
    reaper.add_track()
    path, folder, dirty = answer(body)
    assert path == ""
    assert folder.startswith(str(reaper.resource_dir))
    assert dirty == 1
    reaper.save(tmp_path / "film.rpp")
    assert answer(body) == [str(tmp_path / "film.rpp"), str(tmp_path / "Media"), 0]


def test_project_when_saved_and_opened_then_the_same(
    reaper: SimReaper, answer: Answer, tmp_path: Path, video: Path, sound: Path
) -> None:
    first = reaper.place_video(video, 1.0, section=(0.25, 0.5), reverse=True)
    reaper.set_stretch_markers(first, [(0.0, 0.0), (0.4, 0.5)])
    reaper.place_video(sound, 3.0, start_offset_s=0.125, play_rate=0.5, loop=True, muted=True)
    reaper.set_track(reaper.items()[0]["track"], folder_depth=1, name='"quoted" it\'s')
    reaper.add_marker(1.5, "foley: metal plate")
    reaper.add_marker(2.0, "", end_s=4.0)
    answer("""
        RPR_SetProjExtState(0, "FOLEY", "prompt", 'a "b" c')
        item = RPR_GetMediaItem(0, 1)
        take = RPR_AddTakeToMediaItem(item)
        RPR_SetActiveTake(take)
        RPR_GetSetMediaItemTakeInfo_String(take, "P_EXT:recipe", '{"seed": 7, "prompt": "wood\\\\"s"}', 1)
        RPR_GetSetMediaItemInfo_String(item, "P_NOTES", "two\\nlines", 1)
        RPR_SetTakeMarker(take, -1, "hit it", 0.25, 0)
        out = 1
        """)
    before = reaper.state()
    reaper.save(tmp_path / "film.rpp")
    reaper.open(tmp_path / "film.rpp")
    assert {**reaper.state(), "path": ""} == {**before, "path": ""}
    assert reaper.undo_labels() == []


def test_file_when_it_holds_unknown_lines_then_they_are_kept(reaper: SimReaper, tmp_path: Path) -> None:
    track = "  <TRACK {A}\n    NAME x\n    <FXCHAIN\n      BYPASS 0 0\n    >\n  >\n"
    text = f'<REAPER_PROJECT 0.1 "7.78/win64" 1\n  RIPPLE 0\n{track}>\n'
    (tmp_path / "a.rpp").write_text(text)
    reaper.open(tmp_path / "a.rpp")
    reaper.save(tmp_path / "b.rpp")
    kept = (tmp_path / "b.rpp").read_text()
    assert "RIPPLE 0" in kept
    assert "    <FXCHAIN\n      BYPASS 0 0\n    >\n" in kept


def test_start_when_measured_then_fast_enough_for_many_tests(tmp_path: Path) -> None:
    import time

    start = time.perf_counter()
    with SimReaper.start(tmp_path / "reaper"):
        assert time.perf_counter() - start < 5.0, sys.version
