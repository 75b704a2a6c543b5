"""Which tab: a token names one open project in one run of the server.

A token is the run's mark, the project's pointer and its path. REAPER keeps a tab's pointer when another project is
opened in it, and a restarted REAPER may give the same pointer again, so all three must still fit. The first save of a
project that had no path is allowed; a project that somebody saw being saved under another name (``renamed``) keeps the
token that it had first. The mark of the running server is in the ext state FOLEY/server, so that an action
can name the tab in which its key was pressed.
"""

from . import api
from .api import Gone, rp

_RUN = {"mark": ""}
_NAMES = {}
"""{pointer: the paths that an open project had, the latest last}."""
_AGAIN = "Press the key again in the project you mean"


def new_run(mark):
    """Starts a run: tokens of earlier runs stand for nothing any more."""
    _RUN["mark"] = mark
    _NAMES.clear()


def renamed(project, before, now):
    """Keeps the tokens of an open project good that was saved under another name."""
    names = _NAMES.get(project, [])
    _NAMES[project] = [*(names if names[-1:] == [before] else [before]), now]


def active():
    """(pointer, path) of the active tab; the path is "" if it was never saved."""
    project, _, path, _ = rp.RPR_EnumProjects(-1, "", 4096)
    return project, path


def tabs():
    """{pointer: path} of every open tab."""
    found = {}
    index = 0
    while True:
        project, _, path, _ = rp.RPR_EnumProjects(index, "", 4096)
        if project.endswith(")0x0000000000000000"):
            return found
        found[project] = path
        index += 1


def token(project, path):
    """The name of a tab as it stands now."""
    names = _NAMES.get(project, [])
    if names[-1:] == [path]:
        path = names[0]
    return "\n".join((_RUN["mark"], project, path))


def token_of_key_press():
    """The name of the tab in front, as ``read`` would give it; "" if no server runs."""
    mark = rp.RPR_GetExtState(api.SECTION, "server")
    return "\n".join((mark, *active())) if mark else ""


def of_key_press(given):
    """(pointer, path) of the tab in which the key was pressed.

    Raises:
        Gone: it was closed, or holds another project.
    """
    try:
        project = find(given)
    except Gone as refusal:
        raise Gone(
            f"The project in which the key was pressed was closed meanwhile ({refusal.message})", refusal.hint
        ) from refusal
    return project, tabs()[project]


def find_again(given):
    """As ``find``; also a saved project that was closed and opened again since, in this REAPER or another.

    Raises:
        Gone: it is not open.
    """
    try:
        return find(given)
    except Gone:
        path = given.split("\n")[-1] if isinstance(given, str) else ""
        for project, name in tabs().items():
            if path and name == path:
                return project
        raise


def find(given):
    """The pointer of the project that a token stands for.

    Raises:
        Gone: it does not stand for an open project any more.
    """
    parts = given.split("\n") if isinstance(given, str) else []
    if len(parts) != 3 or parts[0] != _RUN["mark"]:
        raise Gone("REAPER or its server script was restarted since the project was read", "Press the key again")
    _, project, path = parts
    open_tabs = tabs()
    if project not in open_tabs:
        raise Gone("The project '{}' is not open any more".format(path or "(unsaved)"), _AGAIN)
    now = open_tabs[project]
    names = _NAMES.get(project, [])
    saved_as = names[-1] if path in names else path or now
    if now not in (path, saved_as):
        raise Gone("The tab of '{}' now holds '{}'".format(path, now or "an unsaved project"), _AGAIN)
    return project
