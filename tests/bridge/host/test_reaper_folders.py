"""New tracks in any tree of folders: the designer's folders stay as they are, ours hold our tracks."""

from __future__ import annotations

import json
from pathlib import Path

from tests.bridge.host.conftest import SCRIPTS
from tests.reaper_sim.client import SimReaper

TREES = 150
INSIDE = f"""
import json, random, sys
sys.path.insert(0, {str(SCRIPTS)!r})
import reaper_python as rp
from foley_inside import api, slices, tracks

def depth(track):
    return int(rp.RPR_GetMediaTrackInfo_Value(track, "I_FOLDERDEPTH"))

def tree(chance):
    # depths of 1..9 tracks: each begins a folder, stays, or ends some
    level, found = 0, []
    for left in reversed(range(chance.randint(1, 9))):
        if left == 0:
            found.append(-level)
        elif chance.random() < 0.4:
            found.append(1)
            level += 1
        else:
            ends = chance.choice([0, 0, 0, 1, 2]) if level else 0
            found.append(-min(level, ends))
            level += found[-1]
    return found

def parents():
    # [(GUID, GUID of the folder that it is in or "")] from the top
    found, around = [], []
    for track in api.tracks(0):
        guid = api.track_text(track, "GUID")
        found.append((guid, around[-1] if around else ""))
        change = depth(track)
        if change > 0:
            around.append(guid)
        elif change < 0:
            assert len(around) >= -change, "more folders end than there are"
            del around[change:]
    assert not around, "a folder without an end"
    return found

def build(depths):
    for track in api.tracks(0):
        rp.RPR_DeleteTrack(track)
    for number, change in enumerate(depths):
        rp.RPR_InsertTrackInProject(0, number, 0)
        rp.RPR_SetMediaTrackInfo_Value(rp.RPR_GetTrack(0, number), "I_FOLDERDEPTH", change)
    return parents()

def child_of_ours(chance, before):
    # one folder of the tree is ours, and so is one that is directly in it
    folder = chance.choice([parent for _, parent in before if parent] or [""])
    if not folder:
        return ""
    rp.RPR_GetSetMediaTrackInfo_String(slices.at_once(api.by_guid(0))[0][folder], tracks.FOLDER, "(V)", True)
    return chance.choice([guid for guid, parent in before if parent == folder])

def check(number):
    chance = random.Random(number)
    depths = tree(chance)
    before = build(depths)
    kind = chance.choice(["plain", "layer", "again", "again"])
    guid = child_of_ours(chance, before) if kind == "again" else ""
    guid = guid or chance.choice(before)[0]
    below = slices.at_once(api.by_guid(0))[0][guid]
    if kind != "plain":
        rp.RPR_GetSetMediaTrackInfo_String(below, "P_EXT:foley", "(V)", True)
    new = dict(folder="Foley: x", track_name="x", video_item_guid="(V)", set_id="s", layer="x", controls="")
    undo, made = [], []
    for presses in range(2):
        at_once = tracks.Tracks(0, undo)
        for _ in range(2):
            track = at_once.add(below, new)
            made.append(api.track_text(track, "GUID"))
            below = track if kind == "plain" else below
    all_now = parents()
    now = dict(all_now)
    ours = [g for g, t in slices.at_once(api.by_guid(0))[0].items() if api.track_text(t, tracks.FOLDER)]
    assert len(set(map(now.get, made))) == 1 and now[made[0]] in ours, "a layer is not in the folder with the others"
    for one, parent in before:
        expected = now[one]
        if expected in ours and expected not in dict(before):
            assert one == guid, "a track of the designer's came into our folder"
            expected = now[expected]
        assert expected == parent, "a track of the designer's changed its folder"
    assert [g for g, _ in all_now if g in dict(before)] == [g for g, _ in before], "the order changed"
    for way_back in reversed(undo):
        way_back()
    assert parents() == before and [depth(t) for t in api.tracks(0)] == depths, "the way back leads elsewhere"

faults = []
for number in range({TREES}):
    try:
        check(number)
    except Exception as error:
        faults.append([number, repr(error)])
rp.RPR_SetExtState("test", "out", json.dumps(faults), 0)
"""


def test_layers_when_made_in_any_tree_of_folders_then_they_are_together_and_the_designers_tracks_stay_where_they_were(
    reaper: SimReaper, tmp_path: Path
) -> None:
    script = tmp_path / "trees.py"
    script.write_text(INSIDE)
    reaper.run_script(script)
    text = reaper.ext_state("test", "out")
    assert text, reaper.console()
    assert json.loads(text) == []
