"""What was installed works in a simulated REAPER: the key, the start-up entry, and the way out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.__main__ import main
from bridge.host import endpoint
from bridge.host.reaper import ReaperHost
from bridge.install import scripts
from bridge.osc.messages import Answer, Detect, Verb
from bridge.osc.server import OscServer
from tests.reaper_sim.client import SimReaper
from tests.tokens import TOKEN

from .conftest import KB, everything

CTRL_ALT_SHIFT = 29


def test_key_when_installed_and_pressed_then_the_daemon_hears_it_and_the_server_was_started_by_reaper(
    resource: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything(resource)
    assert main(["reaper", "install", "--yes", "--resource", str(resource)]) == 0
    heard: list[Verb] = []

    def hear(verb: Verb) -> Answer:
        heard.append(verb)
        return Answer(ok=True, sentence="Taken.")

    with (
        OscServer(hear, token=TOKEN, port=0) as daemon,
        SimReaper.start(resource, tick_s=0.005, web_port=None) as reaper,
    ):
        endpoint.announce_daemon(daemon.port, TOKEN)
        assert reaper.press_key(CTRL_ALT_SHIFT, "O") == "ran"
        reaper.wait_ticks(3)
        assert [type(verb) for verb in heard] == [Detect]
        assert endpoint.find_reaper().resource_path == str(resource)
        host = ReaperHost()
        assert host.read().path == ""
        host.close()
        capsys.readouterr()
        assert main(["reaper", "uninstall", "--yes", "--resource", str(resource)]) == 2
        assert "REAPER is running" in capsys.readouterr().err
    assert main(["reaper", "uninstall", "--yes", "--resource", str(resource)]) == 0
    assert {path: data for path, data in everything(resource).items() if path in before} == before
    assert (resource / "reaper-kb.ini").read_bytes() == KB


def test_keys_when_installed_then_each_runs_its_own_script_and_reapers_own_keys_still_do(resource: Path) -> None:
    assert main(["reaper", "install", "--yes", "--no-startup", "--resource", str(resource)]) == 0
    folder = resource / "Scripts" / "Foley Bridge"
    files = [action.file for action in scripts.actions(scripts.shipped()) if action.letter]
    for file in files:
        (folder / file).write_text(f"from reaper_python import *\nRPR_ShowConsoleMsg('{file} ')\n")
    with SimReaper.start(resource, tick_s=0.005, web_port=None, with_reapy=False) as reaper:
        for file in files:
            reaper.press_key(CTRL_ALT_SHIFT, scripts.LETTERS[file])
        assert reaper.console().split() == files
        reaper.add_track("first")
        reaper.press_key(9, "Z")
        assert reaper.tracks() == []
