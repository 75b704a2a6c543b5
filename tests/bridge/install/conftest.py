"""A resource folder as REAPER leaves it, and a computer on which no REAPER runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.install import running

KB = b'KEY 9 89 40001 0\r\nSCR 4 0 RSmine "Custom: mine.lua" mine.lua\r\nACT 0 0 "a1" "Custom: caf\xe9" 40001 40002'
"""A key list with Windows's line ends, a Latin-1 letter and no line end after the last line."""


@pytest.fixture(autouse=True)
def _no_reaper_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_processes", lambda: iter([(1, "init"), (2, "reaperd")]))


@pytest.fixture
def resource(tmp_path: Path) -> Path:
    """REAPER's folder with settings, a key list and a start-up file of the user's."""
    folder = tmp_path / "REAPER"
    (folder / "Scripts").mkdir(parents=True)
    (folder / "reaper.ini").write_bytes(b"[REAPER]\r\nreascript=0\r\n")
    (folder / "reaper-kb.ini").write_bytes(KB)
    (folder / "Scripts" / "__startup.lua").write_bytes(b"-- mine\nreturn 1")
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but the backups."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.relative_to(folder).parts[0].startswith("Foley Bridge backup")
    }
