"""``read``: one consistent look at a project, in as many slices as it takes (see ``steady``); changes nothing."""

from . import api, foley, items, markers, project, steady
from .api import rp

DEFAULT_RATE_HZ = 48000


def read(cursor_s=None, mouse_track_guid="", project_token=""):
    """The fields of a ProjectView.

    Args:
        cursor_s: edit cursor at the key press, project time; None takes it as it stands now.
        mouse_track_guid: GUID of the track that was under the mouse; "" if none.
        project_token: the tab in which the key was pressed, which may be behind another by now; "" = the one in front.
    """
    return api.answered_in_slices(_read(cursor_s, mouse_track_guid, project_token))


def landed(token, marks):
    """Which of some changes a project took: those whose marks it remembers."""
    return api.answered(_landed, token, marks)


def _landed(token, marks):
    there = api.changes_taken(project.find_again(token))
    return [mark for mark in marks if mark in there]


def _read(cursor_s, mouse_track_guid, project_token):
    tab, path = project.of_key_press(project_token) if project_token else project.active()
    if cursor_s is None:
        cursor_s = rp.RPR_GetCursorPositionEx(tab)
    token = project.token(tab, path)
    return (yield from steady.steadily(token, lambda tab: _look(tab, token, path, cursor_s, mouse_track_guid)))


def _look(tab, token, path, cursor_s, mouse_track_guid):
    rate_hz = int(rp.RPR_GetSetProjectInfo(tab, "PROJECT_SRATE", 0.0, False)) or DEFAULT_RATE_HZ
    found, chosen, muted = yield from items.video_items(tab, float(cursor_s), rate_hz, mouse_track_guid)
    mine = markers.ours(tab)
    every_marker, regions = yield from markers.everything(tab)
    seen = [dict(marker, ours=marker["guid"] in mine, origin=mine.get(marker["guid"], "")) for marker in every_marker]
    made = yield from foley.foley_items(tab)
    start_s, end_s = rp.RPR_GetSet_LoopTimeRange2(tab, False, False, 0.0, 0.0, False)[3:5]
    return {
        "token": token,
        "path": path,
        "media_dir": rp.RPR_GetProjectPathEx(tab, "", 4096)[1],
        "change_count": rp.RPR_GetProjectStateChangeCount(tab),
        "cursor_s": float(cursor_s),
        "sample_rate_hz": rate_hz,
        "prompt": api.project_state(tab, "prompt"),
        "items": found,
        "chosen": chosen,
        "muted": muted,
        "markers": sorted(seen, key=lambda marker: marker["position_s"]),
        "foley_items": made,
        "regions": sorted(regions, key=lambda region: region["start_s"]),
        "selection_start_s": start_s,
        "selection_end_s": end_s,
        "selected": foley.selected(tab),
        "videos": (yield from foley.videos(tab, {item["video_item_guid"] for item in made})),
        "foley_tracks": (yield from foley.foley_tracks(tab, mouse_track_guid)),
        "reference": api.project_state(tab, "reference"),
        "score": api.project_state(tab, "score"),
        "controls": api.project_state(tab, "controls"),
    }
