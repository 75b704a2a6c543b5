"""REAPER's web interface, as far as reapy needs it, and marker lists.

Convention: GET only; at most one new connection and four requests per round of the main loop, all on the main
thread, so an open dialog stalls it. Commands of one request are separated by ``;``. REAPER's listens on every address
of the machine, this one on 127.0.0.1 only.
"""

from __future__ import annotations

import contextlib
import socket
from urllib.parse import unquote

from .app import App
from .faults import Unsimulated
from .functions_app import run_command

ROUNDS_PER_TICK = 4
LONGEST_COMMAND = 1023


class Web:
    """The listening socket and its connections."""

    def __init__(self, app: App, port: int) -> None:
        self._app = app
        self._listener = socket.create_server(("127.0.0.1", port))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._connections: dict[socket.socket, bytes] = {}

    def tick(self) -> None:
        """Accepts one connection and answers waiting requests."""
        with contextlib.suppress(BlockingIOError):
            connection, _ = self._listener.accept()
            connection.setblocking(False)
            self._connections[connection] = b""
        for connection in list(self._connections):
            for _ in range(ROUNDS_PER_TICK):
                if not self._serve(connection):
                    break

    def close(self) -> None:
        """Closes everything."""
        for connection in [*self._connections, self._listener]:
            connection.close()

    def _serve(self, connection: socket.socket) -> bool:
        """Handles one request of a connection; False when there is none."""
        try:
            data = connection.recv(65536)
            if not data and b"\r\n\r\n" not in self._connections[connection]:
                return self._drop(connection)
            self._connections[connection] += data
        except BlockingIOError:
            pass
        except OSError:
            return self._drop(connection)
        head, found, rest = self._connections[connection].partition(b"\r\n\r\n")
        if not found:
            return False
        self._connections[connection] = rest
        words = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        if len(words) < 2 or words[0] != "GET":
            return self._drop(connection)
        keep = b"connection: close" not in head.lower()
        self._answer(connection, words[1], keep=keep)
        return keep or self._drop(connection)

    def _drop(self, connection: socket.socket) -> bool:
        del self._connections[connection]
        connection.close()
        return False

    def _answer(self, connection: socket.socket, target: str, *, keep: bool) -> None:
        status, body = "404 Not Found", b""
        if target.startswith("/_/"):
            commands = target[3:].split("?")[0].split(";")
            status, body = "200 OK", "".join(self._command(text[:LONGEST_COMMAND]) for text in commands).encode()
        head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nCache-Control: no-cache\r\n"
        head += f"Connection: {'keep-alive' if keep else 'close'}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.setblocking(True)
        with contextlib.suppress(OSError):
            connection.sendall(head.encode() + body)
        connection.setblocking(False)

    def _command(self, text: str) -> str:
        app, words = self._app, text.split("/")
        if text.isdigit() or text.startswith("_"):
            action = app.actions.by_name(text)
            command = int(text) if text.isdigit() else 0 if action is None else action.command
            if command:
                try:
                    run_command(app, command)
                except Unsimulated as error:
                    app.faults.record("unimplemented", "web interface", str(error))
            return ""
        if words[:2] == ["GET", "EXTSTATE"] and len(words) == 4:
            value = app.ext_state.get(words[2], words[3])
            return f"EXTSTATE\t{words[2]}\t{words[3]}\t{_escaped(value)}\n"
        if words[:2] in (["SET", "EXTSTATE"], ["SET", "EXTSTATEPERSIST"]) and len(words) >= 5:
            value = unquote("/".join(words[4:]))
            app.ext_state.set(unquote(words[2]), unquote(words[3]), value, persist=words[1].endswith("PERSIST"))
            return ""
        if words[:2] == ["SET", "POS"]:
            app.project.cursor_s = float(words[2])
            return ""
        if words[:2] == ["SET", "UNDO_BEGIN"]:
            app.history.begin()
            return ""
        if words[:2] == ["SET", "UNDO_END"]:
            app.history.end(unquote("/".join(words[2:])), -1)
            return ""
        if text in ("MARKER", "REGION"):
            return self._marker_list(text)
        if text == "TRANSPORT":
            position = app.project.cursor_s
            return f"TRANSPORT\t{app.project.play_state}\t{position:.15f}\t0\t{position:.3f}\t{position:.3f}\n"
        if text == "NTRACK":
            return f"NTRACK\t{len(app.project.tracks)}\n"
        app.faults.record("unimplemented", "web interface", f"command {text!r} is not simulated")
        return ""

    def _marker_list(self, kind: str) -> str:
        lines = [f"{kind}_LIST\n"]
        for marker in self._app.project.markers:
            if marker.is_region == (kind == "REGION"):
                ends = f"{marker.position_s:.15f}" + (f"\t{marker.end_s:.15f}" if marker.is_region else "")
                lines.append(f"{kind}\t{_escaped(marker.name)}\t{marker.number}\t{ends}\t{marker.color}\n")
        return "".join([*lines, f"{kind}_LIST_END\n"])


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
