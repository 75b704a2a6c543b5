"""OSC control surfaces as they are set up: reaper.ini, pattern files, ports."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from .client import SimReaper
from .osc_config import RECEIVE, SEND, OscConfig
from .osc_device import OscDevice, shown, started

OURS = """
# only what concerns us
DEVICE_MARKER_COUNT 4
MARKER_NAME s/foley/@/name
MARKER_TIME f/foley/@/time

SOMETHING_ELSE f/else
ACTION s/foley/action
"""


def with_patterns(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "reaper" / "OSC"
    folder.mkdir(parents=True)
    (folder / "Foley.ReaperOSC").write_text(text, "utf-8")


def test_pattern_file_when_it_is_ours_then_only_its_lines_count(tmp_path: Path) -> None:
    with_patterns(tmp_path, OURS)
    with started(tmp_path, patterns="Foley") as (reaper, device):
        reaper.set_cursor(3.0)
        reaper.add_marker(1.0, "a")
        assert device.hear() == [("/foley/1/name", "a"), ("/foley/1/time", 1.0)]
        device.send("/marker/1/name", "lost")
        device.send("/foley/1/name", "b")
        reaper.wait_ticks(5)
        assert shown(reaper) == [("b", 1.0, 1)]
        assert [warning for warning in reaper.warnings() if "SOMETHING_ELSE" in warning]


@pytest.mark.parametrize("line", ["MARKER_NAME x/foley", "MARKER_TIME f", "MARKER_TIME f/foley # a remark"])
def test_pattern_file_when_one_line_is_wrong_then_reapers_own_patterns_count(tmp_path: Path, line: str) -> None:
    with_patterns(tmp_path, OURS + line)
    with started(tmp_path, patterns="Foley") as (reaper, device):
        reaper.set_cursor(3.0)
        device.wait_for("/time", 3.0)
        if line != "MARKER_TIME f":
            assert any("Foley.ReaperOSC" in warning for warning in reaper.warnings())


def test_pattern_file_when_it_is_missing_then_reapers_own_patterns_count(tmp_path: Path) -> None:
    with started(tmp_path, patterns="Foley") as (reaper, device):
        reaper.set_cursor(3.0)
        device.wait_for("/time", 3.0)


def test_surface_when_it_may_only_send_or_only_receive_then_so(tmp_path: Path) -> None:
    with started(tmp_path / "1", flags=SEND) as (reaper, device):
        device.send("/marker_id/1/name", "x")
        reaper.set_cursor(3.0)
        device.wait_for("/time", 3.0)
        assert shown(reaper) == []
    with started(tmp_path / "2", flags=RECEIVE) as (reaper, device):
        device.send("/marker_id/1/name", "x")
        reaper.set_cursor(3.0)
        assert device.hear() == []
        assert [name for name, _, _ in shown(reaper)] == ["x"]


def test_surface_when_it_has_no_device_then_the_last_sender_is_told(tmp_path: Path) -> None:
    with started(tmp_path, send_port=0) as (reaper, device):
        reaper.set_cursor(1.0)
        assert device.hear() == []
        device.send("/marker_id/1/name", "x")
        device.hear()
        reaper.set_cursor(2.0)
        device.wait_for("/time", 2.0)


def test_surface_when_it_has_no_port_then_the_device_answers_to_the_one_it_hears_from(tmp_path: Path) -> None:
    with OscDevice() as device:
        ours = device.config(receive_port=0)
        with SimReaper.start(tmp_path / "reaper", tick_s=0.01, osc=[ours]) as reaper:
            device.hear(0.3)
            assert device.heard_from is not None
            device.reaper_port = device.heard_from
            device.send("/time", 7.0)
            reaper.wait_ticks(5)
            assert reaper.state()["cursor_s"] == 7.0


def test_surface_when_its_port_is_taken_then_it_is_deaf_and_speaks(tmp_path: Path) -> None:
    with OscDevice() as device, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", device.reaper_port))
        with SimReaper.start(tmp_path / "reaper", tick_s=0.01, osc=[device.config()]) as reaper:
            reaper.set_cursor(2.0)
            device.wait_for("/time", 2.0)
            assert any("cannot be listened on" in warning for warning in reaper.warnings())


def test_reaper_ini_when_a_line_lies_beyond_the_count_then_it_is_ignored(tmp_path: Path) -> None:
    with OscDevice() as first, OscDevice() as second:
        folder = tmp_path / "reaper"
        folder.mkdir()
        lines = ["csurf_cnt=2", "csurf_0=HTTP 0 8080 '' 'index.html' 0 ''", f"csurf_1={first.config().text()}"]
        lines += [f"csurf_2={second.config().text()}", "", "[other]", "csurf_cnt=9"]
        (folder / "reaper.ini").write_text("\n".join(["[REAPER]", "undomaxmem=256", *lines]))
        with SimReaper.start(folder, tick_s=0.01) as reaper:
            reaper.set_cursor(2.0)
            first.wait_for("/time", 2.0)
            assert second.hear() == []


def test_reaper_ini_when_surfaces_are_added_then_the_rest_stays_and_restart_reads_it(tmp_path: Path) -> None:
    with OscDevice() as device:
        folder = tmp_path / "reaper"
        folder.mkdir()
        (folder / "reaper.ini").write_text("[reaper]\nundomaxmem=256\ncsurf_cnt=1\ncsurf_0=HTTP 0\n[x]\na=b\n")
        with SimReaper.start(folder, tick_s=0.01, osc=[device.config(name="our own")]) as reaper:
            device.hear()
            reaper.close()
        with SimReaper.start(folder, tick_s=0.01, osc=[device.config(name="our own")]) as reaper:
            device.hear()
            reaper.restart()
            reaper.set_cursor(2.0)
            device.wait_for("/time", 2.0)
        lines = (folder / "reaper.ini").read_text().splitlines()
        assert {"undomaxmem=256", "csurf_0=HTTP 0", "csurf_cnt=2", "a=b"} <= set(lines)
        line = next(line for line in lines if line.startswith("csurf_1="))
        assert OscConfig.parse(line.removeprefix("csurf_1=")) == device.config(name="our own")


def test_assumption_when_it_does_not_exist_then_the_start_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="no assumption"):
        SimReaper.start(tmp_path / "reaper", assume={"SUCH": True})
