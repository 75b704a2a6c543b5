"""The command line: ``foley-bridge detect | render | serve | free | packs | doctor | reaper | demo``.

A mistake of the user's ends as one sentence on standard error and exit code 2; Ctrl+C as exit code 130. Where nobody
reads on (``| head``) a command ends silently, with the exit code that a shell gives for that.

A command is named here and imported when it runs, with the libraries that it needs: nobody waits for another's.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge import __version__
from bridge.engine.providers import PROVIDERS
from bridge.errors import BridgeError
from bridge.stopping import Stop

if TYPE_CHECKING:
    from bridge.config import Settings

NOBODY_READS = 141
"""Exit code of a program whose output nobody reads any more: 128 + SIGPIPE."""


def parser() -> argparse.ArgumentParser:
    """The command line's grammar."""
    top = argparse.ArgumentParser(prog="foley-bridge", description="Foley made from the picture, inside REAPER.")
    top.add_argument("--version", action="version", version=f"foley-bridge {__version__}")
    _settings(top)
    verbs = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    detect = verbs.add_parser("detect", help="find the onsets in a video and write them as a table")
    detect.add_argument("video", type=_path, help="a video file")
    detect.add_argument("--out", type=_path, required=True, help="CSV to write: time_s,confidence,strength")
    detect.add_argument("--all", action="store_true", help="write every peak, so that a threshold can be chosen later")
    detect.add_argument("--threshold", type=float, help="activation at which a peak counts, 0..1")
    _span(detect)
    detect.set_defaults(run="bridge.commands.sound:detect")

    render = verbs.add_parser("render", help="make the sound for a video")
    render.add_argument("video", type=_path, help="a video file")
    render.add_argument("--onsets", type=_path, help="CSV with time_s,confidence,strength (else found)")
    render.add_argument("--threshold", type=float, help="leave out onsets with less confidence than this, 0..1")
    render.add_argument("--prompt", default="", help="what should be heard, e.g. 'wood' or 'knocking on glass'")
    render.add_argument("--reference", type=_path, help="an example of it instead: a sound file, or a video with sound")
    render.add_argument("--seed", type=int, default=0, help="another seed is another variation (default 0)")
    render.add_argument("--guidance", type=float, help="how strictly the prompt is followed")
    render.add_argument("--sampler", help="ddim, deis2 or dpm2 (default: the pack's)")
    render.add_argument("--steps", type=int, help="sampler steps (default: the pack's)")
    render.add_argument("--out", type=_path, required=True, help="WAV to write (never overwritten)")
    _span(render)
    render.set_defaults(run="bridge.commands.sound:render")

    serve = verbs.add_parser("serve", help="run the daemon that REAPER's actions talk to")
    serve.add_argument("--port", dest="osc_port", type=int, help="UDP port on 127.0.0.1")
    serve.set_defaults(run="bridge.commands.daemon:serve")

    free = verbs.add_parser("free", help="let the running daemon close its models until they are needed again")
    free.set_defaults(run="bridge.commands.daemon:free")

    packs = verbs.add_parser("packs", help="list the model packs, their licences and whether they are whole")
    packs.set_defaults(run="bridge.commands.packs:show_all")
    deeper = packs.add_subparsers(metavar="show NAME | pull NAME")
    show = deeper.add_parser("show", help="what one pack is, understands and may be used for, and where it fails")
    show.add_argument("name", help="which pack")
    show.add_argument("--cards", action="store_true", help="all that it says, with every model card in full")
    show.set_defaults(run="bridge.commands.packs:show")
    pull = deeper.add_parser("pull", help="get the files that a pack is made from, e.g. those of syncfusion")
    pull.add_argument("name", help="which pack")
    pull.add_argument("--yes", action="store_true", help="accept the terms, which are shown in any case")
    pull.add_argument("--into", type=_path, metavar="DIR", help="where the files go (default: the packs folder)")
    pull.add_argument("--from", dest="offline", type=_path, metavar="DIR", help="take them from here, not the network")
    pull.add_argument("--mirror", default="", metavar="URL", help="a copy of the publishers' hosts, each as a folder")
    pull.add_argument("--choose", action="append", default=[], metavar="NAME", help="the file meant, where several fit")
    pull.add_argument("--unverified", action="store_true", help="also use files that no checksum is known of")
    pull.set_defaults(run="bridge.commands.packs:pull")

    doctor = verbs.add_parser("doctor", help="say what works and what to fix first")
    _resource(doctor)
    doctor.add_argument("--report", type=_path, metavar="FILE", help="also write it down, without paths and prompts")
    doctor.set_defaults(run="bridge.commands.reaper:doctor")

    inside = _reaper(verbs)

    demo = verbs.add_parser("demo", help="onsets, sound, preview and project for a clip that we render, or yours")
    demo.add_argument("--video", type=_path, help="a video of yours instead of the rendered clip")
    demo.add_argument("--prompt", default="wood", help="what should be heard (default: wood)")
    demo.add_argument("--seed", type=int, default=0, help="seed of the first take (default 0)")
    demo.add_argument("--out", type=_path, default=Path("demo"), help="folder to write (default: demo)")
    demo.set_defaults(run="bridge.commands.sound:demo")
    for verb in (*verbs.choices.values(), show, pull, *inside):
        _settings(verb, default=argparse.SUPPRESS)
    return top


