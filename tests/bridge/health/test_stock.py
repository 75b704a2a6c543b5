"""reapy's own server, switched on in REAPER: seen where it really listens, told once, with the way out."""

from __future__ import annotations

import argparse
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.__main__ import main
from bridge.commands import daemon
from bridge.config import Settings
from bridge.health import stock
from tests.reaper_sim.client import SimReaper
from tests.reaper_sim.test_stock_reapy import SERVER


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = probe.getsockname()[1]
    monkeypatch.setattr(stock, "PORT", number)
    return number


def test_stock_server_when_it_runs_in_reaper_then_doctor_and_daemon_say_so_and_how_to_stop_it(
    tmp_path: Path,
    port: int,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    script = tmp_path / "activate.py"
    script.write_text(SERVER.format(port=port))
    monkeypatch.setattr(daemon.app, "serve", lambda *given: 0)
    with SimReaper.start(tmp_path / "reaper", web_port=None) as reaper:
        reaper.run_script(script)
        main(["doctor", "--resource", str(reaper.resource_dir)])
        with caplog.at_level(logging.WARNING):
            assert daemon.serve(argparse.Namespace(stop=None), Settings()) == 0
            for thread in threading.enumerate():
                if thread.name == "foley-stock":
                    thread.join()
    said = capsys.readouterr().out
    assert f"-- network: a program listens on port {port} (on the network)" in said
    warnings = [one.getMessage() for one in caplog.records if one.name == stock.__name__]
    assert len(warnings) == 1
    assert "run code as you. In REAPER, stop the script activate_reapy_server" in warnings[0]


def test_stock_server_when_nobody_listens_then_nothing_is_said(port: int, caplog: pytest.LogCaptureFixture) -> None:
    stock.warn().join()
    assert stock.sentence() == ""
    assert caplog.records == []


def test_stock_server_when_reaper_starts_after_the_daemon_then_it_is_told_once(
    tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Callable[[], threading.Thread]] = []
    monkeypatch.setattr(daemon.app, "serve", lambda settings, stop, look: given.append(look) or 0)
    with caplog.at_level(logging.WARNING):
        daemon.serve(argparse.Namespace(stop=None), Settings())
        (look,) = given
        look().join()
        assert caplog.records == []
        with socket.create_server(("127.0.0.1", port)):
            for _ in range(3):
                look().join()
    assert [one.name for one in caplog.records] == [stock.__name__]
