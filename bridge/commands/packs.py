"""``foley-bridge packs``, ``packs show`` and ``packs pull``."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bridge import listing
from bridge.config import Settings
from bridge.errors import RequestError
from bridge.packs import catalogue
from bridge.packs import pull as pulling
from bridge.packs.download import Downloader


def show_all(arguments: argparse.Namespace, settings: Settings) -> int:
    """Lists the packs with what a user must know before using them."""
    return listing.list_packs(settings)


def show(arguments: argparse.Namespace, settings: Settings) -> int:
    """Prints what a pack says of itself, in short or in full."""
    return listing.show_pack(settings, arguments.name, cards=arguments.cards)


def pull(arguments: argparse.Namespace, settings: Settings) -> int:
    """Gets the files that a pack is made from, once their terms are accepted."""
    entry = catalogue.find(arguments.name)
    folder = (arguments.into or Path(settings.packs_dir) / "downloads" / entry.name).absolute()
    for line in pulling.terms(entry):
        print(line)
    print(f"Files go to {folder}")
    if not arguments.yes:
        _accept()
    puller = pulling.Puller(
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
    words = pulling.next_command(entry, files, folder=folder, out=out)
    print('All files are there. The exporter is installed in a clone of foley-bridge by: pip install -e ".[export]"')
    print("Make the pack of them with:")
    print(subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words))
    return 0


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
