"""Every sentence with which the program can fail, read from its source: what ``bridge/docs/errors.md`` has to explain.

Convention: a sentence is the first argument of a call that makes an error of ours or shows one in REAPER (``MAKERS``),
what ends a job, or what a function of ``SPEAKERS`` returns. Its constant parts are kept and what is filled in is ``…``;
of a choice ("a if b else c") each side is one. What is built of foreign words alone is left out.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MAKERS = frozenset(
    {
        *("BridgeError", "RequestError", "MediaError", "PackError", "EngineError", "HostError", "HostUnsure"),
        *("JobCancelled", "Refusal", "Gone", "RPR_ShowConsoleMsg"),
    }
)
SPEAKERS = frozenset({"_nobody"})
FILLED = "…"
Scopes = tuple[ast.AST, ...]


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
    for node, scopes in _nodes(tree, (tree,)):
        said, hint = _said(node, scopes)
        hints = _texts(hint, scopes) if hint is not None else [""]
        for text in _texts(said, scopes) if said is not None else ():
            if any(letter.isalpha() for letter in text):
                found.append(Sentence(file=file, line=node.lineno, text=text, hint=hints[0]))  # pyright: ignore
    return found


def _said(node: ast.AST, scopes: Scopes) -> tuple[ast.expr | None, ast.expr | None]:
    """The sentence that a node speaks, and its hint."""
    if isinstance(node, ast.Return) and getattr(scopes[0], "name", "") in SPEAKERS:
        return node.value, None
    if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
        return None, None
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    named = {keyword.arg: keyword.value for keyword in node.keywords}
    as_error = name == "tell" and len(node.args) == 2 and ast.unparse(node.args[1]) == "'error'"
    if (name in MAKERS or as_error) and node.args:
        return node.args[0], named.get(
            "hint", node.args[1] if name in ("Refusal", "Gone") and len(node.args) > 1 else None
        )
    ends = ("JobState.FAILED", "JobState.CANCELLED")
    if name == "_change" and "state" in named and ast.unparse(named["state"]) in ends:
        return named.get("sentence"), None
    return None, None


def _nodes(node: ast.AST, scopes: Scopes) -> Iterator[tuple[ast.AST, Scopes]]:
    """Every node with the functions around it, the innermost first, and the module last."""
    for child in ast.iter_child_nodes(node):
        yield child, scopes
        inner = (child, *scopes) if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) else scopes
        yield from _nodes(child, inner)


def _texts(node: ast.expr, scopes: Scopes) -> list[str]:
    """What an expression may say."""
    return list(dict.fromkeys(" ".join(text.split()) for text in _parts(node, scopes)))


def _parts(node: ast.expr, scopes: Scopes) -> list[str]:
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [FILLED]
    if isinstance(node, ast.JoinedStr):
        pieces = [[FILLED] if isinstance(v, ast.FormattedValue) else _parts(v, scopes) for v in node.values]
        return ["".join(choice) for choice in product(*pieces)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [left + right for left in _parts(node.left, scopes) for right in _parts(node.right, scopes)]
    if isinstance(node, ast.IfExp):
        return _parts(node.body, scopes) + _parts(node.orelse, scopes)
    if isinstance(node, ast.Name):
        for scope in scopes:
            given = [value for name, value in _assigned(scope) if name == node.id]
            if given:
                return [text for value in given for text in _parts(value, scopes)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return [re.sub(r"\{[^}]*\}", FILLED, text) for text in _parts(node.func.value, scopes)]
    return [FILLED]


def _assigned(scope: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Names and what they are given, in a function, or at the top of a module."""
    inside = scope.body if isinstance(scope, ast.Module) else ast.walk(scope)
    for one in inside:
        if isinstance(one, ast.Assign):
            yield from ((target.id, one.value) for target in one.targets if isinstance(target, ast.Name))
