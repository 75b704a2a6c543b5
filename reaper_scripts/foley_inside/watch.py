"""Tells the daemon when the score of a project changes: what its live mode needs.

Convention: REAPER's change count is looked at in every turn of the server; when it moved, the markers, regions and
take markers of the videos with foley are compared by a fingerprint. The daemon hears
``/foley/touched`` with the project's token, once per change and never twice for the same score; it answers to nobody.
"""

import hashlib
import json
import socket

from . import api, endpoint, foley, markers, osc_packet, project
from .api import rp

ACTION = "foley_live_mode.py"
_watched = {}


def watch(token, on):
    """Begins to watch an open project, or stops."""
    return api.answered(_watch, token, on)


def _watch(token, on):
    tab = project.find(token)
    if not on:
        _watched.pop(tab, None)
    else:
        _watched[tab] = {"token": token, "count": rp.RPR_GetProjectStateChangeCount(tab), "print": fingerprint(tab)}
    _show()


def step():
    """Looks at what is watched; a project that was closed is forgotten."""
    for tab, seen in list(_watched.items()):
        try:
            project.find(seen["token"])
        except api.Refusal:
            del _watched[tab]
            _show()
            continue
        count = rp.RPR_GetProjectStateChangeCount(tab)
        if count == seen["count"]:
            continue
        seen["count"] = count
        now = fingerprint(tab)
        if now != seen["print"]:
            seen["print"] = now
            _tell(seen["token"])


def fingerprint(tab):
    """What the sound of a project depends on, of what a designer edits without pressing one of our keys."""
    made = foley.foley_items(tab)
    seen = foley.videos(tab, {item["video_item_guid"] for item in made})
    every_marker, regions = markers.everything(tab)
    score = [
        [[round(m["position_s"], 6), m["name"]] for m in every_marker],
        [[round(r["start_s"], 6), round(r["end_s"], 6), r["name"]] for r in regions],
        [[v["guid"], [[round(m["played_s"], 6), m["name"]] for m in v["take_markers"]]] for v in seen],
    ]
    return hashlib.sha256(json.dumps(score).encode()).hexdigest()


def _show():
    """Lights the action's button while a project is live, if the installer has given the action its lasting name."""
    command = rp.RPR_NamedCommandLookup("_RS" + hashlib.sha1(b"foley-bridge/" + ACTION.encode()).hexdigest())
    if command:
        rp.RPR_SetToggleCommandState(0, command, int(bool(_watched)))
        rp.RPR_RefreshToolbar2(0, command)


def _tell(token):
    packet = osc_packet.encode("/foley/touched", ["", "", "", token])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        try:
            line.sendto(packet, ("127.0.0.1", endpoint.osc_port()))
        except OSError:
            return
