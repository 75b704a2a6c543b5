"""``foley-bridge reaper`` and ``doctor``: where the actions are, and what works."""

from __future__ import annotations

import argparse
import shutil

from bridge import checks
from bridge.config import Settings
from bridge.errors import MediaError
from bridge.install import scripts


def doctor(arguments: argparse.Namespace, settings: Settings) -> int:
    """Walks the chain and says the first thing to fix."""
    return checks.doctor(settings, resource=arguments.resource, report_to=arguments.report)


def actions(arguments: argparse.Namespace, settings: Settings) -> int:
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
