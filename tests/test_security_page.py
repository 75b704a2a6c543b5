"""SECURITY.md against the tests: each promise names tests that are there, each command is one."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")


def promises() -> dict[str, str]:
    """Every row of the table of promises: the promise, and what shows it."""
    table = PAGE[PAGE.index("| promise | tests |") :].split("\n\n")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines()[2:]]
    return {promise.strip(): shown for promise, shown in rows}


@pytest.mark.parametrize("promise", promises())
def test_promise_when_looked_up_then_its_tests_are_there(promise: str) -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", promises()[promise])
    assert named
    for name in named:
        path = ROOT / name
        assert path.is_file(), f"{name} is not there"
        assert path.name == "conftest.py" or "def test_" in path.read_text("utf-8"), f"{name} tests nothing"


def test_commands_when_named_then_they_are_there() -> None:
    make = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"`make (\w+)`", PAGE)
    assert targets
    assert [name for name in targets if not re.search(rf"^{name}:", make, re.MULTILINE)] == []
    modules = re.findall(r"`python -m (tests\.\w+)`", PAGE)
    assert modules
    assert [name for name in modules if importlib.util.find_spec(name) is None] == []
