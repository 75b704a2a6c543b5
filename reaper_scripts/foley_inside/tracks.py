"""New tracks where they belong: below the video's, layers together in a folder of their own.

Convention: I_FOLDERDEPTH is +1 where a folder begins and the number of folders that end, negative, on the last track of
each; the sum over a project stays as it was. A folder of ours carries the GUID of its video item in
P_EXT:foley_folder.
"""

from . import api
from .api import Refusal, rp

FOLDER = "P_EXT:foley_folder"


class Tracks:
    """Makes the tracks of one change.

    Args:
        tab: the project. undo: the list of ways back.
    """

    def __init__(self, tab, undo):
        self._tab = tab
        self._undo = undo
        self._last = {}

    def add(self, below, new):
        """The new track for a NewItem.

        Args:
            below: track below which it goes. new: the fields of the NewItem.

        Raises:
            Refusal: REAPER did not make it.
        """
        key = (below, new["folder"])
        above = self._last.get(key)
        if above is not None:
            track = self._below(above)
        elif not new["folder"]:
            track = self._below(below)
        elif api.track_text(below, "P_EXT:foley"):
            track = self._beside(below, new)
        else:
            folder = self._folder(self._below(below), new)
            track = self._insert(_index(folder) + 1)
            self._set_depth(track, _depth(folder) - 1)
            self._set_depth(folder, 1)
        self._last[key] = track
        rp.RPR_GetSetMediaTrackInfo_String(track, "P_NAME", new["track_name"], True)
        rp.RPR_GetSetMediaTrackInfo_String(track, "P_EXT:foley", new["video_item_guid"], True)
        rp.RPR_GetSetMediaTrackInfo_String(track, "P_EXT:foley_set", new["set_id"], True)
        if new["layer"] is not None:
            rp.RPR_GetSetMediaTrackInfo_String(track, "P_EXT:foley_layer", "=" + new["layer"], True)
        if new["controls"]:
            rp.RPR_GetSetMediaTrackInfo_String(track, "P_EXT:foley_controls", new["controls"], True)
        return track

    def _beside(self, layer, new):
        """A track in the folder of a layer, which is made around it if there is none yet."""
        parent = rp.RPR_GetParentTrack(layer)
        if not api.is_null(parent) and api.track_text(parent, FOLDER):
            return self._below(self._last_inside(parent))
        folder = self._folder(self._insert(_index(layer)), new)
        self._set_depth(folder, 1)
        ends = _depth(layer)
        if ends > 0:  # the designer put tracks into it; they stay there
            last = self._last_inside(layer)
            self._set_depth(last, _depth(last) - 1)
            return self._insert(_index(layer))
        track = self._insert(_index(layer) + 1)
        self._set_depth(layer, 0)
        self._set_depth(track, ends - 1)
        return track

    def _folder(self, track, new):
        rp.RPR_GetSetMediaTrackInfo_String(track, "P_NAME", new["folder"], True)
        rp.RPR_GetSetMediaTrackInfo_String(track, FOLDER, new["video_item_guid"], True)
        return track

    def _last_inside(self, folder):
        """The last track of a folder; it may end other folders too."""
        depth, index = 1, _index(folder)
        while True:
            index += 1
            track = rp.RPR_GetTrack(self._tab, index)
            if api.is_null(track):
                raise Refusal("a folder without an end")
            depth += _depth(track)
            if depth <= 0:
                return track

    def _below(self, above):
        """A track directly below another; if that one was the last of its folder, the new one is now."""
        track = self._insert(_index(above) + 1)
        depth = _depth(above)
        if depth < 0:
            self._set_depth(above, 0)
            self._set_depth(track, depth)
        return track

    def _insert(self, index):
        if api.has("InsertTrackInProject"):
            rp.RPR_InsertTrackInProject(self._tab, index, 0)
        else:
            rp.RPR_InsertTrackAtIndex(index, False)
        track = rp.RPR_GetTrack(self._tab, index)
        if api.is_null(track):
            raise Refusal(f"no new track at place {index + 1}")
        self._undo.append(lambda: rp.RPR_DeleteTrack(track))
        return track

    def _set_depth(self, track, depth):
        before = _depth(track)
        self._undo.append(lambda: rp.RPR_SetMediaTrackInfo_Value(track, "I_FOLDERDEPTH", before))
        rp.RPR_SetMediaTrackInfo_Value(track, "I_FOLDERDEPTH", depth)


def _index(track):
    """0-based index of a track."""
    return int(rp.RPR_GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER")) - 1


def _depth(track):
    return int(rp.RPR_GetMediaTrackInfo_Value(track, "I_FOLDERDEPTH"))
