"""A ReaScript for a real REAPER: tries what the simulator assumes about OSC control surfaces and writes what it saw.

How to use: in Preferences, Control/OSC/web, add an OSC surface with the device name "foley check", mode "Configure
device IP+local port", device 127.0.0.1 port 9123, local listen port 8123, REAPER's own pattern file. In a new, empty,
unsaved project run this script. When the console asks for it, drag the marker slowly to the right for some seconds and
let go. It writes ``foley-reality-check-osc.json`` into REAPER's resource path and undoes what it did. Keys are the
names in ``assumptions.py`` in lower case; where a value differs from the constant, the constant is wrong.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import socket
import struct
import sys
import time
from typing import Any

api: Any = importlib.import_module("reaper_python")
host: Any = sys.modules["__main__"]
DEVICE = "foley check"
QUIET_S, RATE_S, DRAG_S = (0.15, 1.0, 1.5) if "FOLEY_CHECK_HURRY" in os.environ else (0.4, 2.0, 15.0)


def surface() -> tuple[int, int] | None:
    """REAPER's port and the device's, as ``reaper.ini`` has them."""
    with open(api.RPR_get_ini_file(), encoding="utf-8", errors="replace") as file:
        found = re.search(rf'^csurf_\d+=OSC "{DEVICE}" \d+ (\d+) "[^"]*" (\d+)', file.read(), re.M)
    return (int(found[1]), int(found[2])) if found else None


def text(data: bytes, at: int) -> tuple[str, int]:
    """An OSC string and where the next part begins."""
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8", "replace"), end + 4 - (end - at) % 4


def messages(data: bytes) -> list[tuple[str, Any]]:
    """Addresses and first arguments in a packet."""
    if data.startswith(b"#bundle\0"):
        found, at = [], 16
        while at < len(data):
            size = struct.unpack_from(">i", data, at)[0]
            found += messages(data[at + 4 : at + 4 + size])
            at += 4 + size
        return found
    address, at = text(data, 0)
    tags, at = text(data, at)
    if tags[1:2] == "s":
        return [(address, text(data, at)[0])]
    return [(address, struct.unpack_from(">" + tags[1], data, at)[0] if tags[1:2] in ("f", "i") else None)]


def send(address: str, value: str | float | None = None) -> None:
    """Sends a message to REAPER."""

    def padded(words: str) -> bytes:
        data = words.encode()
        return data + b"\0" * (4 - len(data) % 4)

    tags = "," if value is None else ",s" if isinstance(value, str) else ",f"
    body = b"" if value is None else padded(value) if isinstance(value, str) else struct.pack(">f", value)
    line.sendto(padded(address) + padded(tags) + body, ("127.0.0.1", ports[0]))


def hear() -> None:
    """Keeps what came."""
    while True:
        try:
            heard.extend(messages(line.recv(65536)))
        except OSError:
            return


def position() -> float:
    """Where our marker is."""
    return api.RPR_EnumProjectMarkers3(0, 0, 0, 0.0, 0.0, "", 0, 0)[4]


def checks() -> Any:
    """The checks; each yield waits some seconds, in which REAPER goes on."""
    yield QUIET_S
    api.RPR_Undo_BeginBlock2(0)
    api.RPR_AddProjectMarker2(0, False, 1.0, 0.0, "foley reality check", -1, 0)
    api.RPR_Undo_EndBlock2(0, "osc check", -1)
    yield QUIET_S
    report["marker_count_is_0_by_default"] = not [address for address, _ in heard if address.startswith("/marker/")]
    send("/device/marker/count/1")
    yield QUIET_S
    report["marker_count_can_be_set"] = ("/marker/1/time", 1.0) in heard
    heard.clear()
    send("/marker/1/time", 2.0)
    yield QUIET_S
    report["osc_edit_works"] = position() == 2.0
    report["osc_edit_is_notified_at_once"] = ("/marker/1/time", 2.0) not in heard
    send("/marker/1/time", 3.0)
    yield QUIET_S
    api.RPR_Undo_DoUndo2(0)
    report["osc_edits_are_one_undo_step"] = position() == 1.0
    yield QUIET_S
    heard.clear()
    send("/action/41743")
    yield QUIET_S
    report["refresh_clears_osc_cache"] = "/stop" in dict(heard)
    yield from rate()
    yield from drag()


def rate() -> Any:
    """How often the cursor's time is told."""
    heard.clear()
    start = time.monotonic()
    while time.monotonic() < start + RATE_S:
        api.RPR_SetEditCurPos(time.monotonic() - start + 5, False, False)
        yield 0.0
    report["time_messages_per_second"] = sum(address == "/time" for address, _ in heard) / RATE_S


def drag() -> Any:
    """What is seen while somebody drags the marker."""
    api.RPR_ShowConsoleMsg("Drag the marker slowly to the right now, for some seconds, and let go.\n")
    heard.clear()
    seen, counts, end = [position()], [api.RPR_GetProjectStateChangeCount(0)], time.monotonic() + DRAG_S
    while time.monotonic() < end:
        seen += [position()] if position() != seen[-1] else []
        count = api.RPR_GetProjectStateChangeCount(0)
        counts += [count] if count != counts[-1] else []
        yield 0.0
    told = [value for address, value in heard if address == "/marker/1/time"]
    if len(seen) > 1:
        report["marker_drag_moves_the_marker"] = len(seen) > 2
        report["marker_drag_is_notified"] = "during" if len(told) > 1 else "release"
        report["change_counts_during_the_drag"] = len(counts) - 1


def step() -> None:
    """One cycle: hears, and goes on with the checks when their wait is over."""
    hear()
    if time.monotonic() >= clock["due"]:
        try:
            clock["due"] = time.monotonic() + next(running)
        except StopIteration:
            finish()
            return
    host.RPR_defer("step()")


def finish() -> None:
    """Undoes everything and writes the report."""
    line.close()
    for _ in range(20):
        if not api.RPR_CountProjectMarkers(0, 0, 0)[0] or not api.RPR_Undo_DoUndo2(0):
            break
    path = os.path.join(api.RPR_GetResourcePath(), "foley-reality-check-osc.json")
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, sort_keys=True)
    api.RPR_ShowConsoleMsg(f"Written: {path}\n")


report: dict[str, Any] = {"version": api.RPR_GetAppVersion()}
heard: list[tuple[str, Any]] = []
clock = {"due": 0.0}
found_ports = surface()
if found_ports is None:
    api.RPR_ShowConsoleMsg(f'Add an OSC surface named "{DEVICE}" first (see the head of this script), then restart.\n')
elif api.RPR_CountTracks(0) or api.RPR_CountProjectMarkers(0, 0, 0)[0]:
    api.RPR_ShowConsoleMsg("Open a new, empty project first: this script makes and removes a marker.\n")
else:
    ports = found_ports
    line = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    line.bind(("127.0.0.1", ports[1]))
    line.setblocking(False)
    running = checks()
    step()
