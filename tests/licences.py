"""``make licences``: the tables of LICENCES.md, written from what the installed packages say of themselves.

Convention: one row for every package of the locks, in every locked version; licences by their SPDX names. What is not
installed here because it is another system's or Python's stands in ``ELSEWHERE``. What comes before the tables is
written by hand: what follows from copyleft, and what the wheels hold beside their own code and do not say, read from
the wheels (file names, the libraries' own words) when the locks change; ``LIBRARIES`` names what was looked at.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from tests import locks

PAGE = Path(__file__).resolve().parents[1] / "LICENCES.md"

GROUPS = {
    "runtime": ("What the program runs on", "`make demo` and `pip install .` bring these (locks/runtime.txt)."),
    "dev": (
        "What development adds",
        "`make test` brings these, for the exporter, the figures and the tests (locks/dev.txt, locks/clap.txt); the "
        "daemon imports none of them. torch is installed beside them as the package index has it.",
    ),
    "build": ("What builds and installs", "locks/build.txt."),
}
LOCKS = {"runtime": ("runtime",), "dev": ("dev", "clap"), "build": ("build",)}

ELSEWHERE = {
    "audioop-lts": "PSF-2.0",
    "colorama": "BSD-3-Clause",
    "coloredlogs": "MIT",
    "exceptiongroup": "MIT",
    "httpx2-jsfetch": "BSD-3-Clause",
    "humanfriendly": "MIT",
    "onnxruntime": "MIT",
    "pyreadline3": "BSD-3-Clause",
    "standard-aifc": "PSF-2.0",
    "standard-chunk": "PSF-2.0",
    "standard-sunau": "PSF-2.0",
    "tomli": "MIT",
}

UNSAID = {
    "laion-clap": "CC0-1.0 (its classifier says Apache-2.0)",
    "python-osc": "Unlicense",
    "scipy": "BSD-3-Clause",
    "soundfile": "BSD-3-Clause",
}
"""Where the metadata give no name, or two: as the licence file in the package reads."""

LIBRARIES = """
SvtAv1Enc Xau asound avcodec avdevice avfilter avformat avutil dav1d drm gmp gnutls hogweed mp3lame nettle
opencore-amrnb opencore-amrwb opus sharpyuv swresample swscale unistring vpl vpx webp webpmux x264 x265 xcb xcb-shape
xcb-shm xcb-xfixes Qt5Core Qt5Gui Qt5Test Qt5Widgets Qt5XcbQpa X11-xcb aom avif crypto gfortran openblasp pcre2-16 png16
quadmath ssl xcb-icccm xcb-image xcb-keysyms xcb-randr xcb-render xcb-render-util xcb-sync xcb-util xcb-xinerama xcb-xkb
xkbcommon xkbcommon-x11 scipy_openblas scipy_openblas64_ gomp
"""
"""Shared libraries in the wheels for Linux whose licences the page tells; another one must be looked up first."""

COPYLEFT = re.compile(r"GPL|MPL|EPL|CDDL|EUPL")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A package. ``versions`` ascending; ``licence`` as SPDX would say it, as near as its metadata allow."""

    name: str
    versions: tuple[str, ...]
    licence: str

    def line(self) -> str:
        """As a row of the table."""
        return f"| {self.name} | {', '.join(self.versions)} | {self.licence} |"


def licence_of(name: str) -> str:
    """A package's licence; "" if it says none, or is neither installed nor known."""
    if name in UNSAID or name in ELSEWHERE:
        return UNSAID.get(name) or ELSEWHERE[name]
    try:
        known = metadata(name)
    except PackageNotFoundError:
        return ""
    if expression := known.get_all("License-Expression"):
        return expression[0]
    words = "\n".join(known.get_all("License") or []).strip().splitlines()[:1]
    classes = [one.rpartition(" :: ")[2] for one in known.get_all("Classifier") or [] if one.startswith("License ::")]
    exact = [word for word in words if word not in ("BSD", "UNKNOWN")]
    word = (exact or classes or words or [""])[0]
    return _SPDX.get(word, word)


_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache 2.0 License": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD 2-Clause License": "BSD-2-Clause",
    "BSD License": "BSD",
    "ISC License": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}


def rows(group: str) -> list[Row]:
    """Every package of a group that none before it has, by name."""
    before = list(GROUPS)[: list(GROUPS).index(group)]
    taken = {one.name for other in before for lock in LOCKS[other] for one in locks.read(lock)}
    versions: dict[str, list[str]] = {}
    for lock in LOCKS[group]:
        for one in locks.read(lock):
            if one.name not in taken and one.version not in versions.setdefault(one.name, []):
                versions[one.name].append(one.version)
    return [Row(name=name, versions=tuple(versions[name]), licence=licence_of(name)) for name in sorted(versions)]


def page(before: str) -> str:
    """The whole page.

    Args:
        before: the page as it stands; what is written by hand stays.
    """
    first = next(iter(GROUPS.values()))[0]
    parts = [before.partition(f"## {first}\n")[0].rstrip() + "\n"]
    for group, (title, words) in GROUPS.items():
        lines = [row.line() for row in rows(group)]
        parts += [f"## {title}\n", f"{words}\n"]
        parts.append("\n".join(["| package | locked | licence |", "|---|---|---|", *lines]) + "\n")
    return "\n".join(parts)


def main() -> int:
    """Writes the page; 1, and nothing written, if a package's licence is not known."""
    unknown = [row.name for group in GROUPS for row in rows(group) if not row.licence]
    if unknown:
        print("No licence known, see tests/licences.py: " + ", ".join(unknown))
        return 1
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
