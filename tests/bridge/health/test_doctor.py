"""``doctor`` walks the chain on a computer where one thing after another is put right."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.__main__ import main
from bridge.health import reaper as reaper_health
from bridge.health import stock as stock_health
from bridge.host import endpoint
from bridge.install import running
from bridge.osc.messages import Answer
from bridge.osc.server import OscServer
from tests.packs import tiny_pack
from tests.reaper_sim.client import SimReaper
from tests.tokens import TOKEN

Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _a_computer_of_its_own(tmp_path: Path, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_processes", lambda: iter([]))
    monkeypatch.setattr(stock_health, "PORT", free_port)
    monkeypatch.setenv("FOLEY_BRIDGE_OSC_PORT", str(free_port))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def resource(tmp_path: Path) -> Path:
    folder = tmp_path / "Secret Client" / "REAPER"
    folder.mkdir(parents=True)
    (folder / "reaper.ini").write_text("[REAPER]\n")
    return folder


@pytest.fixture
def doctor(tmp_path: Path, resource: Path) -> list[str]:
    tiny_pack(tmp_path / "packs")
    return ["--packs-dir", str(tmp_path / "packs"), "--pack", "tiny", "doctor", "--resource", str(resource)]


@pytest.fixture
def server(resource: Path) -> Iterator[SimReaper]:
    """REAPER with our server in it, started from where the installer put it."""
    assert main(["reaper", "install", "--yes", "--resource", str(resource)]) == 0
    script = resource / "Scripts" / "Foley Bridge" / "foley_server.py"
    with SimReaper.start(resource, tick_s=0.005, web_port=None, startup_scripts=[script]) as reaper:
        yield reaper


def test_doctor_when_one_thing_after_another_is_put_right_then_it_names_the_next(
    doctor: list[str], resource: Path, tmp_path: Path, capsys: Said
) -> None:
    def fix() -> str:
        capsys.readouterr()
        assert main(doctor) == 0
        return capsys.readouterr().out.splitlines()[-1]

    command = f'foley-bridge reaper install --resource "{resource}"'
    assert fix().startswith(f"Fix first: actions. Close REAPER and run `{command}`")
    main(["reaper", "install", "--yes", "--resource", str(resource)])
    assert fix().startswith("Fix first: Python in REAPER. In REAPER: Preferences > Plug-ins > ReaScript")
    (resource / "reaper.ini").write_text("[REAPER]\nreascript=1\n")
    assert fix().startswith("Fix first: REAPER. Start REAPER")
    shutil.rmtree(resource / "Scripts" / "Foley Bridge" / "foley_inside")
    assert fix().startswith("Fix first: actions")


def test_doctor_when_there_is_no_reaper_then_the_daemon_comes_first_and_then_reaper(
    tmp_path: Path, capsys: Said, free_port: int
) -> None:
    tiny_pack(tmp_path / "packs")
    doctor = ["--packs-dir", str(tmp_path / "packs"), "--pack", "tiny", "doctor"]
    assert main(doctor) == 0
    said = capsys.readouterr().out
    assert "-- REAPER's folder: REAPER's settings are not in" in said
    assert "Fix first: daemon" in said
    with OscServer(lambda verb: Answer(ok=True, sentence="Ready."), token=TOKEN, port=0) as server:
        endpoint.announce_daemon(server.port, TOKEN)
        assert main(doctor) == 0
    assert "Fix first: REAPER's folder. Start REAPER once" in capsys.readouterr().out


def test_doctor_when_our_server_runs_in_reaper_then_the_whole_chain_is_walked_in_order(
    doctor: list[str], server: SimReaper, tmp_path: Path, capsys: Said
) -> None:
    server.save(tmp_path / "Secret Film.RPP")
    with OscServer(lambda verb: Answer(ok=True, sentence="Making 'secret words'."), token=TOKEN, port=0) as daemon:
        endpoint.announce_daemon(daemon.port, TOKEN)
        report = tmp_path / "report.json"
        capsys.readouterr()
        assert main([*doctor[:-2], "--report", str(report)]) == 0
        said = capsys.readouterr().out
        assert main([*doctor, "--report", str(report)]) == 2
        assert "exists already" in capsys.readouterr().err
    names = [line[3:].partition(":")[0] for line in said.splitlines() if line[:3] in ("ok ", "-- ", "!! ")]
    chain = ["program", "settings", "packs folder", "pack", "provider", "REAPER's folder", "actions"]
    chain += ["Python in REAPER", "REAPER", "server", "network", "daemon", "ports", "media folder"]
    assert names == chain
    assert "ok REAPER: answers; Secret Film.RPP is open" in said
    assert "ok server: listens on this computer only" in said
    assert "our server runs all the same" in said
    assert "Everything works." in said
    text = report.read_text()
    for private in ("secret", "Secret", str(tmp_path), str(Path.home())):
        assert private not in text
    table = json.loads(text)
    assert [finding["name"] for finding in table["findings"]] == chain
    assert table["settings"]["pack"] == "tiny"


def test_doctor_when_something_listens_for_everybody_then_it_is_said(
    doctor: list[str], resource: Path, capsys: Said, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stock:
        stock.bind(("0.0.0.0", 0))
        stock.listen()
        monkeypatch.setattr(stock_health, "PORT", stock.getsockname()[1])
        main(doctor)
    assert "(on the network), where reapy's own server lets anybody run code as you" in capsys.readouterr().out
    (resource / "reaper-extstate.ini").write_text('[reapy]\nactivate_reapy_server="_RS1"\n')
    (resource / "reaper.ini").write_text(f'[reaper]\ncsurf_0=OSC "pad" 3 {free_port} "10.0.0.2" 9000 1024 10 ""\n')
    monkeypatch.setattr(stock_health, "PORT", free_port)
    main(doctor)
    said = capsys.readouterr().out
    assert "-- network: reapy's own server does not listen now, but starts whenever" in said
    assert f"-- ports: REAPER's OSC control surface listens on UDP port {free_port}" in said


def test_doctor_when_the_media_folder_may_not_be_written_then_it_is_the_thing_to_fix(
    doctor: list[str], server: SimReaper, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(reaper_health, "probe_writable", refused)
    with OscServer(lambda verb: Answer(ok=True, sentence="Ready."), token=TOKEN, port=0) as daemon:
        endpoint.announce_daemon(daemon.port, TOKEN)
        capsys.readouterr()
        main(doctor)
    assert "Fix first: media folder. Make it writable, or save the project elsewhere." in capsys.readouterr().out
