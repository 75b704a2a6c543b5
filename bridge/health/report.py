"""The doctor's findings as a file to hand on: without paths, names of projects and media, and prompts.

Convention: what may name something private is left out where it is known (``Finding.public``); in the rest, known
folders, the home folder, the user's and the computer's name, and whatever else looks like a path, are replaced.
"""

from __future__ import annotations

import getpass
import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from bridge import __version__
from bridge.config import Settings
from bridge.errors import RequestError
from bridge.health.finding import Finding
from bridge.media.files import write_whole

LIBRARIES = (
    "numpy",
    "onnxruntime",
    "onnxruntime-gpu",
    "av",
    "opencv-python",
    "soundfile",
    "python-osc",
    "python-reapy",
)
SHOWN = ("pack", "onset_pack", "osc_port", "threads", "provider", "threshold", "log_level")
"""Settings that say nothing of where the user keeps things."""

_WORD = r"[^\s:;,'\"()<>/\\]"
_REST = rf"(?:{_WORD}|[/\\]|(?: {_WORD}+){{1,8}}?(?=[/\\]|(?<=\.\w\w)\b|(?<=\.\w\w\w)\b|(?<=\.\w\w\w\w)\b))*"
"""The rest of a path: words and slashes; blanks only where a slash or the end of a file's name follows."""
_PATH = re.compile(rf"(?:(?<![\w.])[A-Za-z]:[\\/]|\\\\(?=\w)|(?<![\w./>\\])/(?=[^\s/])){_REST}")
_BELOW = re.compile(rf"(<[\w' ]+>)[\\/]{_REST}")


class Scrubber:
    """Takes what is private out of a text.

    Args:
        folders: {path: what to call it}. home, user, machine: by default those of this process.
    """

    def __init__(
        self,
        folders: Mapping[str, str],
        *,
        home: str | None = None,
        user: str | None = None,
        machine: str | None = None,
    ) -> None:
        places = {str(path): name for path, name in folders.items() if len(str(path)) > 1}
        places.setdefault(str(Path.home()) if home is None else home, "home")
        self._places = sorted(places.items(), key=lambda one: -len(one[0]))
        names = {_user() if user is None else user: "user", platform.node() if machine is None else machine: "computer"}
        self._names = [(name, label) for name, label in names.items() if len(name) > 1]

    def clean(self, text: str) -> str:
        """The text without them."""
        for path, name in self._places:
            for spelt in {path, path.replace("\\", "/"), path.replace("/", "\\")}:
                if len(spelt) > 1:
                    text = re.sub(re.escape(spelt) + r"(?![\w-])", f"<{name}>", text, flags=re.IGNORECASE)
        text = _BELOW.sub(r"\1/...", text)
        text = _PATH.sub("<path>", text)
        for name, label in self._names:
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", f"<{label}>", text, flags=re.IGNORECASE)
        return text


def refuse_taken(path: Path) -> None:
    """Returns if a report can have this name.

    Raises:
        RequestError: it is taken.
    """
    if os.path.lexists(path):
        raise RequestError(f"{path} exists already", hint="Name another file; nothing is ever overwritten")


def write(path: Path, findings: Sequence[Finding], settings: Settings, *, scrubber: Scrubber) -> Path:
    """Writes the report as JSON; the file appears whole, under another name if this one was taken meanwhile.

    Raises:
        MediaError: it cannot be written.
    """
    text = json.dumps(table(findings, settings, scrubber), indent=2) + "\n"
    return write_whole(path, text.encode())


def table(findings: Sequence[Finding], settings: Settings, scrubber: Scrubber) -> dict[str, Any]:
    """What the report says."""
    return {
        "program": f"foley-bridge {__version__}",
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libraries": {name: _version(name) for name in LIBRARIES},
        "settings": {name: _cleaned(getattr(settings, name), scrubber) for name in SHOWN},
        "findings": [
            {"name": one.name, "good": one.good, "needed": one.needed, "text": scrubber.clean(one.public or one.text)}
            for one in findings
        ],
    }


def _cleaned(value: object, scrubber: Scrubber) -> object:
    return scrubber.clean(value) if isinstance(value, str) else value


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # no name of this user is known to the system
        return ""
