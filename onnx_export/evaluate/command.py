"""``foley-export evaluate syncfusion``: the data set and a pack in, a report out.

Convention: what is missing is said before anything is opened, as one error that names files and where to get them;
progress goes to stderr, the report to stdout, so that it can be piped.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.engine import samplers
from bridge.engine.devices import PROVIDERS
from bridge.errors import MediaError, RequestError
from bridge.packs.store import PackFiles, Store
from onnx_export.evaluate import greatest_hits, media, protocol, report, results
from onnx_export.evaluate.extras import library
from onnx_export.evaluate.nets import Nets
from onnx_export.evaluate.protocol import Compared, Plan, Seen
from onnx_export.evaluate.results import Table

PACK = "syncfusion"
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
    if arguments.out is not None:
        _write(arguments.out, report.to_json(found))
    print(report.text(found), end="")
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
        PackError: the pack cannot do it. MediaError: a video cannot be read.
    """
    nets = Nets(files, provider=provider)
    sounds = 2 in plan.tables or 3 in plan.tables
    nets.check(sees=1 in plan.tables or 3 in plan.tables, sounds=sounds, conditioning=plan.conditioning)
    videos = split.videos[:limit]
    seen: list[tuple[str, Seen]] = []
    compared: dict[int, list[Compared]] = {number: [] for number in (2, 3) if number in plan.tables}
    passed_over: dict[str, str] = {}
    began = time.monotonic()
    for number, video in enumerate(videos, start=1):
        looked = protocol.see(video, nets) if 1 in plan.tables or 3 in plan.tables else None
        if looked is not None:
            seen.append((video.name, looked))
        if sounds:
            sound = media.sound(video.path)
            why = protocol.why_not(video, sound)
            if why:
                passed_over[video.name] = why
            for table in compared if not why else ():
                given = looked.found_s if table == 3 and looked is not None else None
                compared[table].append(protocol.compare(video, sound, nets, plan, given_s=given, keep=keep))
        say(f"{number} of {len(videos)}: {video.name} ({time.monotonic() - began:.0f} s)")
    tables: list[Table] = [results.onset_table(seen, seed=plan.seed)] if 1 in plan.tables else []
    tables += [
        results.sound_table(table, clips, passed_over=passed_over, conditioning=plan.conditioning, seed=plan.seed)
        for table, clips in compared.items()
    ]
    return _report(split, files, plan, nets, tables, used=len(videos))


def _report(
    split: greatest_hits.Split, files: PackFiles, plan: Plan, nets: Nets, tables: Sequence[Table], *, used: int
) -> report.Report:
    manifest = files.manifest
    kinds = Counter(video.suffix for video in split.videos[:used])
    notes = []
    if used < split.wanted:
        notes.append(f"Only {used} of the {split.wanted} test videos: these are not the paper's conditions.")
    if (plan.steps, plan.sampler) != (protocol.STEPS, protocol.SAMPLER):
        notes.append(f"The paper samples with {protocol.SAMPLER}, {protocol.STEPS} steps.")
    return report.Report(
        pack={"name": manifest.name, "version": manifest.version, "digest": files.digest},
        data={"videos": used, "of": split.wanted, **{f"*{suffix}": count for suffix, count in sorted(kinds.items())}},
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="foley-export evaluate", description="The paper's protocol, on a pack.")
    parser.add_argument("system", choices=["syncfusion"])
    parser.add_argument("--greatest-hits", type=Path, required=True, metavar="DIR", help="where the data set lies")
    parser.add_argument("--pack", type=Path, metavar="DIR", help=f'the pack\'s folder; else the pack "{PACK}"')
    parser.add_argument("--out", type=Path, metavar="FILE.json", help="also write everything as JSON")
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
    parser.add_argument("--steps", type=_count, default=protocol.STEPS, metavar="N", help="the paper: %(default)s")
    parser.add_argument(
        "--sampler", choices=sorted(samplers.SAMPLERS), default=protocol.SAMPLER, help="the paper: %(default)s"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of noise, examples and words")
    parser.add_argument("--limit", type=_count, metavar="N", help="only the first N videos")
    parser.add_argument("--partial", action="store_true", help="evaluate what is there of the test split")
    parser.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep made sounds there; a stopped run goes on from them"
    )
    parser.add_argument("--provider", choices=PROVIDERS, default="auto", help="what runs the graphs")
    return parser


def _count(word: str) -> int:
    number = int(word)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _pack(folder: Path | None) -> PackFiles:
    if folder is None:
        return Store.default().open(PACK)
    return Store(()).open_folder(folder, any_name=True)


def _write(path: Path, content: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{path} cannot be written ({error})", hint="Name another file with --out") from error


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
