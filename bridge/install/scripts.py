"""What is shipped for REAPER: every file, and every action with its lasting name and the key that it would like.

Convention: an action is a file ``foley_*.py``; the first line of its docstring says what it does. Its name in REAPER is
made of its file name alone, so that it is the same on every computer, whatever version is installed.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from bridge.errors import RequestError

FOLDER = "Foley Bridge"
"""Where the files lie in REAPER's Scripts folder."""
SERVER = "foley_server.py"

LETTERS: Mapping[str, str] = {
    "foley_find_onsets.py": "O",
    "foley_generate.py": "G",
    "foley_new_variation.py": "V",
    "foley_make_again_from_markers.py": "M",
    "foley_set_prompt.py": "P",
    "foley_cancel.py": "X",
    "foley_more_onsets.py": "U",
    "foley_fewer_onsets.py": "D",
    "foley_keep_this_take.py": "K",
    "foley_live_mode.py": "L",
    "foley_place_this_sound.py": "I",
    "foley_make_exactly_again.py": "E",
    "foley_use_item_as_reference.py": "R",
    "foley_show_recipe.py": "H",
    "foley_draw_level_from_picture.py": "W",
    "foley_controls.py": "C",
    "foley_vary_a_little.py": "Y",
    "foley_vary_a_lot.py": "Z",
}
"""Which letter an action would like, with Ctrl, Alt and Shift; actions that are not here get no key."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """An action as REAPER's list has it.

    Attributes:
        file: its file name. text: what it does, one line. identity: ``RS`` and 40 hex digits; with an underscore in
            front it is the command's name. letter: the key that it would like, "" for none.
    """

    file: str
    text: str
    identity: str
    letter: str

    @property
    def path(self) -> str:
        """Where it lies, from REAPER's Scripts folder."""
        return f"{FOLDER}/{self.file}"


def identity(file: str) -> str:
    """The lasting name of the action in a file of this name."""
    return "RS" + hashlib.sha1(f"foley-bridge/{file}".encode(), usedforsecurity=False).hexdigest()


def source() -> Path:
    """The folder that the files come from.

    Raises:
        RequestError: they are not installed.
    """
    found = find_spec("reaper_scripts")
    if found is None or not found.submodule_search_locations:
        raise RequestError("the REAPER actions are not installed", hint="Install foley-bridge again")
    return Path(next(iter(found.submodule_search_locations)))


def shipped(folder: Path | None = None) -> dict[str, bytes]:
    """Every file that belongs into ``Scripts/Foley Bridge``, by its path from there (with slashes)."""
    folder = folder or source()
    inside = folder / "foley_inside"
    paths = [*sorted(folder.glob("foley_*.py")), *sorted(path for path in inside.rglob("*") if path.is_file())]
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in paths
        if "__pycache__" not in path.parts and path.suffix != ".pyc"
    }


def actions(files: Mapping[str, bytes]) -> tuple[Script, ...]:
    """The actions among the files, by name."""
    return tuple(
        Script(file=name, text=_first_line(data), identity=identity(name), letter=LETTERS.get(name, ""))
        for name, data in sorted(files.items())
        if PurePosixPath(name).parent == PurePosixPath(".") and name.startswith("foley_") and name.endswith(".py")
    )


def _first_line(data: bytes) -> str:
    lines = (ast.get_docstring(ast.parse(data)) or "").splitlines()
    return lines[0].strip() if lines else ""
