"""The demo: from a clip to markers, sound, a preview, a picture and a REAPER project, with the verbs the daemon runs.

Without a video of the user's it renders one (``demo_scene``) whose contact times are known, and reports the error.
"""

from __future__ import annotations

import os
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
from bridge.domain.request import MAX_SEED
from bridge.dsp.matching import match
from bridge.engine.engine import Engine
from bridge.engine.when import Detection
from bridge.errors import MediaError, RequestError
from bridge.host.base import Change
from bridge.host.rpp import RppHost
from bridge.jobs import score
from bridge.jobs.desk import Desk, KeyPress
from bridge.jobs.doing import DOES
from bridge.jobs.runner import Context
from bridge.media import mux, picture, video, wav
from bridge.media.files import write_whole

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
    threshold: float | None = None,
) -> int:
    """Writes the demo's folder and says what was found; returns the exit code.

    Raises:
        MediaError: the video cannot be read. RequestError: the prompt is not understood, or nothing was found.
    """
    if not 0 <= seed <= MAX_SEED:
        raise RequestError(f"seed must lie in 0..{MAX_SEED}, got {seed}", hint="Give another --seed")
    ignored = engine.check_prompt(prompt)
    folder = _fresh(out)
    try:
        _fill(engine, folder, video_path, prompt=prompt, seed=seed, threshold=threshold, progress=progress)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    if ignored:
        print(f"not understood and left out: {', '.join(ignored)}")
    print(f"wrote {folder}/: foley.wav, preview.mp4, picture.png, and project.RPP with its takes in Foley/")
    print("project.RPP opens in REAPER; its second take is the active one, the first is what foley.wav holds")
    return 0


def _fill(
    engine: Engine,
    folder: Path,
    video_path: Path | None,
    *,
    prompt: str,
    seed: int,
    threshold: float | None,
    progress: Callable[[str], Callable[[float], None]],
) -> None:
    known: NDArray[np.float64] | None = None
    if video_path is None:
        scene = demo_scene.scene()
        video_path = mux.encode_frames(folder / "clip.mp4", scene.frames(), scene.rate_hz)
        known = np.asarray(scene.contacts_s)
    clip = Clip.whole(str(video_path.resolve()), video.probe(video_path).duration_s, name=video_path.name)
    engine.check_clip(clip)

    began = time.perf_counter()
    detection = engine.detect(clip, progress=progress("Finding onsets"), threshold=threshold)
    _say_onsets(clip, detection, known, time.perf_counter() - began)
    if not detection.onsets:
        raise RequestError(f"no onsets were found in {video_path.name}", hint="Try a video with visible impacts")

    began = time.perf_counter()
    takes = _takes(engine, folder / "project.RPP", clip, detection, prompt, seed, progress("Making sound"))
    seconds = (time.perf_counter() - began) / len(takes)
    write_whole(folder / "foley.wav", takes[0].read_bytes())
    audio = wav.read(takes[0])
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
    speed = f"{seconds / audio.length_s:.2f} s of computing per second"
    print(f"sound: {audio.length_s:.2f} s, {len(takes)} takes, {speed}")


def _takes(
    engine: Engine,
    project: Path,
    clip: Clip,
    detection: Detection,
    prompt: str,
    seed: int,
    show: Callable[[float], None],
) -> list[Path]:
    """Writes the project with the verbs that REAPER's keys run; the files of its takes, oldest first."""
    host = RppHost.create(project, clip)
    markers = tuple(score.new_marker(clip, onset) for onset in detection.onsets)
    host.write(Change(token=host.read().token, undo_title="Foley: find onsets", add_markers=markers))
    seeds = (number % (MAX_SEED + 1) for number in count(seed))
    desk = Desk(host=host, engine=lambda: engine, new_seed=lambda: next(seeds))
    context = Context("demo", threading.Event(), lambda fraction, sentence: show(fraction))
    takes = []
    for number in range(TAKES):
        verb = "generate" if number == 0 else "variation"
        DOES[verb](desk, context, KeyPress(prompt=prompt))
        takes.append(Path(host.read().foley_items[0].audio_path))
    show(1.0)
    return takes


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
            f"timing error (minus is early): median {np.median(errors_ms):+.1f} ms, "
            f"mean of absolute {np.mean(sizes):.1f} ms, "
            f"worst {errors_ms[np.argmax(sizes)]:+.1f} ms"
        )


def _fresh(out: Path) -> Path:
    """``out``, or the next free name beside it, so that an earlier demo is kept."""
    for number in count(1):
        folder = out if number == 1 else out.with_name(f"{out.name}-{number}")
        if folder.is_dir() and not any(folder.iterdir()):
            return folder
        if not os.path.lexists(folder):
            try:
                folder.mkdir(parents=True)
            except OSError as error:
                raise MediaError(
                    f"the folder {folder} cannot be made: {error.strerror}", hint="Give another --out"
                ) from error
            return folder
    raise AssertionError("unreachable")
