"""Project markers by GUID, with REAPER's pointer functions (7.62 and later) or the older enumeration.

Convention: regions are read and left alone. Which markers are ours is a list in the project's ext state, each a GUID or
"GUID=origin" (what it was made for), so undo takes it along and a copied or renamed marker never becomes ours by
accident.
"""

import ctypes

from . import api
from .api import rp

COLOUR = (232, 138, 36)
_KEY = "markers"


def everything(project):
    """One look: (markers as dicts of guid, position_s, name; regions of start_s, end_s, name), in REAPER's order."""
    found = _by_pointer(project) if _has_pointers() else _by_index(project)
    markers = [
        {"guid": one["guid"], "position_s": one["position_s"], "name": one["name"]}
        for one in found
        if not one["is_region"]
    ]
    regions = [
        {"start_s": one["position_s"], "end_s": one["end_s"], "name": one["name"]} for one in found if one["is_region"]
    ]
    return markers, regions


def all_markers(project):
    """Every marker: dicts of guid, position_s, name, in REAPER's order."""
    return everything(project)[0]


def ours(project):
    """{GUID: origin} of the markers that the bridge made, in the order made; some may be gone."""
    entries = (entry.partition("=") for entry in api.project_state(project, _KEY).split())
    return {guid: origin for guid, _, origin in entries}


def remember(project, origins):
    """Makes these, {GUID: origin}, and no others the bridge's own."""
    entries = (f"{guid}={origin}" if origin else guid for guid, origin in origins.items())
    api.set_project_state(project, _KEY, " ".join(entries))


def add(project, wanted):
    """Adds coloured markers.

    Args:
        wanted: (position, name) of each, no two the same and none that stands there already.

    Returns:
        Their GUIDs in the same order; "" for one that REAPER did not make.
    """
    colour = rp.RPR_ColorToNative(*COLOUR) | 0x1000000
    if _has_pointers():
        made = [
            rp.RPR_AddRegionOrMarker(project, False, position_s, position_s, name, -1, colour)
            for position_s, name in wanted
        ]
        return ["" if api.is_null(marker) else _pointer_text(project, marker, "GUID") for marker in made]
    before = set(_guids(project))
    for position_s, name in wanted:
        rp.RPR_AddProjectMarker2(project, False, position_s, position_s, name, -1, colour)
    new = {(m["position_s"], m["name"]): m["guid"] for m in all_markers(project) if m["guid"] not in before}
    return [new.get(key, "") for key in wanted]


def delete(project, guids):
    """Deletes markers by GUID, the last in time first, because every deletion moves the indices after it.

    Returns:
        The GUIDs that were deleted.
    """
    wanted = set(guids)
    indices = [(index, guid) for index, guid in enumerate(_guids(project)) if guid in wanted]
    return [guid for index, guid in reversed(indices) if rp.RPR_DeleteProjectMarkerByIndex(project, index)]


def _has_pointers():
    return api.has(
        "GetNumRegionsOrMarkers",
        "GetRegionOrMarker",
        "GetRegionOrMarkerInfo_Value",
        "GetSetRegionOrMarkerInfo_String",
        "AddRegionOrMarker",
    )


def _by_pointer(project):
    found = []
    for index in range(rp.RPR_GetNumRegionsOrMarkers(project)):
        marker = rp.RPR_GetRegionOrMarker(project, index, "")
        if api.is_null(marker):
            continue
        found.append(
            {
                "guid": _pointer_text(project, marker, "GUID"),
                "is_region": bool(rp.RPR_GetRegionOrMarkerInfo_Value(project, marker, "B_ISREGION")),
                "position_s": rp.RPR_GetRegionOrMarkerInfo_Value(project, marker, "D_STARTPOS"),
                "end_s": rp.RPR_GetRegionOrMarkerInfo_Value(project, marker, "D_ENDPOS"),
                "name": _pointer_text(project, marker, "P_NAME"),
            }
        )
    return found


def _pointer_text(project, marker, key):
    return rp.RPR_GetSetRegionOrMarkerInfo_String(project, marker, key, "", False)[4]


def _by_index(project):
    found = []
    for index, guid in enumerate(_guids(project)):
        is_region, position_s, end_s, name = _enumerate(project, index)[1:]
        found.append({"guid": guid, "is_region": is_region, "position_s": position_s, "end_s": end_s, "name": name})
    return found


def _guids(project):
    """GUIDs of markers and regions by enumeration index."""
    found = []
    while _enumerate(project, len(found))[0]:
        desc = f"MARKER_GUID:{len(found)}"
        found.append(rp.RPR_GetSetProjectInfo_String(project, desc, "", False)[3])
    return found


def _enumerate(project, index):
    """(next index or 0, is region, position, end, name); through ctypes, since the Python wrapper cannot read names."""
    function = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_uint64, ctypes.c_int, *[ctypes.c_void_p] * 6)(
        rp._ft["EnumProjectMarkers3"]
    )
    is_region, start_s, end_s = ctypes.c_byte(0), ctypes.c_double(0.0), ctypes.c_double(0.0)
    name, number, colour = ctypes.c_char_p(None), ctypes.c_int(0), ctypes.c_int(0)
    out = [ctypes.addressof(cell) for cell in (is_region, start_s, end_s, name, number, colour)]
    following = function(rp.rpr_packp("ReaProject*", project), index, *out)
    text = (name.value or b"").decode("utf-8", "replace") if following else ""
    return following, bool(is_region.value), start_s.value, end_s.value, text
