"""``write``: everything that one key press changes, within one defer cycle: one undo step, or nothing at all.

Convention: everything is checked first (``checks``), in as many slices as it takes; the acts come in one turn of the
deferred loop, for REAPER closes an undo block at its end, and only if the project is as it was when it was checked.
What can fail comes before what cannot be taken back by hand (deleting markers). If an act fails all the same, what was
made is deleted, the undo block is closed under a name of its own, and that step, and only that step, is undone.
Once the change is there nothing that follows can fail it: what goes wrong then is written down and passed over.
"""

import bisect
import secrets

from . import api, checks, envelopes, faults, markers, peaks, project, slices, steady, take_markers, takes, tracks
from .api import Refusal, rp

EVERYTHING = -1
FRESH_S = 0.004
"""The acts wait for the next turn if so much of this one has been spent."""


def write(change):
    """Applies the fields of a Change; gives the fields of a Report."""
    return api.answered_in_slices(_write(change))


def _write(change):
    project.find(change["token"])
    sources = []
    try:
        yield from checks.open_sources(change, sources)
        work = yield from steady.steadily(change["token"], lambda tab: _checked(tab, change, sources))
        return _act(work, change)
    finally:
        checks.discard(sources)


def _checked(tab, change, sources):
    plan = yield from checks.check(tab, change, sources)
    yield FRESH_S
    plan.still_there(tab)
    return _Work(tab, plan)


def _act(work, change):
    tab = work.tab
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
        _besides(rp.RPR_PreventUIRefresh, -1)
        _besides(rp.RPR_TrackList_AdjustWindows, False)
        _besides(rp.RPR_UpdateArrange)
        _besides(rp.RPR_UpdateTimeline)
    for take in work.takes.made:
        _besides(peaks.begin, tab, take)
    return work.report


def _besides(function, *args):
    """Does what the change can do without; a fault in it must not look like a change that was refused."""
    try:
        function(*args)
    except Exception as error:
        faults.write(error)


class _Work:
    """The acts of one change, and the way back."""

    def __init__(self, tab, plan):
        self.tab = tab
        self.plan = plan
        self.report = {"marker_guids": [], "item_guids": [], "take_guids": []}
        self._before = set(plan.there)
        self._places = None
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
        if self.plan.fresh_markers:
            there = slices.at_once(markers.listed(self.tab))
            markers.delete(self.tab, {guid for guid, *_ in there if guid is not None} - self._before)
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
        made, self._places = markers.add(self.tab, self.plan.fresh_markers, self._before)
        if not all(made):
            raise Refusal("a marker that cannot be made")
        doomed = set(self.plan.delete_markers)
        for mark, origin in self.plan.add_markers:
            guid = made[mark] if isinstance(mark, int) else mark
            if guid in doomed or isinstance(mark, int):
                doomed.discard(guid)
                self._ours[guid] = origin
            self.report["marker_guids"].append(guid)
        self.plan.delete_markers = list(doomed)

    def _delete_markers(self):
        gone = set(self.plan.delete_markers)
        places = self._expected(gone) if self._places is None else self._places
        if len(markers.delete(self.tab, gone, places, sure=self._places is not None)) != len(gone):
            raise Refusal("a marker that cannot be deleted")
        if gone or self._ours:
            there = self._before - gone - set(self._ours)
            kept = {guid: origin for guid, origin in self._origins.items() if guid in there}
            markers.remember(self.tab, {**kept, **self._ours})

    def _expected(self, guids):
        """{GUID: index} of markers that were there before, now that others are among them."""
        fresh = sorted(position_s for position_s, _ in self.plan.fresh_markers)
        there = {guid: self.plan.there[guid] for guid in guids}
        return {guid: index + bisect.bisect_left(fresh, position_s) for guid, (index, position_s) in there.items()}
