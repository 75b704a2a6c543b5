"""REAPER's API in the shapes that the rest of ``foley_inside`` uses.

Convention: pointers are the strings that ``reaper_python`` gives and are never kept beyond one call from outside; what
lasts is a GUID. NULL comes as a truthy string, so ask ``is_null``. A ``Refusal`` is a sentence for the designer;
``answered`` turns it, and the value of a call, into what crosses the wire. REAPER's functions are reached through
``api.rp`` at the moment of the call, since reapy replaces some of them.
"""

import reaper_python as rp  # pyright: ignore[reportMissingImports]

from . import texts

SECTION = "FOLEY"
"""Name of our project ext state; the P_EXT keys of tracks, items and takes begin with ``P_EXT:foley``."""

MOST_CHANGES = 32
"""So many changes a project remembers."""

BIG = 4 * 1024 * 1024 - 1


class Refusal(Exception):
    """The project cannot be read or changed as asked.

    Args:
        message: what is wrong, naming the item or file.
        hint: the way out.
    """

    def __init__(self, message, hint=""):
        super().__init__(message)
        self.message = message
        self.hint = hint


class Moved(Exception):
    """Something is not where it was in an earlier turn of the deferred loop."""


class Gone(Refusal):
    """The project that is meant is not open any more, and what was open does not come back under its token."""


def answered(function, *args):
    """{"ok": value}, or {"refused": {"message", "hint", "gone"}} when the function refuses."""
    try:
        return {"ok": function(*args)}
    except Refusal as refusal:
        return _refused(refusal)


def answered_in_slices(steps):
    """The same of work in slices (see ``slices``)."""
    try:
        return {"ok": (yield from steps)}
    except Refusal as refusal:
        return _refused(refusal)


def _refused(refusal):
    gone = isinstance(refusal, Gone)
    return {"refused": {"message": refusal.message, "hint": refusal.hint, "gone": gone}}


def is_null(pointer):
    """Whether a pointer that REAPER gave is NULL."""
    return not pointer or str(pointer).endswith(")0x0000000000000000")


def has(*names):
    """Whether this REAPER has all of these API functions."""
    return all(name in rp._ft and hasattr(rp, "RPR_" + name) for name in names)


def track_text(track, key):
    """A text of a track: GUID, P_NAME, P_EXT:..."""
    return texts.of("Track", track, key)


def item_text(item, key):
    """A text of an item: GUID, P_EXT:..."""
    return texts.of("Item", item, key)


def take_text(take, key):
    """A text of a take: GUID, P_NAME, P_EXT:..."""
    return texts.of("ItemTake", take, key)


def project_state(project, key):
    """What the project remembers for us under a key; "" if nothing."""
    return texts.state(project, SECTION, key)


def set_project_state(project, key, value):
    """Remembers a text in the project; "" forgets it."""
    rp.RPR_SetProjExtState(project, SECTION, key, value)


def tracks(project):
    """Every track from the top, the master left out."""
    return [rp.RPR_GetTrack(project, index) for index in range(rp.RPR_CountTracks(project))]


def track_items(track):
    """Every item of a track in time order."""
    return [rp.RPR_GetTrackMediaItem(track, index) for index in range(rp.RPR_CountTrackMediaItems(track))]


def track_at(project, index):
    """A track by its place from the top, 0-based.

    Raises:
        Moved: there is none.
    """
    return _there(rp.RPR_GetTrack(project, index))


def item_at(track, index):
    """An item of a track by its place in time order, 0-based.

    Raises:
        Moved: there is none.
    """
    return _there(rp.RPR_GetTrackMediaItem(track, index))


def _there(pointer):
    if is_null(pointer):
        raise Moved
    return pointer


def still_there(project, pointer, kind):
    """Asks about a pointer from an earlier turn. ``kind``: "MediaTrack*", "MediaItem*", ...

    Raises:
        Moved: it stands for nothing of the project any more.
    """
    if not rp.RPR_ValidatePtr2(project, pointer, kind):
        raise Moved


def active_take(item):
    """The item's active take, or None (empty item, empty take)."""
    take = rp.RPR_GetActiveTake(item)
    return None if is_null(take) else take


def by_guid(project):
    """({GUID: track}, {GUID: item}) of a project, found by enumeration; in slices."""
    found_tracks, found_items = {}, {}
    for index in range(rp.RPR_CountTracks(project)):
        track = track_at(project, index)
        found_tracks[track_text(track, "GUID")] = track
        for number in range(rp.RPR_CountTrackMediaItems(track)):
            item = item_at(track, number)
            found_items[item_text(item, "GUID")] = item
            if (yield):
                still_there(project, track, "MediaTrack*")
        yield
    return found_tracks, found_items


def next_undo(project):
    """Title of the step that would be undone next; "" if there is none."""
    return _title(rp.RPR_Undo_CanUndo2, project)


def next_redo(project):
    """Title of the step that would be redone next; "" if there is none."""
    return _title(rp.RPR_Undo_CanRedo2, project)


def _title(ask, project):
    try:
        return ask(project)
    except AttributeError:  # REAPER's wrapper cannot express "nothing"
        return ""


def track_under_mouse_guid():
    """GUID of the track under the mouse; "" if there is none."""
    x, y = rp.RPR_GetMousePosition(0, 0)[:2]
    track = rp.RPR_GetTrackFromPoint(x, y, 0)[0]
    return "" if is_null(track) else track_text(track, "GUID")


def root_source(take):
    """(outer source, root source) of a take: what the take holds and the file behind it; None where there is none."""
    outer = rp.RPR_GetMediaItemTake_Source(take)
    if is_null(outer):
        return None, None
    root = outer
    while not is_null(parent := rp.RPR_GetMediaSourceParent(root)):
        root = parent
    return outer, root


def source_path(source):
    """File name of a source as REAPER has it; "" if none."""
    return rp.RPR_GetMediaSourceFileName(source, "", 4096)[1]


def changes_taken(project):
    """The marks of the last changes that a project took, oldest first."""
    return project_state(project, "changes").split()


def remember_change(project, mark):
    """Remembers that a project took a change; "" is none."""
    if mark:
        set_project_state(project, "changes", " ".join([*changes_taken(project), str(mark)][-MOST_CHANGES:]))
