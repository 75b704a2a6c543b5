"""REAPER's Python: what a script finds around it.

Convention: as far as is known every run of a script has an interpreter of its own (see ``assumptions``). Here that
means: an own ``__main__`` (with the attribute ``obj`` and the built-ins ``RPR_defer``, ``RPR_atexit``,
``RPR_runloop``), an own ``sys.path`` (the script's folder, the standard library, python-reapy if installed) and own
modules; only the standard library is shared. The simulator's modules and the project's virtual environment are out of
sight while a script runs.
"""

from __future__ import annotations

import contextlib
import importlib.util
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import assumptions

_SHARED = (set(sys.stdlib_module_names) | set(sys.builtin_module_names)) - {"__main__"}


class Script:
    """One run of a ReaScript: its modules, what it deferred and what it wants to do at its end."""

    def __init__(
        self, path: str, command: int, search_path: list[str], reaper_python: types.ModuleType, *, knows_file: bool
    ) -> None:
        self.path = path
        self.command = command
        self.deferred: list[str] = []
        self.at_exit: list[str] = []
        self.ended = False
        self.search_path = search_path
        self.main = types.ModuleType("__main__")
        self.main.__dict__.update(obj=object(), RPR_defer=self._defer, RPR_runloop=self._defer)
        if knows_file:
            self.main.__dict__["__file__"] = path
        self.main.__dict__["RPR_atexit"] = self._at_exit
        reaper_python.__dict__.update(RPR_defer=self._defer, RPR_atexit=self._at_exit)
        self.modules: dict[str, types.ModuleType] = {"__main__": self.main, "reaper_python": reaper_python}

    def _defer(self, code: str) -> None:
        self.deferred.append(str(code))

    def _at_exit(self, code: str) -> None:
        self.at_exit.append(str(code))


class Interpreter:
    """Switches ``sys.modules`` and ``sys.path`` between the simulator and the scripts.

    Args:
        with_reapy: python-reapy is installed. folder: where the simulator may keep files.
        folder_on_path, knows_file: see SCRIPT_FOLDER_IS_ON_SYS_PATH and SCRIPT_KNOWS_ITS_FILE.
    """

    def __init__(
        self,
        *,
        with_reapy: bool,
        folder: Path,
        folder_on_path: bool = assumptions.SCRIPT_FOLDER_IS_ON_SYS_PATH,
        knows_file: bool = assumptions.SCRIPT_KNOWS_ITS_FILE,
    ) -> None:
        self._search_path = _standard_library()
        if with_reapy:
            self._search_path.append(str(_site_with_reapy(folder)))
        self._folder_on_path = folder_on_path
        self._knows_file = knows_file
        self._stack: list[Script] = []
        self._host_modules: dict[str, types.ModuleType] = {}
        self._host_path: list[str] = []
        self._common: dict[str, types.ModuleType] = {}

    @property
    def running(self) -> Script | None:
        """The script whose code runs now."""
        return self._stack[-1] if self._stack else None

    def script(self, path: str, command: int, reaper_python: types.ModuleType) -> Script:
        """A new run of a script."""
        beside = [str(Path(path).parent)] if self._folder_on_path else []
        return Script(path, command, [*beside, *self._search_path], reaper_python, knows_file=self._knows_file)

    def execute(self, script: Script, code: types.CodeType) -> None:
        """Runs code in the script's ``__main__``; its exceptions pass through."""
        with self._inside(script):
            exec(code, script.main.__dict__)  # noqa: S102 (this is what REAPER does)

    def outside(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function of the simulator that may import modules of its own."""
        if not self._stack:
            return function(*arguments)
        with self._switched(self._stack[-1].modules, self._host_modules, self._host_path):
            return function(*arguments)

    @contextlib.contextmanager
    def _inside(self, script: Script) -> Iterator[None]:
        around = self._stack[-1].modules if self._stack else self._host_modules
        if not self._stack:
            self._host_path = sys.path[:]
        self._stack.append(script)
        if not assumptions.SCRIPTS_IMPORT_AFRESH:
            script.modules = {**script.modules, **self._common, "__main__": script.main}
        try:
            with self._switched(around, script.modules, script.search_path):
                yield
        finally:
            self._stack.pop()
            self._common = script.modules

    @contextlib.contextmanager
    def _switched(
        self, old: dict[str, types.ModuleType], new: dict[str, types.ModuleType], path: list[str]
    ) -> Iterator[None]:
        saved_path = sys.path[:]
        _swap(old, new)
        sys.path[:] = path
        try:
            yield
        finally:
            path[:] = sys.path
            sys.path[:] = saved_path
            _swap(new, old)


def _swap(old: dict[str, types.ModuleType], new: dict[str, types.ModuleType]) -> None:
    """Takes every module that is not shared out of ``sys.modules`` into ``old`` and puts those of ``new`` there."""
    old.clear()
    old.update({name: module for name, module in list(sys.modules.items()) if name.split(".")[0] not in _SHARED})
    for name in old:
        del sys.modules[name]
    sys.modules.update(new)


def _standard_library() -> list[str]:
    folders = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    return [
        folder
        for folder in sys.path
        if folder in folders
        or folder.endswith(("lib-dynload", "DLLs"))
        or (folder.endswith(".zip") and "python" in folder)
    ]


def _site_with_reapy(folder: Path) -> Path:
    """A folder with nothing but python-reapy, as if it had been installed into REAPER's Python."""
    site = folder / "sim-site-packages"
    site.mkdir(exist_ok=True)
    spec = importlib.util.find_spec("reapy")
    link = site / "reapy"
    if spec is not None and spec.submodule_search_locations and not link.exists():
        link.symlink_to(Path(spec.submodule_search_locations[0]), target_is_directory=True)
    return site
