"""``make bench``: a designer's day beside its targets: made again, live, placed, many renders, long items.

A real daemon, the simulated REAPER with the real scripts, the starter pack. The film is a plain one and markers are put
by hand, so that looking for onsets is no part of it. Every figure stands beside a peer that was taken in the same run.
Medians with the spread [least .. most]. Nothing is asserted: the machine may be busy, so its load is told as well.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from bridge import app
from bridge.domain.audio import Audio
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.engine.contacts import KEEP_BYTES
from bridge.engine.place import Placer
from bridge.host.reaper import ReaperHost
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.doing import DOES
from bridge.jobs.live import PAUSE_S
from bridge.jobs.runner import Context
from bridge.media import reference as references
from bridge.media import wav
from tests.bench_desk import (
    AT_S,
    Look,
    Size,
    cancelled,
    desk,
    followed,
    line,
    mark,
    moves,
    other_daemon,
    peak_mib,
    position,
    press,
    say,
    stop,
    until,
)
from tests.story import Studio

RATE_HZ = 48_000


def main() -> int:
    """Prints every figure; returns 0."""
    parser = argparse.ArgumentParser(description="Speed and memory of a designer's day, each beside a peer.")
    parser.add_argument("--only", choices=list(PARTS), help="one part alone")
    arguments = parser.parse_args()
    size = Size()
    for name, part in PARTS.items():
        if arguments.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                print(f"\n{name} ({psutil.cpu_count()} cores, load {os.getloadavg()[0]:.1f})")
                part(Path(folder), size)
    return 0


# -- the parts ---------------------------------------------------------------------------------------------------------


def moved(folder: Path, size: Size) -> dict[str, list[float]]:
    """One marker moved: by key with the daemon warm and just started, live; beside the whole item made."""
    with desk(folder, size, size.length_s) as studio:
        markers = mark(studio, size.length_s)
        studio.press_and_wait("generate", seconds=600)
        steps = moves(studio, markers)
        figures = {"whole": [press(studio, "new_variation") for _ in range(max(1, size.repeats // 2))]}
        figures["warm"] = [press(studio, "make_again_from_markers", next(steps)) for _ in range(size.repeats)]
        figures |= _live(studio, size, markers)
        figures["cold"] = []
        for _ in range(size.repeats):
            with other_daemon(studio, size):
                figures["cold"].append(press(studio, "make_again_from_markers", next(steps)))
        spent = _spent(studio, size, steps)
    say("one marker moved, made again; daemon warm (wanted: under 2)", figures["warm"])
    say("one marker moved, made again; daemon just started, no pack yet", figures["cold"])
    say(f"peer: all {len(markers)} made (new variation)", figures["whole"])
    for name in ("warm", "cold"):
        share = statistics.median(figures[name]) / statistics.median(figures["whole"])
        line(f"made again, as a part of all made, {name} (wanted: under 0.1)", share, "")
    for name, seconds in spent.items():
        say(f"of a warm one: {name}", seconds)
    say(f"live: last of {size.drag_events} events of a drag to new sound, less the pause", figures["live"])
    line("renders for each drag (wanted: 1)", max(figures["renders"]), "")
    return {**figures, **spent}


def _live(studio: Studio, size: Size, markers: Sequence[str]) -> dict[str, list[float]]:
    """Seconds from the last event of a drag to the new sound, the pause left out; and renders of each drag."""
    studio.press("live_mode")
    studio.until_console("Live mode is on")
    seconds, renders = [], []
    for number in range(size.repeats):
        guid = markers[(2 * number + 1) % len(markers)]
        before, here = followed(studio), position(studio, guid)
        steps = [here + 0.2 * step / size.drag_events for step in range(1, size.drag_events)]
        studio.reaper.drag_marker(guid, steps, notify="during")
        began = time.perf_counter()
        studio.reaper.move_marker(guid, here + 0.2)
        until(studio, lambda before=before: followed(studio) > before)
        seconds.append(time.perf_counter() - began - PAUSE_S)
        time.sleep(3 * PAUSE_S)
        renders.append(float(followed(studio) - before))
    studio.press("live_mode")
    studio.until_console("Live mode is off")
    return {"live": seconds, "renders": renders}


def place(folder: Path, size: Size) -> dict[str, list[float]]:
    """*Place this sound* by key, and the placing alone; beside making the same onsets with the pack."""
    sound = wav.write(folder / "hits.wav", _hits())
    with desk(folder, size, size.length_s) as studio:
        mark(studio, size.length_s, size.placed)
        studio.reaper.select(studio.reaper.place_video(sound, AT_S + size.length_s + 1.0))
        pressed = [press(studio, "place_this_sound") for _ in range(size.repeats)]
    reference = references.named(sound)
    requests = iter([_evenly(size, seed, reference) for seed in range(size.repeats)])
    alone = _times(lambda: Placer().render(next(requests)), size.repeats)
    engine = app.open_engine(size.settings)
    engine.warm_up()
    made = _times(lambda: engine.render(_evenly(size, 1, None)), 1)
    say(f"place this sound on {size.placed} onsets of {size.length_s:.0f} s, by key", pressed)
    say("the placing alone (wanted: under 0.3)", alone)
    say("peer: the pack makes the same onsets", made)
    return {"pressed": pressed, "alone": alone, "made": made}


def many(folder: Path, size: Size) -> list[Look]:
    """What the daemon holds after so many renders, every other one a new variation, every other one made again."""
    held: list[Look] = []
    with desk(folder, size, size.short_s) as studio:
        markers = mark(studio, size.short_s)
        studio.press_and_wait("generate", seconds=600)
        steps = moves(studio, markers)
        for number in range(1, size.looked[-1] + 1):
            if number % 2:
                press(studio, "new_variation")
            else:
                press(studio, "make_again_from_markers", next(steps))
            if number in size.looked:
                held.append(Look.at(studio.daemon.pid, number))
    for look in held:
        print(f"  after {look.renders:3d} renders: {look.mib:.0f} MiB, {look.threads} threads, {look.files} open files")
    full = KEEP_BYTES / 2**20
    line(f"growth for each render, once {full:.0f} MiB of contacts are kept (wanted: none)", slope(held), "MiB")
    return held


def long(folder: Path, size: Size) -> dict[str, float]:
    """Peak memory of a long item beside a short one with as many onsets to a minute, what is told, and cancelling."""
    figures: dict[str, float] = {}
    for name, length_s in (("short", size.length_s), ("long", size.long_s)):
        (folder / name).mkdir()
        with desk(folder / name, size, length_s) as studio:
            mark(studio, length_s, round(length_s / size.sparse_s))
            told: list[str] = []
            figures[f"{name} s"] = press(studio, "generate", meanwhile=told.append)
            figures[f"{name} MiB"] = peak_mib(studio.daemon.pid)
            figures[f"{name} told"] = float(len({text for text in told if "%" in text}))
            figures[f"{name} cancel s"] = cancelled(studio)
    for peer, name, length_s in (("", "long", size.long_s), ("peer: ", "short", size.length_s)):
        line(f"{peer}{length_s:.0f} s, an onset each {size.sparse_s:.0f} s: made in", figures[f"{name} s"], "s")
        line("    peak memory of the daemon", figures[f"{name} MiB"], "MiB")
        line("    different lines of progress seen", figures[f"{name} told"], "")
        line("    cancelled after the key", figures[f"{name} cancel s"], "s")
    return figures


def slope(held: Sequence[Look]) -> float:
    """MiB for each render over the later half of the renders, by least squares; 0 where there are too few looks."""
    late = [look for look in held if 2 * look.renders >= held[-1].renders]
    if len(late) < 2:
        return 0.0
    return float(np.polyfit([look.renders for look in late], [look.mib for look in late], 1)[0])


# -- where the time goes -----------------------------------------------------------------------------------------------


def _spent(studio: Studio, size: Size, steps: Iterator[Callable[[], None]]) -> dict[str, list[float]]:
    """Seconds of the steps of *Make again*, by the daemon's own parts in this process."""
    stop(studio)
    clock = _Clock()
    engine = app.open_engine(size.settings)
    host = ReaperHost(folder=studio.folder / "endpoint")
    context = Context("bench", threading.Event(), lambda fraction, text: None)
    table = Desk(host=host, engine=lambda: engine, new_seed=lambda: 1)
    try:
        DOES["variation"](table, context, KeyPress())  # as warm as the daemon was
        clock.time(host, "read", "reading the project")
        clock.time(engine, "changes", "the pack")
        clock.time(host, "write", "writing the project")
        for _ in range(size.repeats):
            next(steps)()
            began = time.perf_counter()
            DOES["again"](table, context, KeyPress())
            clock.rest("the sound file, and all else", time.perf_counter() - began)
    finally:
        host.close()
    return clock.spent