def _reaper(verbs: Any) -> list[argparse.ArgumentParser]:
    """The words after ``reaper``."""
    reaper = verbs.add_parser("reaper", help="put the actions into REAPER, or say where they are")
    reaper.add_argument("--copy-to", type=_path, metavar="FOLDER", help="copy the actions there")
    reaper.set_defaults(run="bridge.commands.reaper:actions")
    deeper = reaper.add_subparsers(metavar="install | uninstall | status | index")
    install = deeper.add_parser("install", help="install the actions, their keys and the start-up entry in REAPER")
    install.add_argument("--dry-run", action="store_true", help="only show what would change")
    install.add_argument("--no-keys", action="store_true", help="add no keys")
    install.add_argument("--no-startup", action="store_true", help="do not start the server with REAPER")
    install.add_argument("--osc", action="store_true", help="add the pattern file for REAPER's OSC control surface")
    install.set_defaults(run="bridge.install.dialog:install")
    uninstall = deeper.add_parser("uninstall", help="take out exactly what install put in")
    uninstall.set_defaults(run="bridge.install.dialog:uninstall")
    for verb in (install, uninstall):
        verb.add_argument("--yes", action="store_true", help="do not ask; what changes is shown in any case")
    status = deeper.add_parser("status", help="what is installed in REAPER")
    status.set_defaults(run="bridge.install.dialog:show_status")
    for verb in (install, uninstall, status):
        _resource(verb)
    index = deeper.add_parser("index", help="write the index with which ReaPack can install the actions")
    index.add_argument("--url", required=True, metavar="BASE", help="web address of the folder with the actions")
    index.add_argument("--out", type=_path, required=True, metavar="FILE", help="file to write, e.g. index.xml")
    index.set_defaults(run="bridge.install.dialog:index")
    return [install, uninstall, status, index]


def _resource(command: argparse.ArgumentParser) -> None:
    command.add_argument("--resource", type=_path, metavar="PATH", help="REAPER's folder, if it is a portable install")


def _settings(words: argparse.ArgumentParser, *, default: str | None = None) -> None:
    """What may be said before the command or after it; after it wins."""
    group = words.add_argument_group("settings (also before the command)" if default else "settings")
    levels = ["DEBUG", "INFO", "WARNING", "ERROR"]
    group.add_argument("--log-level", choices=levels, default=default, help="how much to say")
    group.add_argument("--pack", default=default, help="model pack to use (default: starter)")
    group.add_argument("--onset-pack", default=default, help="pack that finds the onsets (default: the same)")
    group.add_argument("--packs-dir", default=default, help="folder with packs of your own")
    group.add_argument("--threads", type=int, default=default, help="threads per graph; 0 is automatic")
    group.add_argument("--provider", choices=PROVIDERS, default=default, help="where the graphs run")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; returns the exit code."""
    try:
        try:
            return _run(argv)
        finally:
            _flush()
    except BrokenPipeError:
        return NOBODY_READS
    except OSError as error:
        what = f"{str(error.filename)[:200]}: {error.strerror}" if error.filename else str(error)
        print(f"foley-bridge: {what}. Give another name, or make it accessible.", file=sys.stderr)
        return 2


def _run(argv: Sequence[str] | None) -> int:
    arguments = parser().parse_args(argv)
    if arguments.command == "serve":
        arguments.stop = Stop()
        arguments.stop.listen()
    names = ("pack", "onset_pack", "packs_dir", "threads", "provider", "log_level", "osc_port")
    try:
        from bridge import config

        run = _function(arguments.run)
        settings = config.load(flags={name: getattr(arguments, name, None) for name in names})
        level = settings.log_level if arguments.log_level or arguments.command == "serve" else "WARNING"
        logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        return run(arguments, settings)
    except BridgeError as error:
        print(f"foley-bridge: {error.sentence}", file=sys.stderr)
        return 2
    except ImportError as error:
        print(
            f"foley-bridge: a library is missing: {error}. Install foley-bridge again; on Linux without a desktop also "
            "libgl1 and libglib2.0-0.",
            file=sys.stderr,
        )
        return 1
    except KeyboardInterrupt:
        print("foley-bridge: stopped.", file=sys.stderr)
        return 130


def _function(name: str) -> Callable[[argparse.Namespace, Settings], int]:
    """A command's function, given as module:function."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _flush() -> None:
    """Sends off what was printed; what cannot be sent is dropped, so that the interpreter does not try again."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError as error:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        if error.errno == errno.EINVAL:  # what Windows says of a pipe that nobody reads
            raise BrokenPipeError from error
        raise


def _path(text: str) -> Path:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError("this is no file name")
    return Path(text).expanduser()


def _span(command: argparse.ArgumentParser) -> None:
    command.add_argument("--start", type=float, default=0.0, help="seconds into the file to start at")
    command.add_argument("--end", type=float, help="seconds into the file to end at")


if __name__ == "__main__":
    sys.exit(main())
