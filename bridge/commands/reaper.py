"""``foley-bridge reaper`` and ``doctor``: where the actions are, and what works."""

from __future__ import annotations

import argparse

from bridge import checks
from bridge.config import Settings
from bridge.errors import MediaError
from bridge.install import scripts
from bridge.media.files import write_whole


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
            for name, data in scripts.shipped(source).items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                write_whole(folder / name, data, overwrite=True)
        except (OSError, MediaError) as error:
            raise MediaError(
                f"the actions cannot be copied to {folder}: {error}", hint="Name another folder"
            ) from error
    print(f"REAPER's actions {'are in' if folder == source else 'were copied to'} {folder.absolute()}")
    print("`foley-bridge reaper install` puts them into REAPER with keys; by hand:")
    print("In REAPER: Actions > Show action list > New action > Load ReaScript, and choose:")
    for script in sorted(folder.glob("foley_*.py")):
        print(f"  {script.name}")
    return 0