class _Clock:
    """Takes the time of methods."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}
        self._told = 0.0

    def time(self, owner: object, method: str, name: str) -> None:
        """From now on that method's calls are timed."""
        run = getattr(owner, method)

        def timed(*args: Any, **kwargs: Any) -> Any:
            began = time.perf_counter()
            try:
                return run(*args, **kwargs)
            finally:
                self._add(name, time.perf_counter() - began)

        setattr(owner, method, timed)

    def rest(self, name: str, seconds: float) -> None:
        """What of a whole was not in the methods."""
        self.spent.setdefault(name, []).append(seconds - self._told)
        self._told = 0.0

    def _add(self, name: str, seconds: float) -> None:
        self.spent.setdefault(name, []).append(seconds)
        self._told += seconds


def _hits() -> Audio:
    """Four knocks of half a second."""
    random = np.random.default_rng(0)
    time_s = np.arange(RATE_HZ // 2) / RATE_HZ
    knocks = [random.standard_normal(len(time_s)) * np.exp(-time_s * fall) for fall in (20, 30, 25, 40)]
    return Audio(samples=(0.2 * np.concatenate(knocks)).astype(np.float32)[None], rate_hz=RATE_HZ)


def _evenly(size: Size, seed: int, reference: Reference | None) -> Request:
    step_s = size.length_s / size.placed
    return Request(
        length_samples=round(size.length_s * RATE_HZ),
        rate_hz=RATE_HZ,
        onsets=tuple(Onset(time_s=(k + 0.5) * step_s) for k in range(size.placed)),
        prompt="" if reference else "wood",
        seed=seed,
        reference=reference,
    )


def _times(run: Callable[[], object], repeats: int) -> list[float]:
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return seconds


PARTS: dict[str, Callable[[Path, Size], object]] = {"moved": moved, "place": place, "many": many, "long": long}

if __name__ == "__main__":
    sys.exit(main())
