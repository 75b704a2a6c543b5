"""What REAPER's own settings say about Python, OSC and reapy; read, never written.

Convention: reaper.ini is what REAPER wrote: ``key=value`` lines in sections, bytes of any encoding, sometimes with a
mark of it in front. Keys are matched without regard to case; of a key that stands twice the first counts.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from bridge.install.folders import INI

KNOWN_TO_WORK = ((3, 8), (3, 12))
EXT_STATE = "reaper-extstate.ini"


@dataclass(frozen=True, kw_only=True)
class Python:
    """Python as REAPER's settings have it.

    Attributes:
        enabled: whether scripts in Python may run. library: the file that is named, None if REAPER looks for one by
            itself. version: what the names say, None if they do not.
    """

    enabled: bool
    library: Path | None
    version: tuple[int, int] | None

    @property
    def trouble(self) -> str:
        """What is wrong with it, "" for nothing."""
        if not self.enabled:
            return "Python is not switched on in REAPER"
        if self.library is not None and not self.library.is_file():
            return f"REAPER is told to use {self.library}, which is not there"
        if self.version is not None and not KNOWN_TO_WORK[0] <= self.version <= KNOWN_TO_WORK[1]:
            return f"REAPER is told to use Python {_dotted(self.version)}; {_range()} are known to work in it"
        return ""

    @property
    def told(self) -> str:
        """What it is, where nothing is wrong."""
        what = "Python" if self.version is None else f"Python {_dotted(self.version)}"
        return f"{what} is switched on, {self.library or 'and REAPER looks for its library itself'}"


def python(resource: Path) -> Python:
    """Reads reaper.ini. A file that cannot be read says that Python is off."""
    said = _section(resource / INI, "reaper")
    folder, name = (said.get(key, "").strip().strip('"') for key in ("pythonlibpath64", "pythonlibdll64"))
    library = Path(folder) / name if name and (folder or Path(name).is_absolute()) else None
    return Python(
        enabled=said.get("reascript", "0").strip() not in ("", "0"),
        library=library,
        version=_version(name) or _version(folder),
    )


def how_to_python(platform: str = sys.platform) -> str:
    """What to set in REAPER so that scripts in Python run."""
    library = {"win32": "python312.dll", "darwin": "libpython3.12.dylib"}.get(platform, "libpython3.12.so")
    return (
        "In REAPER: Preferences > Plug-ins > ReaScript: tick 'Enable Python for use with ReaScript', give the folder "
        f"of a 64-bit Python ({_range()}) as custom path and its library (such as {library}) below it, and restart "
        "REAPER; in that Python run: python -m pip install python-reapy"
    )


def reapy_server(resource: Path) -> bool:
    """Whether reapy's own configuration was run here: its unsafe server starts whenever a program imports reapy."""
    return bool(_section(resource / EXT_STATE, "reapy").get("activate_reapy_server", "").strip())


def osc_ports(resource: Path) -> tuple[int, ...]:
    """UDP ports on which REAPER's OSC control surfaces listen: ``csurf_N=OSC "name" flags port ...``."""
    surfaces = _surfaces(resource, r'OSC\s+(?:"[^"]*"|\S+)\s+(\d+)\s+(\d+)')
    return tuple(int(match[2]) for match in surfaces if int(match[1]) & 1)


def web_ports(resource: Path) -> tuple[int, ...]:
    """TCP ports of REAPER's web interfaces: ``csurf_N=HTTP 0 port ...``."""
    return tuple(int(match[1]) for match in _surfaces(resource, r"HTTP\s+\d+\s+(\d+)"))


def _surfaces(resource: Path, pattern: str) -> list[re.Match[str]]:
    """Control surfaces whose line begins so; lines beyond the count are not in use."""
    said = _section(resource / INI, "reaper")
    count = said.get("csurf_cnt", "").strip()
    used = range(int(count)) if count.isdigit() else None
    found = []
    for key, value in said.items():
        number = re.fullmatch(r"csurf_(\d+)", key)
        match = re.match(pattern, value)
        if number and match and (used is None or int(number[1]) in used):
            found.append(match)
    return found


def _section(path: Path, wanted: str) -> dict[str, str]:
    try:
        data = path.read_bytes()
    except OSError:
        return {}
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    found: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        if line.lstrip().startswith("["):
            inside = line.strip().lower() == f"[{wanted}]"
        elif inside and "=" in line:
            key, _, value = line.partition("=")
            found.setdefault(key.strip().lower(), value)
    return found


def _version(text: str) -> tuple[int, int] | None:
    match = re.search(r"(?:python|versions[/\\]|anaconda|@)-?(3)\.?(\d{1,2})", text, re.IGNORECASE)
    return (int(match[1]), int(match[2])) if match else None


def _dotted(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _range() -> str:
    return f"{_dotted(KNOWN_TO_WORK[0])} to {_dotted(KNOWN_TO_WORK[1])}"
