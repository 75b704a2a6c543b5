"""Starts a simulated REAPER: ``python -m tests.reaper_sim --resource DIR``; a test drives it through ``client``.

Convention: the control pipe is standard input and output, one JSON object a line; whatever scripts print goes to
standard error.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from . import (
    assumptions,
    functions_actions,
    functions_chunks,
    functions_envelopes,
    functions_items,
    functions_markers,
    functions_project,
    functions_takes,
    functions_tracks,
)
from .apigen import load_signatures
from .app import App
from .interpreter import Interpreter
from .loop import Loop
from .osc_surface import surfaces
from .scripts import Scripts
from .web import Web

FUNCTIONS = (
    functions_actions,
    *(functions_chunks, functions_envelopes, functions_items, functions_markers, functions_project, functions_takes),
    functions_tracks,
)
"""The modules whose import registers the API (``functions_app`` comes with ``web``)."""


def main() -> None:
    """Runs until the control pipe says quit or is closed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--resource", type=Path, required=True)
    parser.add_argument("--profile", default="7.78", choices=("7.78", "7.30", "6.80"))
    parser.add_argument("--tick", type=float, default=1 / 30)
    parser.add_argument("--web-port", default="0")
    parser.add_argument("--startup", action="append", default=[])
    parser.add_argument("--without-reapy", action="store_true")
    parser.add_argument("--language", default="english", choices=("english", "german"))
    parser.add_argument("--reuse-pointers", action="store_true")
    parser.add_argument("--script-folder-off-path", action="store_true")
    parser.add_argument("--script-file-unknown", action="store_true")
    parser.add_argument("--assume", action="append", default=[], metavar="NAME=JSON")
    options = parser.parse_args()
    _assume(options.assume)
    read_fd, write_fd = os.dup(0), os.dup(1)
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    resource = options.resource.resolve()
    app = App(resource, options.profile, reuse_pointers=options.reuse_pointers, language=options.language)
    interpreter = Interpreter(
        with_reapy=not options.without_reapy,
        folder=resource,
        folder_on_path=assumptions.SCRIPT_FOLDER_IS_ON_SYS_PATH and not options.script_folder_off_path,
        knows_file=assumptions.SCRIPT_KNOWS_ITS_FILE and not options.script_file_unknown,
    )
    app.outside = interpreter.outside
    app.surfaces = list(surfaces(app))
    scripts = Scripts(app, load_signatures(options.profile), interpreter)
    web = None if options.web_port == "off" else Web(app, int(options.web_port))
    loop = Loop(app, scripts, web, tick_s=options.tick, read_fd=read_fd, write_fd=write_fd)
    loop.run(options.startup)
    sys.stderr.flush()
    os._exit(0)


def _assume(choices: list[str]) -> None:
    """Replaces assumptions, so that a test can be run under both answers to an open question."""
    for choice in choices:
        name, value = choice.split("=", 1)
        if not hasattr(assumptions, name):
            raise SystemExit(f"there is no assumption {name}")
        setattr(assumptions, name, json.loads(value))


if __name__ == "__main__":
    main()
