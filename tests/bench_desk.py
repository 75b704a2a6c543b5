"""The designer's hand and eye in the benches of their day: a desk with a plain film, markers put by hand, key presses.

Convention: times are seconds of the wall, from a key press until its undo step is there.
"""

from __future__ import annotations

import dataclasses
import math
import socket
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from bridge.config import Settings
from bridge.media import mux
from tests import story
from tests.story import Studio, daemon

AT_S = 10.0
"""Where the film lies in the project."""
FOLLOWED = "Foley: live"


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
    looked: tuple[int, ...] = (20, 60, 100, 120, 140, 160, 180, 200)
    long_s: float = 600.0
    sparse_s: float = 10.0
    flags: tuple[str, ...] = ()
    settings: Settings = dataclasses.field(default_factory=Settings)


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a process holds after so many renders: resident MiB, threads, open files."""

    renders: int
    mib: float
    threads: int
    files: int

    @classmethod
    def at(cls, pid: int, renders: int) -> Look:
        """As it is now."""
        process = psutil.Process(pid)
        files = process.num_fds() if hasattr(process, "num_fds") else len(process.open_files())
        return cls(renders=renders, mib=process.memory_info().rss / 2**20, threads=process.num_threads(), files=files)


def desk(folder: Path, size: Size, length_s: float) -> AbstractContextManager[Studio]:
    """A studio with a film of that length in its project."""
    film = mux.encode_frames(folder / "film.mp4", pictures(length_s), 10.0)
    return story.studio(folder, film, flags=size.flags, position_s=AT_S, port=free_port(), length_s=length_s)


def pictures(length_s: float) -> Iterator[NDArray[np.uint8]]:
    """A bright square that wanders; there is nothing to find in it."""
    for number in range(round(10.0 * length_s)):
        picture = np.full((90, 160, 3), 90, np.uint8)
        picture[30:40, 3 * number % 150 :][:, :10] = 220
        yield picture


def mark(studio: Studio, length_s: float, count: int | None = None) -> list[str]:
    """Markers in the middle of even parts of the film, one a second without ``count``."""
    number = round(length_s) if count is None else count
    return [studio.reaper.add_marker(AT_S + (k + 0.5) * length_s / number, "foley") for k in range(number)]


def position(studio: Studio, guid: str) -> float:
    """Where a marker stands, project time."""
    return next(marker["position_s"] for marker in studio.reaper.markers() if marker["guid"] == guid)


def moves(studio: Studio, markers: Sequence[str]) -> Iterator[Callable[[], None]]:
    """Moves of one marker after the other, always to where it was not before."""
    number = 0
    while True:
        guid = markers[(7 * number + 1) % len(markers)]
        number += 1
        yield lambda guid=guid: studio.reaper.move_marker(guid, position(studio, guid) + 0.013)


def press(
    studio: Studio,
    action: str,
    before: Callable[[], None] = lambda: None,
    *,
    meanwhile: Callable[[str], None] = lambda text: None,
) -> float:
    """Seconds from a key press to its undo step.

    Args:
        before: what the designer does first. meanwhile: is given REAPER's hint line while it goes on.
    """
    before()
    steps = len(studio.reaper.undo_labels())
    began = time.perf_counter()
    studio.press(action)

    def there() -> bool:
        meanwhile(studio.reaper.help_text())
        return len(studio.reaper.undo_labels()) > steps

    until(studio, there)
    return time.perf_counter() - began


def until(studio: Studio, there: Callable[[], Any]) -> None:
    """Waits, for as long as a slow machine may need."""
    studio.until(there, seconds=1200.0)


def followed(studio: Studio) -> int:
    """How many renders live mode has written."""
    return studio.reaper.undo_labels().count(FOLLOWED)


def cancelled(studio: Studio) -> float:
    """Seconds from the key *Cancel* in the middle of a render to REAPER being told; nan if it came too late."""
    until(studio, lambda: "Making" not in studio.reaper.help_text())
    steps = len(studio.reaper.undo_labels())

    def over() -> bool:
        return len(studio.reaper.undo_labels()) > steps

    studio.press("new_variation")
    until(studio, lambda: over() or "Making sound" in studio.reaper.help_text())
    began = time.perf_counter()
    studio.press("cancel")
    until(studio, lambda: over() or "Cancelled" in studio.reaper.console())
    return math.nan if over() else time.perf_counter() - began


@contextmanager
def other_daemon(studio: Studio, size: Size) -> Iterator[None]:
    """A daemon just started in place of the one that runs."""
    stop(studio)
    folder = studio.folder / "endpoint"
    env = {"FOLEY_BRIDGE_ENDPOINT": str(folder), "FOLEY_BRIDGE_OSC_PORT": str(free_port())}
    with daemon(studio.folder, *size.flags, env=env) as process:
        studio.daemon = process
        studio.until((folder / "daemon.json").exists)
        yield


def stop(studio: Studio) -> None:
    """Ends the daemon."""
    studio.daemon.terminate()
    studio.daemon.wait(30)


def peak_mib(pid: int) -> float:
    """The most memory that a process has held; what it holds now where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    told = [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")]
    return told[0] if told else psutil.Process(pid).memory_info().rss / 2**20


def free_port() -> int:
    """A UDP port on 127.0.0.1 that nobody holds."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def say(what: str, seconds: Sequence[float]) -> None:
    """Prints a median with its spread."""
    spread = f" [{min(seconds):.3f} .. {max(seconds):.3f}], {len(seconds)} times"
    line(what, statistics.median(seconds), f"s{spread}")


def line(what: str, value: float, unit: str) -> None:
    """Prints one figure."""
    print(f"  {what:<66} {value:9.3f} {unit}".rstrip(), flush=True)
