"""``foley-bridge detect``, ``render`` and ``demo``: what works on files, without REAPER."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bridge import app
from bridge import demo as demonstration
from bridge.config import Settings
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.domain.wording import counted
from bridge.errors import MediaError, RequestError
from bridge.media import onset_table, reference, video, wav

ROUNDING_S = 0.05
"""An end this little past the file's own is taken for it."""


def detect(arguments: argparse.Namespace, settings: Settings) -> int:
    """Writes the onsets of a video as a table in source time."""
    threshold = _threshold(arguments, settings)
    check_new(arguments.out)
    clip = span_of(arguments.video, start_s=arguments.start, end_s=arguments.end)
    engine = app.open_engine(settings.for_onsets)
    engine.check_clip(clip)
    began = time.perf_counter()
    detection = engine.detect(clip, progress=progress("Finding onsets"), threshold=threshold)
    seconds = time.perf_counter() - began
    onsets = detection.peaks if arguments.all else detection.onsets
    onset_table.write(arguments.out, [_at_source(clip, onset) for onset in onsets])
    found = counted(len(onsets), "peak" if arguments.all else "onset")
    print(f"{found} in {clip.length_s:.2f} s of {arguments.video.name}, in {seconds:.1f} s")
    if not onsets and detection.peaks:
        surest = max(peak.confidence for peak in detection.peaks)
        print(f"a lower --threshold than {detection.threshold:g} finds more; the surest peak has {surest:.2f}")
    print(f"wrote {arguments.out}")
    return 0


def render(arguments: argparse.Namespace, settings: Settings) -> int:
    """Writes the sound for a span of a video."""
    threshold = _threshold(arguments, settings)
    check_new(arguments.out, suffix=".wav")
    clip = span_of(arguments.video, start_s=arguments.start, end_s=arguments.end)
    engine = app.open_engine(settings if arguments.onsets is None else settings.for_sound)
    engine.check_clip(clip)
    if not arguments.prompt and arguments.reference is None:
        raise RequestError("nothing says what should be heard", hint="Give --prompt, or --reference with a sound file")
    ignored: tuple[str, ...] = ()
    example = None if arguments.reference is None else reference.named(arguments.reference)
    if example is None:
        ignored = engine.check_prompt(arguments.prompt)
    else:
        engine.check_reference(example)
    engine.check_sampler(arguments.sampler)
    missing = f"no onsets lie in the asked part of {arguments.video.name}"
    if arguments.onsets is None:
        onsets = engine.detect(clip, progress=progress("Finding onsets"), threshold=threshold).onsets
        advice = "Try a lower --threshold, another --start and --end, or give a table with --onsets"
    else:
        table = onset_table.read(arguments.onsets, say=print)
        inside = _inside(clip, table)
        onsets = tuple(onset for onset in inside if onset.confidence >= (arguments.threshold or 0.0))
        advice = f"Look into {arguments.onsets}, or give another --start or --end"
        if len(inside) < len(table):
            print(f"{_of(len(table) - len(inside), len(table))} outside the asked part of the video: left out")
        if len(onsets) < len(inside):
            missing = f"no onsets in the asked part of {arguments.video.name} reach the threshold"
            advice = f"Look into {arguments.onsets}, or give a lower --threshold"
            print(
                f"{_of(len(inside) - len(onsets), len(table))} below the threshold, {arguments.threshold:g}: left out"
            )
    if not onsets:
        raise RequestError(missing, hint=advice)
    request = Request(
        length_samples=clip.length_samples(engine.rate_hz),
        rate_hz=engine.rate_hz,
        onsets=onsets,
        prompt=arguments.prompt,
        seed=arguments.seed,
        guidance=arguments.guidance,
        steps=arguments.steps,
        reference=example,
        sampler=arguments.sampler,
    )
    began = time.perf_counter()
    audio = engine.render(request, progress=progress("Making sound"))
    seconds = time.perf_counter() - began
    recipe = engine.recipe(request, clip, found_by=engine.found_by)
    written = wav.write(arguments.out, audio, provenance=recipe.to_table())
    print(f"{counted(len(onsets), 'onset')}, {audio.length_s:.2f} s of sound in {seconds:.1f} s")
    if ignored:
        print(f"not understood and left out: {', '.join(ignored)}")
    if example is not None and arguments.prompt:
        print(f"made after {Path(example.path).name}; the prompt was not needed")
    print(f"wrote {written}")
    return 0


