"""``make bench``: how long a key press takes, how fast the stages run, what memory they need; beside a peer each.

Everything is measured in this one run, on one 30 s clip (a real one where the clips are, else the demo's scene, looped).
Medians with the spread [least .. most] of the repeats. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from bridge import app
from bridge.config import Settings
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.media import video
from tests.conftest import clips_folder
from tests.story import Studio, studio

LENGTH_S = 30.0
CLIP = "2015-02-16-17-35-07"
REPEATS = 3


def main() -> int:
    """Prints every figure; returns 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=["detect", "render", "peer"], help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        path = _clip(Path(name))
        if arguments.part:
            PARTS[arguments.part](path)
            return 0
        print(f"{LENGTH_S:.0f} s of {path.name}, {psutil.cpu_count()} cores\n")
        print("key press to marker and to sound, in the simulated REAPER")
        _keys(path, Path(name))
        for part in PARTS:
            command = [sys.executable, "-m", "tests.bench", "--part", part]
            subprocess.run(command, check=True)
    return 0


def _clip(folder: Path) -> Path:
    clips = clips_folder()
    if clips is not None:
        return clips / "greatest_hits" / f"{CLIP}.mp4"
    from bridge import demo_scene
    from bridge.media import mux

    scene = demo_scene.Scene(length_s=LENGTH_S)
    return mux.encode_frames(folder / "scene.mp4", scene.frames(), scene.rate_hz)


def _keys(path: Path, folder: Path) -> None:
    port = 9137
    cold_marker, cold_sound, warm_marker, warm_sound = [], [], [], []
    for number in range(REPEATS):
        place = folder / f"desk{number}"
        place.mkdir()
        with studio(place, path, port=port, length_s=LENGTH_S) as desk:
            cold_marker.append(_until(desk, "find_onsets"))
            warm_marker.append(_until(desk, "find_onsets"))
            desk.reaper.undo()
            desk.reaper.undo()
            cold_sound.append(_until(desk, "generate"))
            warm_sound.append(_until(desk, "new_variation"))
    _say("first marker, daemon just started", cold_marker, "s")
    _say("first marker, daemon warm", warm_marker, "s")
    _say("first sound with no marker yet (found, then made)", cold_sound, "s")
    _say("next sound (new variation)", warm_sound, "s")


def _until(desk: Studio, action: str) -> float:
    began = time.perf_counter()
    desk.press_and_wait(action, seconds=300)
    return time.perf_counter() - began


def _detect(path: Path) -> None:
    print("\nfind onsets (peer: decoding the same pictures and nothing else)")
    engine = app.open_engine(Settings())
    engine.detector.warm_up()
    info = video.probe(path)
    clip = Clip(source_path=str(path), source_length_s=info.duration_s, length_s=LENGTH_S, name=path.name)
    _say("find onsets", _times(lambda: engine.detect(clip)), "s", per=LENGTH_S)
    _say_memory("find onsets")
    _say("decode only", _times(lambda: sum(1 for _ in video.decode(path, end_s=LENGTH_S))), "s", per=LENGTH_S)


def _render(path: Path) -> None:
    print("\nmake sound")
    engine = app.open_engine(Settings())
    engine.generator.warm_up()
    request = _request(engine.rate_hz)
    _say("make sound", _times(lambda: engine.render(request)), "s", per=LENGTH_S)
    _say_memory("make sound")


def _request(rate_hz: int) -> Request:
    onsets = tuple(Onset(time_s=0.5 + 0.75 * number) for number in range(38))
    return Request(length_samples=round(LENGTH_S * rate_hz), rate_hz=rate_hz, onsets=onsets, prompt="wood", seed=1)
