"""Files appear whole or not at all: nothing of ours opens a file for writing under the name that it is going to have.

Read from the source: what is written to is called ``temporary`` or ``part`` there, or goes through ``bridge.durable``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
UNFINISHED = frozenset({"temporary", "part"})
"""How a path is called under which unfinished work lies."""
COPIES = frozenset({"copy", "copy2", "copyfile", "copyfileobj", "copytree", "move"})
SAVES = frozenset({"imwrite", "savez", "tofile", "savetxt"})
ALLOWED = {
    ("bridge/durable.py", "open"): "writes through what has been written; makes what is not there yet",
    ("bridge/packs/download.py", "note.write_text"): "NAME.part.json, beside the part that it tells of",
    ("bridge/media/files.py", "os.open"): "reserves a free name where a file system knows no links",
    ("bridge/media/bounds.py", "os.open"): "read-only",
    ("bridge/durable.py", "os.open"): "read-only for folders; else a file that is not there yet",
    ("bridge/__main__.py", "os.open"): "the null device",
    ("bridge/jobs/journal.py", "os.open"): "makes the journal private before SQLite, which keeps it whole, opens it",
    ("reaper_scripts/foley_inside/endpoint.py", "os.open"): "a temporary name, mode 0600",
    ("reaper_scripts/foley_inside/faults.py", "os.open"): "a log of faults, private and never through a link",
}
"""(file, call): why it may."""


def writers(source: str) -> list[tuple[int, str]]:
    """(line, call) of everything that writes to a name which is not that of unfinished work."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if _writes(node, name):
                found.append((node.lineno, name))
    return found


def _writes(node: ast.Call, name: str) -> bool:
    first = ast.unparse(node.args[0]) if node.args else ""
    second = ast.unparse(node.args[1]) if len(node.args) > 1 else ""
    owner, _, method = name.rpartition(".")
    if name == "os.open":
        return True
    if method in ("write_text", "write_bytes"):
        return owner not in UNFINISHED
    if owner == "shutil" and method in COPIES:
        return second not in UNFINISHED
    if method in SAVES or (owner in ("np", "numpy") and method == "save"):
        return True
    if method != "open" and name != "open":
        return False
    path, mode = (first, node.args[1:2]) if name == "open" or owner == "av" else (owner, node.args[:1])
    mode += [keyword.value for keyword in node.keywords if keyword.arg == "mode"]
    said = [one.value for one in mode if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    alternatives = [one for one in mode if isinstance(one, ast.IfExp)]
    writing = bool(alternatives) or any(set(one) & set("wax+") for one in said)
    return writing and path not in UNFINISHED and path != "str(temporary)"


def test_source_when_read_then_nothing_is_written_under_its_own_name() -> None:
    found, used = [], set()
    for folder in ("bridge", "reaper_scripts"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            file = path.relative_to(ROOT).as_posix()
            for line, name in writers(path.read_text("utf-8")):
                used.add((file, name))
                if (file, name) not in ALLOWED:
                    found.append(f"{file}:{line}: {name}")
    assert not found, "written under their own names:\n" + "\n".join(found)
    assert used == set(ALLOWED), "allowed for nothing"


@pytest.mark.parametrize(
    "source",
    [
        "open(path, 'w')",
        "open(path, mode='ab')",
        "path.open('wb')",
        "path.open('r+')",
        "path.open('ab' if start else 'wb')",
        "path.write_bytes(data)",
        "(folder / 'a').write_text(text)",
        "shutil.copyfile(old, new)",
        "shutil.copytree(old, new)",
        "av.open(str(path), 'w')",
        "np.save(path, array)",
        "cv2.imwrite(str(path), picture)",
        "os.open(path, flags)",
    ],
)
def test_writer_when_planted_then_seen(source: str) -> None:
    assert writers(source)


@pytest.mark.parametrize(
    "source",
    [
        "open(path)",
        "path.open('rb')",
        "temporary.open('xb')",
        "part.open('ab' if start else 'wb')",
        "av.open(str(path), mode='r')",
        "av.open(str(temporary), 'w', format='mp4')",
        "store.open(name)",
        "shutil.copyfile(found, part)",
    ],
)
def test_writer_when_it_reads_or_is_unfinished_then_passed(source: str) -> None:
    assert not writers(source)
