"""``make bench``: for how long a turn of our scripts holds REAPER's main thread, in a project of the worst size.

The project: 1,000 markers, 200 tracks, 100 items of sound, one video. The simulated REAPER with the real scripts, in
its newest and its oldest version. Each line is one thing that is asked of REAPER: how many turns of the deferred loop
it took, the longest and the median of them (by the clock, and what of the longest the processor worked), and of the
longest how many API functions it called and how much of it the simulated functions took by themselves: that is the
simulation's, not ours; the rest is our Python and ctypes, both ways. Nothing is asserted: the machine may be busy, so
its load is told as well. What is asserted, in counts, is in ``tests/bridge/host/test_reaper_speed.py``.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from bridge.host import endpoint
from bridge.host.base import Change, NewItem, NewMarker, NewTake, ProjectView
from bridge.host.reaper import ReaperHost
from tests.bridge.media import clips
from tests.reaper_sim.client import SimReaper
from tests.tokens import TOKEN

SCRIPTS = Path(__file__).resolve().parents[1] / "reaper_scripts"
PROFILES = ("7.78", "6.80")
MARKERS, TRACKS, ITEMS = 1000, 200, 100
IDLE_CALLS = 12
"""A turn that calls no more functions than this had nothing to do."""
BUILD = """
from reaper_python import *
RPR_Undo_BeginBlock2(0)
for number in range({tracks}):
    RPR_InsertTrackAtIndex(number, False)
    track = RPR_GetTrack(0, number)
    RPR_GetSetMediaTrackInfo_String(track, "P_NAME", "track %d" % number, True)
    if number < {items}:
        item = RPR_AddMediaItemToTrack(track)
        RPR_SetMediaItemInfo_Value(item, "D_POSITION", 1.0 * number)
        RPR_SetMediaItemInfo_Value(item, "D_LENGTH", 1.0)
        RPR_SetMediaItemTake_Source(RPR_AddTakeToMediaItem(item), RPR_PCM_Source_CreateFromFile({sound!r}))
RPR_Undo_EndBlock2(0, "a large project", -1)
"""
Row = tuple[str, list[dict[str, Any]]]


def main() -> int:
    """Prints the table; returns 0."""
    parser = argparse.ArgumentParser(description="How long our scripts hold REAPER's main thread.")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{MARKERS} markers, {TRACKS} tracks, {ITEMS} items; load {os.getloadavg()[0]:.1f}")
    for profile in PROFILES:
        print(f"\nREAPER {profile:18} turns   longest     worked    median   calls  simulation")
        found: dict[str, list[dict[str, Any]]] = {}
        for _ in range(arguments.repeats):
            with tempfile.TemporaryDirectory() as folder:
                for what, turns in measure(Path(folder), profile):
                    found.setdefault(what, []).append({"turns": turns})
        for what, runs in found.items():
            _print(what, [run["turns"] for run in runs])
    return 0


def measure(folder: Path, profile: str) -> list[Row]:
    """(what was asked, its turns) of everything, in one fresh REAPER."""
    os.environ[endpoint.FOLDER_VARIABLE] = str(folder / "endpoint")
    sound, picture = folder / "one second.wav", folder / "picture.mp4"
    soundfile.write(sound, np.zeros((48_000, 1), np.float32), 48_000)
    clips.render(picture, times_s=[Fraction(k, 10) for k in range(40)], rate=Fraction(10))
    build = folder / "build.py"
    build.write_text(BUILD.format(tracks=TRACKS, items=ITEMS, sound=str(sound)))
    with SimReaper.start(
        folder / "reaper", profile=profile, web_port=None, startup_scripts=[SCRIPTS / "foley_server.py"]
    ) as reaper:
        reaper.run_script(build)
        reaper.place_video(picture, 10.0, 2.0)
        with closing(ReaperHost(read_timeout_s=20.0, write_timeout_s=20.0)) as host:
            return _everything(reaper, host, sound)


def _everything(reaper: SimReaper, host: ReaperHost, sound: Path) -> list[Row]:
    rows: list[Row] = []

    def timed(what: str, ask: Callable[[], Any], *, ticks: int = 2, script: str = "foley_server.py") -> Any:
        reaper.turns()
        answer = ask()
        reaper.wait_ticks(ticks)
        rows.append((what, [turn for turn in reaper.turns() if turn["script"] == script]))
        return answer

    def look() -> ProjectView:
        return host.read(cursor_s=10.5)

    view = look()
    token, item = view.token, view.items[0]
    change = Change(token=token, undo_title="Foley: find onsets", expect_item=item)
    timed("find onsets: 1,000 new", lambda: host.write(_with(change, add_markers=_markers(0.0))))
    view = timed("read", look)
    assert len(view.markers) == MARKERS
    ours = tuple(marker.guid for marker in view.markers)
    more = _with(change, delete_markers=ours, add_markers=_markers(0.005))
    timed("more: 1,000 for 1,000", lambda: host.write(more))
    first = NewItem(
        below_track_guid=item.track_guid, track_name="Foley: wood", video_item_guid=item.guid, position_s=10.0,
        length_s=1.0, audio_path=str(sound), take_name="wood 1", recipe="{}",
    )  # fmt: skip
    timed("generate: a track", lambda: host.write(_with(change, new_items=(first,))))
    made = look().foley_items[0]
    take = NewTake(item_guid=made.guid, audio_path=str(sound), take_name="wood 2", recipe="{}", position_s=10.0)
    timed("another take", lambda: host.write(_with(change, new_takes=(take,))))
    timed("tell", lambda: host.tell("Made: wood 2."), ticks=6)
    timed("show a long recipe", lambda: host.show("a line of a recipe\n" * 10_000))
    timed("live mode on", lambda: host.watch(token, on=True))
    marker = reaper.markers()[0]["guid"]
    timed("live: a marker moved", lambda: reaper.move_marker(marker, 0.002), ticks=30)
    host.watch(token, on=False)
    key = SCRIPTS / "foley_find_onsets.py"
    timed("key: no daemon", lambda: reaper.run_script(key), script=key.name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:
        deaf.bind(("127.0.0.1", 0))
        endpoint.announce_daemon(deaf.getsockname()[1], TOKEN)
        timed("key: stopped daemon", lambda: reaper.run_script(key), script=key.name)
    timed("nothing", lambda: time.sleep(0.5))
    return rows


def _with(change: Change, **fields: Any) -> Change:
    return Change(**{**change.__dict__, **fields})


def _markers(late_s: float) -> tuple[NewMarker, ...]:
    return tuple(NewMarker(position_s=0.01 * k + late_s, name="foley", origin="x") for k in range(1, MARKERS + 1))


def _print(what: str, runs: list[list[dict[str, Any]]]) -> None:
    busy = [[turn for turn in turns if turn["calls"] > IDLE_CALLS] or turns[:1] for turns in runs]
    turns = [turn for run in busy for turn in run]
    if not turns:
        print(f"  {what:24} {0:5}")
        return
    longest = max(turns, key=lambda turn: turn["held_s"])
    held, worked, inside = (longest[key] * 1000 for key in ("held_s", "worked_s", "inside_s"))
    median = statistics.median(turn["held_s"] for turn in turns) * 1000
    number = statistics.median(map(len, busy))
    print(
        f"  {what:24} {number:5.0f}  {held:6.1f} ms  {worked:6.1f} ms {median:6.1f} ms  {longest['calls']:6}"
        f"   {inside:6.1f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