def demo(arguments: argparse.Namespace, settings: Settings) -> int:
    """Onsets, sound, preview, picture and project for a clip."""
    return demonstration.run(
        app.open_engine(settings),
        out=arguments.out,
        video_path=arguments.video,
        prompt=arguments.prompt,
        seed=arguments.seed,
        progress=progress,
        threshold=settings.chosen_threshold,
    )


def check_new(path: Path, *, suffix: str = "") -> None:
    """Refuses a name that a result cannot have, before any work is done.

    Raises:
        RequestError: it is taken, or has another suffix. MediaError: its folder is missing.
    """
    if os.path.lexists(path):
        raise RequestError(f"{path} exists already", hint="Name another file; nothing is ever overwritten")
    if suffix and path.suffix.lower() != suffix:
        raise RequestError(f"{path.name} is no name for a {suffix} file", hint=f"Let it end in {suffix}")
    if not path.absolute().parent.is_dir():
        raise MediaError(f"the folder of {path} does not exist", hint="Make the folder first")


def span_of(path: Path, *, start_s: float = 0.0, end_s: float | None = None) -> Clip:
    """The clip that a part of a file makes, at natural speed, with its left edge at project time 0.

    Raises:
        MediaError: the file is no video. RequestError: the part is empty or outside the file.
    """
    info = video.probe(path)
    if end_s is None or info.duration_s < end_s <= info.duration_s + ROUNDING_S:
        end_s = info.duration_s
    if end_s <= start_s < info.duration_s:
        raise RequestError(f"the end, {end_s:g} s, is not after the start, {start_s:g} s", hint="Give another --end")
    if not 0 <= start_s < end_s <= info.duration_s:
        raise RequestError(
            f"{path.name} has no picture from {start_s:g} s to {end_s:g} s; it is {info.duration_s:.3f} s long",
            hint="Give another --start and --end",
        )
    return Clip(
        name=path.name,
        source_path=str(path.resolve()),
        source_length_s=info.duration_s,
        position_s=0.0,
        length_s=end_s - start_s,
        start_offset_s=start_s,
    )


def progress(what: str) -> Callable[[float], None]:
    """A callback that keeps one line of the terminal up to date; silent where there is no terminal."""
    if not sys.stderr.isatty():
        return lambda fraction: None

    def show(fraction: float) -> None:
        end = "\r" if fraction < 1 else "\r\033[K"
        print(f"{what}: {100 * fraction:3.0f} %", end=end, file=sys.stderr, flush=True)

    return show


def _threshold(arguments: argparse.Namespace, settings: Settings) -> float | None:
    """The threshold that was given, else the setting, None for the pack's own.

    Raises:
        RequestError: it is outside 0..1.
    """
    if arguments.threshold is None:
        return settings.chosen_threshold
    if not 0.0 <= arguments.threshold <= 1.0:
        raise RequestError(f"--threshold must lie in 0..1, got {arguments.threshold:g}", hint="Try 0.3")
    return arguments.threshold


def _of(some: int, total: int) -> str:
    """The beginning of a sentence about some of a table's onsets."""
    return f"{some} of {counted(total, 'onset')} {'lies' if some == 1 else 'lie'}"


def _inside(clip: Clip, table: Sequence[Onset]) -> tuple[Onset, ...]:
    """A table's onsets (source time) that lie in a clip, in clip time."""
    start_s, end_s = clip.start_offset_s, clip.start_offset_s + clip.length_s
    return tuple(replace(onset, time_s=onset.time_s - start_s) for onset in table if start_s <= onset.time_s < end_s)


def _at_source(clip: Clip, onset: Onset) -> Onset:
    return replace(onset, time_s=onset.time_s + clip.start_offset_s)
