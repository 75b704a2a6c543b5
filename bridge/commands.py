"""What each command of the command line does; every function returns the exit code."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bridge import app, checks, listing
from bridge import demo as demonstration
from bridge.config import Settings
from bridge.domain.clip import Clip
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.domain.wording import counted
from bridge.errors import HostError, MediaError, RequestError
from bridge.install import scripts
from bridge.media import onset_table, reference, video, wav
from bridge.osc import client
from bridge.packs import catalogue, pull
from bridge.packs.download import Downloader

ROUNDING_S = 0.05
"""An end this little past the file's own is taken for it."""
FREE_WAIT_S = 5.0
"""How long a daemon may take to close its models and answer."""


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


def serve(arguments: argparse.Namespace, settings: Settings) -> int:
    """Runs the daemon until it is stopped."""
    return app.serve(settings)


def free(arguments: argparse.Namespace, settings: Settings) -> int:
    """Asks the running daemon to close its models; 1 if it refuses."""
    port = client.daemon_port(settings.osc_port)
    answer = client.ask(port, "free", timeout_s=FREE_WAIT_S)
    if answer is None:
        raise HostError(
            f"no daemon answers on 127.0.0.1:{port}", hint="Only a daemon keeps models open; there is nothing to free"
        )
    print(answer.sentence)
    return 0 if answer.ok else 1


def packs(arguments: argparse.Namespace, settings: Settings) -> int:
    """Lists the packs with what a user must know before using them."""
    return listing.list_packs(settings)


def packs_show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints what a pack says of itself, in short or in full."""
    return listing.show_pack(settings, arguments.name, cards=arguments.cards)


def packs_pull(arguments: argparse.Namespace, settings: Settings) -> int:
    """Gets the files that a pack is made from, once their terms are accepted."""
    entry = catalogue.find(arguments.name)
    folder = (arguments.into or Path(settings.packs_dir) / "downloads" / entry.name).absolute()
    for line in pull.terms(entry):
        print(line)
    print(f"Files go to {folder}")
    if not arguments.yes:
        _accept()
    puller = pull.Puller(
        folder=folder,
        offline=arguments.offline,
        mirror=arguments.mirror,
        choose=tuple(arguments.choose),
        unverified=arguments.unverified,
        accepted="with --yes" if arguments.yes else "when asked",
        downloader=Downloader(allow_http=arguments.mirror.startswith("http://")),
        say=lambda sentence: print(sentence, flush=True),
        progress=_transfer,
    )
    files = puller.pull(entry)
    out = (Path(settings.packs_dir) / entry.name).absolute()
    words = pull.next_command(entry, files, folder=folder, out=out)
    print('All files are there. The exporter is installed in a clone of foley-bridge by: pip install -e ".[export]"')
    print("Make the pack of them with:")
    print(subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words))
    return 0


def doctor(arguments: argparse.Namespace, settings: Settings) -> int:
    """Walks the chain and says the first thing to fix."""
    return checks.doctor(settings, resource=arguments.resource, report_to=arguments.report)


def reaper(arguments: argparse.Namespace, settings: Settings) -> int:
    """Says where the actions are, or copies them to a folder."""
    source = scripts.source()
    folder = source
    if arguments.copy_to is not None:
        folder = arguments.copy_to / "Foley Bridge"
        try:
            shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        except OSError as error:
            raise MediaError(
                f"the actions cannot be copied to {folder}: {error}", hint="Name another folder"
            ) from error
    print(f"REAPER's actions {'are in' if folder == source else 'were copied to'} {folder.absolute()}")
    print("`foley-bridge reaper install` puts them into REAPER with keys; by hand:")
    print("In REAPER: Actions > Show action list > New action > Load ReaScript, and choose:")
    for script in sorted(folder.glob("foley_*.py")):
        print(f"  {script.name}")
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


def _accept() -> None:
    """Asks whether the terms that were shown are accepted."""
    if not sys.stdin.isatty():
        raise RequestError("the terms above were not accepted", hint="Read them, then run again with --yes")
    if input("Type yes to accept these terms and get the files: ").strip().lower() != "yes":
        raise RequestError("the terms were not accepted", hint="Nothing was got")


def _transfer(name: str) -> Callable[[int, int | None, float], None]:
    """A callback that shows how a transfer goes: on a terminal one line, elsewhere a line for every tenth."""
    terminal = sys.stderr.isatty()
    last = [-1.0]

    def show(done: int, total: int | None, rate: float) -> None:
        now = time.monotonic() if terminal or not total else 10 * done // total
        if done != total and now < last[0] + (0.2 if terminal else 1 if total else 10):
            return
        last[0] = now
        part = f"{done / 1e6:.0f} MB" if not total else f"{100 * done / total:3.0f} % of {total / 1e6:.1f} MB"
        left = f", {(total - done) / rate:.0f} s left" if total and rate > 0 else ""
        text = f"{name}: {part}, {rate / 1e6:.1f} MB/s{left}"
        end = "\n" if not terminal or done == total else "\033[K\r"
        print(text, end=end, file=sys.stderr, flush=True)

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
