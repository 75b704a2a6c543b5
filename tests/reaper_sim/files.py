"""Project files: where media goes, save, open.

Convention: "save" binds the project to the path (unless told otherwise) and clears the dirty flag; "open" replaces the
project of the active tab, after which every pointer into the old one is stale.
"""

from __future__ import annotations

from pathlib import Path

from . import assumptions, rpp
from .app import App
from .model import Project
from .undo import History


def media_folder(app: App, project: Project) -> str:
    """Where REAPER puts recordings: what GetProjectPathEx gives."""
    record = project.texts.get("RECORD_PATH", "")
    if project.path:
        return str(Path(project.path).parent / record)
    return record if Path(record).is_absolute() else str(app.resource / assumptions.UNSAVED_MEDIA_FOLDER)


def save(app: App, project: Project, path: Path, *, rebind: bool = True) -> None:
    """Writes the project file."""
    if not path.suffix:
        path = path.with_suffix(".RPP")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rpp.dump(project, path, app.profile), "utf-8", newline="")
    if rebind:
        project.path, project.dirty = str(path), False
        project.touch()


def open_project(app: App, path: Path) -> None:
    """Replaces the active tab's project by the one in the file; the tab keeps its pointer."""
    text = path.read_bytes().decode("utf-8")
    app.project.open = False
    project = Project(path=str(path))
    rpp.load(project, text, path, app.outside)
    app.handles.replace(app.tabs[app.active], project)
    app.tabs[app.active] = project
    app.histories[id(project)] = History(project, app.handles)
