"""How far a project reaches: what its texts may name, where its sound goes (``bridge.media.bounds`` is the rule)."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.errors import MediaError
from bridge.host.base import ProjectView
from bridge.media import bounds
from bridge.media.bounds import Bounds

FOLEY = "Foley"
"""The folder in a project's media folder that everything goes into."""
REFERENCES = "References"
"""The folder in that one for copies of example sounds."""
AGAIN = "Import it into the project, select that item with the edit cursor over the video, and press the key again"
CHOOSE = "Import it into the project, select that item and press Use selected item as reference"


def of(view: ProjectView) -> Bounds:
    """What the recipes in a project may name: files in its folders, and what its items play."""
    told = (*view.items, *view.videos, *([view.selected] if view.selected else []))
    files = (*(item.source_path for item in told), *(item.audio_path for item in view.foley_items))
    return Bounds(folders=own(view).folders, files=files)


def own(view: ProjectView) -> Bounds:
    """A project's own folders: that of its file, its media folder, and the bridge's folder in it.

    The top of a disk and the user's home hold far more than a project and do not count, only the bridge's folder there.
    """
    named = [os.path.dirname(view.path) if view.path else "", view.media_dir]
    usable = [folder for folder in named if folder and not bounds.misspelt(folder, upwards=True)]
    folders = [folder for folder in usable if not bounds.is_wide(folder)]
    if usable[-1:] == [view.media_dir]:
        folders.append(os.path.join(view.media_dir, FOLEY))
    return Bounds(folders=tuple(dict.fromkeys(folders)))


def foley_folder(view: ProjectView, what: str) -> Path:
    """Where a project's foley goes; see ``bounds.own_folder``. It need not be there yet.

    Raises:
        MediaError: it cannot be put there; or so much of the way to it is missing that a disk must be away.
    """
    project_dir = os.path.dirname(view.path)
    folder = bounds.own_folder(view.media_dir, FOLEY, project_dir=project_dir, what=what)
    nearest = next(parent for parent in (folder, *folder.parents) if os.path.lexists(parent))
    if nearest not in (folder, *folder.parents[:2]) and not nearest.is_relative_to(project_dir or folder):
        raise MediaError(
            f"The project's folder for audio files, {view.media_dir}, is not there, nor is the one that holds it",
            hint="Bring its disk back, or choose another path in Project Settings > Media, and press the key again",
        )
    return folder


def check_made(view: ProjectView, folder: Path) -> None:
    """Returns if a folder that was just made lies in the project; raises MediaError: somebody put a link there."""
    bounds.check_kept_in(folder, tuple(one for one in (view.media_dir, os.path.dirname(view.path)) if one))


def request_here(view: ProjectView, request: Request) -> Request:
    """A request whose reference may be opened, by the path that it has here; the same sound in any case.

    Raises:
        RequestError: its reference lies elsewhere. MediaError: it is no file.
    """
    if request.reference is None:
        return request
    return replace(request, reference=reference_here(view, request.reference, of(view), hint=AGAIN))


def reference_here(view: ProjectView, reference: Reference, allowed: Bounds, *, hint: str) -> Reference:
    """A reference that may be opened, by the path that it has here.

    A copy in ``Foley/References`` is found again in a project that was moved, also from another system: its own folders
    are named by what they hold, and the content is compared when it is read.

    Raises:
        as ``Bounds.admit``.
    """
    moved = _moved(view, reference.path)
    if moved:
        reference = replace(reference, path=moved)
    allowed.admit(reference.path, hint=hint)
    return reference


def _moved(view: ProjectView, text: object) -> str:
    """Where the copy that a text names lies in this project; "" if it names none, or it is not there."""
    *_, foley, folder, digits, name = ["", "", "", "", *re.split(r"[\\/]", str(text))]
    if (foley, folder) != (FOLEY, REFERENCES) or not re.fullmatch("[0-9a-f]{8}", digits):
        return ""
    here = os.path.join(view.media_dir, FOLEY, REFERENCES, digits, bounds.plain_name(name))
    return here if os.path.isabs(here) and os.path.isfile(here) else ""
