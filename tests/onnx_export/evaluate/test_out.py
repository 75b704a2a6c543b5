"""A report's file: refused early, never over another, whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bridge.errors import RequestError
from onnx_export.evaluate import out


def test_check_when_the_file_can_be_written_then_nothing_is_left(tmp_path: Path) -> None:
    out.check(tmp_path / "a.json")
    assert not list(tmp_path.iterdir())


def test_check_when_a_link_leads_nowhere_then_the_name_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.json").symlink_to(tmp_path / "gone")
    with pytest.raises(RequestError, match="exists already"):
        out.check(tmp_path / "a.json")


def test_check_when_the_folder_may_not_be_written_then_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, mode: int = 0o666, exist_ok: bool = True) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "touch", refused)
    with pytest.raises(RequestError, match=r"a\.json cannot be written \(Permission denied\)"):
        out.check(tmp_path / "a.json")


@pytest.mark.parametrize("links", [True, False])
def test_write_when_the_name_was_taken_during_the_run_then_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    def unsupported(part: Path, name: Path) -> None:
        raise OSError(95, "Operation not supported")

    if not links:
        monkeypatch.setattr(os, "link", unsupported)
    path = tmp_path / "a.json"
    assert out.write(path, "first") == path
    assert out.write(path, "second") == tmp_path / "a 2.json"
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {"a.json": "first", "a 2.json": "second"}
