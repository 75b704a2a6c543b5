"""Many hours of a designer's work in minutes: does the daemon grow, or leave anything behind?

``python -m tests.soak [--minutes N] [--events N] [--seed N] [--starter] [--hold]``: the real daemon with the tiny pack
(or the starter pack) and a simulated REAPER; renders, variations, drags in live mode, cancels, refused keys, floods of
bad packets, strangers at the server in REAPER, freed memory, a REAPER that is restarted or killed, in a random order
that the seed decides. Every key press is undone again, so that the project stays as long as it was.

Convention: a sample is taken while nothing is being made. The first third of the samples is warming up; growth is told
between the second and the last third, and as the median slope between all pairs of samples of both (Theil-Sen), with an
interval from 1000 resamplings of them. A designer presses a key every ten seconds at most: 720 presses are two hours.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import random
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bridge import demo_scene
from bridge.media import mux
from bridge.osc import client
from tests import bursts
from tests.story import Studio, free_udp_port, studio, tiny_studio

MARKERS_S = (11.0, 12.5, 14.0)
CURSOR_S = 10.1
PRESSES_IN_TWO_HOURS = 720
SAMPLES = 60
MOST_MIB_PER_100 = 1.0
LEFTOVERS = ("*.part", "*.tmp", "*part*", ".*")


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What the daemon and REAPER hold after so many events."""

    events: int
    rss_mib: float
    threads: int
    files: int
    sockets: int
    journal_kib: float
    leftovers: int
    reaper_sockets: int

    def __str__(self) -> str:
        return (
            f"{self.events:6d} {self.rss_mib:8.1f} {self.threads:8d} {self.files:6d} {self.sockets:8d} "
            f"{self.journal_kib:12.1f} {self.leftovers:10d} {self.reaper_sockets:15d}"
        )


HEAD = " events  RSS MiB  threads  files  sockets  journal KiB  leftovers  REAPER's sockets"
COUNTED = ("threads", "files", "sockets", "leftovers", "reaper_sockets")


