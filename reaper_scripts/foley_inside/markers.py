"""Project markers by GUID, found by their place in REAPER's list, which every version has.

Convention: regions are read and left alone. Which markers are ours is a list in the project's ext state, each a GUID or
"GUID=origin" (what it was made for), so undo takes it along and a copied or renamed marker never becomes ours by
accident. An index in REAPER's list is good for one call only.
"""

from . import api, texts
from .api import rp

COLOUR = (232, 138, 36)
CLOSE_S = 1e-6
"""Two markers of one name so close together are the same."""
_KEY = "markers"


def everything(project):
    """One look: (markers as dicts of guid, position_s, name; regions of start_s, end_s, name), in REAPER's order.

    In slices (see ``slices``).
    """
    found = yield from listed(project)
    markers = [
        {"guid": guid, "position_s": position_s, "name": name}
        for guid, position_s, _, name in found
        if guid is not None
    ]
    regions = [
        {"start_s": start_s, "end_s": end_s, "name": name} for guid, start_s, end_s, name in found if guid is None
    ]
    return markers, regions


def listed(project):
    """REAPER's list: (GUID of a marker, None of a region; position, end, name) of each; in slices."""
    found = []
    while (one := texts.marker(project, len(found))) is not None:
        is_region, position_s, end_s, name = one
        guid = None if is_region else next(texts.guids_of_markers(project, [len(found)]))
        found.append((guid, position_s, end_s, name))
        yield
    return found


def where(project):
    """{GUID: index} of all markers and regions."""
    indices = range(rp.RPR_CountProjectMarkers(project, 0, 0)[0])
    return {guid: index for index, guid in enumerate(texts.guids_of_markers(project, indices))}


class Standing:
    """Markers by place and name: REAPER does not make the same one twice."""

    def __init__(self):
        self._places = {}

    def put(self, position_s, name, mark):
        """Remembers anything of a marker that stands there."""
        self._places.setdefault((name, int(position_s // CLOSE_S)), []).append((position_s, mark))

    def find(self, position_s, name, *, forget=False):
        """What was remembered of the marker that stands there; None if none does."""
        near = int(position_s // CLOSE_S)
        for place in (near, near - 1, near + 1):
            entries = self._places.get((name, place), ())
            for entry in entries:
                if abs(entry[0] - position_s) <= CLOSE_S:
                    if forget:
                        entries.remove(entry)
                    return entry[1]
        return None


def ours(project):
    """{GUID: origin} of the markers that the bridge made, in the order made; some may be gone."""
    entries = (entry.partition("=") for entry in api.project_state(project, _KEY).split())
    return {guid: origin for guid, _, origin in entries}


def remember(project, origins):
    """Makes these, {GUID: origin}, and no others the bridge's own."""
    entries = (f"{guid}={origin}" if origin else guid for guid, origin in origins.items())
    api.set_project_state(project, _KEY, " ".join(entries))


def add(project, wanted, before):
    """Adds coloured markers.

    Args:
        wanted: (position, name) of each, no two the same and none that stands there already.
        before: the GUIDs of all markers that are there.

    Returns:
        (their GUIDs in the same order, "" for one that REAPER did not make; {GUID: index} of all markers and regions as
        they are now, or None if that was not looked at).
    """
    if not wanted:
        return [], None
    colour = rp.RPR_ColorToNative(*COLOUR) | 0x1000000
    if api.has("AddRegionOrMarker", "GetSetRegionOrMarkerInfo_String"):
        made = [
            rp.RPR_AddRegionOrMarker(project, False, position_s, position_s, name, -1, colour)
            for position_s, name in wanted
        ]
        return ["" if api.is_null(marker) else texts.of_marker(project, marker, "GUID") for marker in made], None
    for position_s, name in wanted:
        rp.RPR_AddProjectMarker2(project, False, position_s, position_s, name, -1, colour)
    new, places = {}, where(project)
    for guid, index in places.items():
        if guid not in before:
            is_region, position_s, _, name = texts.marker(project, index) or (True, 0.0, 0.0, "")
            if not is_region:
                new[position_s, name] = guid
    return [new.get(key, "") for key in wanted], places


def delete(project, doomed, places=None, *, sure=False):
    """Deletes markers by GUID, the last in time first, because every deletion moves the indices after it.

    Args:
        doomed: their GUIDs. places: {GUID: index} where they should be; None looks at all. sure: they are there, so
            none of them is looked at before it is deleted.

    Returns:
        The GUIDs that were deleted.
    """
    if not doomed:
        return []
    if places is None:
        places, sure = where(project), True
    gone = []
    for index, guid in sorted(((places[guid], guid) for guid in doomed if guid in places), reverse=True):
        if not sure and next(texts.guids_of_markers(project, [index])) != guid:
            return gone + delete(project, set(doomed) - set(gone))
        if rp.RPR_DeleteProjectMarkerByIndex(project, index):
            gone.append(guid)
    return gone
