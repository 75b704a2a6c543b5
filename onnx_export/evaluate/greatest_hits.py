"""The Greatest Hits data set (Owens et al., CVPR 2016) as it is downloaded, and SyncFusion's test split of it.

Convention: one video is ``<id>_mic.mp4`` or ``<id>_denoised.mp4`` with ``<id>_times.txt`` beside it or in a neighbour
folder; everything may lie in the folder that is named or one level below (the archive unpacks into a folder of its
own). A line of ``<id>_times.txt`` is ``time material action reaction``, time in seconds; unknown words are "None".

The split is the authors' (repository mcomunita/syncfusion, data/greatest-hits/test.txt: 196 of 977 ids, kept beside
this file). Their preparation (script/gh_preprocess_videos.py) takes ``_mic.mp4``, and its own noise reduction is off
by default, while the paper (section 3.1) speaks of denoised sound: where both videos are there, the microphone's is
taken; the report says how many of each there were.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import MediaError

TEST_IDS = Path(__file__).with_name("greatest_hits_test.txt")
ADDRESS = "https://andrewowens.com/vis/"
SUFFIXES = ("_mic.mp4", "_denoised.mp4")
TIMES_SUFFIX = "_times.txt"
MAX_TIME_S = 86_400.0
_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Hit:
    """One annotated event.

    Attributes:
        time_s: from the video's start. label: "material action reaction" as annotated; "" without words.
    """

    time_s: float
    label: str


@dataclass(frozen=True, kw_only=True)
class Video:
    """One video of the split.

    Attributes:
        name: its id. path: picture and sound. suffix: which of ``SUFFIXES`` it is. hits: annotation, in file order.
    """

    name: str
    path: Path
    suffix: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, kw_only=True)
class Split:
    """What of the split is there.

    Attributes:
        folder: that was searched. videos: complete ones, in the split's order. wanted: ids in the split.
        no_video, no_times: ids without a video, and without an annotation.
    """

    folder: Path
    videos: tuple[Video, ...]
    wanted: int
    no_video: tuple[str, ...]
    no_times: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return len(self.videos) == self.wanted

    @property
    def missing(self) -> str:
        """What is missing, in one sentence; what the files are called and where they come from."""
        parts = [f"{len(self.videos)} of the {self.wanted} test videos are complete in {self.folder}"]
        for ids, what in (
            (self.no_video, " or ".join(f"<id>{s}" for s in SUFFIXES)),
            (self.no_times, f"<id>{TIMES_SUFFIX}"),
        ):
            if ids:
                named = ", ".join(ids[:_SHOWN]) + (", ..." if len(ids) > _SHOWN else "")
                parts.append(f"{len(ids)} have no {what} ({named})")
        return "; ".join(parts)

    @property
    def way_out(self) -> str:
        """Where to get the rest."""
        return (
            f"Get vis-data.zip from {ADDRESS} and name the folder that it unpacks into; the files may lie in it or "
            "one folder below; the test ids are those of mcomunita/syncfusion, data/greatest-hits/test.txt"
        )


def test_ids() -> tuple[str, ...]:
    """Ids of the authors' test split, in their order."""
    return tuple(TEST_IDS.read_text(encoding="ascii").split())


def find(folder: Path, ids: Sequence[str] | None = None) -> Split:
    """The split's videos in a folder.

    Args:
        folder: where the data set was unpacked.
        ids: which videos; None takes the authors' test split.

    Raises:
        MediaError: the folder is none, or an annotation is not one.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise MediaError(
            f"{folder} is not a folder", hint=f"Get vis-data.zip from {ADDRESS} and name the folder it unpacks into"
        )
    wanted = test_ids() if ids is None else tuple(ids)
    there = _files(folder)
    videos, no_video, no_times = [], [], []
    for name in wanted:
        suffix = next((suffix for suffix in SUFFIXES if name + suffix in there), None)
        times = there.get(name + TIMES_SUFFIX)
        if suffix is None:
            no_video.append(name)
        if times is None:
            no_times.append(name)
        if suffix is not None and times is not None:
            videos.append(Video(name=name, path=there[name + suffix], suffix=suffix, hits=read_hits(times)))
    return Split(
        folder=folder,
        videos=tuple(videos),
        wanted=len(wanted),
        no_video=tuple(no_video),
        no_times=tuple(no_times),
    )


def read_hits(path: Path) -> tuple[Hit, ...]:
    """The annotation in a ``_times.txt``.

    Of several lines with one time the last counts, at the place of the first: the authors' loader keeps them in a
    dictionary by time (main/dataset_diffusion.py).

    Raises:
        MediaError: a line does not begin with a time from 0 to ``MAX_TIME_S``; file and line are named.
    """
    hits: dict[float, str] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise MediaError(f"{path} cannot be read ({error})", hint=f"Get the data set again from {ADDRESS}") from error
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        try:
            time_s = float(words[0])
        except ValueError:
            time_s = math.nan
        if not 0.0 <= time_s <= MAX_TIME_S:
            raise MediaError(
                f'{path}, line {number} does not begin with a time of 0 to {MAX_TIME_S:g} s: "{line[:40]}"',
                hint=f"Get the data set again from {ADDRESS}",
            )
        hits[time_s] = " ".join(words[1:])
    return tuple(Hit(time_s=time_s, label=label) for time_s, label in hits.items())


def _files(folder: Path) -> dict[str, Path]:
    """Name to path of every file of interest in a folder and the folders in it; the nearer ones win."""
    found: dict[str, Path] = {}
    try:
        below = sorted(entry for entry in folder.iterdir() if entry.is_dir())
        for place in (folder, *below):
            for path in sorted(place.iterdir()):
                if path.name.endswith((*SUFFIXES, TIMES_SUFFIX)):
                    found.setdefault(path.name, path)
    except OSError as error:
        raise MediaError(f"{folder} cannot be searched ({error})", hint="Check what may be read there") from error
    return found
