"""Promise 1: nobody gets in. What an attacker would try, against the real daemon and the real script in REAPER.

Convention: an attacker is a program on this computer or network without the user's files, or a web page that the user
has open. Where a list is written out, it is the promise: whoever adds a verb or a callable writes it here too.
"""

from __future__ import annotations

import ast
import json
import os
import secrets
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from pythonosc.osc_message import OscMessage

from bridge.jobs import verbs
from bridge.osc import client
from bridge.osc.messages import KINDS
from tests import bursts
from tests.outside import NO_NAMESPACE, listening
from tests.reaper_scripts import hostile
from tests.story import Studio, tiny_studio

ROOT = Path(__file__).resolve().parents[1]

VERBS = (
    *("again", "cancel", "controls", "detect", "exactly", "fewer", "forget", "free", "generate", "keep", "level"),
    *("little", "live", "lot", "more", "place", "prompt", "recipe", "reference", "status", "touched", "variation"),
)
BUTTONS = (
    *(
        "again",
        "cancel",
        "detect",
        "exactly",
        "fewer",
        "forget",
        "free",
        "generate",
        "keep",
        "level",
        "little",
        "live",
        "lot",
    ),
    *("more", "place", "recipe", "reference", "status", "variation"),
)
CALLABLES = (
    ("foley_inside.read", "landed"),
    ("foley_inside.read", "read"),
    ("foley_inside.say", "show"),
    ("foley_inside.say", "tell"),
    ("foley_inside.watch", "watch"),
    ("foley_inside.write", "write"),
)
HTTP = {
    "get": b"GET /foley/generate HTTP/1.1\r\nHost: 127.0.0.1:9124\r\n\r\n",
    "post": b"POST / HTTP/1.1\r\nHost: localhost\r\nOrigin: https://example.org\r\nContent-Length: 3\r\n\r\nabc",
    "options": b"OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\nAccess-Control-Request-Method: POST\r\n\r\n",
    "websocket": b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "rebound name": b"GET / HTTP/1.1\r\nHost: attacker.example:9124\r\n\r\n",
    "http 2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "tls": b"\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03" + bytes(200),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, film: Path) -> Iterator[Studio]:
    with tiny_studio(tmp_path_factory.mktemp("doors"), film) as desk:
        desk.until(lambda: ask(desk, "status")[1] == 1)
        yield desk


def said(desk: Studio, name: str) -> dict[str, Any]:
    return json.loads((desk.folder / "endpoint" / name).read_text())


def ask(desk: Studio, verb: str, *arguments: str) -> list[Any]:
    """The daemon's answer to a good message."""
    known = (
        said(desk, "daemon.json") if (desk.folder / "endpoint" / "daemon.json").exists() else {"port": 9, "token": ""}
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(5.0)
        line.connect(("127.0.0.1", known["port"]))
        line.send(bursts.said(verb, known["token"], secrets.token_hex(8), *arguments))
        return list(OscMessage(line.recv(65536)).params)


def stranger(desk: Studio) -> socket.socket:
    """A connection to the server in REAPER, its greeting read."""
    line = socket.create_connection(("127.0.0.1", said(desk, "reaper.json")["port"]), timeout=5.0)
    frame(line)
    return line


def frame(line: socket.socket) -> bytes:
    head = line.recv(8, socket.MSG_WAITALL)
    return line.recv(int.from_bytes(head, "little"), socket.MSG_WAITALL) if head else b""


def looks(desk: Studio) -> tuple[Any, ...]:
    """What would change if anything had been done."""
    return desk.reaper.state(), desk.reaper.undo_labels(), desk.reaper.change_count()


# -- the network -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="network namespaces are Linux's")
def test_doors_when_asked_through_another_address_of_the_machine_then_nobody_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.outside", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=ROOT)
    if done.returncode == NO_NAMESPACE:
        pytest.skip(f"this system lets this user have no network namespace: {done.stdout.strip()}")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert not seen["control"], "the second address works: what listens on all addresses is reached through it"
    assert {address for _, address, _ in [*seen["daemon"], *seen["reaper"]]} == {"127.0.0.1"}
    assert {port for _, _, port in seen["daemon"]} > set(seen["doors"])
    assert [kind for kind, _, _ in seen["reaper"]] == ["tcp"]
    assert len(seen["daemon"]) == 4, "the keys, the controller door, REAPER's feedback, and what tells controllers"
    assert all(refused for _, _, refused in seen["outside"]), seen["outside"]
    assert not any(refused for _, _, refused in seen["inside"]), seen["inside"]
    assert seen["status"]
    assert seen["button"]


def test_sockets_when_listed_then_each_is_on_loopback_and_the_daemon_has_one(desk: Studio) -> None:
    assert listening(desk.daemon.pid) == [["udp", "127.0.0.1", said(desk, "daemon.json")["port"]]]
    assert ["tcp", "127.0.0.1", said(desk, "reaper.json")["port"]] in listening(desk.reaper.pid)
    assert {address for _, address, _ in listening(desk.reaper.pid)} == {"127.0.0.1"}


# -- what can be asked for ---------------------------------------------------------------------------------------------


def test_verbs_when_listed_then_they_are_these_and_no_others() -> None:
    assert tuple(sorted(kind.NAME for kind in KINDS)) == VERBS
    assert set(verbs.VERBS) - {verbs.LIVE} <= set(VERBS)


def test_buttons_when_listed_then_they_are_verbs_without_words_and_no_others() -> None:
    wordless = {name for name, kind in verbs.VERBS.items() if kind.wordless} | {"cancel", "free", "status"}
    assert tuple(sorted(wordless)) == BUTTONS
    assert not wordless & {"prompt", "controls", "touched"}


def test_callables_when_listed_then_they_are_these_and_no_others() -> None:
    source = (ROOT / "reaper_scripts" / "foley_inside" / "loop.py").read_text()
    (table,) = [
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CALLABLES"
    ]
    assert isinstance(table, ast.Dict)
    listed = {
        ast.literal_eval(key): ast.unparse(value) for key, value in zip(table.keys, table.values, strict=True) if key
    }
    assert tuple(sorted(listed)) == CALLABLES
    assert all(value == f"{module.rpartition('.')[2]}.{name}" for (module, name), value in listed.items())


@pytest.mark.parametrize(
    "address",
    [
        *("/foley/os.system", "/foley/__class__", "/foley/__import__", "/foley/detect.__init__", "/foley/Detect"),
        *(
            "/foley/detect/../generate",
            "/foley/*",
            "/foley/{detect,generate}",
            "/foley/[a-z]etect",
            "/foley/live ",
            "/",
        ),
        *("/foley/", "/FOLEY/detect", "//foley/detect", "/foley/placed", "/foley/handle", "/action", "/foley/answer/x"),
    ],
)
def test_verb_when_it_is_not_on_the_list_then_even_with_the_token_nothing_is_done(desk: Studio, address: str) -> None:
    before, known = looks(desk), said(desk, "daemon.json")
    data = bursts.packet(address, "", "", "os.system('id')", "", known["token"], secrets.token_hex(8))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(0.3)
        line.connect(("127.0.0.1", known["port"]))
        line.send(data)
        with suppress(TimeoutError):
            assert OscMessage(line.recv(65536)).params[1] == 0
    assert ask(desk, "status")[2].startswith("Ready")
    assert looks(desk) == before


def test_callable_when_it_is_any_other_name_of_our_scripts_then_even_with_the_token_it_is_refused(
    desk: Studio,
) -> None:
    """Every function and import of every module in REAPER, and the ways to write one in reapy's own language."""
    names: set[tuple[str, str]] = {("os", "system"), ("builtins", "exec"), ("reapy.reascript_api", "_get_api_names")}
    for path in (ROOT / "reaper_scripts" / "foley_inside").glob("*.py"):
        module = f"foley_inside.{path.stem}"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                names |= {(module, node.name), (module, f"{node.name}.__globals__"), (module, f"{node.name}.__call__")}
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names |= {(module, one.name) for one in node.names} | {(module, f"{one.name}.x") for one in node.names}
    names -= set(CALLABLES)
    assert len(names) > 200
    before = looks(desk)
    with closing(stranger(desk)) as line:
        line.sendall(hostile.frame(said(desk, "reaper.json")["token"].encode()))
        assert json.loads(frame(line))["type"] == "result"
        chosen = sorted(names)[:: max(1, len(names) // 60)]
        line.sendall(b"".join(hostile.request(module, name) for module, name in chosen))
        for _ in chosen:
            assert "not on the list" in json.loads(frame(line))["traceback"]
    assert looks(desk) == before


# -- web pages ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HTTP)
def test_web_page_when_it_asks_a_door_then_there_is_no_answer_and_nothing_is_done(desk: Studio, name: str) -> None:
    """A browser cannot send datagrams at all; a program that sends it the same bytes gets nothing either."""
    before = looks(desk)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(0.2)
        line.connect(("127.0.0.1", said(desk, "daemon.json")["port"]))
        line.send(HTTP[name])
        with pytest.raises(TimeoutError):
            line.recv(65536)
    with closing(stranger(desk)) as line:
        line.sendall(HTTP[name])
        with suppress(ConnectionResetError):
            assert frame(line) == b""
    assert looks(desk) == before


@pytest.mark.parametrize("knows_the_token", [False, True])
def test_web_page_when_it_posts_what_would_be_good_frames_then_it_is_cut_off_before_they_are_read(
    desk: Studio, knows_the_token: bool
) -> None:
    before = looks(desk)
    token = said(desk, "reaper.json")["token"] if knows_the_token else "0" * 64
    body = hostile.frame(token.encode()) + hostile.request("foley_inside.say", "tell", "pwned", "error")
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with closing(stranger(desk)) as line:
        line.sendall(head + body)
        with suppress(ConnectionResetError):
            assert frame(line) == b""
    desk.reaper.wait_ticks(5)
    assert "pwned" not in desk.reaper.console() + desk.reaper.help_text()
    assert looks(desk) == before


# -- strangers at REAPER -----------------------------------------------------------------------------------------------


def test_strangers_when_many_come_then_they_are_counted_told_of_once_and_the_bridge_goes_on(desk: Studio) -> None:
    for word in (hostile.frame(b"0" * 64), HTTP["get"], b"") * 10:
        with closing(stranger(desk)) as line, suppress(ConnectionResetError):
            line.sendall(word)
            if word:
                assert frame(line) == b""
    desk.until(lambda: int(desk.reaper.ext_state("FOLEY", "strangers") or 0) >= 30)
    assert desk.reaper.console().count("without its token") == 1
    assert ask(desk, "detect", "500")[1] == 1
    desk.until(lambda: "500" in desk.reaper.console() or "No video" in desk.reaper.console())


# -- token files -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_token_files_when_written_then_only_this_user_can_read_them(desk: Studio) -> None:
    folder = desk.folder / "endpoint"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    files = sorted(folder.iterdir())
    assert {"daemon.json", "reaper.json", "daemon.lock"} <= {path.name for path in files}
    assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files} == {0}
    tokens = {said(desk, name)["token"] for name in ("daemon.json", "reaper.json")}
    assert len(tokens) == 2
    assert all(len(token) == 64 for token in tokens)
    log = (desk.folder / "daemon.log").read_text()
    assert not any(token in log + desk.reaper.console() for token in tokens)


# -- a full queue ------------------------------------------------------------------------------------------------------


def test_queue_when_more_keys_come_than_may_wait_then_each_is_answered_and_the_rest_refused_in_words(
    desk: Studio,
) -> None:
    desk.reaper.open_modal()  # REAPER answers nobody: the first job waits for it, the others for the first
    answers = [ask(desk, "detect") for _ in range(14)]
    cancelled = ask(desk, "cancel")
    desk.reaper.close_modal()
    refused = [sentence for _, ok, sentence, _ in answers if not ok]
    assert 4 <= len(refused) <= 6
    assert set(refused) == {"8 jobs are waiting already. Wait for one to finish, or press Cancel."}
    assert cancelled[2] == "Cancelling."
    desk.until(lambda: ask(desk, "status")[2].startswith("Ready"))


def test_daemon_when_thousands_of_packets_of_all_kinds_come_then_it_answers_and_holds_no_more_than_before(
    desk: Studio,
) -> None:
    process = psutil.Process(desk.daemon.pid)
    known = said(desk, "daemon.json")
    good = partial(client.ask, known["port"], "status", token=known["token"], timeout_s=10.0)
    bursts.send(known["port"], known["token"], bursts.MIXED, 500)
    assert good() is not None
    files, log = process.num_fds() if hasattr(process, "num_fds") else 0, (desk.folder / "daemon.log").stat().st_size
    for kind in (bursts.MIXED, "wrong token", "argument types", "largest"):
        bursts.send(known["port"], known["token"], kind, 2_000)
        assert good() is not None
    desk.until(lambda: ask(desk, "cancel")[2] == "Nothing is being made.")
    assert (process.num_fds() if hasattr(process, "num_fds") else 0) <= files + 1
    assert (desk.folder / "daemon.log").stat().st_size - log < 50_000
