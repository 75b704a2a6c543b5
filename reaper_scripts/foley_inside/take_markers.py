"""Take markers: they have no GUID, so place and name say which; ours have the bridge's colour.

Convention: positions are places in what the take plays (source time inside the wrapper source). REAPER sorts take
markers by position, so an index is good for one call only, and deletion goes from the last to the first.
"""

from . import api, markers, texts
from .api import Refusal, rp

CLOSE_S = 1e-6


def of(take):
    """The take markers of a take: dicts of played_s, name, ours, ascending."""
    colour = _colour()
    found = []
    for index in range(rp.RPR_GetNumTakeMarkers(take)):
        played_s, name, painted = texts.take_marker(take, index)
        found.append({"played_s": played_s, "name": name, "ours": painted == colour})
    return found


def change(take, delete, add):
    """Deletes those that are still there and adds others.

    Raises:
        Refusal: REAPER did not do it.
    """
    wanted = [(one["played_s"], one["name"]) for one in delete]
    for index in reversed(range(rp.RPR_GetNumTakeMarkers(take))):
        played_s, name, _ = texts.take_marker(take, index)
        same = [one for one in wanted if one[1] == name and abs(one[0] - played_s) <= CLOSE_S]
        if same:
            wanted.remove(same[0])
            if not rp.RPR_DeleteTakeMarker(take, index):
                raise Refusal("a take marker that cannot be deleted")
    for one in add:
        if rp.RPR_SetTakeMarker(take, -1, one["name"], one["played_s"], _colour())[0] < 0:
            raise Refusal("a take marker that cannot be made")


def _colour():
    return rp.RPR_ColorToNative(*markers.COLOUR) | 0x1000000


def active_take_of(item, name):
    """The item's active take.

    Raises:
        Refusal: it has none.
    """
    take = api.active_take(item)
    if take is None:
        raise Refusal(f"'{name}' has no active take for its markers", "Press the key again")
    return take
