"""Items as the bridge sees them: video items under the cursor, best first.

An item is under the cursor when ``position <= cursor < position + length``, half a sample early at either edge. It
counts when its active take plays a video file (also an offline one, so that the designer can be told), and when it is
neither muted nor on a lane that does not play; a selected item counts even if muted.
"""

import os

from . import api, take_markers
from .api import rp

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".mpg", ".mpeg", ".mts", ".wmv", ".mxf", ".flv")
FIXED_LANES = 2


def video_items(project, cursor_s, rate_hz, mouse_track_guid):
    """(views best first, how the first was chosen, names of the muted ones) of the video items under the cursor.

    In slices (see ``slices``).

    Chosen is "selected" or "track" only when that leaves exactly one; "topmost" otherwise, "" without any item.
    """
    early_s = 0.5 / rate_hz
    found, muted = [], []
    for index in range(rp.RPR_CountTracks(project)):
        track = api.track_at(project, index)
        track_muted = bool(rp.RPR_GetMediaTrackInfo_Value(track, "B_MUTE"))
        lanes = int(rp.RPR_GetMediaTrackInfo_Value(track, "I_FREEMODE")) == FIXED_LANES
        for number in range(rp.RPR_CountTrackMediaItems(track)):
            item = api.item_at(track, number)
            start_s = rp.RPR_GetMediaItemInfo_Value(item, "D_POSITION")
            end_s = start_s + rp.RPR_GetMediaItemInfo_Value(item, "D_LENGTH")
            under = start_s - early_s <= cursor_s < end_s - early_s
            seen = view(item, track, index) if under else None
            if seen is not None:
                silent = lanes and not rp.RPR_GetMediaItemInfo_Value(item, "C_LANEPLAYS")
                if seen["selected"] or not (seen["muted"] or track_muted or silent):
                    found.append(seen)
                elif not silent:
                    muted.append(seen["name"])
            if (yield):
                api.still_there(project, track, "MediaTrack*")
        yield
    return (*_ranked(project, found, mouse_track_guid), muted)


def _ranked(project, found, mouse_track_guid):
    selected = [seen for seen in found if seen["selected"]]
    if selected:
        rest = [seen for seen in found if not seen["selected"]]
        return selected + rest, "selected" if len(selected) == 1 else "topmost"
    for guids in _pointed_tracks(project, mouse_track_guid):
        on_it = [seen for seen in found if seen["track_guid"] in guids]
        if on_it:
            rest = [seen for seen in found if seen["track_guid"] not in guids]
            return on_it + rest, "track" if len(on_it) == 1 else "topmost"
    return found, "topmost" if found else ""


def _pointed_tracks(project, mouse_track_guid):
    """Sets of track GUIDs that the designer points at, the clearest first."""
    yield {mouse_track_guid} - {""}
    touched = rp.RPR_GetLastTouchedTrack()  # of the tab in front
    behind = rp.RPR_EnumProjects(-1, "", 4096)[0] != project
    yield set() if behind or api.is_null(touched) else {api.track_text(touched, "GUID")}
    count = rp.RPR_CountSelectedTracks2(project, False)
    yield {api.track_text(rp.RPR_GetSelectedTrack2(project, index, False), "GUID") for index in range(count)}


def view(item, track, track_index):
    """The fields of an ItemView if the item's active take plays a video file, else None."""
    take = api.active_take(item)
    if take is None:
        return None
    outer, root = api.root_source(take)
    if root is None:
        return None
    path = api.source_path(root)
    kind = rp.RPR_GetMediaSourceType(root, "", 64)[1]
    offline_kind = not kind or kind.startswith("_OFFLINE")
    if kind != "VIDEO" and not (offline_kind and path.lower().endswith(VIDEO_SUFFIXES)):
        return None
    length_s, _, in_quarters = rp.RPR_GetMediaSourceLength(root, False)
    length_s = 0.0 if in_quarters else max(0.0, length_s)
    offset_s, section_s, reverse = section(outer, root, length_s)
    return {
        "guid": api.item_text(item, "GUID"),
        "take_guid": api.take_text(take, "GUID"),
        "track_guid": api.track_text(track, "GUID"),
        "name": api.take_text(take, "P_NAME") or os.path.basename(path),
        "source_path": path,
        "source_type": "VIDEO",
        "source_length_s": length_s,
        "offline": offline_kind or length_s <= 0.0 or not os.path.isfile(path),
        "position_s": rp.RPR_GetMediaItemInfo_Value(item, "D_POSITION"),
        "length_s": rp.RPR_GetMediaItemInfo_Value(item, "D_LENGTH"),
        "start_offset_s": rp.RPR_GetMediaItemTakeInfo_Value(take, "D_STARTOFFS"),
        "play_rate": rp.RPR_GetMediaItemTakeInfo_Value(take, "D_PLAYRATE"),
        "loop": bool(rp.RPR_GetMediaItemInfo_Value(item, "B_LOOPSRC")),
        "section_offset_s": offset_s,
        "section_length_s": section_s,
        "reverse": reverse,
        "stretch_markers": rp.RPR_GetTakeNumStretchMarkers(take),
        "take_markers": take_markers.of(take),
        "muted": bool(rp.RPR_GetMediaItemInfo_Value(item, "B_MUTE")),
        "selected": bool(rp.RPR_GetMediaItemInfo_Value(item, "B_UISEL")),
        "track_index": track_index,
    }


def section(outer, root, root_length_s):
    """(offset, length or None, reverse) of the SECTION sources around a root, as one section of the root."""
    wrappers = []
    while outer != root:
        wrappers.append(outer)
        outer = rp.RPR_GetMediaSourceParent(outer)
    offset_s, length_s, reverse = 0.0, None, False
    for source in reversed(wrappers):
        is_section, _, inner_s, part_s, turned = rp.RPR_PCM_Source_GetSectionInfo(source, 0, 0, 0)
        if not is_section:
            continue
        whole_s = root_length_s if length_s is None else length_s
        if part_s <= 0.0:
            part_s = whole_s - inner_s
        offset_s += whole_s - inner_s - part_s if reverse else inner_s
        length_s, reverse = part_s, reverse != bool(turned)
    return offset_s, length_s, reverse
