"""``write``: everything that one key press changes, within one defer cycle: one undo step, or nothing at all.

Convention: everything is checked first (``checks``). What can fail comes before what cannot be taken back by hand
(deleting markers). If an act fails all the same, what was made is deleted, the undo block is closed under a name of its
own, and that step, and only that step, is undone.
"""

import secrets

from . import api, checks, envelopes, markers, peaks, project, take_markers, takes, tracks
from .api import Refusal, rp

EVERYTHING = -1


def write(change):
    """Applies the fields of a Change; gives the fields of a Report."""
    return api.answered(_write, change)


def _write(change):
    tab = project.find(change["token"])
    work = _Work(tab, checks.check(tab, change))
    rp.RPR_PreventUIRefresh(1)
    try:
        rp.RPR_Undo_BeginBlock2(tab)
        try:
            work.do()
        except BaseException as error:
            work.take_back()
            raise Refusal(
                "REAPER refused a part of '{}' ({}), and nothing was changed".format(change["undo_title"], error),
                "Press the key again; if it stays so, restart REAPER",
            ) from error
        rp.RPR_Undo_EndBlock2(tab, change["undo_title"], EVERYTHING)
    finally:
        rp.RPR_PreventUIRefresh(-1)
        rp.RPR_TrackList_AdjustWindows(False)
        rp.RPR_UpdateArrange()
        rp.RPR_UpdateTimeline()
    for take in work.takes.made:
        peaks.begin(tab, take)
    return work.report


class _Work:
    """The acts of one change, and the way back."""

    def __init__(self, tab, plan):
        self.tab = tab
        self.plan = plan
        self.report = {"marker_guids": [], "item_guids": [], "take_guids": []}
        self._there = plan.markers
        self._before = {marker["guid"] for marker in self._there}
        self._origins = markers.ours(tab)
        self._ours = {}
        self._undo_by_hand = []
        self.takes = takes.Takes(plan, self._undo_by_hand)
        self._tracks = tracks.Tracks(tab, self._undo_by_hand)

    def do(self):
        """All acts, in an order in which the failing ones come first."""
        for new, track, source in self.plan.new_items:
            self._add_item(self._tracks.add(track, new), new, source)
        for new, item, source in self.plan.new_takes:
            if new["replaces"]:
                guid = self.takes.replace(item, new, source)
            else:
                guid = self.takes.add(item, new, source, new["position_s"])
            self.report["take_guids"].append(guid)
        for track, new in self.plan.envelopes:
            envelopes.draw(self.tab, track, new["start_s"], new["end_s"], new["points"])
        for item, change in self.plan.take_markers:
            take = take_markers.active_take_of(item, "the video item")
            take_markers.change(take, change["delete"], change["add"])
        self._add_markers()
        self._delete_markers()
        for track, text in self.plan.track_controls:
            rp.RPR_GetSetMediaTrackInfo_String(track, "P_EXT:foley_controls", text, True)
        for key, text in self.plan.state.items():
            api.set_project_state(self.tab, key, " ".join(text.split()) if key == "prompt" else text)
        if self.plan.keep_takes:
            takes.crop(self.tab, self.plan.keep_takes)
        api.remember_change(self.tab, self.plan.mark)

    def take_back(self):
        """Leaves the project, and its undo history, as they were before the block."""
        for undo in reversed(self._undo_by_hand):
            undo()
        if self.plan.add_markers:
            made = {marker["guid"] for marker in markers.all_markers(self.tab)} - self._before
            markers.delete(self.tab, made)
        self.plan.discard_sources()
        title = "Foley: taken back " + secrets.token_hex(4)
        rp.RPR_Undo_EndBlock2(self.tab, title, EVERYTHING)
        if api.next_undo(self.tab) == title:
            rp.RPR_Undo_DoUndo2(self.tab)

    def _add_item(self, track, new, source):
        item = rp.RPR_AddMediaItemToTrack(track)
        if api.is_null(item):
            raise Refusal("no new item on '{}'".format(new["track_name"]))
        rp.RPR_SetMediaItemInfo_Value(item, "D_POSITION", new["position_s"])
        rp.RPR_SetMediaItemInfo_Value(item, "D_LENGTH", new["length_s"])
        rp.RPR_SetMediaItemInfo_Value(item, "B_LOOPSRC", 0)
        rp.RPR_SetMediaItemInfo_Value(item, "D_FADEINLEN", new["fade_in_s"])
        rp.RPR_SetMediaItemInfo_Value(item, "D_FADEOUTLEN", new["fade_out_s"])
        rp.RPR_GetSetMediaItemInfo_String(item, "P_EXT:foley", new["video_item_guid"], True)
        self.takes.add(item, new, source, new["position_s"])
        self.report["item_guids"].append(api.item_text(item, "GUID"))

    def _add_markers(self):
        """REAPER does not make the same marker twice, so one that stands there already stays, and is reported."""
        fresh = []
        for wanted, _ in self.plan.add_markers:
            if self._standing(wanted) is None and not any(_same_marker(wanted, other) for other in fresh):
                fresh.append(wanted)
        made = markers.add(self.tab, fresh)
        if not all(made):
            raise Refusal("a marker that cannot be made")
        new = [{"guid": guid, "position_s": at, "name": name} for guid, (at, name) in zip(made, fresh, strict=True)]
        self._there = new + self._there
        for wanted, origin in self.plan.add_markers:
            guid = self._standing(wanted)
            if guid in self.plan.delete_markers:
                self.plan.delete_markers.remove(guid)
            elif guid not in made:
                self.report["marker_guids"].append(guid)
                continue
            self._ours[guid] = origin
            self.report["marker_guids"].append(guid)

    def _standing(self, wanted):
        for marker in self._there:
            if _same_marker(wanted, (marker["position_s"], marker["name"])):
                return marker["guid"]
        return None

    def _delete_markers(self):
        gone = self.plan.delete_markers
        if len(markers.delete(self.tab, gone)) != len(gone):
            raise Refusal("a marker that cannot be deleted")
        if gone or self._ours:
            there = {marker["guid"] for marker in self._there} - set(gone) - set(self._ours)
            kept = {guid: origin for guid, origin in self._origins.items() if guid in there}
            markers.remember(self.tab, {**kept, **self._ours})


def _same_marker(one, other):
    return one[1] == other[1] and abs(one[0] - other[0]) <= checks.CLOSE_S
