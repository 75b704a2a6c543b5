"""No shell, ever: programs are started in listed places, from lists of words; so is foreign memory touched.

Read from the source, so that a new place must be written down here, and be looked at.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("bridge", "reaper_scripts", "onnx_export")

NEVER = re.compile(
    r"os\.(system|popen|startfile|fork|forkpty|exec\w*|spawn\w*|posix_spawn\w*)|pty(\..*)?|webbrowser(\..*)?"
    r"|commands(\..*)?|platform\.popen|runpy(\..*)?|code|codeop|asyncio\.(create_)?subprocess.*"
    r"|(builtins\.)?(eval|exec|compile|__import__)"
    r"|subprocess\.(call|check_call|check_output|getoutput|getstatusoutput)|multiprocessing(\..*)?"
)
"""What nothing of ours may name."""
BUILT_IN = frozenset({"eval", "exec", "compile", "__import__", "getattr"})
IMPORTS_BY_NAME = frozenset({"bridge/__main__.py", "onnx_export/__main__.py", "onnx_export/evaluate/extras.py"})
"""These import a module whose name stands in a table of theirs; elsewhere the name stands in the call."""
STARTS = frozenset({"subprocess.run", "subprocess.Popen"})
"""What starts a program."""
LISTED = {
    "subprocess": {
        "bridge/install/running.py": "the list of processes: ps or tasklist, by full path, only at `reaper install`",
        "bridge/commands/packs.py": "quoting alone: list2cmdline and shlex.join print a command for the user",
        "onnx_export/evaluate/starter/box.py": "the exporter's measurement runs our own command line",
    },
    "shlex": {"bridge/commands/packs.py": "prints a command for the user"},
    "ctypes": {
        "bridge/engine/memory.py": "malloc_trim, to give memory back",
        "bridge/engine/runtime.py": "asks whether a GPU library can be loaded",
        "bridge/host/endpoint.py": "Windows: whether a process runs",
        "bridge/media/files.py": "renameat2 and renamex_np: a rename that never replaces, without hard links",
        "reaper_scripts/foley_inside/texts.py": "REAPER's own functions that its Python wrapper cannot call right",
    },
}
"""Modules that may be imported in these files only, and what for."""


def troubles(source: str, file: str) -> list[str]:
    """What a file does that none may do, or that only a listed one may."""
    tree = ast.parse(source)
    names = dict(_imported(tree))
    found = []
    for module in {name.split(".")[0] for name in names.values()} & set(LISTED):
        if file not in LISTED[module]:
            found.append(f"{file}: imports {module}")
    for node in ast.walk(tree):
        named = _dotted(node, names)
        if named and NEVER.fullmatch(named):
            found.append(f"{file}:{getattr(node, 'lineno', 0)}: {named}")
        if isinstance(node, ast.Call):
            found += [f"{file}:{node.lineno}: {text}" for text in _call(node, names, tree)]
            by_name = _dotted(node.func, names) == "importlib.import_module" and file not in IMPORTS_BY_NAME
            if by_name and not isinstance(node.args[0], ast.Constant):
                found.append(f"{file}:{node.lineno}: imports what something else names")
    return sorted(found)


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """(name in the file, what it stands for) of everything that is imported, wherever."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield one.asname or one.name.split(".")[0], one.name if one.asname else one.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for one in node.names:
                yield one.asname or one.name, f"{node.module}.{one.name}"


def _dotted(node: ast.AST, names: dict[str, str]) -> str:
    """The full name that an expression stands for; "" if it is none."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id if node.id in BUILT_IN else "")
    if isinstance(node, ast.Attribute):
        inner = _dotted(node.value, names)
        known = isinstance(node.value, ast.Attribute) or (isinstance(node.value, ast.Name) and node.value.id in names)
        return f"{inner}.{node.attr}" if inner and known else ""
    if isinstance(node, ast.Call) and _dotted(node.func, names) == "getattr" and len(node.args) > 1:
        owner, attribute = _dotted(node.args[0], names), node.args[1]
        return f"{owner}.{attribute.value}" if isinstance(attribute, ast.Constant) else ""
    return ""


def _call(node: ast.Call, names: dict[str, str], tree: ast.AST) -> Iterator[str]:
    """What is wrong with a call that starts a program, or may."""
    given = {keyword.arg for keyword in node.keywords}
    if "shell" in given or "preexec_fn" in given or "executable" in given:
        yield "a shell, or another program than the words say"
    if _dotted(node.func, names) not in STARTS:
        return
    if None in given or not node.args or not _is_list(node.args[0], tree):
        yield "a program that is not started from a list of words"


def _is_list(node: ast.expr, tree: ast.AST) -> bool:
    """Whether an argument is a list as it stands, or a name that only lists are given to."""
    if isinstance(node, ast.List):
        return True
    if not isinstance(node, ast.Name):
        return False
    values = [
        one.value
        for one in ast.walk(tree)
        if isinstance(one, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == node.id for target in one.targets)
    ]
    return bool(values) and all(isinstance(value, ast.List) for value in values)


def files() -> list[Path]:
    return [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]


def test_source_when_read_then_no_shell_and_programs_only_where_they_are_listed() -> None:
    found = [text for path in files() for text in troubles(path.read_text("utf-8"), path.relative_to(ROOT).as_posix())]
    assert not found, "\n".join(found)


def test_list_when_compared_with_the_source_then_nothing_is_listed_for_nothing() -> None:
    for module, places in LISTED.items():
        for file in places:
            imported = {name.split(".")[0] for _, name in _imported(ast.parse((ROOT / file).read_text("utf-8")))}
            assert module in imported, f"{file} is listed for {module} and does not import it"


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.system('ls')",
        "import os as o\no.popen('ls')",
        "from os import system as work\nwork('ls')",
        "import os\nrun = os.execvp",
        "import os\ngetattr(os, 'system')('ls')",
        "import os\nos.posix_spawn('/bin/sh', [], {})",
        "import os\nos.startfile(path)",
        "import webbrowser\nwebbrowser.open(url)",
        "def f():\n    import pty\n    pty.spawn('/bin/sh')",
        "import subprocess\nsubprocess.run(['ls'], shell=True)",
        "import subprocess\nsubprocess.run(['ls'], shell=False)",
        "import subprocess\nsubprocess.run('ls')",
        "import subprocess\nsubprocess.run(f'ls {path}')",
        "import subprocess\nsubprocess.Popen(words)",
        "import subprocess\nwords = ['ls']\nwords = text.split()\nsubprocess.Popen(words)",
        "import subprocess\nsubprocess.run(['ls'], **more)",
        "from subprocess import check_output\ncheck_output(['ls'])",
        "import subprocess as s\ns.getoutput('ls')",
        "eval(text)",
        "exec(text)",
        "import importlib\nimportlib.import_module(name)",
        "import asyncio\nasyncio.create_subprocess_shell('ls')",
        "import ctypes\nctypes.CDLL(None).system(b'ls')",
    ],
)
def test_trouble_when_planted_then_seen(source: str) -> None:
    assert troubles(source, "bridge/somewhere.py")
    innocent = "import subprocess\nwords = ['ls', path]\nsubprocess.run(words, check=True)"
    assert not troubles(innocent, "bridge/install/running.py")
    assert not troubles("model.eval()\nself.compile()\nre.compile('x')\ncursor.exec('x')", "bridge/somewhere.py")
