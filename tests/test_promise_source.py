"""What the source itself must show of promise 1: no HTTP, no address but loopback, no token compared by hand."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SERVERS = {
    *("http.server", "socketserver", "xmlrpc", "wsgiref", "flask", "aiohttp", "fastapi", "starlette", "uvicorn"),
    *("tornado", "websockets", "bottle", "cherrypy", "twisted", "multiprocessing.connection", "asyncio", "zmq", "grpc"),
    *("pythonosc.osc_server", "pythonosc.osc_tcp_server", "ftplib", "smtpd", "telnetlib"),
}
LISTENING = {"bind", "listen", "create_server", "start_server", "serve_forever", "HTTPServer", "TCPServer"}
BOUND = {
    ("bridge/__main__.py", "arguments.stop.listen()"),  # to signals
    ("bridge/host/endpoint.py", "line.bind(('127.0.0.1', port))"),
    ("bridge/checks.py", "probe.bind(('127.0.0.1', port))"),
    ("bridge/osc/door.py", "self._line.bind((bind, port))"),
    ("bridge/osc/feedback.py", "self._line.bind(('127.0.0.1', 0))"),
    ("bridge/osc/server.py", "self._line.bind((HOST, port))"),
    ("bridge/osc/surface.py", "self._line.bind(('127.0.0.1', port))"),
    ("reaper_scripts/foley_inside/server.py", "self._socket.bind(('127.0.0.1', address[1]))"),
}
"""Every place that takes an address; of these only the controller door's is the user's to choose."""
DOORS = {"bridge/osc/server.py": "self._token", "reaper_scripts/foley_inside/server.py": "self.token.encode('ascii')"}


@cache
def trees() -> tuple[tuple[str, ast.Module], ...]:
    return tuple(
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8")))
        for folder in ("bridge", "reaper_scripts")
        for path in sorted((ROOT / folder).rglob("*.py"))
    )


def test_source_when_read_then_nothing_serves_http_or_anything_but_our_two_wires() -> None:
    imported = {
        (file, name)
        for file, tree in trees()
        for node in ast.walk(tree)
        for name in (
            [one.name for one in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "", *(f"{node.module}.{one.name}" for one in node.names)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert not {(file, name) for file, name in imported if name in SERVERS or name.partition(".")[0] in SERVERS}


def test_source_when_read_then_whatever_binds_an_address_is_on_the_list_and_binds_loopback() -> None:
    found = {
        (file, ast.unparse(node))
        for file, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in LISTENING
    }
    assert found <= BOUND, found - BOUND
    constants = {
        ast.unparse(node)
        for file, tree in trees()
        for node in tree.body
        if file == "bridge/osc/server.py" and isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "HOST"
    }
    assert constants == {"HOST = '127.0.0.1'"}


def test_tokens_when_compared_then_in_constant_time_and_nowhere_else() -> None:
    for file, tree in trees():
        if file not in DOORS:
            continue
        calls = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call)]
        compared = [call for call in calls if call.startswith("hmac.compare_digest(")]
        assert len(compared) == 1, file
        assert compared[0].endswith(f", {DOORS[file]})"), file
        by_hand = {
            ast.unparse(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.Compare) and "len(" not in ast.unparse(node.left)
            for side in (node.left, *node.comparators)
            for part in ast.walk(side)
            if isinstance(part, ast.Name | ast.Attribute) and "token" in ast.unparse(part).lower()
        }
        assert by_hand <= {"TOKEN_FRAME_BYTES"}, by_hand
