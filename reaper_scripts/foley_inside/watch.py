"""Tells the daemon when the score of a project changes: what its live mode needs.

Convention: REAPER's change count is looked at a few times a second; when it moved, the markers, regions and take
markers of the videos with foley are compared by a fingerprint, taken in slices (see ``slices``). What changes between
two looks is seen by the next one, so the last state is always told. The daemon hears ``/foley/touched`` with the
project's token, never twice for the same score; it answers to nobody. While the designer walks back through the undo
history nothing is told.
"""

import hashlib
import json
import os
import secrets
import socket

from . import api, endpoint, foley, markers, osc_packet, project, say, slices, steady
from .api import rp

ACTION = "foley_live_mode.py"
EVERY_S = 0.15
REST = 4.0
"""After a fingerprint the next one waits for so many times as long as it took."""
_watched = {}
_next = {"look_s": 0.0}
_looking = {}
"""{pointer: the task that takes its fingerprint}; one at most."""


def watch(token, on):
    """Begins to watch an open project, or stops."""
    return api.answered_in_slices(_watch(token, on))


def _watch(token, on):
    tab = project.find(token)
    if on:
        now = yield from steady.steadily(token, fingerprint)
        _forget(tab)
        _watched[tab] = {
            "token": token,
            "path": project.tabs()[tab],
            "count": rp.RPR_GetProjectStateChangeCount(tab),
            "print": now,
            "rest_s": 0.0,
            "tracks": _track_guids(tab),
            "step": api.next_undo(tab),
        }
    else:
        _forget(tab)
    _show()


def step(turn):
    """Looks at what is watched, if it is time; a project that was closed is forgotten."""
    now_s = rp.RPR_time_precise()
    if _watched and now_s >= _next["look_s"]:
        _next["look_s"] = now_s + EVERY_S
        _look(now_s)
    for tab, task in list(_looking.items()):
        _go_on(tab, task, turn)


def _look(now_s):
    open_tabs = project.tabs()
    for tab, seen in list(_watched.items()):
        if tab not in open_tabs or not _same(tab, seen, open_tabs[tab]):
            _forget(tab)
            _show()
            continue
        seen["step"] = api.next_undo(tab)
        count = rp.RPR_GetProjectStateChangeCount(tab)
        if _looking or count == seen["count"] or now_s < seen["rest_s"]:
            continue
        seen["tracks"] = _track_guids(tab)
        _looking[tab] = slices.Task(_compare(tab, seen))


def _go_on(tab, task, turn):
    done = True
    try:
        done = task.go_on(turn)
    except api.Refusal:
        pass  # it moves all the time, or the tab holds another project by now: the next look will see
    finally:
        if done:
            del _looking[tab]
            _watched[tab]["rest_s"] = rp.RPR_time_precise() + REST * task.spent_s


def _compare(tab, seen):
    """Takes the fingerprint of a project whose count moved, and tells the daemon if it is another."""
    now = yield from steady.steadily(seen["token"], fingerprint)
    seen["count"] = rp.RPR_GetProjectStateChangeCount(tab)
    if now != seen["print"]:
        seen["print"] = now
        if not api.next_redo(tab):  # a render now would be a new step, and end what can be redone
            _tell(seen["token"])


def _forget(tab):
    _watched.pop(tab, None)
    task = _looking.pop(tab, None)
    if task is not None:
        task.close()


def _same(tab, seen, path):
    """Whether a tab holds the project that is watched, perhaps under another name by now.

    A project that is saved under another name keeps its undo history, one that is opened has none: so the last step and
    the tracks tell the two apart. If they do not agree the watch ends, and the designer is told.
    """
    if path == seen["path"]:
        return True
    if (api.next_undo(tab), _track_guids(tab)) != (seen["step"], seen["tracks"]) or not seen["step"]:
        name = os.path.basename(path) or "an unsaved project"
        say.tell(f"Live mode ended: its tab holds '{name}' now. Press the key again to follow that project.")
        return False
    project.renamed(tab, seen["path"], path)
    seen["path"] = path
    return True


def _track_guids(tab):
    return [api.track_text(track, "GUID") for track in api.tracks(tab)]


def fingerprint(tab):
    """What the sound of a project depends on, of what a designer edits without pressing one of our keys; in slices."""
    made = yield from foley.foley_items(tab)
    seen = yield from foley.videos(tab, {item["video_item_guid"] for item in made})
    every_marker, regions = yield from markers.everything(tab)
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


def _tell(tab_token):
    port, token = endpoint.daemon()
    packet = osc_packet.encode("/foley/touched", ["", "", "", tab_token, token, secrets.token_hex(8)])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        try:
            line.sendto(packet, ("127.0.0.1", port))
        except OSError:
            return
