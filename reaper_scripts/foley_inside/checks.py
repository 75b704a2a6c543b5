"""Everything that can be known to be wrong with a change, found out before anything is changed.

Convention: ``check`` raises a Refusal naming the item or file and leaves the project as it is; it gives a ``Plan`` in
which GUIDs have become pointers (good for as long as ``still_there`` finds them) and files have become sources. It
works in slices (see ``slices``): sources are opened once, the rest is checked again when the project moves.
"""

import os

from . import api, items, markers
from .api import Refusal, rp

SAME = (
    "track_guid",
    "take_guid",
    "source_path",
    "position_s",
    "length_s",
    "start_offset_s",
    "play_rate",
    "loop",
    "section_offset_s",
    "section_length_s",
    "reverse",
    "stretch_markers",
)
"""Fields of an ItemView in which the item must still be what it was."""

STATES = ("prompt", "reference", "score", "controls")
"""What the project may remember for us."""

CLOSE_S = markers.CLOSE_S
_AGAIN = "Press the key again"


class Plan:
    """What to do, checked. ``sources`` are those that no take holds yet."""

    def __init__(self, sources):
        self.there = {}
        """{GUID: (index, position)} of every marker that is there; looked at only if this change touches any."""
        self.delete_markers = []
        self.fresh_markers = []
        """(position, name) of the markers that do not stand there yet."""
        self.add_markers = []
        """(GUID of the marker that stands there, or its place in ``fresh_markers``; origin) of each wanted one."""
        self.new_items = []
        self.new_takes = []
        self.take_markers = []
        self.keep_takes = []
        self.envelopes = []
        self.track_controls = []
        self.state = {}
        self.mark = ""
        self.sources = sources

    def still_there(self, tab):
        """Asks REAPER about every pointer.

        Raises:
            Moved: one of them stands for nothing any more.
        """
        tracks = [track for _, track, _ in self.new_items]
        tracks += [track for track, _ in (*self.envelopes, *self.track_controls)]
        its_items = [item for _, item, _ in self.new_takes] + [item for item, _ in self.take_markers] + self.keep_takes
        for track in tracks:
            api.still_there(tab, track, "MediaTrack*")
        for item in its_items:
            api.still_there(tab, item, "MediaItem*")

    def discard_sources(self):
        """Frees the sources that were made for nothing."""
        discard(self.sources)


def discard(sources):
    """Frees sources that no take holds."""
    while sources:
        rp.RPR_PCM_Source_Destroy(sources.pop())


def open_sources(change, sources):
    """Puts the source of every new item, then of every new take, into a list; in slices.

    Raises:
        Refusal: a file is missing, or REAPER hears nothing in it.
    """
    for new in (*change["new_items"], *change["new_takes"]):
        _open(new["audio_path"], sources)
        yield


def check(tab, change, sources):
    """The plan for a change, or a Refusal; in slices. ``sources``: see ``open_sources``."""
    plan = Plan(sources)
    plan.mark = str(change.get("mark", ""))
    opened = iter(tuple(sources))
    tracks, all_items = yield from api.by_guid(tab)
    _expected(tab, change.get("expect_item"), all_items)
    if change["delete_markers"] or change["add_markers"]:
        yield from _check_markers(plan, tab, change)
    if change["new_items"] and not api.has("InsertTrackInProject"):
        _must_be_active(tab)
    for new in change["new_items"]:
        if new["below_track_guid"] not in tracks:
            raise Refusal("The track of the video is gone, so '{}' has no place".format(new["take_name"]), _AGAIN)
        if not _time(new["length_s"]) > 0.0:
            raise Refusal("An item of no length was asked for: '{}'".format(new["take_name"]), _AGAIN)
        _time(new["position_s"])
        plan.new_items.append((new, tracks[new["below_track_guid"]], next(opened)))
    for new in change["new_takes"]:
        item = all_items.get(new["item_guid"])
        if item is None:
            raise Refusal(
                "The foley item for the take '{}' is gone".format(new["take_name"]), "Press Generate for a new one"
            )
        if new["position_s"] is not None:
            _time(new["position_s"])
        plan.new_takes.append((new, item, next(opened)))
    for one in change["take_markers"]:
        item = _there(all_items, one["item_guid"], "The video item of these take markers")
        for marker in (*one["delete"], *one["add"]):
            _time(marker["played_s"])
        plan.take_markers.append((item, one))
    if change["keep_takes"] or change["envelopes"]:
        _must_be_active(tab)
    plan.keep_takes = [_there(all_items, guid, "The foley item") for guid in change["keep_takes"]]
    for one in change["envelopes"]:
        for point in one["points"]:
            _time(point["time_s"])
            _time(point["gain"])
        plan.envelopes.append((_there(tracks, one["track_guid"], "The foley track"), one))
    for one in change["track_controls"]:
        plan.track_controls.append((_there(tracks, one["track_guid"], "The foley track"), str(one["controls"])))
    plan.state = {key: str(change[key]) for key in STATES if change[key] is not None}
    return plan


def _check_markers(plan, tab, change):
    standing = markers.Standing()
    for index, (guid, position_s, _, name) in enumerate((yield from markers.listed(tab))):
        if guid is not None:
            standing.put(position_s, name, guid)
            plan.there[guid] = index, position_s
        yield
    plan.delete_markers = [guid for guid in change["delete_markers"] if guid in plan.there]
    for new in change["add_markers"]:
        position_s, name, origin = _time(new["position_s"]), str(new["name"]), _origin(new["origin"])
        mark = standing.find(position_s, name)
        if mark is None:
            mark = len(plan.fresh_markers)
            standing.put(position_s, name, mark)
            plan.fresh_markers.append((position_s, name))
        plan.add_markers.append((mark, origin))
        yield


def _expected(tab, expected, all_items):
    if expected is None:
        return
    item = all_items.get(expected["guid"])
    if item is None:
        raise Refusal("The video item '{}' is gone".format(expected["name"]), _AGAIN)
    api.still_there(tab, item, "MediaItem*")
    now = items.view(item, rp.RPR_GetMediaItem_Track(item), 0)
    if now is None or not all(_same(now[key], expected[key]) for key in SAME):
        raise Refusal("The video item '{}' was changed while the work went on".format(expected["name"]), _AGAIN)


def _same(now, before):
    if isinstance(now, float) and isinstance(before, (int, float)):
        return abs(now - before) <= CLOSE_S
    return now == before


def _there(things, guid, what):
    if guid not in things:
        raise Refusal(f"{what} is gone", _AGAIN)
    return things[guid]


def _origin(word):
    if not isinstance(word, str) or len(word.split()) > 1 or len(word) > 64:
        raise Refusal("A marker's origin is one short word", _AGAIN)
    return word


def _must_be_active(tab):
    if rp.RPR_EnumProjects(-1, "", 4096)[0] != tab:
        raise Refusal(
            "Another project tab is in front, and REAPER can do this in the front tab only",
            "Bring the tab back to the front and press the key again",
        )


def _time(value):
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < 1e9:
        raise Refusal(f"{value!r} is not a time", _AGAIN)
    return float(value)


def _open(path, sources):
    if not os.path.isfile(path):
        raise Refusal(f"The sound file {path} is missing", _AGAIN)
    source = rp.RPR_PCM_Source_CreateFromFile(path)
    if api.is_null(source):
        raise Refusal(f"REAPER cannot open the sound file {path}", _AGAIN)
    sources.append(source)
    if rp.RPR_GetMediaSourceLength(source, False)[0] <= 0.0:
        raise Refusal(f"REAPER finds no sound in the file {path}", _AGAIN)
