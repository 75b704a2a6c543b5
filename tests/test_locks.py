"""The locks hold what pyproject.toml asks for, on every machine, and nothing that cannot be checked."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests import locks

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).resolve().parents[1]
MACHINES = [(python, *system) for python in locks.PYTHONS for system in locks.SYSTEMS]
NOT_LOCKED = {"torch"}
"""The index chooses its build, so no hash of it can be named; the Makefile names its version."""
NEVER = ("nvidia-", "cuda-", "triton", "torch", "data-science-types")
"""How the names of packages begin that must not come with the dev lock; torch audio and torch librosa are others."""


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def wanted(lock: str) -> list[Requirement]:
    """What a lock must hold."""
    known = project()
    if lock in ("build", "clap"):
        return [Requirement(one) for one in known["dependency-groups"][{"build": "build", "clap": "clap-nets"}[lock]]]
    extras = known["project"]["optional-dependencies"]
    words = list(known["project"]["dependencies"])
    if lock == "dev":
        words += [one for extra in ("dev", "export", "evaluate", "parity") for one in extras[extra]]
    return [Requirement(one) for one in words]


def lacks(requirements: Iterable[Requirement], locked: Iterable[locks.Locked]) -> list[str]:
    """Sentences on what is asked for somewhere and not locked there, or locked in another version."""
    locked = tuple(locked)
    wrong = []
    for machine in MACHINES:
        here = locks.environment(*machine)
        versions: dict[str, list[str]] = {}
        for one in locked:
            if one.meant_for(here):
                versions.setdefault(one.name, []).append(one.version)
        wrong += [f"{name} {found} on {machine}" for name, found in versions.items() if len(found) > 1]
        for asked in requirements:
            name = canonicalize_name(asked.name)
            if name in NOT_LOCKED or (asked.marker is not None and not asked.marker.evaluate(here)):
                continue
            for version in versions.get(name, ["none"]):
                if version == "none" or not asked.specifier.contains(version, prereleases=True):
                    wrong.append(f"{asked} on {machine}: {version}")
    return wrong


@pytest.mark.parametrize("lock", ["build", "runtime", "dev", "clap"])
def test_lock_when_compared_with_pyproject_then_every_dependency_is_there_in_range_on_every_machine(lock: str) -> None:
    assert not lacks(wanted(lock), locks.read(lock)), "run: make lock"


def test_lacks_when_a_version_is_out_of_range_missing_or_twice_then_it_says_so() -> None:
    one = locks.Locked(name="numpy", version="1.2", marker="", hashes=())
    asked = [Requirement("numpy>=1,<2"), Requirement("tomli; python_version < '3.11'")]
    assert len(lacks(asked, [one])) == len(locks.SYSTEMS)
    assert len(lacks(asked[:1], [])) == len(MACHINES)
    assert len(lacks(asked[:1], [one, one])) == len(MACHINES)
    assert len(lacks([Requirement("numpy>=1.3")], [one])) == len(MACHINES)
    assert not lacks(asked[:1], [one])


def test_lock_when_read_then_every_line_has_hashes_and_no_line_leads_elsewhere() -> None:
    for path in sorted(locks.FOLDER.glob("*.txt")):
        assert all(one.hashes for one in locks.read(path.stem))
        assert "://" not in path.read_text("utf-8")


def test_locks_when_two_hold_a_package_then_both_hold_the_same_files() -> None:
    dev = {(one.name, one.version): one for one in locks.read("dev")}
    for other in locks.read("runtime"):
        assert dev[other.name, other.version].hashes == other.hashes
    versions = {one.name: one.version for one in locks.read("dev") if not one.marker}
    for other in locks.read("build"):
        assert versions.get(other.name, other.version) == other.version


def test_dev_lock_when_read_then_torch_and_what_comes_with_it_is_left_to_the_index() -> None:
    assert not [one.name for one in locks.read("dev") if one.name.startswith(NEVER) and one.name != "torchaudio"]
    text = (ROOT / "Makefile").read_text("utf-8")
    assert "pip install --quiet torch==2.13.0\n" in text
    assert "echo torch==2.13.0 |" in text
    (torch,) = (one for one in wanted("dev") if one.name == "torch")
    assert torch.specifier.contains("2.13.0")


def test_ranges_when_read_then_every_one_has_a_lower_and_an_upper_bound() -> None:
    known = project()["project"]
    words = known["dependencies"] + [one for extra in known["optional-dependencies"].values() for one in extra]
    for one in map(Requirement, words):
        kinds = {part.operator for part in one.specifier}
        assert kinds in ({">=", "<"}, {"=="}), one
