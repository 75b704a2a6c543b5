r"""Which files a text may name, and where a project's files may be put: the rule, in one place.

A path comes from one of two places. What REAPER tells of the open project (the source of an item, the media folder) is
the designer's own doing and already open in REAPER: such a file may be read wherever it lies, and what is made goes
below that media folder. What only stands as text in a project (a recipe, the remembered reference) came with the
project, maybe from somebody else: it is only followed into the project's own folders, or to the very file that an item
of the project plays.

Convention: a path is compared as it is spelt before the disk is asked anything, because only asking for
``\\server\share`` already tells that server who asks; then links are followed and it is compared again. Names are
compared as the system's own rule has it (``os.path.normcase``): where a disk takes upper and lower case for the same
and the system's rule does not say so (macOS), another spelling of a folder counts as outside, which costs a sentence
and never a file. What is swapped between the look and the opening can only be a file that this user may open anyway;
nothing but a regular file is opened (``open_regular``).
"""

from __future__ import annotations

import ntpath
import os
import posixpath
import re
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from bridge.errors import MediaError, RequestError

LONGEST = 4096
LONGEST_NAME = 255
_RESERVED = re.compile(r"con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9\u00b9\u00b2\u00b3]", re.IGNORECASE)
"""Names that stand for devices on Windows, whatever follows after a dot."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What texts of one project may name.

    Attributes:
        folders: everything in them. files: these, wherever they lie.
    """

    folders: tuple[str, ...]
    files: tuple[str, ...] = ()

    def admit(self, text: object, *, hint: str) -> Path:
        """The regular file that a text names, links followed; a file that is missing is admitted where it would lie.

        Args:
            text: the path, of a reference: nothing else that a text names is ever opened. hint: the way out.

        Raises:
            RequestError: it is no full path of a file here, or leads out of the folders. MediaError: it is no file.
        """
        if not isinstance(text, str) or misspelt(text):
            raise RequestError(f"The reference is no path of a file on this computer: {_shown(text)}", hint=hint)
        told = [file for file in self.files if file and _same(text, file)]
        if not told and not any(_below(text, folder) for folder in self.folders):
            raise RequestError(
                f"The reference {text} lies outside the project's folders, so it is not opened", hint=hint
            )
        real = os.path.realpath(text)
        if not told and not any(_below(real, os.path.realpath(folder)) for folder in self.folders):
            raise RequestError(
                f"The reference {text} is a link that leads out of the project's folders, to {real}, "
                "so it is not opened",
                hint=hint,
            )
        try:
            kind = os.stat(real).st_mode
        except (OSError, ValueError):  # the one who wants to read it says what is wrong
            return Path(real)
        if not stat.S_ISREG(kind):
            raise MediaError(f"The reference {text} is no file that holds sound", hint=hint)
        return Path(real)


def misspelt(text: str, *, windows: bool = os.name == "nt", upwards: bool = False) -> bool:
    """Whether a text is no full path that a project may name, by its letters alone.

    Args:
        windows: by the rules of which system. upwards: parts ``..`` are allowed.
    """
    rules = ntpath if windows else posixpath
    plain = text.replace("\\", "/") if windows else text
    drive, rest = rules.splitdrive(text)
    parts = [part for part in plain[len(drive) :].split("/") if part]
    if not text or "\0" in text or len(text) > LONGEST or not _encodes(text):
        return True
    if any(len(part.encode("utf-8", "replace")) > LONGEST_NAME for part in parts):
        return True
    if ".." in parts and not upwards:
        return True
    if not windows:
        return not text.startswith("/") or text.startswith("//")
    if not drive or rest[:1] not in ("\\", "/"):  # "name", "C:name" and "\name" depend on where a program stands
        return True
    if plain.startswith(("//./", "//?/")):
        return True
    return any(":" in part or _reserved(part) for part in parts)


def is_foreign(text: str, folder: str, *, windows: bool = os.name == "nt") -> bool:
    """Whether a path that a project file states without REAPER is none of this computer's, nor of the project's share.

    Args:
        folder: that of the project file. windows: by the rules of which system.
    """
    if misspelt(text, windows=windows, upwards=True):
        return True
    share, own = (ntpath.splitdrive(one.replace("/", "\\"))[0].lower() for one in (text, folder))
    return windows and share.startswith("\\\\") and share != own


def own_folder(media_dir: str, name: str, *, project_dir: str, what: str) -> Path:
    """Where files of a kind go in a project: a folder in its media folder, not made here; not resolved.

    Args:
        media_dir: the media folder as REAPER tells it; it may lie anywhere, and be a link.
        name: the folder in it. project_dir: that of the project file; "" if there is none.
        what: what the files are for, as messages call it.

    Raises:
        MediaError: the media folder is no full path, or the folder is a link that leads out of the project.
    """
    if misspelt(media_dir, upwards=True):
        raise MediaError(
            f"REAPER names no folder into which sound for '{what}' can be put: {_shown(media_dir) or 'none at all'}",
            hint="Give a full path for audio files in Project Settings > Media, save the project and press the key "
            "again",
        )
    folder = Path(media_dir) / name
    check_kept_in(folder, (media_dir, *([project_dir] if project_dir else [])))
    return folder


def check_kept_in(folder: Path, outer: Iterable[str]) -> None:
    """Returns if a folder, links followed, lies in one of the others.

    Raises:
        MediaError: it leads out of them.
    """
    real = os.path.realpath(folder)
    if not any(_below(real, os.path.realpath(one)) for one in outer):
        raise MediaError(
            f"The folder {folder} is a link that leads out of the project, to {real}, so nothing is put there",
            hint="Put a folder in the link's place, or make its target the project's path for audio files "
            "(Project Settings > Media), and press the key again",
        )


def is_wide(folder: str) -> bool:
    """Whether a folder holds far more than a project: the top of a disk, or the user's home."""
    real = os.path.realpath(folder)
    return os.path.dirname(real) == real or _same(real, os.path.realpath(os.path.expanduser("~")))


def open_regular(path: Path | str) -> BinaryIO:
    """A file opened for reading; a pipe or device that has taken its place is never waited for.

    Raises:
        OSError: it cannot be opened. MediaError: it is no regular file.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    handle = os.open(path, flags | getattr(os, "O_CLOEXEC", 0))
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise MediaError(f"{path} is not a regular file", hint="Name a file")
        return os.fdopen(handle, "rb")
    except BaseException:
        os.close(handle)
        raise


def plain_name(text: str) -> str:
    """A file's name that every system takes for the name of a file, from one that may be anything."""
    name = re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", text).rstrip(". ") or "_"
    return f"_{name}" if _reserved(name) or name.startswith(".") else name


def _reserved(part: str) -> bool:
    return _RESERVED.fullmatch(part.partition(".")[0].rstrip(" ")) is not None


def _below(path: str, folder: str) -> bool:
    """Whether a path, as it is spelt, lies in a folder."""
    inner, outer = (os.path.normcase(os.path.normpath(one)) for one in (path, folder))
    return inner != outer and inner.startswith(outer if outer.endswith(os.sep) else outer + os.sep)


def _same(one: str, other: str) -> bool:
    return os.path.normcase(os.path.normpath(one)) == os.path.normcase(os.path.normpath(other))


def _encodes(text: str) -> bool:
    """Whether the system can be asked for such a name at all: half a letter has no bytes."""
    try:
        os.fsencode(text)
    except UnicodeError:
        return False
    return True


def _shown(text: object) -> str:
    """A text that may be anything, as one short word or two."""
    return ascii(text)[1:-1][:120] if isinstance(text, str) else ascii(text)[:40]
