"""The program as its users start it: ``foley-bridge detect`` and ``render`` on one pack, each call a process.

Convention: nothing of the engine is imported, so that what is measured is what users get; starting costs a second or
two each time. What was made is kept under everything that it depends on (the program's sources; graphs, files and
settings of its stage; what was asked), so that a stopped run goes on, parts share it, and new model cards change
nothing. The user's environment has no say; threads are fixed, so that results do not depend on what else runs.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

import bridge
from bridge.errors import EngineError, MediaError
from bridge.packs import contract
from bridge.packs.manifest import Manifest
from bridge.packs.store import PackFiles

POLL_S = 0.02
_PREFIX = "FOLEY_BRIDGE_"


@dataclass(frozen=True, kw_only=True, eq=False)
class Peaks:
    """What the picture shows, every peak of the activation.

    Attributes:
        times_s: source time, ascending. confidence: 0..1. strength: 0..1, NaN where the pack tells none.
    """

    times_s: NDArray[np.float64] = field(repr=False)
    confidence: NDArray[np.float64] = field(repr=False)
    strength: NDArray[np.float64] = field(repr=False)

    def above(self, threshold: float) -> Peaks:
        """Those that are sure enough."""
        sure = self.confidence >= threshold
        return Peaks(times_s=self.times_s[sure], confidence=self.confidence[sure], strength=self.strength[sure])


@dataclass(frozen=True, kw_only=True, eq=False)
class Sound:
    """A render.

    Attributes:
        samples: shape (n,), full scale 1. rate_hz: samples per second. path: its WAV file.
    """

    samples: NDArray[np.float32] = field(repr=False)
    rate_hz: int
    path: Path


@dataclass(frozen=True, kw_only=True)
class Run:
    """How a process went: its wall time, and the most memory that it held (NaN where /proc does not tell)."""

    seconds: float
    peak_bytes: float


class Box:
    """One pack behind the command line.

    Args:
        files: a verified pack. keep: folder for what is made. threads: for each graph; 0 lets ONNX Runtime choose.
    """

    def __init__(self, files: PackFiles, *, keep: Path, threads: int = 0) -> None:
        self._files = files
        self._keep = keep
        self._threads = threads
        manifest = files.manifest
        seeing = {role: manifest.files[entry.file] for role, entry in sorted(manifest.graphs.items())}
        onset = seeing.pop(contract.ONSET, "")
        named = [str(value) for value in (vars(manifest.what) if manifest.what is not None else {}).values()]
        beside = {name: manifest.files[name] for name in sorted(named) if name in manifest.files}
        program = program_digest()
        self._seen_by = [program, onset, repr(manifest.when)]
        self._made_by = [program, seeing, beside, repr(manifest.what)]

    @property
    def manifest(self) -> Manifest:
        """What the pack says."""
        return self._files.manifest

    @property
    def keep(self) -> Path:
        """Folder of what is made with this pack."""
        return self._keep

    def basis(self, stage: str) -> str:
        """Digest of what figures of a stage depend on: the program, the measuring, the stage's files and settings.

        Which clips, sounds and seed were measured with is the caller's to keep apart, with an ``--out`` for each.

        Args:
            stage: "when", "what", or "" for both.
        """
        of = {"when": self._seen_by, "what": self._made_by}
        here = Path(__file__).parents[2]
        measuring = [program_digest(here / folder) for folder in ("evaluate", "train", "nets")]
        return _key([*measuring, *([of[stage]] if stage else of.values())])

    def peaks(self, video: Path) -> Peaks:
        """Every peak of a whole video, found once.

        Raises:
            EngineError: the program failed.
        """
        path = (
            self._keep
            / f"{video.stem}_{_key(['peaks', video.name, video.stat().st_size, self._threads, *self._seen_by])}.csv"
        )
        if not path.is_file():
            self._make(path, ["detect", str(video), "--all"])
        return read_peaks(path)

    def sound(
        self,
        video: Path,
        *,
        name: str,
        onsets: Sequence[tuple[float, float]],
        end_s: float,
        prompt: str = "",
        reference: Path | None = None,
        seed: int = 0,
        again: int = 0,
    ) -> Sound:
        """The sound of a video's first seconds, made once.

        Args:
            video: whose picture it is for. name: the file's begins so. onsets: (source time, strength), ascending.
            end_s: it ends here. prompt, reference: what it shall be. seed: of the noise.
            again: another number makes the same sound once more.

        Raises:
            EngineError: the program failed.
        """
        heard = None if reference is None else hashlib.sha256(reference.read_bytes()).hexdigest()
        asked = [[round(time_s, 6), round(strength, 4)] for time_s, strength in onsets]
        path = (
            self._keep / f"{name}_{_key([asked, end_s, prompt, heard, seed, again, self._threads, *self._made_by])}.wav"
        )
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            table = path.with_suffix(".onsets.csv")
            lines = [f"{time_s:.6f},1,{strength:.4f}" for time_s, strength in asked]
            table.write_text("\n".join(["time_s,confidence,strength", *lines]) + "\n", encoding="utf-8")
            words = ["render", str(video), "--onsets", str(table), "--end", f"{end_s:.6f}", "--seed", str(seed)]
            words += ["--prompt", prompt] if reference is None else ["--reference", str(reference)]
            self._make(path, words)
        samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        return Sound(samples=np.asarray(samples[:, 0], np.float32), rate_hz=int(rate_hz), path=path)

    def run(self, words: Sequence[str]) -> Run:
        """Runs one command and watches it.

        Raises:
            EngineError: it failed; the message is its own.
        """
        command = [sys.executable, "-m", "bridge", *words, "--pack", self._files.folder.name]
        command += ["--packs-dir", str(self._files.folder.parent), "--threads", str(self._threads)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_PREFIX)}
        began = time.perf_counter()
        peak = float("nan")
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process:
            try:
                while process.poll() is None:
                    peak = np.fmax(peak, _high_water(process.pid))
                    time.sleep(POLL_S)
            except BaseException:
                process.kill()
                raise
            said = process.stderr.read() if process.stderr is not None else ""
        if process.returncode != 0:
            raise EngineError(
                f"foley-bridge {words[0]} ended with {process.returncode}: {' '.join(said.split())[-400:]}",
                hint=f"Try it by hand: {' '.join(command)}",
            )
        return Run(seconds=time.perf_counter() - began, peak_bytes=float(peak))

    def _make(self, path: Path, words: Sequence[str]) -> None:
        """Runs a command that writes a file, under another name until it is whole."""
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"part_{os.getpid()}_{path.name}")
        part.unlink(missing_ok=True)
        self.run([*words, "--out", str(part)])
        part.replace(path)


def program_digest(folder: Path = Path(bridge.__file__).parent) -> str:
    """SHA-256 over the program's own sources, names included; packs that lie among them do not count."""
    whole = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        whole.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size}\n".encode() + path.read_bytes())
    return whole.hexdigest()


def read_peaks(path: Path) -> Peaks:
    """Peaks that ``foley-bridge detect`` wrote.

    Raises:
        MediaError: the file is no such table.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return Peaks(
            times_s=np.array([float(row["time_s"]) for row in rows]),
            confidence=np.array([float(row["confidence"]) for row in rows]),
            strength=np.array([float(row.get("strength") or "nan") for row in rows]),
        )
    except (OSError, KeyError, ValueError) as error:
        raise MediaError(f"{path} is no table of onsets ({error})", hint="Delete it and run again") from error


def _high_water(pid: int) -> float:
    """The most memory that a process has held so far, bytes; of this program only, not of what started it."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return 1024.0 * int(line.split()[1])
    except (OSError, ValueError):
        pass
    return float("nan")


def _key(named: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(list(named)).encode()).hexdigest()[:16]
