"""Take markers: they have no GUID, so place and name say which.

One is ours if it has the bridge's colour and either its name begins with the bridge's label, or it stands where one of
ours was when we wrote last (``P_EXT:foley_marks`` of the take, a JSON list of places). So ours may be moved, or renamed
at will, and stay ours; one that was moved and lost its label between two key presses becomes the designer's and is
never deleted, like every marker that the designer painted in the same colour.

Convention: positions are places in what the take plays (source time inside the wrapper source). REAPER sorts take
markers by position, so an index is good for one call only, and deletion goes from the last to the first.
"""

import json
import re

from . import api, markers, texts
from .api import Refusal, rp

LABEL = re.compile(r"\s*\[?\s*foley\s*\]?(\s*#?\d+)?\s*($|[-:@\u2013\u2014\u2212\uff0d\uff1a\uff20])", re.IGNORECASE)
"""The bridge's label alone, or before words or a level; "foley cues" is a name of the designer's own."""
MARKS = "P_EXT:foley_marks"


def of(take):
    """The take markers of a take: dicts of played_s, name, ours, ascending."""
    colour, places = _colour(), markers.Standing()
    for place_s in _places(take):
        places.put(place_s, "", True)
    found = []
    for index in range(rp.RPR_GetNumTakeMarkers(take)):
        played_s, name, painted = texts.take_marker(take, index)
        known = painted == colour and (LABEL.match(name) or places.find(played_s, ""))
        found.append({"played_s": played_s, "name": name, "ours": bool(known)})
    return found


def change(take, delete, add):
    """Deletes those that are still there, adds others, and remembers where ours are now.

    Raises:
        Refusal: REAPER did not do it.
    """
    wanted = markers.Standing()
    for one in delete:
        wanted.put(one["played_s"], one["name"], True)
    for index in reversed(range(rp.RPR_GetNumTakeMarkers(take))):
        played_s, name, _ = texts.take_marker(take, index)
        if wanted.find(played_s, name, forget=True) and not rp.RPR_DeleteTakeMarker(take, index):
            raise Refusal("a take marker that cannot be deleted")
    for one in add:
        if rp.RPR_SetTakeMarker(take, -1, one["name"], one["played_s"], _colour())[0] < 0:
            raise Refusal("a take marker that cannot be made")
    places = [one["played_s"] for one in of(take) if one["ours"]]
    rp.RPR_GetSetMediaItemTakeInfo_String(take, MARKS, json.dumps(places) if places else "", True)


def _places(take):
    """Where ours were when we wrote last."""
    try:
        return [float(place_s) for place_s in json.loads(api.take_text(take, MARKS) or "[]")]
    except (ValueError, TypeError, OverflowError, RecursionError):
        return []


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
