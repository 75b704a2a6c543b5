"""What the bridge made in a project: its items, its tracks; and the item that is selected as an example sound.

Convention: an item of ours carries the GUID of the video item that it was made for in P_EXT:foley, a track of ours too.
P_EXT:foley_layer of a track holds the words of its layer behind an equals sign ("=" alone: those without words of their
own); P_EXT:foley_live marks a take that *live* may replace.
"""

import os

from . import api, envelopes, items
from .api import rp


def foley_items(project):
    """The fields of a FoleyItemView for every item that the bridge made, by track, then time; in slices."""
    found = []
    for index in range(rp.RPR_CountTracks(project)):
        track = api.track_at(project, index)
        for number in range(rp.RPR_CountTrackMediaItems(track)):
            item = api.item_at(track, number)
            video_guid = api.item_text(item, "P_EXT:foley")
            if video_guid:
                found.append(_foley_item(track, item, video_guid))
            if (yield):
                api.still_there(project, track, "MediaTrack*")
        yield
    return found


def _foley_item(track, item, video_guid):
    layer = api.track_text(track, "P_EXT:foley_layer")
    take = api.active_take(item)
    root = api.root_source(take)[1] if take else None
    return {
        "guid": api.item_text(item, "GUID"),
        "track_guid": api.track_text(track, "GUID"),
        "video_item_guid": video_guid,
        "position_s": rp.RPR_GetMediaItemInfo_Value(item, "D_POSITION"),
        "length_s": rp.RPR_GetMediaItemInfo_Value(item, "D_LENGTH"),
        "takes": rp.RPR_CountTakes(item),
        "recipe": api.take_text(take, "P_EXT:foley_recipe") if take else "",
        "audio_path": api.source_path(root) if root else "",
        "selected": bool(rp.RPR_GetMediaItemInfo_Value(item, "B_UISEL")),
        "layer": layer[1:] if layer else None,
        "set_id": api.track_text(track, "P_EXT:foley_set"),
        "take_guid": api.take_text(take, "GUID") if take else "",
        "live": bool(take and api.take_text(take, "P_EXT:foley_live")),
    }


def foley_tracks(project, mouse_track_guid):
    """The fields of a FoleyTrackView for every track that the bridge made and that holds sound, from the top.

    In slices.
    """
    found = []
    for index in range(rp.RPR_CountTracks(project)):
        track = api.track_at(project, index)
        video_guid = api.track_text(track, "P_EXT:foley")
        if video_guid:
            found.append((yield from _foley_track(project, track, index, video_guid, mouse_track_guid)))
        yield
    return found


def _foley_track(project, track, index, video_guid, mouse_track_guid):
    guid = api.track_text(track, "GUID")
    selected = any(rp.RPR_GetMediaItemInfo_Value(item, "B_UISEL") for item in api.track_items(track))
    pointed = bool(selected or rp.RPR_GetMediaTrackInfo_Value(track, "I_SELECTED") or guid == mouse_track_guid)
    return {
        "guid": guid,
        "name": api.track_text(track, "P_NAME"),
        "index": index,
        "video_item_guid": video_guid,
        "controls": api.track_text(track, "P_EXT:foley_controls"),
        "envelope": (yield from envelopes.points(project, track)),
        "pointed": pointed,
    }


def videos(project, guids):
    """The fields of an ItemView for each video item of these GUIDs that is still there, by track, then time.

    In slices.
    """
    found = []
    for index in range(rp.RPR_CountTracks(project) if guids else 0):
        track = api.track_at(project, index)
        for number in range(rp.RPR_CountTrackMediaItems(track)):
            item = api.item_at(track, number)
            seen = items.view(item, track, index) if api.item_text(item, "GUID") in guids else None
            if seen is not None:
                found.append(seen)
            if (yield):
                api.still_there(project, track, "MediaTrack*")
        yield
    return found


def selected(project):
    """The fields of a SelectedView for the one selected item; None if none or several are, or it plays no file."""
    if rp.RPR_CountSelectedMediaItems(project) != 1:
        return None
    item = rp.RPR_GetSelectedMediaItem(project, 0)
    take = api.active_take(item)
    outer, root = api.root_source(take) if take else (None, None)
    if root is None:
        return None
    path = api.source_path(root)
    length_s, _, in_quarters = rp.RPR_GetMediaSourceLength(root, False)
    start_s, heard_s = _visible(item, take, items.section(outer, root, 0.0 if in_quarters else max(0.0, length_s)))
    return {
        "name": api.take_text(take, "P_NAME") or os.path.basename(path),
        "source_path": path,
        "start_s": start_s,
        "length_s": heard_s,
        "offline": in_quarters or length_s <= 0.0 or not os.path.isfile(path),
        "foley": bool(api.item_text(item, "P_EXT:foley")),
    }


def _visible(item, take, section):
    """(start, length) in the file of what an item shows of it; before the sound begins an item shows none of it."""
    offset_s, section_s, reverse = section
    start_s = rp.RPR_GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")
    rate = rp.RPR_GetMediaItemTakeInfo_Value(take, "D_PLAYRATE")
    end_s = start_s + rp.RPR_GetMediaItemInfo_Value(item, "D_LENGTH") * rate
    start_s = max(0.0, start_s)
    if section_s is not None and not rp.RPR_GetMediaItemInfo_Value(item, "B_LOOPSRC"):
        end_s = min(end_s, section_s)
    length_s = max(0.0, end_s - start_s)
    if reverse and section_s is not None:
        start_s = section_s - start_s - length_s
    return max(0.0, offset_s + start_s), length_s
