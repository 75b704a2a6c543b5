"""The frames between daemon and REAPER: the server inside REAPER before and after the token, and the client."""

from __future__ import annotations

import contextlib
import functools
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from bridge.host import endpoint
from bridge.host.base import (
    FoleyItemView,
    FoleyTrackView,
    ItemView,
    MarkerView,
    PointView,
    ProjectView,
    RegionView,
    SelectedView,
    TakeMarkerView,
)
from bridge.host.line import reapy_module
from bridge.host.reaper import ReaperHost
from bridge.host.wire import from_wire, to_wire
from tests.fakes import project, video_item
from tests.fuzz.cases import bent, bent_json
from tests.fuzz.files import folder
from tests.fuzz.target import Target, again

TOKEN = "t" * 64
CALLED: list[Any] = []


def frame(data: bytes) -> bytes:
    """reapy's framing."""
    return len(data).to_bytes(8, "little") + data


def call(name: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """A request as JSON has it."""
    function = {"__callable__": True, "module_name": "foley_inside.test", "name": name}
    return {"function": function, "input": {"args": list(args), "kwargs": kwargs}}


class Clock:
    """Time that passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@functools.cache
def _served() -> tuple[Any, Any, Clock]:
    """The server, its module and its clock; its one callable only remembers."""
    reapy_module()
    from reaper_scripts.foley_inside import server as module

    clock = Clock()
    safe = module.SafeServer({("foley_inside.test", "echo"): _echo}, about={"api": endpoint.API}, clock=clock)
    safe.token = TOKEN
    return safe, module, clock


def _echo(*args: Any, **kwargs: Any) -> Any:
    CALLED.append((args, kwargs))
    return [list(args), kwargs]


def check_server(case: bytes) -> bool:
    """Bytes of a stranger: afterwards a good client is answered, and nothing was called without the token."""
    safe, _, clock = _served()
    del CALLED[:]
    with _joined("stranger") as stranger, _joined("friend") as friend:
        with contextlib.suppress(OSError):
            stranger.sendall(case)
        friend.sendall(frame(TOKEN.encode()) + frame(json.dumps(call("echo", 7)).encode()))
        for _ in range(4):
            safe.tick()
        answers = _frames(friend)
        assert answers[2:] == [{"type": "result", "value": [[7], {}]}], f"the good client got {answers[2:]}"
        known = case.startswith(frame(TOKEN.encode()))
        assert known or CALLED == [((7,), {})], "something was called without the token"
        gone = "stranger" not in safe._peers
        clock.now += 11.0
        safe.tick()
        assert known or "stranger" not in safe._peers, "a stranger without a token stays"
        said = _frames(stranger)
        assert all(isinstance(one, dict) and one["type"] in ("result", "error") for one in said[1:])
    return known and not gone and any(one["type"] == "result" for one in said[2:])


@contextlib.contextmanager
def _joined(name: str) -> Iterator[socket.socket]:
    """Our end of a new connection to the server."""
    safe, module, clock = _served()
    ours, theirs = socket.socketpair()
    ours.settimeout(5.0)
    theirs.setblocking(False)
    peer = safe._peers[name] = module.Peer(theirs, clock())
    peer.queue(b"('127.0.0.1', 1)")
    try:
        yield ours
    finally:
        safe.disconnect(name)
        ours.close()


def _frames(line: socket.socket) -> list[Any]:
    """What has arrived: the greeting as it is, every further frame as JSON."""
    line.setblocking(False)
    data = b""
    with contextlib.suppress(OSError):
        while part := line.recv(1 << 20):
            data += part
    found: list[Any] = []
    while len(data) >= 8:
        size = int.from_bytes(data[:8], "little")
        found.append(json.loads(data[8 : 8 + size]) if found else data[8 : 8 + size])
        data = data[8 + size :]
    return found


def view() -> ProjectView:
    """A project with one of everything."""
    item = video_item("/v/clip.mp4", take_markers=(TakeMarkerView(played_s=0.5, name="foley", ours=True),))
    made = FoleyItemView(
        guid="{f}",
        track_guid="{t}",
        video_item_guid="{video}",
        position_s=1.0,
        length_s=2.0,
        takes=1,
        recipe="{}",
        audio_path="/a.wav",
    )
    track = FoleyTrackView(
        guid="{t}", name="Foley", index=1, video_item_guid="{video}", envelope=(PointView(time_s=1.0, gain=0.5),)
    )
    return project(
        "/p",
        item,
        markers=(MarkerView(guid="{m}", position_s=10.5, name="foley", ours=True, origin="0.5"),),
        foley_items=(made,),
        foley_tracks=(track,),
        regions=(RegionView(start_s=0.0, end_s=9.0, name="scene"),),
        selected=SelectedView(name="a", source_path="/a.wav", start_s=0.0, length_s=1.0),
        videos=(item,),
    )


def check_wire(case: bytes) -> bool:
    """A view of REAPER's that is taken has fields of the right kinds, and goes back onto the wire the same."""
    try:
        data = json.loads(case)
    except (ValueError, RecursionError):  # ``line`` says so
        return False
    found = from_wire(ProjectView, data)
    assert again(from_wire, ProjectView, again(to_wire, found)) == found
    assert all(isinstance(item, ItemView) for item in found.items)
    return True


class Answering:
    """A REAPER that says to everybody what it was told to say; one for the whole process."""

    def __init__(self) -> None:
        self.said = b""
        self._door = socket.create_server(("127.0.0.1", 0))
        where = folder() / "reaper"
        where.mkdir(mode=0o700, exist_ok=True)
        path = where / endpoint.REAPER_FILE
        port = self._door.getsockname()[1]
        path.write_text(
            json.dumps(
                {"port": port, "token": TOKEN, "pid": 1, "version": "7", "resource_path": "", "api": endpoint.API}
            )
        )
        path.chmod(0o600)
        self.host = ReaperHost(folder=where, read_timeout_s=2.0)
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while True:
            line, _ = self._door.accept()
            with line, contextlib.suppress(OSError):
                line.settimeout(2.0)
                line.sendall(self.said)
                line.shutdown(socket.SHUT_WR)
                while line.recv(65536):
                    pass


@functools.cache
def _answering() -> Answering:
    return Answering()


def check_client(case: bytes) -> bool:
    """What whoever holds REAPER's port says to the daemon."""
    there = _answering()
    there.said = case
    return isinstance(there.host.read(), ProjectView)


def said(value: Any) -> bytes:
    """Greeting, leave to enter, and one answer."""
    entered = {"type": "result", "value": {"api": endpoint.API}}
    return frame(b"('127.0.0.1', 1)") + frame(json.dumps(entered).encode()) + (frame(value) if value else b"")


AFTER = frame(TOKEN.encode())
ANSWER = {"type": "result", "value": {"ok": to_wire(view())}}
REFUSAL = {"type": "result", "value": {"refused": {"message": "No", "hint": "Press again", "gone": False}}}
FAULT = {"type": "error", "traceback": "Traceback\nValueError: no"}
GOOD_CALLS = [AFTER + frame(json.dumps(call("echo", 1, "a", {"b": [None]}, key=2.5)).encode())]
TARGETS = [
    Target(
        name="server_before_token",
        check=check_server,
        hostile=bent([*GOOD_CALLS, b"GET / HTTP/1.1\r\n\r\n", frame(b"x" * 64), frame(b"x" * 300)]),
    ),
    Target(
        name="server_after_token",
        check=check_server,
        hostile=bent_json([call("echo", 1, "a", {"b": [None]}, key=2.5), [], "HOLD"]).map(
            lambda data: AFTER + frame(data)
        )
        | bent(GOOD_CALLS).map(lambda data: AFTER + data),
        valid=st.just(GOOD_CALLS[0]),
    ),
    Target(
        name="wire",
        check=check_wire,
        hostile=bent_json([to_wire(view())]),
        valid=st.just(json.dumps(to_wire(view())).encode()),
    ),
    Target(
        name="client",
        quick=50,
        check=check_client,
        hostile=bent_json([ANSWER, ANSWER, REFUSAL, FAULT]).map(said)
        | bent([said(json.dumps(ANSWER).encode()), said(b"")]),
        valid=st.just(said(json.dumps(ANSWER).encode())),
    ),
]
