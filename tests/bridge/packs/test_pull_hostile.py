"""Servers and archives that mean no good: the folder stays the user's, the terminal too, and it ends as a sentence."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.bridge.packs import test_pull
from tests.bridge.packs.file_server import FileServer, Page
from tests.bridge.packs.test_pull import DIFFUSION_ZIP, ONSET_ZIP, RECORD, Pull, whole

folder, pull, server = test_pull.folder, test_pull.pull, test_pull.server


def offer(server: FileServer, name: str, data: bytes = ONSET_ZIP) -> None:
    """The record's onset file, under a name of the server's choice."""
    files = {name: data, "ckpt-diffusion.zip": DIFFUSION_ZIP}
    listing = [{"key": key, "size": len(content), "checksum": ""} for key, content in files.items()]
    server.pages[RECORD] = Page(data=json.dumps({"files": listing}).encode(), kind="application/json")
    for key, content in files.items():
        server.pages[f"{RECORD}/files/{quote(key)}/content"] = Page(data=content)


def everything(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["../../{}", "{root}/{}", "..\\..\\{}", "C:{}", "a\x1b[2J{}", " /{}"])
def test_pull_when_a_record_names_a_file_elsewhere_then_refused_and_nothing_touched(
    server: FileServer, pull: Pull, folder: Path, tmp_path: Path, name: str
) -> None:
    folder.mkdir(parents=True)
    for place in (folder.parent.parent, folder.parent, tmp_path):
        (place / "my-onset.zip").write_bytes(b"mine")
    before = everything(tmp_path)
    offer(server, name.replace("{root}", str(tmp_path)).replace("{}", "my-onset.zip"))
    code, said, complaint = pull("--yes", "--mirror", server.url, "--unverified")
    assert code == 2
    assert "no name of a file" in complaint
    assert "\x1b" not in said + complaint
    assert everything(tmp_path) == before


def test_pull_when_something_of_the_users_is_in_the_way_then_it_stays(
    server: FileServer, pull: Pull, folder: Path, tmp_path: Path
) -> None:
    offer(server, "best.zip")
    folder.mkdir(parents=True)
    (folder / "best.zip").write_bytes(b"mine")
    words = ("--yes", "--mirror", server.url, "--unverified", "--choose", "best.zip")
    code, _, complaint = pull(*words)
    assert code == 2
    assert f"{folder / 'best.zip'} is in the way" in complaint
    assert everything(folder) == {"best.zip": b"mine"}
    (folder / "best.zip").unlink()
    offer(server, "my-onset.zip")
    words = words[:-2]
    (folder / "my-onset.zip.sha256").write_text("mine")
    (tmp_path / "thesis").write_bytes(b"years of work")
    for name in ("onset.ckpt.part", "my-onset.zip.part", "vocab.json.part"):
        (folder / name).symlink_to(tmp_path / "thesis")
    assert pull(*words)[0] == 0
    assert whole(folder)
    assert (tmp_path / "thesis").read_bytes() == b"years of work"
    assert (folder / "my-onset.zip.sha256").read_text() == "mine"
    (folder / "onset.ckpt").unlink()
    (folder / "onset.ckpt").mkdir()
    server.asked.clear()
    assert "is in the way" in pull(*words)[2]
    assert server.asked == []
