"""Every sentence with which the program can fail, read from its source: what ``bridge/docs/errors.md`` has to explain.

Convention: a sentence is the first argument of a call that makes one of ours (``MAKERS``), wherever it is raised. Its
constant parts are kept and what is filled in is ``…``; of a choice ("a if b else c") each side is one. What is built of
foreign words alone tells nothing of its own and is left out.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAKERS = frozenset(
    ("BridgeError", "RequestError", "MediaError", "PackError", "EngineError", "HostError", "HostUnsure", "JobCancelled")
    + ("Refusal",)
)
FILLED = "…"


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A failure. file: from the repository's root. line: where. text: with ``…`` for what is filled in. hint: too."""

    file: str
    line: int
    text: str
    hint: str


def sentences(*places: str) -> list[Sentence]:
    """All in these files and folders, by file and line."""
    found = []
    for place in places:
        path = ROOT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found += of_source(file.read_text("utf-8"), file.relative_to(ROOT).as_posix())
    return found


def of_source(source: str, file: str) -> list[Sentence]:
    """All in one file's text."""
    tree = ast.parse(source)
    found = []
    for call, scope in _calls(tree, tree):
        if isinstance(call.func, (ast.Name, ast.Attribute)) and _name(call.func) in MAKERS and call.args:
            hints = [keyword.value for keyword in call.keywords if keyword.arg == "hint"]
            hint = next(iter(_texts(hints[0], scope)), "") if hints else ""
            for text in _texts(call.args[0], scope):
                if any(letter.isalpha() for letter in text):
                    found.append(Sentence(file=file, line=call.lineno, text=text, hint=hint))
    return found


def _calls(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.Call, ast.AST]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Call):
            yield child, scope
        inner = child if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) else scope
        yield from _calls(child, inner)


def _name(function: ast.Name | ast.Attribute) -> str:
    return function.id if isinstance(function, ast.Name) else function.attr


def _texts(node: ast.expr, scope: ast.AST) -> list[str]:
    """What an expression may say, with runs of ``…`` as one."""
    return list(dict.fromkeys(" ".join(text.split()) for text in _parts(node, scope)))


def _parts(node: ast.expr, scope: ast.AST) -> list[str]:
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [FILLED]
    if isinstance(node, ast.JoinedStr):
        pieces = [[FILLED] if isinstance(v, ast.FormattedValue) else _parts(v, scope) for v in node.values]
        return ["".join(choice) for choice in product(*pieces)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [left + right for left in _parts(node.left, scope) for right in _parts(node.right, scope)]
    if isinstance(node, ast.IfExp):
        return _parts(node.body, scope) + _parts(node.orelse, scope)
    if isinstance(node, ast.Name):
        given = [
            one.value
            for one in ast.walk(scope)
            if isinstance(one, ast.Assign) and any(isinstance(t, ast.Name) and t.id == node.id for t in one.targets)
        ]
        return [text for value in given for text in _parts(value, scope)] if given else [FILLED]
    return [FILLED]
