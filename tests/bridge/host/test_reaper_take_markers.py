"""Which take markers are ours: not every one in our colour."""

from __future__ import annotations

from pathlib import Path

from bridge.host.base import Change, TakeMarkers, TakeMarkerView
from bridge.host.reaper import ReaperHost
from tests.bridge.host.changes import look
from tests.reaper_sim.client import SimReaper


def ours(host: ReaperHost) -> dict[str, bool]:
    """{name: whether it is ours} of the video's take markers."""
    return {marker.name: marker.ours for marker in host.read(cursor_s=10.5).items[0].take_markers}


def made(host: ReaperHost, item: str, *names: str, first_s: float = 0.1) -> None:
    add = tuple(
        TakeMarkerView(played_s=first_s + 0.25 * number, name=name, ours=True) for number, name in enumerate(names)
    )
    change = TakeMarkers(item_guid=item, delete=(), add=add)
    host.write(Change(token=host.read().token, undo_title="Foley: find", take_markers=(change,)))


def test_take_marker_when_the_designer_painted_it_in_our_colour_then_it_is_theirs(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    item = look(reaper, host, video).items[0].guid
    made(host, item, "foley", "foley @0.5", "foley: wood")
    colour = reaper.items()[0]["takes"][0]["markers"][0][2]
    for number, name in enumerate(["", "look here", "foley cues"]):
        reaper.add_take_marker(item, 1.0 + 0.25 * number, name, color=colour)
    reaper.add_take_marker(item, 1.9, "foley 2")
    theirs = {"": False, "look here": False, "foley cues": False, "foley 2": False}
    assert ours(host) == {"foley": True, "foley @0.5": True, "foley: wood": True, **theirs}
    made(host, item, "foley 9", first_s=1.8)
    assert {name: mine for name, mine in ours(host).items() if name in theirs} == theirs


def test_take_marker_when_ours_is_renamed_or_moved_then_it_stays_ours(
    reaper: SimReaper, host: ReaperHost, video: Path
) -> None:
    item = look(reaper, host, video).items[0].guid
    made(host, item, "foley", "foley @0.5", "foley: wood")
    reaper.rename_take_marker(item, 0, "heavy step")
    reaper.move_take_marker(item, 1, 1.5)
    assert ours(host) == {"heavy step": True, "foley @0.5": True, "foley: wood": True}
    made(host, item, "foley 9", first_s=1.8)
    last = [marker[1] for marker in reaper.items()[0]["takes"][0]["markers"]].index("foley @0.5")
    reaper.rename_take_marker(item, last, "door")
    assert ours(host) == {"heavy step": True, "door": True, "foley: wood": True, "foley 9": True}
    reaper.undo()
    reaper.undo()
    assert ours(host) == {"heavy step": True, "foley @0.5": True, "foley: wood": True}
