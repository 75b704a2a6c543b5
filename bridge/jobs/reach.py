"""How far a project reaches: what its texts may name, where its sound goes (``bridge.media.bounds`` is the rule)."""

from __future__ import annotations

import os
from pathlib import Path

from bridge.domain.reference import Reference
from bridge.domain.request import Request
from bridge.host.base import ProjectView
from bridge.media import bounds
from bridge.media.bounds import Bounds

FOLEY = "Foley"
"""The folder in a project's media folder that everything goes into."""
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
    """Where a project's foley goes; see ``bounds.own_folder``."""
    return bounds.own_folder(view.media_dir, FOLEY, project_dir=os.path.dirname(view.path), what=what)


def check_made(view: ProjectView, folder: Path) -> None:
    """Returns if a folder that was just made lies in the project; raises MediaError: somebody put a link there."""
    bounds.check_kept_in(folder, tuple(one for one in (view.media_dir, os.path.dirname(view.path)) if one))


def check_request(view: ProjectView, request: Request) -> None:
    """Returns if what a request names may be opened.

    Raises:
        RequestError: its reference lies elsewhere. MediaError: it is no file.
    """
    if request.reference is not None:
        check_reference(of(view), request.reference, hint=AGAIN)


def check_reference(allowed: Bounds, reference: Reference, *, hint: str) -> None:
    """Returns if a reference may be opened; raises as ``Bounds.admit``."""
    allowed.admit(reference.path, hint=hint)
