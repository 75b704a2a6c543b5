"""Texts that REAPER writes into a buffer of ours: what its Python wrappers do, without two new buffers of 4 MB a call.

Convention: the ``GetSet..._String`` functions are not told how large the buffer is, so ours is as large as the
wrapper's; it is made once and used again, which is right because REAPER calls scripts from one thread alone. Pointers
are checked as the wrappers check them. Nothing here sets anything.
"""

import ctypes

import reaper_python as rp  # pyright: ignore[reportMissingImports]

ROOM = 4 * 1024 * 1024
NAME = 4096
_room = []


def of(kind, thing, key):
    """A text of a track, item or take.

    Args:
        kind: "Track", "Item" or "ItemTake". thing: its pointer. key: GUID, P_NAME, P_EXT:...
    """
    pointer = {"Track": "MediaTrack*", "Item": "MediaItem*", "ItemTake": "MediaItem_Take*"}[kind]
    return _text(f"GetSetMedia{kind}Info_String", [rp.rpr_packp(pointer, thing)], key)


def of_project(project, key):
    """A text of a project: MARKER_GUID:..."""
    return _text("GetSetProjectInfo_String", [rp.rpr_packp("ReaProject*", project)], key)


def of_marker(project, marker, key):
    """A text of a marker or region: GUID, P_NAME."""
    owners = [rp.rpr_packp("ReaProject*", project), rp.rpr_packp("ProjectMarker*", marker)]
    return _text("GetSetRegionOrMarkerInfo_String", owners, key)


def state(project, section, key):
    """A text of the project's ext state; "" if none."""
    function = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.c_uint64, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int
    )(rp._ft["GetProjExtState"])
    room = _empty()
    there = rp.rpr_packp("ReaProject*", project)
    function(there, section.encode(), key.encode(), ctypes.addressof(room), ROOM - 1)
    return _read(room)


def take_marker(take, index):
    """(played seconds, name, colour) of a take marker; its place is negative if there is none."""
    function = ctypes.CFUNCTYPE(
        ctypes.c_double, ctypes.c_uint64, ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p
    )(rp._ft["GetTakeMarker"])
    room, colour = _empty(), ctypes.c_int(0)
    there = rp.rpr_packp("MediaItem_Take*", take)
    played_s = function(there, index, ctypes.addressof(room), NAME, ctypes.addressof(colour))
    return played_s, _read(room), colour.value


def _text(name, owners, key):
    types = [ctypes.c_uint64] * len(owners)
    function = ctypes.CFUNCTYPE(ctypes.c_byte, *types, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_byte)(rp._ft[name])
    room = _empty()
    function(*owners, key.encode(), ctypes.addressof(room), 0)
    return _read(room)


def _empty():
    """The buffer, holding no text."""
    if not _room:
        _room.append(ctypes.create_string_buffer(ROOM))
    _room[0][0] = b"\0"
    return _room[0]


def _read(room):
    return ctypes.string_at(room).decode("utf-8", "replace")
