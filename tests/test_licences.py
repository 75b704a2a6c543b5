"""LICENCES.md says what is installed: every package of the locks, every version, every library inside."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy
import pytest

from tests import licences

PAGE = licences.PAGE.read_text("utf-8")


def told(group: str) -> dict[str, licences.Row]:
    """The rows of a group's table, by name."""
    title = licences.GROUPS[group][0]
    text = PAGE.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^\| ([\w.-]+) \| ([\w., ]+) \| (.+) \|$", text, re.MULTILINE)
    rows = [licences.Row(name=name, versions=tuple(many.split(", ")), licence=last) for name, many, last in found]
    return {row.name: row for row in rows if row.name != "package"}


@pytest.mark.parametrize("group", list(licences.GROUPS))
def test_page_when_compared_with_the_locks_then_every_package_stands_there_and_no_other(group: str) -> None:
    page = told(group)
    assert {row.name: row.versions for row in page.values()} == {
        row.name: row.versions for row in licences.rows(group)
    }, "run: make licences"
    assert all(row.licence.strip("? ") for row in page.values())


def test_page_when_a_package_is_installed_as_locked_then_its_licence_is_what_it_says_itself() -> None:
    compared = 0
    for group in licences.GROUPS:
        for row in told(group).values():
            try:
                here = version(row.name)
            except PackageNotFoundError:
                continue
            if row.versions == (here,):
                assert row.licence == licences.licence_of(row.name), row.name
                compared += 1
    assert compared > 20


def test_page_when_a_licence_is_copyleft_then_it_says_what_follows() -> None:
    follows = PAGE.split("\n## ", 1)[0]
    copyleft = {row.name for group in licences.GROUPS for row in told(group).values() if is_copyleft(row.licence)}
    assert {"soxr", "tqdm", "certifi"} <= copyleft
    assert not {name for name in copyleft if name not in follows}


def is_copyleft(licence: str) -> bool:
    return bool(licences.COPYLEFT.search(licence))


def test_page_when_wheels_hold_shared_libraries_then_each_is_known() -> None:
    known = set(licences.LIBRARIES.split())
    found = {
        re.sub(r"^lib|(-[0-9a-f]{8})?(-r0-[0-9a-f]+)?(\.[\d.]+)?\.so.*$", "", path.name)
        for package in ("av", "opencv_python", "numpy", "scipy", "scikit_learn", "numba")
        for path in (Path(numpy.__file__).parents[1] / f"{package}.libs").glob("*.so*")
    }
    found = {re.sub(r"(-[0-9a-f]{6,8})+$|-$", "", name) for name in found}
    assert not {name for name in found if name not in known}, "look up its licence, then name it in tests/licences.py"


def test_page_when_read_then_every_wheel_that_holds_other_libraries_tells_which() -> None:
    table = PAGE.split("## Copyleft and other libraries inside\n", 1)[1].split("\n## ", 1)[0]
    inside = [line.split(" | ") for line in table.splitlines() if line.startswith("| ")][1:]
    for package, library in (
        ("av", "FFmpeg"),
        ("av", "x264, x265"),
        ("opencv-python", "FFmpeg"),
        ("opencv-python", "Qt"),
        ("soundfile", "libsndfile"),
        ("soxr", "libsoxr"),
        ("scipy", "libgfortran"),
        ("onnxruntime", "Eigen"),
    ):
        assert any(package in row[0] and library in row[1] for row in inside), f"{library} in {package}"
