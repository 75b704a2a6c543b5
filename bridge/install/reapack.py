"""The index that ReaPack reads, REAPER's package manager: one package with every file, registered by ReaPack itself.

Format: ReaPack's index.xml, version 1. A ``source`` is one file, its text the address; ``file`` says where it goes
beside the package's own folder; ``main`` puts it into the main action list, and only actions have it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import quote, urlsplit
from xml.etree import ElementTree

from bridge import __version__
from bridge.errors import RequestError
from bridge.install import scripts
from bridge.media.files import write_whole

CATEGORY = scripts.FOLDER
PACKAGE = "foley_bridge.lua"
"""The package's own name; nothing of this name is installed."""
TEXT = "Foley made from the picture: onset markers, sound as takes (needs the foley-bridge program)"


def write(out: Path, files: Mapping[str, bytes], *, url: str, now: datetime | None = None) -> Path:
    """Writes the index; the file appears whole.

    Args:
        out: never overwritten. files: what is shipped. url: where the folder with these files can be got, http(s).

    Raises:
        RequestError: the address is none, or the file exists. MediaError: it cannot be written.
    """
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
        raise RequestError(f"{url!r} is no web address", hint="Give --url as https://... of the folder with the files")
    if os.path.lexists(out):
        raise RequestError(f"{out} exists already", hint="Name another file; nothing is ever overwritten")
    return write_whole(out, index(files, url=url, now=now or datetime.now(timezone.utc)))


def index(files: Mapping[str, bytes], *, url: str, now: datetime) -> bytes:
    """The index as XML."""
    actions = {action.file for action in scripts.actions(files)}
    top = ElementTree.Element("index", version="1", name="Foley Bridge")
    category = ElementTree.SubElement(top, "category", name=CATEGORY)
    package = ElementTree.SubElement(category, "reapack", name=PACKAGE, type="script", desc=TEXT)
    version = ElementTree.SubElement(
        package, "version", name=__version__, author="The Foley Bridge authors", time=f"{now:%Y-%m-%dT%H:%M:%SZ}"
    )
    for name in sorted(files):
        source = ElementTree.SubElement(version, "source", file=name)
        if name in actions:
            source.set("main", "main")
        source.text = f"{url.rstrip('/')}/{quote(name)}"
    ElementTree.indent(top)
    return ElementTree.tostring(top, encoding="utf-8", xml_declaration=True) + b"\n"
