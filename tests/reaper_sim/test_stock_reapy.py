"""The real python-reapy, outside and inside: web interface, stock server, one call a tick, reconnect.

Convention: reapy dials REAPER when it is imported and keeps one connection per process, so each test runs its client
in a process of its own, with reapy's fixed ports replaced by free ones.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .client import SimReaper

SERVER = """
import reapy
reapy.config.REAPY_SERVER_PORT = {port}
import reapy.reascripts.activate_reapy_server as stock
exec(open(stock.__file__).read())
"""
CLIENT = """
import json, sys, time, warnings, urllib.request
from urllib.error import URLError
real, urllib.request.urlopen = urllib.request.urlopen, lambda *a, **k: (_ for _ in ()).throw(URLError("not yet"))
warnings.simplefilter("ignore")
import reapy
urllib.request.urlopen = real
reapy.config.WEB_INTERFACE_PORT = {web}
reapy.connect("localhost")
from reapy import reascript_api as RPR
out = None
{body}
print(json.dumps(out))
"""


@pytest.fixture
def connected(tmp_path: Path) -> Iterator[SimReaper]:
    """A REAPER in which the stock server is the activation action, as after ``configure_reaper``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    script = tmp_path / "activate.py"
    script.write_text(SERVER.format(port=port))
    install = tmp_path / "install.py"
    install.write_text(
        "import json\nfrom reaper_python import *\n"
        f"command = RPR_AddRemoveReaScript(True, 0, {str(script)!r}, True)\n"
        'name = json.dumps("_" + RPR_ReverseNamedCommandLookup(command))\n'
        'RPR_SetExtState("reapy", "activate_reapy_server", name, True)\n'
    )
    with SimReaper.start(tmp_path / "reaper") as reaper:
        reaper.run_script(install)
        yield reaper


def _client(reaper: SimReaper, body: str) -> Any:
    code = CLIENT.format(web=reaper.web_port, body=body)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stderr + reaper.console()
    return json.loads(done.stdout)


def test_reapy_when_connecting_then_it_activates_the_server_and_sees_the_project(connected: SimReaper) -> None:
    connected.add_track("Dialogue")
    connected.add_track("Foley")
    body = "out = [[track.name for track in reapy.Project().tracks], RPR.GetAppVersion(), len(dir(RPR)) > 600]"
    assert _client(connected, body) == [["Dialogue", "Foley"], "7.78/linux-x86_64", True]
    assert connected.ext_state("reapy", "server_port").isdigit()


def test_reapy_when_it_writes_then_the_project_changes(connected: SimReaper, video: Path) -> None:
    connected.place_video(video, 0.0)
    body = """
project = reapy.Project()
item = project.items[0]
item.position = 2.5
out = [item.length, project.tracks[0].items[0].position, item.active_take.source.filename, item.has_valid_id]
"""
    assert _client(connected, body) == [1.0, 2.5, str(video), True]
    assert connected.items()[0]["position_s"] == 2.5


def test_reapy_when_calling_then_one_tick_a_call_but_hold_is_fast(connected: SimReaper) -> None:
    body = """
RPR.GetCursorPosition()
start = time.perf_counter()
for _ in range(10):
    RPR.GetCursorPosition()
plain = time.perf_counter() - start
with reapy.inside_reaper():
    start = time.perf_counter()
    for _ in range(10):
        RPR.GetCursorPosition()
    held = time.perf_counter() - start
out = [plain / 10, held / 10]
"""
    plain, held = _client(connected, body)
    assert 0.02 < plain < 0.08
    assert held < 0.01


def test_reapy_when_begin_and_end_are_separate_calls_then_the_title_is_lost(connected: SimReaper) -> None:
    body = """
RPR.Undo_BeginBlock2(0)
RPR.AddProjectMarker2(0, False, 1.0, 0.0, "m", -1, 0)
RPR.Undo_EndBlock2(0, "mine", -1)
"""
    _client(connected, body)
    assert "mine" not in connected.undo_labels()


def test_reapy_when_an_item_is_gone_then_a_stale_pointer_crashes_reaper(connected: SimReaper, video: Path) -> None:
    connected.place_video(video, 0.0)
    body = """
item = reapy.Project().items[0]
RPR.DeleteTrackMediaItem(item.track.id, item.id)
try:
    item.position
except Exception as error:
    out = type(error).__name__
"""
    assert _client(connected, body) in ("ConnectionAbortedError", "ConnectionResetError")
    assert connected.forgive_faults()[0]["kind"] == "crash"
    assert not connected.alive()


def _get(reaper: SimReaper, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{reaper.web_port}{path}", timeout=10) as answer:
        return answer.read().decode()


def test_web_when_asked_for_markers_then_names_and_exact_positions(connected: SimReaper) -> None:
    connected.add_marker(1.25, "a\tb")
    connected.add_marker(2.0, "scene", end_s=3.0)
    lines = _get(connected, "/_/MARKER;REGION").splitlines()
    assert lines[1] == "MARKER\ta\\tb\t1\t1.250000000000000\t0"
    assert lines[4] == "REGION\tscene\t1\t2.000000000000000\t3.000000000000000\t0"


def test_web_when_ext_state_is_set_then_scripts_see_it(connected: SimReaper) -> None:
    assert _get(connected, "/_/SET/EXTSTATE/foley/prompt/metal%20plate;GET/EXTSTATE/foley/prompt").endswith(
        "\tmetal plate\n"
    )
    assert _get(connected, "/_/GET/EXTSTATE/foley/none") == "EXTSTATE\tfoley\tnone\t\n"


def test_web_when_a_dialog_is_open_then_no_answer(connected: SimReaper) -> None:
    connected.open_modal()
    with socket.create_connection(("127.0.0.1", connected.web_port)) as line:
        line.sendall(b"GET /_/TRANSPORT HTTP/1.1\r\n\r\n")
        line.settimeout(0.3)
        with pytest.raises(TimeoutError):
            line.recv(100)
        connected.close_modal()
        line.settimeout(10)
        assert line.recv(15) == b"HTTP/1.1 200 OK"


def test_web_when_not_enabled_then_nobody_listens(tmp_path: Path) -> None:
    with SimReaper.start(tmp_path / "reaper", web_port=None) as reaper:
        assert reaper.web_port == 0
        start = time.perf_counter()
        reaper.wait_ticks(1)
        assert time.perf_counter() - start < 5
