"""REAPER away, busy, killed, restarted: a sentence in time, and the way back without being told."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host import endpoint
from bridge.host.base import Change, NewMarker
from bridge.host.reaper import ReaperHost
from tests.bridge.host.conftest import SERVER, TICK_S
from tests.reaper_sim.client import SimReaper


@pytest.fixture
def lonely() -> Iterator[ReaperHost]:
    """A host without a REAPER."""
    host = ReaperHost(read_timeout_s=1.0, write_timeout_s=1.0)
    yield host
    host.close()


def greet(stranger: socket.socket, greeting: bytes) -> None:
    connection, _ = stranger.accept()
    with connection, suppress(ConnectionResetError):
        connection.sendall(greeting)
        while connection.recv(100):  # until the host hangs up
            pass


def marker_at(host: ReaperHost, position_s: float) -> Change:
    return Change(
        token=host.read().token, undo_title="F", add_markers=(NewMarker(position_s=position_s, name="foley"),)
    )


def test_read_when_no_server_was_ever_started_then_the_hint_names_the_script(lonely: ReaperHost) -> None:
    with pytest.raises(HostError) as caught:
        lonely.read()
    assert "foley_server.py" in caught.value.hint
    lonely.tell("nobody hears this", kind="error")


def test_read_when_nobody_listens_on_the_announced_port_then_at_once_the_hint_names_the_script(
    lonely: ReaperHost,
) -> None:
    announce(port=1, token="t")
    began = time.monotonic()
    with pytest.raises(HostError, match=r"foley_server\.py"):
        lonely.read()
    assert time.monotonic() - began < 0.5


def test_read_when_a_stranger_holds_the_announced_port_then_an_error_in_time(lonely: ReaperHost) -> None:
    """Another program took the port of a REAPER that was killed; it may be silent, or talk nonsense."""
    for greeting in (b"", b"HTTP/1.1 200 OK\r\n\r\n", (5).to_bytes(8, "little") + b"hello" + (2).to_bytes(8, "little")):
        with socket.create_server(("127.0.0.1", 0)) as stranger:
            announce(port=stranger.getsockname()[1], token="t")
            accepting = threading.Thread(target=greet, args=(stranger, greeting))
            accepting.start()
            began = time.monotonic()
            with pytest.raises(HostError):
                lonely.read()
            assert time.monotonic() - began < 1.5
            accepting.join()


def test_read_when_reaper_is_restarted_then_the_next_read_finds_it(reaper: SimReaper, host: ReaperHost) -> None:
    first = host.read().token
    reaper.restart()
    assert host.read().token != first
    reaper.restart(clean=False)
    assert host.read().path == ""


def test_host_when_a_reaper_is_reached_then_it_says_so_once_for_each_run(reaper: SimReaper, host: ReaperHost) -> None:
    met: list[int] = []
    host.when_met(lambda: met.append(endpoint.find_reaper().pid))
    for _ in range(2):
        host.read()
    assert met == [reaper.pid]
    first = reaper.pid
    reaper.restart()
    for _ in range(2):
        host.read()
    assert met == [first, reaper.pid]


def test_read_when_reaper_was_killed_then_an_error_at_once(reaper: SimReaper, host: ReaperHost) -> None:
    host.read()
    reaper.kill()
    began = time.monotonic()
    with pytest.raises(HostError, match=r"foley_server\.py"):
        host.read()
    assert time.monotonic() - began < 1.0


def test_read_when_reaper_is_killed_while_it_is_asked_then_an_error_soon(reaper: SimReaper, host: ReaperHost) -> None:
    host.read()
    reaper.open_modal()
    killer = threading.Timer(0.3, reaper.kill)
    killer.start()
    began = time.monotonic()
    with pytest.raises(HostError):
        host.read()
    assert time.monotonic() - began < 2.0
    killer.join()


def test_read_when_a_dialog_is_open_then_an_error_in_time_and_all_is_well_once_it_is_closed(reaper: SimReaper) -> None:
    host = ReaperHost(read_timeout_s=0.5)
    host.read()
    reaper.open_modal()
    for _ in range(2):  # over the old connection, then over a new one that is never greeted
        began = time.monotonic()
        with pytest.raises(HostError, match=r"a dialog may be open\. Close it and press the key again"):
            host.read()
        assert 0.4 < time.monotonic() - began < 1.0
    reaper.close_modal()
    host.read()
    host.close()


def test_write_when_it_timed_out_behind_a_dialog_then_it_does_not_happen_afterwards(reaper: SimReaper) -> None:
    host = ReaperHost(write_timeout_s=0.5)
    change = marker_at(host, 1.0)
    reaper.open_modal()
    with pytest.raises(HostError, match="dialog"):
        host.write(change)
    reaper.close_modal()
    reaper.wait_ticks(20)
    assert reaper.markers() == []
    assert reaper.undo_labels() == []
    host.write(change)
    assert len(reaper.markers()) == 1
    host.close()


def test_calls_when_many_threads_make_them_then_each_gets_its_own_answer(reaper: SimReaper, host: ReaperHost) -> None:
    seen: dict[int, float] = {}

    def look(number: int) -> None:
        seen[number] = host.read(cursor_s=float(number)).cursor_s

    threads = [threading.Thread(target=look, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == {number: float(number) for number in range(12)}


def test_read_when_the_line_breaks_while_it_waits_then_it_is_tried_once_more(
    reaper: SimReaper, host: ReaperHost
) -> None:
    host.read()
    reaper.open_modal()

    def break_and_answer() -> None:
        assert host._line is not None
        host._line._client._socket.shutdown(socket.SHUT_RDWR)
        reaper.close_modal()

    breaker = threading.Timer(0.3, break_and_answer)
    breaker.start()
    assert host.read().path == ""
    breaker.join()


def test_read_when_the_script_inside_fails_then_its_last_line_is_in_the_sentence(
    reaper: SimReaper, host: ReaperHost, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(HostError, match="script in REAPER failed"):
        host.write(Change(token=host.read().token, undo_title="F", delete_markers=5))  # pyright: ignore[reportArgumentType]
    assert "Traceback" in caplog.text
    host.read()


@pytest.mark.parametrize("sentences", [1, 20])
def test_close_when_a_dialog_is_open_then_it_does_not_hang(reaper: SimReaper, host: ReaperHost, sentences: int) -> None:
    host.read()
    reaper.open_modal()
    for number in range(sentences):
        host.tell(f"Error {number}.", kind="error")
    began = time.monotonic()
    host.close()
    assert time.monotonic() - began < 2.0


def test_close_when_a_call_waits_behind_a_dialog_then_it_does_not_hang(reaper: SimReaper) -> None:
    host = ReaperHost(read_timeout_s=20.0)
    host.read()
    reaper.open_modal()
    waiting = threading.Thread(target=host.read)
    waiting.start()
    time.sleep(0.1)
    began = time.monotonic()
    host.close()
    assert time.monotonic() - began < 2.0
    reaper.close_modal()
    waiting.join()


def test_close_when_something_is_untold_then_it_is_shown_before(reaper: SimReaper, host: ReaperHost) -> None:
    for number in range(5):
        host.tell(f"Error {number}.", kind="error")
    host.close()
    assert reaper.console().count("Error") == 5


def test_close_when_called_twice_then_later_calls_are_refused(reaper: SimReaper, host: ReaperHost) -> None:
    host.read()
    host.close()
    host.close()
    with pytest.raises(HostError, match="closed"):
        host.read()
    host.tell("too late")


def test_server_when_its_script_runs_a_second_time_then_there_is_still_one(reaper: SimReaper, host: ReaperHost) -> None:
    before = endpoint.find_reaper()
    reaper.run_script(SERVER, when_running="new")
    reaper.wait_ticks(5)
    assert endpoint.find_reaper() == before
    assert len(reaper.running_scripts()) == 1
    assert "already running" in reaper.help_text()
    host.read()


def test_server_when_its_script_is_ended_and_run_again_then_the_host_finds_the_new_one(
    reaper: SimReaper, host: ReaperHost
) -> None:
    host.read()
    before = endpoint.find_reaper()
    reaper.run_script(SERVER, when_running="terminate")
    assert endpoint.find_reaper().token != before.token
    host.read()


def test_server_when_its_mark_is_stale_then_a_new_run_starts(
    tmp_path: Path, host: ReaperHost, reaper: SimReaper
) -> None:
    reaper.terminate_scripts()
    reaper.set_ext_state("FOLEY", "server", "left over")
    reaper.set_ext_state("FOLEY", "server_seen", "-1000.0")
    reaper.run_script(SERVER)
    host.read()


def test_server_when_reaper_quits_then_its_endpoint_is_gone(reaper: SimReaper) -> None:
    assert endpoint.find_reaper().pid == reaper.pid
    reaper.quit()
    assert not (endpoint.folder() / endpoint.REAPER_FILE).exists()


def test_server_when_its_folder_cannot_be_made_then_the_console_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("")
    env = {endpoint.FOLDER_VARIABLE: str(blocked / "folder")}
    with SimReaper.start(
        tmp_path / "reaper", tick_s=TICK_S, web_port=None, env=env, startup_scripts=[SERVER]
    ) as reaper:
        assert "could not start" in reaper.console()
        assert endpoint.FOLDER_VARIABLE in reaper.console()
        reaper.wait_ticks(3)
        assert reaper.running_scripts() == []


def test_server_when_reapers_python_has_no_reapy_then_the_console_says_how_to_install_it(tmp_path: Path) -> None:
    with SimReaper.start(
        tmp_path / "reaper", tick_s=TICK_S, web_port=None, with_reapy=False, startup_scripts=[SERVER]
    ) as reaper:
        assert "pip install python-reapy" in reaper.console()


def test_import_of_reapy_when_it_is_first_needed_then_nobody_is_dialled() -> None:
    """A plain import would look for REAPER's web interface and could start reapy's own, open server."""
    code = (
        "import socket\n"
        "def refuse(*args, **kwargs): raise SystemExit('dialled')\n"
        "socket.socket.connect = socket.create_connection = refuse\n"
        "from bridge.host import line\n"
        "import sys\n"
        "assert 'reapy' not in sys.modules\n"
        "reapy = line.reapy_module()\n"
        "assert not reapy.dist_api_is_enabled()\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=30)


def announce(*, port: int, token: str) -> None:
    folder = endpoint.folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / endpoint.REAPER_FILE
    path.write_text(
        json.dumps(
            {"port": port, "token": token, "pid": 1, "version": "7.78", "resource_path": "", "api": endpoint.API}
        )
    )
    path.chmod(0o600)
