"""A fault of ours inside REAPER is one sentence there, and the rest in a small file of this user's."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from bridge.host import endpoint
from bridge.host.reaper import ReaperHost
from tests.reaper_sim.client import SimReaper

SCRIPTS = Path(__file__).resolve().parents[2] / "reaper_scripts"


def broken(folder: Path, file: str, old: str, new: str) -> Path:
    """The scripts with a fault in one of them."""
    shutil.copytree(SCRIPTS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / "foley_inside" / file).read_text()
    assert text.count(old) == 1
    (folder / "foley_inside" / file).write_text(text.replace(old, new))
    return folder


def log() -> Path:
    return Path(os.environ[endpoint.FOLDER_VARIABLE]) / "reaper-faults.log"


FAULTS = {
    "press": ("press.py", "    cursor = repr(", "    cursor = 1 / 0 or repr("),
    "import": ("osc_packet.py", "import struct\n", "import struct\nimport nowhere\n"),
    "syntax": ("press.py", "import json\n", "import json json\n"),
}


@pytest.mark.parametrize("action", ["find_onsets", "controls"])
@pytest.mark.parametrize("fault", FAULTS)
def test_action_when_a_script_of_ours_fails_then_one_sentence_and_no_traceback(
    tmp_path: Path, fault: str, action: str
) -> None:
    scripts = broken(tmp_path / "scripts", *FAULTS[fault])
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, with_reapy=False) as reaper:
        reaper.answer_next_inputs(["wood"])
        reaper.run_script(scripts / f"foley_{action}.py")
        (sentence,) = reaper.console().splitlines()
        assert sentence.startswith("Foley Bridge: ")
        assert reaper.running_scripts() == []
        if fault == "press":
            assert str(log()) in sentence
            assert "ZeroDivisionError" in sentence
            assert "Traceback" in log().read_text()
            assert stat.S_IMODE(log().stat().st_mode) == 0o600


def test_server_script_when_a_turn_fails_each_time_then_it_is_said_once_and_the_script_goes_on(tmp_path: Path) -> None:
    scripts = broken(tmp_path / "scripts", "peaks.py", "    end_s = time", "    end_s = 1 / 0 + time")
    with SimReaper.start(
        tmp_path / "reaper", tick_s=0.005, web_port=None, startup_scripts=[scripts / "foley_server.py"]
    ) as reaper:
        reaper.wait_ticks(20)
        (sentence,) = reaper.console().splitlines()
        assert "ZeroDivisionError" in sentence
        host = ReaperHost()
        assert host.read().items == ()
        host.close()
        assert log().read_text().count("Traceback") == 1


def test_faults_when_there_are_many_then_the_file_stays_small_and_keeps_the_latest(tmp_path: Path) -> None:
    scripts = broken(tmp_path / "scripts", *FAULTS["press"])
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, with_reapy=False) as reaper:
        for number in range(3):
            reaper.run_script(scripts / "foley_cancel.py")
            if number == 0:
                log().write_text(log().read_text() * 200)
        reaper.answer_next_inputs(["wood"])
        reaper.run_script(scripts / "foley_set_prompt.py")
    assert log().stat().st_size <= 64 * 1024
    assert "in set_prompt" in log().read_text()[-2000:]


def test_faults_when_the_file_cannot_be_written_then_the_sentence_still_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(endpoint.FOLDER_VARIABLE, str(tmp_path / "file" / "endpoint"))
    (tmp_path / "file").write_text("in the way")
    scripts = broken(tmp_path / "scripts", *FAULTS["press"])
    with SimReaper.start(tmp_path / "reaper", tick_s=0.005, web_port=None, with_reapy=False) as reaper:
        reaper.run_script(scripts / "foley_find_onsets.py")
        assert "ZeroDivisionError" in reaper.console()
        assert "Traceback" not in reaper.console()
