"""The demo: from a clip to markers, sound, a preview, a picture and a REAPER project, with the verbs the daemon runs.

Without a video of the user's it renders one (``demo_scene``) whose contact times are known, and reports the error.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge import demo_scene
from bridge.domain.clip import Clip
from bridge.dsp.matching import match
from bridge.engine.engine import Engine
from bridge.engine.when import Detection
from bridge.errors import RequestError
from bridge.host.base import Change
from bridge.host.rpp import RppHost
from bridge.jobs import score, verbs
from bridge.jobs.runner import Context
from bridge.media import mux, picture, video, wav

TOLERANCE_S = 0.05
TAKES = 2


def run(
    engine: Engine,
    *,
    out: Path,
    video_path: Path | None,
    prompt: str,
    seed: int,
    progress: Callable[[str], Callable[[float], None]],
) -> int:
    """Writes the demo's folder and says what was found; returns the exit code.

    Raises:
        MediaError: the video cannot be read. RequestError: the prompt is not understood, or nothing was found.
    """
    engine.check_prompt(prompt)
    if video_path is not None:
        video.probe(video_path)
    folder = _fresh(out)
    known: NDArray[np.float64] | None = None
    if video_path is None:
        scene = demo_scene.scene()
        video_path = folder / "clip.mp4"
        mux.encode_frames(video_path, scene.frames(), scene.rate_hz)
        known = np.asarray(scene.contacts_s)
    info = video.probe(video_path)
    clip = Clip.whole(str(video_path.resolve()), info.duration_s, name=video_path.name)

    began = time.perf_counter()
    detection = engine.detect(clip, progress=progress("Finding onsets"))
    detect_s = time.perf_counter() - began
    _say_onsets(clip, detection, known, detect_s)
    if not detection.onsets:
        raise RequestError(f"no onsets were found in {video_path.name}", hint="Try a video with visible impacts")

    host = RppHost.create(folder / "project.RPP", clip)
    view = host.read()
    host.write(
        Change(token=view.token, undo_title="Foley: find onsets", add_markers=score.new_markers(clip, detection.onsets))
    )
    seeds = count(seed)
    desk = verbs.Desk(host=host, engine=lambda: engine, new_seed=lambda: next(seeds))
    show = progress("Making sound")
    context = Context("demo", threading.Event(), lambda fraction, sentence: show(fraction))
    began = time.perf_counter()
    verbs.generate(desk, context, verbs.KeyPress(prompt=prompt))
    for _ in range(TAKES - 1):
        verbs.variation(desk, context, verbs.KeyPress())
    render_s = (time.perf_counter() - began) / TAKES
    show(1.0)

    take = folder / "Foley" / _first_take(folder)
    shutil.copyfile(take, folder / "foley.wav")
    audio = wav.read(folder / "foley.wav")
    mux.preview(video_path, audio, folder / "preview.mp4")
    thumbnails = [frame.image for frame in video.sample(video_path, rate_hz=8 / clip.length_s, end_s=clip.length_s)]
    picture.draw(
        folder / "picture.png",
        activation=detection.activation,
        onsets=detection.onsets,
        known=known,
        threshold=detection.threshold,
        audio=audio,
        length_s=clip.length_s,
        title=f"{video_path.name}: '{prompt}'",
        thumbnails=thumbnails[:8],
    )
    print(f"sound: {audio.length_s:.2f} s, {TAKES} takes, {render_s / audio.length_s:.2f} s of computing per second")
    print(f"wrote {folder}/: foley.wav, preview.mp4, picture.png, project.RPP (opens in REAPER)")
    return 0


def _say_onsets(clip: Clip, detection: Detection, known: NDArray[np.float64] | None, seconds: float) -> None:
    found = np.array([onset.time_s for onset in detection.onsets])
    speed = f"{seconds / clip.length_s:.2f} s of computing per second"
    if known is None:
        print(f"onsets: {len(found)} found in {clip.length_s:.2f} s of picture, {speed}")
        return
    pairs = match(known, found, TOLERANCE_S)
    errors_ms = np.array([1000 * (found[j] - known[i]) for i, j in pairs])
    print(
        f"onsets: {len(found)} found, {len(pairs)} of {len(known)} known contacts within "
        f"{1000 * TOLERANCE_S:.0f} ms, {len(found) - len(pairs)} false, {speed}"
    )
    if len(errors_ms):
        sizes = np.abs(errors_ms)
        print(
            f"timing error: median {np.median(errors_ms):+.1f} ms, mean of absolute {np.mean(sizes):.1f} ms, "
            f"worst {errors_ms[np.argmax(sizes)]:+.1f} ms"
        )


def _fresh(out: Path) -> Path:
    """``out``, or the next free name beside it, so that an earlier demo is kept."""
    for number in count(1):
        folder = out if number == 1 else out.with_name(f"{out.name}-{number}")
        if not folder.exists() or not any(folder.iterdir()):
            folder.mkdir(parents=True, exist_ok=True)
            return folder
    raise AssertionError("unreachable")


def _first_take(folder: Path) -> str:
    takes = sorted((folder / "Foley").glob("*.wav"), key=lambda path: path.stat().st_mtime_ns)
    return takes[0].name
