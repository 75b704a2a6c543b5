"""Takes: new ones, one that takes another's place, and cropping to the active one.

Convention: what can be taken back by hand is put on a list of functions, for the case that a later act fails.
"""

from . import api, checks
from .api import Refusal, rp

CROP_TO_ACTIVE = 40131
"""Action "Take: Crop to active take in items", on the selected items."""


class Takes:
    """Adds and replaces takes; ``made`` holds those whose waveform is to be drawn.

    Args:
        plan: its sources are taken off as soon as a take holds them. undo: the list of ways back.
    """

    def __init__(self, plan, undo):
        self._plan = plan
        self._undo = undo
        self.made = []

    def add(self, item, new, source, position_s):
        """A take whose sound begins at a project time (None: at the item's left edge), wherever the item is now.

        Returns:
            Its GUID.

        Raises:
            Refusal: REAPER did not make it.
        """
        take = rp.RPR_AddTakeToMediaItem(item)
        if api.is_null(take):
            raise Refusal("no new take '{}'".format(new["take_name"]))
        self._sound(take, new, source)
        if position_s is not None:
            self._align(item, take, position_s)
        self._write(take, new)
        rp.RPR_SetActiveTake(take)
        self.made.append(take)
        return api.take_text(take, "GUID")

    def replace(self, item, new, source):
        """Another sound, name and recipe for a take that *live* made.

        Returns:
            Its GUID.

        Raises:
            Refusal: there is no such take, or REAPER did not do it.
        """
        takes = (rp.RPR_GetTake(item, index) for index in range(rp.RPR_CountTakes(item)))
        take = next((t for t in takes if not api.is_null(t) and api.take_text(t, "GUID") == new["replaces"]), None)
        if take is None:
            raise Refusal("the take '{}' is gone".format(new["take_name"]))
        before = rp.RPR_GetMediaItemTake_Source(take)
        texts = {key: api.take_text(take, key) for key in ("P_NAME", "P_EXT:foley_recipe", "P_EXT:foley_live")}
        self._undo.append(lambda: rp.RPR_SetMediaItemTake_Source(take, before))
        for key, text in texts.items():
            self._undo.append(lambda k=key, t=text: rp.RPR_GetSetMediaItemTakeInfo_String(take, k, t, True))
        self._sound(take, new, source)
        self._write(take, new)
        self.made.append(take)
        return new["replaces"]

    def _sound(self, take, new, source):
        if not rp.RPR_SetMediaItemTake_Source(take, source):
            raise Refusal("no sound in the take '{}'".format(new["take_name"]))
        self._plan.sources.remove(source)

    def _write(self, take, new):
        rp.RPR_GetSetMediaItemTakeInfo_String(take, "P_NAME", new["take_name"], True)
        rp.RPR_GetSetMediaItemTakeInfo_String(take, "P_EXT:foley_recipe", new["recipe"], True)
        rp.RPR_GetSetMediaItemTakeInfo_String(take, "P_EXT:foley_live", "1" if new.get("live") else "", True)

    def _align(self, item, take, position_s):
        offset_s = rp.RPR_GetMediaItemInfo_Value(item, "D_POSITION") - position_s
        rp.RPR_SetMediaItemTakeInfo_Value(take, "D_PLAYRATE", 1.0)
        rp.RPR_SetMediaItemTakeInfo_Value(take, "D_STARTOFFS", offset_s)
        if abs(rp.RPR_GetMediaItemTakeInfo_Value(take, "D_STARTOFFS") - offset_s) > checks.CLOSE_S:
            raise Refusal("the foley item begins before its sound; trim its left edge")


def crop(tab, kept):
    """Leaves only the active take of each of some items; the designer's selection of items is put back.

    A take that is kept is the designer's from now on: *live* makes one of its own beside it.

    Raises:
        Refusal: REAPER did not do it.
    """
    count = rp.RPR_CountSelectedMediaItems(tab)
    selected = [rp.RPR_GetSelectedMediaItem(tab, index) for index in range(count)]
    for item in selected:
        rp.RPR_SetMediaItemSelected(item, False)
    for item in kept:
        rp.RPR_SetMediaItemSelected(item, True)
    rp.RPR_Main_OnCommandEx(CROP_TO_ACTIVE, 0, tab)
    for item in kept:
        rp.RPR_SetMediaItemSelected(item, False)
    for item in selected:
        rp.RPR_SetMediaItemSelected(item, True)
    if any(rp.RPR_CountTakes(item) != 1 for item in kept):
        raise Refusal("takes that stay")
    for item in kept:
        take = api.active_take(item)
        if take is not None:
            rp.RPR_GetSetMediaItemTakeInfo_String(take, "P_EXT:foley_live", "", True)
