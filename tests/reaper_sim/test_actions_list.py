"""The action list as files keep it: reaper-kb.ini, keys, start-up file, toggle states, portable folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .client import SimReaper, SimReaperError
from .default_keys import CTRL, CTRL_ALT_SHIFT, DEFAULT_KEYS, PLAIN

SAY = "from reaper_python import *\nRPR_ShowConsoleMsg({text!r})\n"
STAY = SAY + "def again():\n    RPR_defer('again()')\nagain()\n"


@pytest.fixture
def resource(tmp_path: Path) -> Path:
    """A resource folder with one script in it."""
    folder = tmp_path / "REAPER folder"
    (folder / "Scripts" / "Foley Bridge").mkdir(parents=True)
    (folder / "Scripts" / "Foley Bridge" / "say.py").write_text(SAY.format(text="said"))
    return folder


def _start(resource: Path, lines: str) -> SimReaper:
    (resource / "reaper-kb.ini").write_bytes(lines.encode())
    return SimReaper.start(resource, tick_s=0.01)


KB = 'SCR 516 0 RSfoley_say "Custom: say.py" "Foley Bridge/say.py"\nKEY 29 71 _RSfoley_say 0\n'


def test_key_when_bound_to_a_script_below_scripts_then_it_runs(resource: Path) -> None:
    with _start(resource, KB) as reaper:
        assert reaper.press_key(CTRL_ALT_SHIFT, "g") == "ran"
        assert reaper.console() == "said"


def test_key_when_the_script_path_is_absolute_quoted_and_lines_end_in_crlf_then_it_runs(
    resource: Path, tmp_path: Path
) -> None:
    script = tmp_path / "my script.py"
    script.write_text(SAY.format(text="mine"))
    lines = f'SCR 4 0 RSmine "Custom: my script.py" "{script}"\r\nKEY 9 89 _RSmine 0\t\t # Main : Ctrl+Y\r\n'
    with _start(resource, lines) as reaper:
        reaper.press_key(CTRL, "Y")
        assert reaper.console() == "mine"


def test_key_when_the_path_has_a_blank_and_no_quotes_then_the_file_is_not_found(resource: Path) -> None:
    lines = KB.replace('"Foley Bridge/say.py"', "Foley Bridge/say.py")
    with _start(resource, lines) as reaper, pytest.raises(SimReaperError, match="Scripts/Foley is not there"):
        reaper.press_key(CTRL_ALT_SHIFT, "G")


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        ("", "nothing is bound"),
        (KB.replace("KEY 29 71 _RSfoley_say 0", "KEY 29 71 _RSfoley_say 32060"), "nothing is bound"),
        (KB.replace("KEY 29 71 _RSfoley_say 0", "KEY 29 71 0 0 # DISABLED DEFAULT"), "nothing is bound"),
        (KB.replace("KEY 29 71 _RSfoley_say 0", "KEY 29 71 _RSother 0"), "_RSother, which is not in the action list"),
        (KB.replace("SCR 516 0", "SCR 516 32060"), "_RSfoley_say, which is not in the action list"),
        (KB.replace("\nKEY", "KEY"), "nothing is bound"),
    ],
)
def test_key_when_nothing_runs_then_the_reason_is_said(resource: Path, lines: str, reason: str) -> None:
    with _start(resource, lines) as reaper, pytest.raises(SimReaperError, match=reason):
        reaper.press_key(CTRL_ALT_SHIFT, "G")


def test_key_when_it_is_reapers_own_then_the_default_runs_unless_bound_anew(resource: Path) -> None:
    with _start(resource, "") as reaper:
        reaper.add_track("first")
        reaper.press_key(CTRL, "Z")
        assert reaper.tracks() == []
        with pytest.raises(SimReaperError, match="40044"):
            reaper.press_key(PLAIN, 32)
        reaper.forgive_faults()
    with _start(resource, KB + "KEY 9 90 _RSfoley_say 0\n") as reaper:
        reaper.add_track("first")
        reaper.press_key(CTRL, "Z")
        assert (len(reaper.tracks()), reaper.console()) == (1, "said")
    assert DEFAULT_KEYS[CTRL, ord("Z")][1] == "Edit: Undo"


@pytest.mark.parametrize(("flags", "state", "count"), [(4, "modal", 1), (260, "ran", 1), (516, "ran", 2)])
def test_key_when_the_script_still_runs_then_its_flags_decide(
    resource: Path, flags: int, state: str, count: int
) -> None:
    (resource / "Scripts" / "Foley Bridge" / "say.py").write_text(STAY.format(text="."))
    with _start(resource, KB.replace("516", str(flags))) as reaper:
        reaper.press_key(CTRL_ALT_SHIFT, "G")
        assert reaper.press_key(CTRL_ALT_SHIFT, "G") == state
        if state == "modal":
            reaper.close_modal()
        assert len(reaper.running_scripts()) == count


def test_key_when_a_dialog_is_open_then_it_does_not_reach_reaper(resource: Path) -> None:
    with _start(resource, KB) as reaper:
        reaper.open_modal()
        with pytest.raises(SimReaperError, match="dialog is open"):
            reaper.press_key(CTRL_ALT_SHIFT, "G")


def test_action_list_when_changed_while_reaper_runs_then_lost_on_exit(resource: Path) -> None:
    odd = 'ACT 0 0 "x" "Custom: mine" 40001\r\n# a word\n' + KB.rstrip("\n")
    with _start(resource, odd) as reaper:
        (resource / "reaper-kb.ini").write_text(KB + "KEY 29 72 _RSfoley_say 0\n")
        with pytest.raises(SimReaperError, match="nothing is bound"):
            reaper.press_key(CTRL_ALT_SHIFT, "H")
        reaper.restart()
        assert (resource / "reaper-kb.ini").read_bytes() == odd.encode(), "every byte as it was when REAPER started"
        (resource / "reaper-kb.ini").write_text(KB + "KEY 29 72 _RSfoley_say 0\n")
        reaper.restart(clean=False)
        assert reaper.press_key(CTRL_ALT_SHIFT, "H") == "ran"


def test_action_when_added_by_a_script_to_a_file_without_last_line_break_then_not_glued(
    resource: Path, tmp_path: Path
) -> None:
    add = tmp_path / "add.py"
    other = tmp_path / "other.py"
    other.write_text(SAY.format(text="other"))
    add.write_text(f"from reaper_python import *\nRPR_AddRemoveReaScript(True, 0, {str(other)!r}, True)\n")
    with _start(resource, KB.rstrip("\n")) as reaper:
        reaper.run_script(add)
        reaper.restart()
        assert reaper.press_key(CTRL_ALT_SHIFT, "G") == "ran"
        assert (resource / "reaper-kb.ini").read_text().count("SCR") == 2


def test_action_when_its_file_is_gone_then_a_box_says_so(resource: Path, tmp_path: Path) -> None:
    (resource / "Scripts" / "Foley Bridge" / "say.py").unlink()
    run = tmp_path / "run.py"
    run.write_text('from reaper_python import *\nRPR_Main_OnCommand(RPR_NamedCommandLookup("_RSfoley_say"), 0)\n')
    with _start(resource, KB) as reaper:
        reaper.answer_next_boxes([1])
        reaper.run_script(run)
        assert "say.py could not be loaded" in reaper.dialogs()[0]["text"]


def test_lua_script_when_run_then_a_fault(resource: Path) -> None:
    (resource / "Scripts" / "x.lua").write_text("return 1\n")
    with _start(resource, 'SCR 4 0 RSx "Custom: x.lua" x.lua\nKEY 1 88 _RSx 0\n') as reaper:
        reaper.press_key(PLAIN, "X")
        assert "only Python" in reaper.forgive_faults()[0]["message"]


# -- start-up ----------------------------------------------------------------------------------------------------------

START = 'reaper.Main_OnCommand(reaper.NamedCommandLookup("_RSfoley_say"), 0)'


@pytest.mark.parametrize(
    ("text", "console", "noted"),
    [
        (START + "\n", "said", ""),
        (f"-- >>> ours\r\n  {START} -- starts it\r\n-- <<<\r\nlocal x = 1\r\n", "said", "ignored"),
        ("\ufeff" + START, "said", ""),
        (f"-- {START}\n", "", ""),
        (f"--[[\n{START}\n]]\n", "", ""),
        (f"return\n{START}\n", "", "ignored"),
        (f"if x then\n{START.replace('_RSfoley_say', '_RSnone')}\nend\n", "", "_RSnone is not in the action list"),
        (START.replace('")', ")"), "", "ignored"),
    ],
)
def test_startup_file_when_reaper_starts_then_exactly_the_known_line_runs(
    resource: Path, text: str, console: str, noted: str
) -> None:
    (resource / "Scripts" / "__startup.lua").write_bytes(text.encode())
    with _start(resource, KB) as reaper:
        assert reaper.console() == console
        assert noted in reaper.log_text()
        assert bool(noted) == ("__startup.lua" in reaper.log_text())


# -- toggle states and folders -----------------------------------------------------------------------------------------


@pytest.fixture
def toggling(resource: Path) -> Iterator[SimReaper]:
    """A REAPER whose only action switches its own state."""
    (resource / "Scripts" / "Foley Bridge" / "say.py").write_text(
        "from reaper_python import *\n"
        'command = RPR_NamedCommandLookup("_RSfoley_say")\n'
        "state = 0 if RPR_GetToggleCommandState(command) == 1 else 1\n"
        "done = [RPR_SetToggleCommandState(0, command, state), RPR_SetToggleCommandState(32060, command, 1),\n"
        "        RPR_SetToggleCommandState(0, 40044, 1), RPR_GetToggleCommandStateEx(32060, command)]\n"
        'RPR_ShowConsoleMsg(f"{state} {done};")\n'
        "if state == 1:\n    RPR_RefreshToolbar2(0, command)\n"
    )
    with _start(resource, KB) as reaper:
        yield reaper


def test_toggle_state_when_set_then_seen_and_on_toolbars_after_a_refresh(toggling: SimReaper) -> None:
    assert toggling.toggle_state("_RSfoley_say") == (-1, -1)
    toggling.press_key(CTRL_ALT_SHIFT, "G")
    assert toggling.toggle_state("_RSfoley_say") == (1, 1)
    toggling.press_key(CTRL_ALT_SHIFT, "G")
    assert toggling.toggle_state("_RSfoley_say") == (0, 1), "no refresh: the toolbar still shows the old state"
    assert toggling.console() == "1 [1, 0, 0, -1];0 [1, 0, 0, -1];"
    toggling.restart()
    assert toggling.toggle_state("_RSfoley_say") == (-1, -1)


@pytest.mark.parametrize("portable", [True, False])
def test_folders_when_the_program_lies_beside_reaper_ini_then_they_agree(resource: Path, portable: bool) -> None:
    if portable:
        (resource / "reaper").touch()
    script = resource / "where.py"
    script.write_text(
        "from reaper_python import *\nimport os\n"
        "same = RPR_GetResourcePath() == RPR_GetExePath()\n"
        "RPR_ShowConsoleMsg(repr([same, os.path.isfile(RPR_get_ini_file()),\n"
        "                         os.path.dirname(RPR_get_ini_file()) == RPR_GetResourcePath()]))\n"
    )
    with _start(resource, "") as reaper:
        reaper.run_script(script)
        assert reaper.console() == repr([portable, True, True])
