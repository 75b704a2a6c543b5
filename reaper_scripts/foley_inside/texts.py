"""Texts that REAPER writes into a buffer of ours: what its Python wrappers do, without two new buffers of 4 MB a call.

Convention: the ``GetSet..._String`` functions are not told how large the buffer is, so ours is as large as the
wrapper's; it is made once and used again, which is right because REAPER calls scripts from one thread alone. So are the
prototypes of the functions. Pointers are checked as the wrappers check them. Nothing here sets anything.
"""

import ctypes

import reaper_python as rp  # pyright: ignore[reportMissingImports]

ROOM = 4 * 1024 * 1024
NAME = 4096
_TEXT = (ctypes.c_char_p, ctypes.c_void_p, ctypes.c_byte)
_PROTOTYPES = {
    "GetSetMediaTrackInfo_String": (ctypes.c_byte, ctypes.c_uint64, *_TEXT),
    "GetSetMediaItemInfo_String": (ctypes.c_byte, ctypes.c_uint64, *_TEXT),
    "GetSetMediaItemTakeInfo_String": (ctypes.c_byte, ctypes.c_uint64, *_TEXT),
    "GetSetProjectInfo_String": (ctypes.c_byte, ctypes.c_uint64, *_TEXT),
    "GetSetRegionOrMarkerInfo_String": (ctypes.c_byte, ctypes.c_uint64, ctypes.c_uint64, *_TEXT),
    "GetProjExtState": (
        *(ctypes.c_int, ctypes.c_uint64, ctypes.c_char_p, ctypes.c_char_p),
        *(ctypes.c_void_p, ctypes.c_int),
    ),
    "GetTakeMarker": (
        *(ctypes.c_double, ctypes.c_uint64, ctypes.c_int),
        *(ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p),
    ),
    "EnumProjectMarkers3": (ctypes.c_int, ctypes.c_uint64, ctypes.c_int, *[ctypes.c_void_p] * 6),
}
_functions = {}
_room = []
_marker = []


def of(kind, thing, key):
    """A text of a track, item or take.

    Args:
        kind: "Track", "Item" or "ItemTake". thing: its pointer. key: GUID, P_NAME, P_EXT:...
    """
    pointer = {"Track": "MediaTrack*", "Item": "MediaItem*", "ItemTake": "MediaItem_Take*"}[kind]
    return _text(f"GetSetMedia{kind}Info_String", rp.rpr_packp(pointer, thing), key)


def of_project(project, key):
    """A text of a project: MARKER_GUID:..."""
    return _text("GetSetProjectInfo_String", rp.rpr_packp("ReaProject*", project), key)


def guids_of_markers(project, indices):
    """The GUIDs of markers and regions by their indices, one after the other."""
    there = rp.rpr_packp("ReaProject*", project)
    return (_text("GetSetProjectInfo_String", there, f"MARKER_GUID:{index}") for index in indices)


def of_marker(project, marker, key):
    """A text of a marker or region: GUID, P_NAME."""
    function, room = _function("GetSetRegionOrMarkerInfo_String"), _empty()
    owners = rp.rpr_packp("ReaProject*", project), rp.rpr_packp("ProjectMarker*", marker)
    function(*owners, key.encode(), ctypes.addressof(room), 0)
    return _read(room)


def marker(project, index):
    """(is region, position, end, name) of a marker or region by its index, or None. REAPER's wrapper reads no names."""
    if not _marker:
        _marker.extend((ctypes.c_byte(0), ctypes.c_double(0.0), ctypes.c_double(0.0), ctypes.c_char_p(None)))
        _marker.extend((ctypes.c_int(0), ctypes.c_int(0)))
        _marker.append([ctypes.addressof(cell) for cell in _marker])
    is_region, start_s, end_s, name, _, _, out = _marker
    is_region.value, name.value = 0, None
    if not _function("EnumProjectMarkers3")(rp.rpr_packp("ReaProject*", project), index, *out):
        return None
    return bool(is_region.value), start_s.value, end_s.value, (name.value or b"").decode("utf-8", "replace")


def state(project, section, key):
    """A text of the project's ext state; "" if none."""
    room = _empty()
    there = rp.rpr_packp("ReaProject*", project)
    _function("GetProjExtState")(there, section.encode(), key.encode(), ctypes.addressof(room), ROOM - 1)
    return _read(room)


def take_marker(take, index):
    """(played seconds, name, colour) of a take marker; its place is negative if there is none."""
    room, colour = _empty(), ctypes.c_int(0)
    there = rp.rpr_packp("MediaItem_Take*", take)
    played_s = _function("GetTakeMarker")(there, index, ctypes.addressof(room), NAME, ctypes.addressof(colour))
    return played_s, _read(room), colour.value


def _text(name, owner, key):
    function, room = _function(name), _empty()
    function(owner, key.encode(), ctypes.addressof(room), 0)
    return _read(room)


def _function(name):
    function = _functions.get(name)
    if function is None:
        function = _functions[name] = ctypes.CFUNCTYPE(*_PROTOTYPES[name])(rp._ft[name])
    return function


def _empty():
    """The buffer, holding no text."""
    if not _room:
        _room.append(ctypes.create_string_buffer(ROOM))
    _room[0][0] = b"\0"
    return _room[0]


def _read(room):
    return ctypes.string_at(room).decode("utf-8", "replace")
