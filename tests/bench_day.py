"""``make bench``: a designer's day beside its targets: made again, live, placed, many renders, long items.

A real daemon, the simulated REAPER with the real scripts, the starter pack. The film is a plain one and markers are put
by hand, so that looking for onsets is no part of it. Every figure stands beside a peer that was taken in the same run.
Medians with the spread [least .. most]. Nothing is asserted: the machine may be busy, so its load is told as well.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from bridge import app
from bridge.config import Settings
from bridge.domain.audio import Audio
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.engine.place import Placer
from bridge.host.reaper import ReaperHost
from bridge.jobs.live import PAUSE_S
from bridge.jobs.runner import Context
from bridge.jobs.verbs import VERBS, Desk, KeyPress
from bridge.media import mux, wav
from bridge.media import reference as references
from tests.story import Studio, daemon, studio

AT_S = 10.0
"""Where the film lies in the project."""
FOLLOWED = "Foley: live"
RATE_HZ = 48_000


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much is measured; the defaults are the targets' own.

    Attributes:
        length_s: of the item, a marker in every second. repeats: of each time. placed: onsets of the placed sound.
        drag_events: of one drag. short_s: the item of the many renders. looked: after how many of them memory is read;
            the last is how many there are. long_s: of the long item, an onset every ``sparse_s``.
        flags: the daemon's.
    """

    length_s: float = 60.0
    repeats: int = 7
    placed: int = 120
    drag_events: int = 30
    short_s: float = 6.0
    looked: tuple[int, ...] = (20, 60, 100, 140, 200)
    long_s: float = 600.0
    sparse_s: float = 10.0
    flags: tuple[str, ...] = ()
    settings: Settings = dataclasses.field(default_factory=Settings)


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


