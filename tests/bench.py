"""``make bench``: how long a key press takes, how fast the stages run, what memory they need; beside a peer each.

Everything is measured in this one run, on 30 s of one clip (a real one where the clips are, else the demo's scene).
Medians with the spread [least .. most] of the repeats. Peak memory is the high water mark of the process itself, where
the system tells it. Nothing is asserted; ``foley-export evaluate starter --only speed`` holds the commands to what was
wanted of them.
"""

from __future__ import annotations

import argparse
import itertools
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from bridge import app
from bridge.config import Settings
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.meaning import Meaning
from bridge.media import video
from bridge.packs import contract
from tests.conftest import clips_folder
from tests.story import Studio, studio

LENGTH_S = 30.0
CLIP = "2015-02-16-17-35-07"
REPEATS = 3


def main() -> int:
    """Prints every figure; returns 0."""
    parser = argparse.ArgumentParser(description="Speed and memory, each beside a peer.")
    parser.add_argument("--part", choices=list(PARTS), help=argparse.SUPPRESS)
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
    cold_marker, cold_sound, warm_marker, warm_sound, moved = [], [], [], [], []
    for number in range(REPEATS):
        place = folder / f"desk{number}"
        place.mkdir()
        with studio(place, path, port=port, length_s=LENGTH_S) as desk:
            cold_marker.append(_until(desk, "find_onsets"))
            desk.reaper.undo()
            warm_marker.append(_until(desk, "find_onsets"))
            desk.reaper.undo()
            cold_sound.append(_until(desk, "generate"))
            warm_sound.append(_until(desk, "new_variation"))
            last = max(desk.reaper.markers(), key=lambda marker: marker["position_s"])
            desk.reaper.move_marker(last["guid"], last["position_s"] - 0.05)
            moved.append(_until(desk, "make_again_from_markers"))
    _say("first marker, daemon just started", cold_marker, "s")
    _say("first marker, daemon warm", warm_marker, "s")
    _say("first sound with no marker yet (found, then made)", cold_sound, "s")
    _say("next sound (new variation)", warm_sound, "s")
    _say("made again after one marker moved", moved, "s")


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


def _embed(path: Path) -> None:
    print("\nfrom words, and from an example sound of two seconds, to their meaning")
    engine = app.open_engine(Settings())
    roles = engine.pack.manifest.graphs
    if contract.CLAP_TEXT not in roles or contract.CLAP_AUDIO not in roles:
        print("  the pack has no clap_text and clap_audio")
        return
    meaning = Meaning(engine.pack)
    phrases = itertools.count()
    meaning.of_prompt("wood")
    _say("a prompt", _times(lambda: meaning.of_prompt(f"knocking on door {next(phrases)}"), 10), "s")
    clip = np.random.default_rng(0).standard_normal((1, engine.pack.manifest.sizes(contract.CLAP_AUDIO)[contract.CLIP]))
    graph = engine.pack.graph(contract.CLAP_AUDIO)
    waveform = {contract.WAVEFORM: (0.1 * clip).astype(np.float32)}
    graph(waveform)
    _say("an example sound", _times(lambda: graph(waveform), 10), "s")
    _say_memory("embedder")


def _peer(path: Path) -> None:
    try:
        import torch
    except ImportError:
        print("\none step of the denoiser beside torch: torch is not installed (see the extra 'export')")
        return
    from onnx_export.nets.denoiser import Denoiser, DenoiserShape

    print("\none evaluation of the denoiser, one contact (peer: the same net in eager torch, same threads)")
    engine = app.open_engine(Settings(provider="cpu", threads=psutil.cpu_count(logical=False) or 1))
    what = engine.pack.manifest.require_what()
    frames = what.window_frames
    random = np.random.default_rng(0)
    shapes = {
        contract.NOISY: (1, what.latent_channels, frames),
        contract.SIGMA: (1,),
        contract.ONSET_TRACK: (1, 1, frames),
        contract.EMBEDDING: (1, what.embedding_dim),
    }
    arrays = {name: random.random(shape, np.float32) for name, shape in shapes.items()}
    graph = engine.pack.graph(contract.DENOISER)
    graph(arrays)
    _say("ONNX Runtime", _times(lambda: graph(arrays), 10), "s")
    torch.set_num_threads(psutil.cpu_count(logical=False) or 1)
    net = Denoiser(DenoiserShape(embedding=what.embedding_dim)).eval()
    tensors = [torch.from_numpy(array) for array in arrays.values()]
    with torch.no_grad():
        net(*tensors)
        _say("torch, eager", _times(lambda: net(*tensors), 10), "s")


def _times(run: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - began)
    return seconds


def _say(what: str, values: list[float], unit: str, *, per: float | None = None) -> None:
    middle = statistics.median(values)
    share = "" if per is None else f", real-time factor {middle / per:.3f} ({per / middle:.1f} times real time)"
    print(f"  {what:<48} {middle:8.3f} {unit} [{min(values):.3f} .. {max(values):.3f}]{share}", flush=True)


def _say_memory(what: str) -> None:
    print(f"  {what + ', peak memory of its process':<48} {_peak_bytes() / 2**20:8.0f} MiB", flush=True)


def _peak_bytes() -> int:
    """The most memory that this program has held; getrusage would count what started it, too."""
    status = Path("/proc/self/status")
    if status.is_file():
        told = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        if told:
            return 1024 * int(told[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


PARTS = {"detect": _detect, "render": _render, "embed": _embed, "peer": _peer}

if __name__ == "__main__":
    sys.exit(main())
