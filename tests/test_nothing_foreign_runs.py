"""No line of the program can make code out of bytes: read from the source itself, so that a new line is noticed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DAEMON = ("bridge", "reaper_scripts")
EVERYTHING = (*DAEMON, "onnx_export")
READERS = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "yaml",
    "ruamel",
    "jsonpickle",
}
MAKERS = {"code", "codeop", "runpy", "imp", "pty", "commands", "popen2"}
CALLS = {"eval", "exec", "compile", "__import__", "execfile", "breakpoint"}
METHODS = {
    "system",
    "popen",
    "spawnl",
    "spawnv",
    "execv",
    "execve",
    "execl",
    "startfile",
    "register_custom_ops_library",
}
DESCRIBES_PICKLES = "onnx_export/pickled.py"
"""The reader of checkpoints, in whose world every name is an empty class of its own."""


OWN_COMMANDS = ("onnx_export/", "bridge/__main__.py")
"""Where a module is named by the program's own list of commands."""


def sources(folders: tuple[str, ...]) -> list[Path]:
    return [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(tree: ast.AST) -> Iterator[str]:
    """The first word of every module that is imported anywhere in a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def faults(path: Path) -> list[str]:
    """Every place in a file at which bytes could become code, a shell could start, or a foreign object be made."""
    tree = ast.parse(path.read_text("utf-8"), str(path))
    allowed = {"pickle"} if name(path) == DESCRIBES_PICKLES else set()
    found = [f"{name(path)}: imports {module}" for module in set(imports(tree)) & (READERS | MAKERS) - allowed]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        place = f"{name(path)}:{node.lineno}"
        called = node.func
        words = ast.unparse(called)
        if isinstance(called, ast.Name) and called.id in CALLS:
            found.append(f"{place} calls {called.id}")
        if isinstance(called, ast.Attribute) and called.attr in METHODS and not words.startswith("platform."):
            found.append(f"{place} calls {words}")
        if words.startswith(("pickle.", "pickle._")):
            found.append(f"{place} calls {words}")
        told = not all(isinstance(one, ast.Constant) for one in node.args)
        if words.endswith("import_module") and told and not name(path).startswith(OWN_COMMANDS):
            found.append(f"{place} imports what it is told")
        for given in node.keywords:
            if given.arg == "shell" or (given.arg == "allow_pickle" and ast.unparse(given.value) != "False"):
                found.append(f"{place} has {given.arg}={ast.unparse(given.value)}")
        if words in ("torch.load", "numpy.load", "np.load", "np.lib.format.read_array") and "False" not in [
            ast.unparse(given.value) for given in node.keywords if given.arg == "allow_pickle"
        ]:
            found.append(f"{place} calls {words} without allow_pickle=False")
    return found


@pytest.mark.parametrize("path", sources(EVERYTHING), ids=name)
def test_source_when_it_is_read_then_no_line_makes_code_out_of_bytes(path: Path) -> None:
    assert not faults(path)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "def f():\n    from yaml import load",
        "import marshal as m",
        "eval('1')",
        "exec(data)",
        "__import__(name)",
        "os.system('x')",
        "subprocess.run('x', shell=True)",
        "np.load(path, allow_pickle=True)",
        "np.load(path)",
        "numpy.load(path, allow_pickle=trusted)",
        "torch.load(path)",
        "importlib.import_module(name)",
        "options.register_custom_ops_library(path)",
    ],
)
def test_this_test_when_a_fault_is_planted_then_it_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    monkeypatch.setattr("tests.test_nothing_foreign_runs.ROOT", tmp_path)
    (tmp_path / "planted.py").write_text(line + "\n")
    assert faults(tmp_path / "planted.py")