class Day:
    """Hands that work without a pause, and undo what they did."""

    def __init__(self, desk: Studio, port: int, seed: int, *, hold: bool = False) -> None:
        self.desk, self.port = desk, port
        self.freed = 0 if hold else 5
        self.random = random.Random(seed)
        self.done: Counter[str] = Counter()
        self.process = psutil.Process(desk.daemon.pid)
        self.token = str(json.loads((desk.folder / "endpoint" / "daemon.json").read_text())["token"])
        self.project = desk.folder / "project" / "show.rpp"
        for at in MARKERS_S:
            desk.reaper.add_marker(at, "foley")
        desk.press_and_wait("set_prompt")
        desk.press_and_wait("generate", seconds=300)
        self.idle()
        desk.reaper.save(self.project)
        self.steps = len(desk.reaper.undo_labels())

    @property
    def kinds(self) -> dict[str, tuple[int, Callable[[], None]]]:
        """What may happen: how often, and how."""
        return {
            "variation": (20, lambda: self.desk.press_and_wait("new_variation")),
            "generate": (8, lambda: self.desk.press_and_wait("generate")),
            "again after a drag": (12, self.again),
            "find onsets": (8, lambda: self.desk.press_and_wait("find_onsets")),
            "live, then a drag": (6, self.live),
            "cancel": (10, self.cancel),
            "more than may wait": (3, self.too_many),
            "refused": (8, self.refused),
            "free": (self.freed, lambda: self.desk.press("free_memory")),
            "bad packets": (8, self.flood),
            "strangers in REAPER": (4, self.strangers),
            "REAPER restarted": (3, lambda: self.restart(clean=True)),
            "REAPER killed": (2, lambda: self.restart(clean=False)),
        }

    def event(self) -> str:
        """One event of a random kind; afterwards nothing is being made and the project is as before."""
        kinds = self.kinds
        (name,) = self.random.choices(list(kinds), [often for often, _ in kinds.values()])
        kinds[name][1]()
        self.idle()
        self.desk.undo_back_to(self.steps)
        self.desk.reaper.set_cursor(CURSOR_S)
        self.done[name] += 1
        return name

    def idle(self) -> None:
        """Returns when nothing is being made and nothing waits."""
        until, quiet = time.monotonic() + 120, 0
        while quiet < 3:
            answer = client.ask(self.port, "status", token=self.token, timeout_s=1.0)
            quiet = quiet + 1 if answer is not None and answer.sentence.startswith("Ready") else 0
            if time.monotonic() > until or self.desk.daemon.poll() is not None:
                raise AssertionError(f"{answer}\n{(self.desk.folder / 'daemon.log').read_text()[-3000:]}")
            time.sleep(0.03)

    def drag(self) -> None:
        """A marker somewhere else."""
        marker = self.random.choice([one for one in self.desk.reaper.markers() if one["name"] == "foley"])
        self.desk.reaper.move_marker(marker["guid"], round(self.random.uniform(10.2, 15.8), 3))

    def again(self) -> None:
        """A marker dragged, and its sound made again."""
        self.drag()
        self.desk.press_and_wait("make_again_from_markers")

    def live(self) -> None:
        """Live mode on, two drags, a render, live mode off."""
        self.desk.press_and_hear("live_mode", "Live mode is on")
        self.drag()
        self.drag()
        self.desk.until(lambda: "Foley: live" in self.desk.reaper.undo_labels())
        self.idle()
        self.desk.press_and_hear("live_mode", "Live mode is off")

    def cancel(self) -> None:
        """Two renders, cancelled at some moment."""
        self.desk.press("new_variation")
        self.desk.press("vary_a_lot")
        time.sleep(self.random.uniform(0, 0.3))
        self.desk.press("cancel")

    def too_many(self) -> None:
        """More keys than may wait, then cancel."""
        for _ in range(12):
            self.desk.press("new_variation")
        self.desk.press("cancel")

    def refused(self) -> None:
        """A key where no video lies."""
        self.desk.reaper.set_cursor(500.0)
        self.desk.press(self.random.choice(["find_onsets", "generate"]))

    def flood(self) -> None:
        """Packets of all kinds, good and bad; what they ask for is cancelled."""
        bursts.send(self.port, self.token, bursts.MIXED, 300)
        bursts.send(self.port, self.token, "wrong token", 300)
        self.desk.press("cancel")

    def strangers(self) -> None:
        """Programs that connect to the server in REAPER and do not know its token."""
        port = json.loads((self.desk.folder / "endpoint" / "reaper.json").read_text())["port"]
        for word in (b"", b"GET / HTTP/1.1\r\n\r\n", (64).to_bytes(8, "little") + b"0" * 64) * 4:
            with socket.create_connection(("127.0.0.1", port), timeout=5.0) as line, suppress(OSError):
                line.sendall(word)

    def restart(self, *, clean: bool) -> None:
        """REAPER ends and comes back with the project as it was saved; the next key works."""
        self.desk.reaper.restart(clean=clean)
        self.desk.reaper.open(self.project)
        self.desk.reaper.set_cursor(CURSOR_S)
        self.steps = len(self.desk.reaper.undo_labels())
        self.desk.press_and_wait("new_variation")

    def sample(self) -> Sample:
        """What is held now."""
        folder = self.project.parent
        with self.process.oneshot():
            return Sample(
                events=self.done.total(),
                rss_mib=self.process.memory_info().rss / 2**20,
                threads=self.process.num_threads(),
                files=self.process.num_fds() if hasattr(self.process, "num_fds") else 0,
                sockets=len(self.process.net_connections("all")),
                journal_kib=sum(one.stat().st_size for one in (self.desk.folder / "endpoint").glob("journal*")) / 1024,
                leftovers=len({one for pattern in LEFTOVERS for one in folder.rglob(pattern)}),
                reaper_sockets=len(psutil.Process(self.desk.reaper.pid).net_connections("all")),
            )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Growth between the second and the last third of the samples.

    Attributes:
        slope_mib: of RSS per 100 events; interval_mib: 95 % of resamplings. grown: most of each count in the last third
            minus most of it in the second.
    """

    slope_mib: float
    interval_mib: tuple[float, float]
    grown: dict[str, int]

    @property
    def good(self) -> bool:
        """Whether nothing grows: no count does, and memory by less than 1 MiB per 100 events."""
        return all(more <= 0 for more in self.grown.values()) and self.slope_mib < MOST_MIB_PER_100


def judge(samples: list[Sample], seed: int = 0) -> Verdict:
    """What the samples say; six at least."""
    settled = samples[len(samples) // 3 :]
    middle, last = settled[: len(settled) // 2], settled[len(settled) // 2 :]
    chance = random.Random(seed)
    slopes = sorted(
        _slope([chance.choice(settled) for _ in settled]) for _ in range(1000 if len(settled) < 60 else 200)
    )
    cut = len(slopes) // 40
    return Verdict(
        slope_mib=_slope(settled),
        interval_mib=(slopes[cut], slopes[-1 - cut]),
        grown={
            name: max(getattr(one, name) for one in last) - max(getattr(one, name) for one in middle)
            for name in COUNTED
        },
    )


def _slope(samples: list[Sample]) -> float:
    pairs = [
        100 * (two.rss_mib - one.rss_mib) / (two.events - one.events)
        for one, two in itertools.combinations(samples, 2)
        if one.events != two.events
    ]
    return statistics.median(pairs) if pairs else 0.0


@contextmanager
def day(
    folder: Path, *, starter: bool = False, seed: int = 0, hold: bool = False, film: Path | None = None
) -> Iterator[Day]:
    """A daemon, a REAPER, a film, and hands."""
    if film is None:
        scene, film = demo_scene.scene(), folder / "film.mp4"
        mux.encode_frames(film, scene.frames(), scene.rate_hz)
    port = free_udp_port()
    wanted: dict[str, Any] = {"length_s": 6.0, "start_offset_s": 0.5, "port": port}
    home = {name: str(folder / "home") for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")}
    opened = studio(folder, film, **wanted, env=home) if starter else tiny_studio(folder, film, **wanted)
    with opened as desk:
        yield Day(desk, port, seed, hold=hold)


def run(hands: Day, *, minutes: float, events: int, say: Callable[[str], None] = lambda line: None) -> list[Sample]:
    """Events until the time or their number is over; samples, evenly spread."""
    samples = [hands.sample()]
    began, every = time.monotonic(), max(1, events // SAMPLES)
    say(HEAD)
    while hands.done.total() < events and time.monotonic() - began < 60 * minutes:
        hands.event()
        if hands.done.total() % every == 0:
            samples.append(hands.sample())
            say(str(samples[-1]))
    return samples


def main() -> int:
    """Prints samples and verdict; 1 when something grows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--events", type=int, default=2 * PRESSES_IN_TWO_HOURS)
    parser.add_argument("--seed", type=int, default=6)
    parser.add_argument("--hold", action="store_true", help="never free memory, so that only growth moves it")
    parser.add_argument("--starter", action="store_true", help="the starter pack instead of the tiny one")
    chosen = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as place,
        day(Path(place), starter=chosen.starter, seed=chosen.seed, hold=chosen.hold) as hands,
    ):
        began = time.monotonic()
        samples = run(hands, minutes=chosen.minutes, events=chosen.events, say=lambda line: print(line, flush=True))
        took = (time.monotonic() - began) / 60
    print(f"\n{hands.done.total()} events in {took:.0f} min, {'starter' if chosen.starter else 'tiny'} pack:")
    print(", ".join(f"{number} {name}" for name, number in hands.done.most_common()))
    found = judge(samples)
    low, high = found.interval_mib
    print(f"RSS per 100 events: {found.slope_mib:+.3f} MiB (95 % of resamplings: {low:+.3f} to {high:+.3f})")
    print("last third against the second: " + ", ".join(f"{name} {more:+d}" for name, more in found.grown.items()))
    first, last = samples[0], samples[-1]
    print(f"first {dataclasses.asdict(first)}\nlast  {dataclasses.asdict(last)}")
    print("Nothing grows." if found.good else "SOMETHING GROWS.")
    return 0 if found.good else 1


if __name__ == "__main__":
    sys.exit(main())
