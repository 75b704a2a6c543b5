"""``foley-export evaluate starter``: a pack, clips and sounds in, ``figures.json`` and ``report.md`` out.

Convention: what is missing is said before anything is measured; progress goes to stderr, the report to stdout and into
the folder. A part that was measured before stays in ``figures.json`` until it is measured again, unless something that
it depends on has changed since: the program, the measuring, a graph, a file or a setting of the stage.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from bridge.errors import MediaError, RequestError
from bridge.packs.store import Store
from onnx_export.evaluate.starter import clips, figures, parts
from onnx_export.evaluate.starter.box import Box
from onnx_export.evaluate.starter.figures import Report
from onnx_export.evaluate.starter.parts import Order


def main(argv: Sequence[str]) -> int:
    """Runs the command.

    Args:
        argv: what follows ``foley-export evaluate starter``.

    Raises:
        BridgeError: something is missing or cannot be used.
    """
    arguments = _parser().parse_args(argv)
    files = Store(()).open_folder(arguments.pack)
    order = Order(
        files=files,
        box=Box(files, keep=arguments.out / "made", threads=arguments.threads),
        clips=clips.load(arguments.clips, limit=arguments.limit) if arguments.clips is not None else (),
        sounds=arguments.sounds,
        judge=arguments.judge,
        out=arguments.out,
        jobs=arguments.jobs,
        seed=arguments.seed,
    )
    chosen = parts.chosen(order, arguments.only)
    report = _begun(order, machine=machine(arguments.threads), chosen=chosen)
    for name in chosen:
        began = time.monotonic()
        found = parts.PARTS[name].run(order)
        _say(f"{name}: {time.monotonic() - began:.0f} s")
        if found is not None:
            found = replace(found, basis=_basis(order, name))
            report = replace(report, parts={**report.parts, name: found})
            _write(order.out / figures.NAME, figures.to_json(report))
            _write(order.out / figures.REPORT, figures.to_markdown(report))
    print(figures.to_markdown(report), end="", flush=True)
    return 0


def machine(threads: int) -> Mapping[str, Any]:
    """What figures of speed depend on."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 0,
        "threads": threads or "automatic",
        "Python": platform.python_version(),
    }


def _basis(order: Order, name: str) -> str:
    return order.box.basis(parts.PARTS[name].stage)


def _begun(order: Order, *, machine: Mapping[str, Any], chosen: Sequence[str] = ()) -> Report:
    """What was found of this very pack in this very way before, in the same folder; else an empty report.

    Args:
        order: what is measured. machine: of the report. chosen: parts that are about to be measured.
    """
    empty = Report.of(order.files, machine=machine)
    path = order.out / figures.NAME
    if not path.exists():
        return empty
    before = figures.load(path)
    kept = {
        name: part for name, part in before.parts.items() if name in parts.PARTS and part.basis == _basis(order, name)
    }
    for name in before.parts:
        if name not in kept and name not in chosen:
            _say(f"{name}: left out, what it was measured with has changed; measure it again")
    return replace(empty, parts=kept)


def _write(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as error:
        raise MediaError(f"{path} cannot be written ({error})", hint="Name another folder with --out") from error


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the words as every other command says it: one sentence."""

    def error(self, message: str) -> NoReturn:
        raise RequestError(message, hint=f"{self.prog} -h says what it takes")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="foley-export evaluate starter",
        description="Measures a starter pack through the command line. Parts: "
        + "; ".join(f"{name}, {part.title}" for name, part in parts.PARTS.items())
        + ".",
    )
    parser.add_argument("--pack", type=Path, required=True, metavar="DIR", help="the pack's folder")
    parser.add_argument("--clips", type=Path, metavar="DIR", help="annotated clips (clips.csv)")
    parser.add_argument("--sounds", type=Path, metavar="DIR", help="recorded one-shots (manifest.csv)")
    parser.add_argument("--judge", type=Path, metavar="CKPT", help="the judge of train embed --judge")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for figures, report and renders")
    parser.add_argument("--only", nargs="+", choices=list(parts.PARTS), metavar="PART", help="only these parts")
    parser.add_argument("--limit", type=_whole(1), metavar="N", help="only the first N clips")
    parser.add_argument("--jobs", type=_whole(1), default=1, metavar="N", help="processes at a time (not for speed)")
    parser.add_argument("--threads", type=_whole(0), default=0, metavar="N", help="for each graph; 0 is automatic")
    parser.add_argument("--seed", type=_whole(0), default=0, metavar="N", help="of everything random")
    return parser


def _whole(low: int) -> Callable[[str], int]:
    def parse(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            number = low - 1
        if number < low:
            raise argparse.ArgumentTypeError(f"must be a whole number from {low} on, not {word[:40]}")
        return number

    return parse


def _say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)
