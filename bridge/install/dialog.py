"""``foley-bridge reaper install | uninstall | status | index``: what is shown, asked and done."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from bridge.config import Settings
from bridge.domain.wording import counted
from bridge.errors import RequestError
from bridge.install import apply, folders, ini, kb, osc, plan, reapack, running, scripts, status
from bridge.install.plan import Plan


def install(arguments: argparse.Namespace, settings: Settings) -> int:
    """Shows what installing changes, asks, makes a backup and does it."""
    resource, files = folders.find(arguments.resource), scripts.shipped()
    running.refuse_if_running()
    work = plan.install(
        resource, files, keys=not arguments.no_keys, start=not arguments.no_startup, patterns=arguments.osc
    )
    print(f"REAPER's settings are in {resource}")
    _show(work)
    if not work.changes:
        print("Everything is installed already; nothing changes.")
        _what_is_left(resource, arguments, files)
        return 0
    if arguments.dry_run:
        print("Nothing was changed (--dry-run).")
        return 0
    _confirm(arguments, "Type yes to install: ")
    running.refuse_if_running()  # it may have been started while the question stood
    folder = apply.carry_out(resource, work, action="install")
    back = f"foley-bridge reaper uninstall{_named(arguments)}"
    print(f"Installed. What was changed is kept in {folder}; `{back}` takes it back.")
    _what_is_left(resource, arguments, files)
    return 0


def uninstall(arguments: argparse.Namespace, settings: Settings) -> int:
    """Shows what taking everything back changes, asks, makes a backup and does it."""
    resource = folders.find(arguments.resource)
    running.refuse_if_running()
    work = plan.uninstall(resource, scripts.shipped())
    print(f"REAPER's settings are in {resource}")
    _show(work)
    if not work.changes:
        print("Nothing of Foley Bridge is installed there; nothing changes.")
        return 0
    _confirm(arguments, "Type yes to take these out: ")
    running.refuse_if_running()
    folder = apply.carry_out(resource, work, action="uninstall")
    print(f"Taken out. What was changed is kept in {folder}; delete it, and the backups beside it, when you like.")
    return 0


def show_status(arguments: argparse.Namespace, settings: Settings) -> int:
    """Says what is installed; 1 if the actions are missing, of another version or not in REAPER's list."""
    resource, files = folders.find(arguments.resource), scripts.shipped()
    found = status.look(resource, files)
    print(f"REAPER's settings are in {resource}")
    actions = scripts.actions(files)
    print(f"actions: {found.trouble or counted(len(actions), 'action') + ', all as shipped'}")
    for action in actions:
        key = found.keys.get(action.file)
        print(f"  {action.file}: {'no key' if key is None else status.named(key)}; {action.text}")
    print(f"start-up: {'the server starts with REAPER' if found.starts else 'the server is started by hand'}")
    print(f"OSC patterns: {'there' if found.patterns else 'not there (only live mode could use them)'}")
    python = ini.python(resource)
    print(f"Python: {python.trouble or python.told}")
    if found.trouble:
        print(f"Run `foley-bridge reaper install{_named(arguments)}`.")
    elif python.trouble:
        print(ini.how_to_python())
    return 1 if found.trouble else 0


def _named(arguments: argparse.Namespace) -> str:
    """The flag that leads to the same REAPER again."""
    return f' --resource "{arguments.resource}"' if arguments.resource else ""


def index(arguments: argparse.Namespace, settings: Settings) -> int:
    """Writes the index that ReaPack reads."""
    written = reapack.write(arguments.out, scripts.shipped(), url=arguments.url)
    print(f"wrote {written}")
    print("In REAPER: Extensions > ReaPack > Import repositories, and give the address at which you put that file.")
    return 0


def _show(work: Plan) -> None:
    for line in plan.listing(work):
        print(f"  {line}")
    for file, letter in work.keys.items():
        print(f"{file}: {kb.shortcut(letter)}")
    for note in work.notes:
        print(note)


def _confirm(arguments: argparse.Namespace, question: str) -> None:
    if arguments.yes:
        return
    if not sys.stdin.isatty():
        raise RequestError("what is shown above was not confirmed", hint="Read it, then run again with --yes")
    if input(question).strip().lower() != "yes":
        raise RequestError("it was not confirmed", hint="Nothing was changed")


def _what_is_left(resource: Path, arguments: argparse.Namespace, files: Mapping[str, bytes]) -> None:
    """What the user has to do in REAPER by hand, because only REAPER may write its own settings."""
    python = ini.python(resource)
    print(f"{python.trouble}. {ini.how_to_python()}" if python.trouble else f"{python.told}.")
    if ini.reapy_server(resource):
        print(
            "reapy's own configuration was run here once. Whenever a program imports reapy, it starts a server that "
            "lets anybody on the network run code as you; the bridge does not use it. In REAPER, remove the action "
            "'activate_reapy_server'."
        )
    if arguments.osc:
        print(osc.how_to())
    if not status.look(resource, files).starts:
        print(f'After REAPER starts, run the action "Script: {scripts.SERVER}" once.')
