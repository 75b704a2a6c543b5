"""Where REAPER keeps its settings: the user's own folder, or that of a portable install."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bridge.errors import RequestError

INI = "reaper.ini"
PROGRAMS = ("reaper.exe", "reaper", "REAPER.app", "REAPER64.app")


def usual(*, platform: str = sys.platform, environment: Mapping[str, str] | None = None) -> tuple[Path, ...]:
    """Where REAPER puts it where nothing else is asked for, likeliest first; it need not exist."""
    environment = os.environ if environment is None else environment
    home = Path(environment.get("USERPROFILE" if platform == "win32" else "HOME") or Path.home())
    if platform == "win32":
        return (Path(environment.get("APPDATA") or home / "AppData" / "Roaming") / "REAPER",)
    if platform == "darwin":
        return (home / "Library" / "Application Support" / "REAPER",)
    named = environment.get("XDG_CONFIG_HOME")
    return (*([Path(named) / "REAPER"] if named else []), home / ".config" / "REAPER")


def find(named: Path | None = None) -> Path:
    """REAPER's resource folder.

    Args:
        named: what the user says it is: the folder that holds reaper.ini, or the program of a portable install.

    Raises:
        RequestError: there is none.
    """
    if named is None:
        places = usual()
        found = next((place for place in places if (place / INI).is_file()), None)
        if found is None:
            raise RequestError(
                f"REAPER's settings are not in {places[-1]}",
                hint="Start REAPER once and close it; for a portable install name its folder with --resource",
            )
        return found
    for place in (named, named.parent):
        if (place / INI).is_file() and (place == named or named.name in PROGRAMS):
            return place.absolute()
    if named.name in PROGRAMS or any((named / name).exists() for name in PROGRAMS):
        raise RequestError(
            f"{named} holds REAPER but no {INI}, so it is no portable install or was never started",
            hint="Start it once and close it, or leave --resource out to use your own settings folder",
        )
    raise RequestError(
        f"{named} holds no {INI}, so it is no resource folder of REAPER",
        hint="In REAPER, Options > Show REAPER resource path in explorer/finder opens the right one",
    )
