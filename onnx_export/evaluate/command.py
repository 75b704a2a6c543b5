"""``foley-export evaluate syncfusion``: the data set and a pack in, a report out.

Convention: what is missing is said before anything is opened, as one error that names files and where to get them;
progress goes to stderr, the report to stdout, so that it can be piped. A run takes hours: where its file cannot be
written is said before it, and a video that cannot be read is left out and named, not the end of it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from bridge.domain.request import MAX_SEED
from bridge.engine import samplers
from bridge.engine.providers import PROVIDERS
from bridge.errors import MediaError, RequestError
from bridge.packs.stages import MAX_STEPS
from bridge.packs.store import PackFiles, Store
from onnx_export.evaluate import greatest_hits, media, out, protocol, report, results
from onnx_export.evaluate.extras import library
from onnx_export.evaluate.nets import Nets
from onnx_export.evaluate.protocol import Compared, Plan, Seen
from onnx_export.evaluate.results import Table

PACK = "syncfusion"
_WAY_OUT = f"Get vis-data.zip from {greatest_hits.ADDRESS} and name the folder that it unpacks into"
_LIBRARIES = ("numpy", "scipy", "librosa", "scikit-learn", "av", "onnxruntime", "onnxruntime-gpu")

Say = Callable[[str], None]


def main(argv: Sequence[str]) -> int:
    """Runs the command.

    Args:
        argv: what follows ``foley-export evaluate``.

    Raises:
        BridgeError: something is missing or cannot be used.
    """
    arguments = _parser().parse_args(argv)
    plan = Plan(
        tables=tuple(sorted(set(arguments.tables))),
        conditioning=arguments.conditioning,
        steps=arguments.steps,
        sampler=arguments.sampler,
        seed=arguments.seed,
    )
    if arguments.greatest_hits is None:
        raise RequestError("no data set was named; say where it lies with --greatest-hits DIR", hint=_WAY_OUT)
    if arguments.out is not None:
        out.check(arguments.out)
    split = greatest_hits.find(arguments.greatest_hits)
    if not split.videos or not (split.whole or arguments.partial):
        partly = f"; or give --partial to evaluate the {len(split.videos)} that are there" if split.videos else ""
        raise MediaError(split.missing, hint=split.way_out + partly)
    for name in ("librosa.onset", "sklearn.metrics"):
        library(name)
    files = _pack(arguments.pack)
    found = evaluate(
        split, files, plan, provider=arguments.provider, limit=arguments.limit, keep=arguments.keep, say=_say
    )
    try:
        print(report.text(found), end="", flush=True)
    finally:  # each is kept if the other fails
        if arguments.out is not None:
            written = out.write(arguments.out, report.to_json(found))
            if written != arguments.out:
                _say(f"{arguments.out} was taken in the meantime: written to {written}")
    return 0


def evaluate(
    split: greatest_hits.Split,
    files: PackFiles,
    plan: Plan,
    *,
    provider: str = "auto",
    limit: int | None = None,
    keep: Path | None = None,
    say: Say = lambda sentence: None,
) -> report.Report:
    """Runs the protocol.

    Args:
        split: the videos. files: a verified pack. plan: what and how. provider: as in the bridge's settings.
        limit: at most so many videos, the split's first. keep: a folder for made sounds, to go on from.
        say: is told how far it is.

    Raises:
        PackError: the pack cannot do it. MediaError: no video can be read, or ``keep`` cannot be used.
    """
    nets = Nets(files, provider=provider)
    sounds = 2 in plan.tables or 3 in plan.tables
    nets.check(sees=1 in plan.tables or 3 in plan.tables, sounds=sounds, conditioning=plan.conditioning)
    videos = split.videos[:limit]
    seen: list[tuple[str, Seen]] = []
    compared: dict[int, list[Compared]] = {number: [] for number in (2, 3) if number in plan.tables}
    passed_over: dict[str, str] = {}
    left_out: dict[str, MediaError] = {}
    began = time.monotonic()
    for number, video in enumerate(videos, start=1):
        try:
            looked = protocol.see(video, nets) if 1 in plan.tables or 3 in plan.tables else None
            sound = media.sound(video.path) if sounds else None
        except MediaError as error:
            left_out[video.name] = error
            say(f"{number} of {len(videos)}: {video.name} is left out: {error.sentence}")
            continue
        if looked is not None:
            seen.append((video.name, looked))
        if sound is not None:
            why = protocol.why_not(video, sound)
            if why:
                passed_over[video.name] = why
            for table in compared if not why else ():
                given = looked.found_s if table == 3 and looked is not None else None
                compared[table].append(protocol.compare(video, sound, nets, plan, given_s=given, keep=keep))
        say(f"{number} of {len(videos)}: {video.name} ({time.monotonic() - began:.0f} s)")
    if len(left_out) == len(videos):
        first = next(iter(left_out.values()))
        raise MediaError(f"none of the {len(videos)} videos can be read; the first: {first.message}", hint=_WAY_OUT)
    tables: list[Table] = [results.onset_table(seen, seed=plan.seed)] if 1 in plan.tables else []
    tables += [
        results.sound_table(table, clips, passed_over=passed_over, conditioning=plan.conditioning, seed=plan.seed)
        for table, clips in compared.items()
    ]
    used = [video for video in videos if video.name not in left_out]
    return _report(split, files, plan, nets, tables, used=used, left_out=left_out)


def _report(
    split: greatest_hits.Split,
    files: PackFiles,
    plan: Plan,
    nets: Nets,
    tables: Sequence[Table],
    *,
    used: Sequence[greatest_hits.Video],
    left_out: Mapping[str, MediaError],
) -> report.Report:
    manifest = files.manifest
    kinds = Counter(video.suffix for video in used)
    notes = []
    if len(used) < split.wanted:
        notes.append(f"Only {len(used)} of the {split.wanted} test videos: these are not the paper's conditions.")
    if left_out:
        notes.append(f"Videos that are left out of every table since they cannot be read: {len(left_out)}.")
        notes += [f"Left out: {name} ({error.message})." for name, error in left_out.items()]
    if (plan.steps, plan.sampler) != (protocol.STEPS, protocol.SAMPLER):
        notes.append(f"The paper samples with {protocol.SAMPLER}, {protocol.STEPS} steps.")
    return report.Report(
        pack={"name": manifest.name, "version": manifest.version, "digest": files.digest},
        data={
            "videos": len(used),
            "of": split.wanted,
            "left out": len(left_out),
            **{f"*{suffix}": count for suffix, count in sorted(kinds.items())},
        },
        settings={
            "conditioning": plan.conditioning,
            "sampler": plan.sampler,
            "steps": plan.steps,
            "guidance": plan.guidance,
            "seed": plan.seed,
            "samples": protocol.LENGTH,
            "provider": nets.provider,
        },
        libraries={name: version for name in _LIBRARIES if (version := _version(name))},
        tables=tables,
        notes=notes,
    )


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the words as every other command says it: one sentence."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(message, hint=f"{self.prog} -h says what it takes")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="foley-export evaluate", description="The paper's protocol, on a pack.")
    parser.add_argument("system", choices=["syncfusion"])
    parser.add_argument("--greatest-hits", type=Path, metavar="DIR", help="where the data set lies (needed)")
    parser.add_argument("--pack", type=Path, metavar="DIR", help=f'the pack\'s folder; else the pack "{PACK}"')
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="also write everything as JSON, a new file")
    parser.add_argument(
        "--tables",
        type=int,
        nargs="+",
        choices=[1, 2, 3],
        default=[1, 2, 3],
        metavar="N",
        help="only these of the paper's tables, e.g. --tables 1 3",
    )
    parser.add_argument(
        "--conditioning", choices=protocol.CONDITIONINGS, default="audio", help="an example sound, or words"
    )
    parser.add_argument(
        "--steps", type=_within(1, MAX_STEPS), default=protocol.STEPS, metavar="N", help="the paper: %(default)s"
    )
    parser.add_argument(
        "--sampler", choices=sorted(samplers.SAMPLERS), default=protocol.SAMPLER, help="the paper: %(default)s"
    )
    parser.add_argument(
        "--seed", type=_within(0, MAX_SEED), default=0, metavar="N", help="of noise, examples and words"
    )
    parser.add_argument("--limit", type=_within(1), metavar="N", help="only the first N videos")
    parser.add_argument("--partial", action="store_true", help="evaluate what is there of the test split")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep made sounds there; a stopped run goes on from them"
    )
    parser.add_argument("--provider", choices=PROVIDERS, default="auto", help="what runs the graphs")
    return parser


def _within(low: int, high: int | None = None) -> Callable[[str], int]:
    """A word's whole number, if it lies between two, both included."""

    def parse(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            number = low - 1
        if number < low or (high is not None and number > high):
            allowed = f"be {low} or more" if high is None else f"lie in {low}..{high}"
            raise argparse.ArgumentTypeError(f"must {allowed}, not {word[:40]}")
        return number

    return parse


def _pack(folder: Path | None) -> PackFiles:
    if folder is None:
        return Store.default().open(PACK)
    return Store(()).open_folder(folder, any_name=True)


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