def again(folder: Path, size: Size) -> dict[str, list[float]]:
    """Key press to new sound when one marker moved: daemon warm, and just started; beside the whole item's."""
    with _desk(folder, size, size.length_s) as desk:
        markers = _mark(desk, size.length_s)
        desk.press_and_wait("generate", seconds=600)
        moves = _moves(desk, markers)
        whole = [_press(desk, "new_variation") for _ in range(max(1, size.repeats // 2))]
        warm = [_press(desk, "make_again_from_markers", next(moves)) for _ in range(size.repeats)]
        cold = []
        for _ in range(size.repeats):
            with _other_daemon(desk, size):
                cold.append(_press(desk, "make_again_from_markers", next(moves)))
        spent = _spent(desk, size, moves)
    _say("one marker moved, made again; daemon warm", warm)
    _say("one marker moved, made again; daemon just started", cold)
    _say(f"peer: all {len(markers)} made (new variation)", whole)
    for name, share in (("warm", warm), ("just started", cold)):
        _line(
            f"made again of made at once, {name} (wanted: 0.1)", statistics.median(share) / statistics.median(whole), ""
        )
    for name, seconds in spent.items():
        _say(f"of a warm one: {name}", seconds)
    return {"warm": warm, "cold": cold, "whole": whole, **spent}


def live(folder: Path, size: Size) -> dict[str, list[float]]:
    """From the last event of a drag to the new sound, the pause left out; beside the same move by key."""
    with _desk(folder, size, size.length_s) as desk:
        markers = _mark(desk, size.length_s)
        desk.press_and_wait("generate", seconds=600)
        moves = _moves(desk, markers)
        pressed = [_press(desk, "make_again_from_markers", next(moves)) for _ in range(size.repeats)]
        desk.press("live_mode")
        desk.until_console("Live mode is on")
        followed, renders = [], []
        for number in range(size.repeats):
            guid = markers[(2 * number + 1) % len(markers)]
            before, here = _followed(desk), _position(desk, guid)
            steps = [here + 0.2 * step / size.drag_events for step in range(1, size.drag_events)]
            desk.reaper.drag_marker(guid, steps, notify="during")
            began = time.perf_counter()
            desk.reaper.move_marker(guid, here + 0.2)
            _until(desk, lambda before=before: _followed(desk) > before)
            followed.append(time.perf_counter() - began - PAUSE_S)
            time.sleep(3 * PAUSE_S)
            renders.append(float(_followed(desk) - before))
    _say(f"live: last of {size.drag_events} events of a drag to new sound, less the pause", followed)
    _say("peer: the same by key", pressed)
    _line("renders for each drag (wanted: 1)", max(renders), "")
    return {"followed": followed, "pressed": pressed, "renders": renders}


def place(folder: Path, size: Size) -> dict[str, list[float]]:
    """*Place this sound* by key, and the placing alone; beside making the same onsets with the pack."""
    sound = wav.write(folder / "hits.wav", _hits())
    with _desk(folder, size, size.length_s) as desk:
        _mark(desk, size.length_s, size.placed)
        item = desk.reaper.place_video(sound, AT_S + size.length_s + 1.0)
        desk.reaper.select(item)
        desk.press_and_wait("use_item_as_reference")
        desk.reaper.select()
        pressed = [_press(desk, "place_this_sound") for _ in range(size.repeats)]
    reference = references.named(sound)
    requests = iter([_evenly(size, seed, reference) for seed in range(size.repeats)])
    alone = _times(lambda: Placer().render(next(requests)), size.repeats)
    engine = app.open_engine(size.settings)
    engine.warm_up()
    made = _times(lambda: engine.render(_evenly(size, 1, None)), 1)
    _say(f"place this sound on {size.placed} onsets of {size.length_s:.0f} s, by key", pressed)
    _say("the placing alone (wanted: 0.3)", alone)
    _say("peer: the pack makes the same onsets", made)
    return {"pressed": pressed, "alone": alone, "made": made}


def many(folder: Path, size: Size) -> list[tuple[int, float, int, int]]:
    """What the daemon holds after so many renders: (renders, MiB, threads, open files)."""
    held: list[tuple[int, float, int, int]] = []
    with _desk(folder, size, size.short_s) as desk:
        markers = _mark(desk, size.short_s)
        desk.press_and_wait("generate", seconds=600)
        moves = _moves(desk, markers)
        process = psutil.Process(desk.daemon.pid)
        for number in range(1, size.looked[-1] + 1):
            if number % 2:
                desk.press_and_wait("new_variation", seconds=600)
            else:
                next(moves)()
                desk.press_and_wait("make_again_from_markers", seconds=600)
            if number in size.looked:
                resident = process.memory_info().rss / 2**20
                held.append((number, resident, process.num_threads(), _open_files(process)))
    for number, resident, threads, files in held:
        print(f"  after {number:3d} renders {resident:20.0f} MiB resident, {threads} threads, {files} open files")
    _line("growth for each render after the first look", slope(held), "MiB")
    return held


def long(folder: Path, size: Size) -> dict[str, float]:
    """Peak memory of a long item beside a short one with the same onsets to a minute, what is told, and cancelling."""
    figures: dict[str, float] = {}
    for name, length_s in (("short", size.length_s), ("long", size.long_s)):
        place = folder / name
        place.mkdir()
        with _desk(place, size, length_s) as desk:
            _mark(desk, length_s, round(length_s / size.sparse_s))
            told = set[str]()
            began = time.perf_counter()
            before = len(desk.reaper.undo_labels())
            desk.press("generate")
            _until(desk, lambda: told.add(desk.reaper.help_text()) or len(desk.reaper.undo_labels()) > before)
            figures[f"{name} s"] = time.perf_counter() - began
            figures[f"{name} MiB"] = _peak_mib(desk.daemon.pid)
            figures[f"{name} told"] = float(sum("%" in text for text in told))
            figures[f"{name} cancel s"] = _cancelled(desk)
    for name, length_s in (("long", size.long_s), ("short", size.length_s)):
        peer = "peer: " if name == "short" else ""
        _line(f"{peer}{length_s:.0f} s, an onset each {size.sparse_s:.0f} s: made in", figures[f"{name} s"], "s")
        _line("    peak memory of the daemon", figures[f"{name} MiB"], "MiB")
        _line("    different progress lines seen", figures[f"{name} told"], "")
        _line("    cancelled after the key", figures[f"{name} cancel s"], "s")
    return figures


def slope(held: Sequence[tuple[int, float, int, int]]) -> float:
    """MiB for each render, by least squares; 0 of one look."""
    if len(held) < 2:
        return 0.0
    return float(np.polyfit([look[0] for look in held], [look[1] for look in held], 1)[0])


# -- what the designer does --------------------------------------------------------------------------------------------


def _desk(folder: Path, size: Size, length_s: float) -> AbstractContextManager[Studio]:
    film = mux.encode_frames(folder / "film.mp4", _pictures(length_s), 10.0)
    return studio(folder, film, flags=size.flags, position_s=AT_S, port=_free_port(), length_s=length_s)


def _pictures(length_s: float) -> Iterator[NDArray[np.uint8]]:
    """A bright square that wanders; there is nothing to find in it."""
    for number in range(round(10.0 * length_s)):
        picture = np.full((90, 160, 3), 90, np.uint8)
        picture[30:40, 3 * number % 150 :][:, :10] = 220
        yield picture


def _mark(desk: Studio, length_s: float, count: int | None = None) -> list[str]:
    """Markers in the middle of even parts of the film, one a second without ``count``."""
    number = round(length_s) if count is None else count
    return [desk.reaper.add_marker(AT_S + (k + 0.5) * length_s / number, "foley") for k in range(number)]


def _position(desk: Studio, guid: str) -> float:
    return next(marker["position_s"] for marker in desk.reaper.markers() if marker["guid"] == guid)


def _moves(desk: Studio, markers: Sequence[str]) -> Iterator[Callable[[], None]]:
    """Moves of one marker after the other, always to where it was not before."""
    number = 0
    while True:
        guid = markers[(7 * number + 1) % len(markers)]
        number += 1
        yield lambda guid=guid: desk.reaper.move_marker(guid, _position(desk, guid) + 0.013)


def _press(desk: Studio, action: str, before: Callable[[], None] = lambda: None) -> float:
    """Seconds from a key press to its undo step."""
    before()
    steps = len(desk.reaper.undo_labels())
    began = time.perf_counter()
    desk.press(action)
    _until(desk, lambda: len(desk.reaper.undo_labels()) > steps)
    return time.perf_counter() - began


def _until(desk: Studio, there: Callable[[], Any]) -> None:
    desk.until(there, seconds=1200.0)


def _followed(desk: Studio) -> int:
    return desk.reaper.undo_labels().count(FOLLOWED)


def _cancelled(desk: Studio) -> float:
    """Seconds from the key *Cancel* in the middle of a render to REAPER being told."""
    desk.press("new_variation")
    _until(desk, lambda: "Making sound" in desk.reaper.help_text())
    began = time.perf_counter()
    desk.press("cancel")
    _until(desk, lambda: "Cancelled" in desk.reaper.console())
    return time.perf_counter() - began


@contextmanager
def _other_daemon(desk: Studio, size: Size) -> Iterator[None]:
    """A daemon just started in place of the one that runs."""
    _stop(desk)
    folder = desk.folder / "endpoint"
    env = {"FOLEY_BRIDGE_ENDPOINT": str(folder), "FOLEY_BRIDGE_OSC_PORT": str(_free_port())}
    with daemon(desk.folder, *size.flags, env=env) as process:
        desk.daemon = process
        desk.until((folder / "daemon.json").exists)
        yield


def _stop(desk: Studio) -> None:
    desk.daemon.terminate()
    desk.daemon.wait(30)


# -- where the time goes -----------------------------------------------------------------------------------------------


def _spent(desk: Studio, size: Size, moves: Iterator[Callable[[], None]]) -> dict[str, list[float]]:
    """Seconds of the steps of *Make again*, by the daemon's own parts in this process."""
    _stop(desk)
    clock = _Clock()
    engine = app.open_engine(size.settings)
    engine.warm_up()
    host = ReaperHost(folder=desk.folder / "endpoint")
    clock.time(host, "read", "reading the project")
    clock.time(engine, "changes", "the pack")
    clock.time(host, "write", "writing the project")
    context = Context("bench", threading.Event(), lambda fraction, text: None)
    seeds = iter(range(10**6))
    table = Desk(host=host, engine=lambda: engine, new_seed=lambda: next(seeds))
    try:
        for _ in range(size.repeats + 1):
            next(moves)()
            began = time.perf_counter()
            VERBS["again"].run(table, context, KeyPress(cursor_s=AT_S + 0.1))
            clock.rest("the sound file, and all else", time.perf_counter() - began)
    finally:
        host.close()
    return {name: seconds[1:] for name, seconds in clock.spent.items()}


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


# -- what is measured --------------------------------------------------------------------------------------------------


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


def _open_files(process: psutil.Process) -> int:
    return process.num_fds() if hasattr(process, "num_fds") else len(process.open_files())


def _peak_mib(pid: int) -> float:
    """The most memory that a process has held; what it holds now where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    told = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    return told[0] if told else psutil.Process(pid).memory_info().rss / 2**20


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _say(what: str, seconds: Sequence[float]) -> None:
    spread = f" [{min(seconds):.3f} .. {max(seconds):.3f}], {len(seconds)} times"
    _line(what, statistics.median(seconds), f"s{spread}")


def _line(what: str, value: float, unit: str) -> None:
    print(f"  {what:<66} {value:9.3f} {unit}".rstrip(), flush=True)


PARTS: dict[str, Callable[[Path, Size], object]] = {
    "again": again,
    "live": live,
    "place": place,
    "many": many,
    "long": long,
}

if __name__ == "__main__":
    sys.exit(main())
