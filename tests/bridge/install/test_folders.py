"""Where REAPER's folder is, portable or not, and whether REAPER runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.__main__ import main
from bridge.errors import HostError, RequestError
from bridge.host import endpoint
from bridge.install import folders, running

from .conftest import everything


def test_folder_when_not_named_then_it_is_where_the_system_puts_it() -> None:
    home = {"HOME": "/home/ann", "USERPROFILE": "/home/ann", "APPDATA": "/roaming"}
    assert folders.usual(platform="win32", environment=home) == (Path("/roaming/REAPER"),)
    assert folders.usual(platform="darwin", environment=home) == (Path("/home/ann/Library/Application Support/REAPER"),)
    assert folders.usual(platform="linux", environment=home) == (Path("/home/ann/.config/REAPER"),)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the folder of Linux")
def test_install_when_no_folder_is_named_then_the_users_own_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["reaper", "install", "--yes"]) == 2
    assert "Start REAPER once and close it" in capsys.readouterr().err
    folder = tmp_path / ".config" / "REAPER"
    folder.mkdir(parents=True)
    (folder / "reaper.ini").touch()
    assert main(["reaper", "install", "--yes"]) == 0
    assert (folder / "Scripts" / "Foley Bridge" / "foley_server.py").is_file()


def test_folder_when_portable_then_folder_and_program_both_name_it(tmp_path: Path) -> None:
    (tmp_path / "reaper.ini").touch()
    (tmp_path / "reaper.exe").touch()
    (tmp_path / "REAPER.app").mkdir()
    for named in (tmp_path, tmp_path / "reaper.exe", tmp_path / "REAPER.app"):
        assert folders.find(named) == tmp_path


def test_folder_when_it_is_none_then_a_sentence_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "reaper").touch()
    with pytest.raises(RequestError, match="no portable install or was never started"):
        folders.find(tmp_path)
    (tmp_path / "else").mkdir()
    with pytest.raises(RequestError, match="resource path in explorer"):
        folders.find(tmp_path / "else")


def test_install_when_portable_then_everything_lands_beside_the_program(tmp_path: Path) -> None:
    (tmp_path / "reaper.ini").touch()
    (tmp_path / "reaper").touch()
    assert main(["reaper", "install", "--yes", "--resource", str(tmp_path / "reaper")]) == 0
    assert (tmp_path / "Scripts" / "Foley Bridge" / "foley_server.py").is_file()
    assert (tmp_path / "reaper-kb.ini").is_file()


@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_install_when_reaper_runs_then_it_is_refused_and_nothing_changes(
    command: str, resource: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    main(["reaper", "install", "--yes", "--resource", str(resource)])
    (resource / "reaper-kb.ini").write_bytes(b"")
    before = everything(resource)
    monkeypatch.setattr(running, "_processes", lambda: iter([(7, "bash"), (4711, "REAPER.exe")]))
    assert main(["reaper", command, "--yes", "--resource", str(resource)]) == 2
    assert "REAPER is running (process 4711)" in capsys.readouterr().err
    assert everything(resource) == before


@pytest.mark.parametrize("dry", [["--dry-run"], []])
def test_install_when_reaper_starts_before_or_while_it_asks_then_nothing_changes(
    dry: list[str], resource: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [(9, "reaper")] if dry else []
    before = everything(resource)

    def starts_reaper(question: str) -> str:
        runs.append((9, "reaper"))
        return "yes"

    monkeypatch.setattr(running, "_processes", lambda: iter(runs))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", starts_reaper)
    assert main(["reaper", "install", *dry, "--resource", str(resource)]) == 2
    assert "REAPER is running (process 9)" in capsys.readouterr().err
    assert everything(resource) == before


def test_install_when_our_server_is_announced_and_alive_then_it_is_refused(
    resource: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = {"port": 1, "token": "t", "pid": os.getpid(), "version": "7", "resource_path": "", "api": endpoint.API}
    folder = endpoint.folder()
    folder.mkdir(mode=0o700)
    (folder / endpoint.REAPER_FILE).touch(mode=0o600)
    (folder / endpoint.REAPER_FILE).write_text(json.dumps(table))
    assert main(["reaper", "install", "--yes", "--resource", str(resource)]) == 2
    assert f"REAPER is running (process {os.getpid()})" in capsys.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux's process list")
def test_reaper_when_a_real_process_has_its_name_then_it_is_found_and_a_dead_one_is_not(tmp_path: Path) -> None:
    program = tmp_path / "reaper"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    with subprocess.Popen([program, "60"]) as process:
        try:
            assert (process.pid, "reaper") in list(running._on_linux())
            process.kill()
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
            assert process.pid not in dict(running._on_linux())
        finally:
            process.kill()


def test_reaper_when_another_system_lists_its_processes_then_it_is_found() -> None:
    ps = "    1 /sbin/launchd\n  812 /Applications/REAPER.app/Contents/MacOS/REAPER\n"
    assert running.find(lambda: running.from_ps(ps)) == 812
    tasks = '"System","4","Services","0","1,234 K"\n"reaper.exe","5120","Console","1","98,765 K"\nINFO: none\n'
    assert running.find(lambda: running.from_tasklist(tasks)) == 5120
    assert running.find(lambda: running.from_ps("12 /usr/bin/reaper-helper\n13 /usr/bin/grim\n")) is None


def test_reaper_when_the_process_list_cannot_be_read_then_nothing_is_guessed() -> None:
    def broken() -> Iterator[tuple[int, str]]:
        raise OSError("no such program")

    with pytest.raises(HostError, match="nobody knows whether REAPER runs"):
        running.refuse_if_running(broken)
