"""Servers and archives that mean no good: the folder stays the user's, the terminal too, and it ends as a sentence."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from bridge.packs import catalogue
from bridge.packs.download import Downloader
from tests.bridge.packs import test_pull
from tests.bridge.packs.file_server import FileServer, Page
from tests.bridge.packs.test_pull import DIFFUSION_ZIP, ENTRY, ONSET_ZIP, RECORD, Pull, whole

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


def packed(method: int) -> bytes:
    """An archive of one method whose content is spoilt; its directory is whole."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as files:
        files.writestr("epoch=9.ckpt", bytes(range(256)) * 20)
    data = bytearray(buffer.getvalue())
    start = data.find(b"epoch=9.ckpt") + len(b"epoch=9.ckpt") + (4 if method == zipfile.ZIP_LZMA else 0)
    data[start : start + 40] = b"\xff" * 40
    return bytes(data)


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_pull_when_an_archive_is_spoilt_then_a_sentence_about_it(
    server: FileServer, pull: Pull, folder: Path, method: int
) -> None:
    offer(server, "my-onset.zip", packed(method))
    code, _, complaint = pull("--yes", "--mirror", server.url, "--unverified")
    assert code == 2
    assert f"{folder / 'my-onset.zip'} is damaged" in complaint
    assert f"Move {folder / 'my-onset.zip'} away" in complaint


def test_pull_when_an_archive_is_empty_then_said(server: FileServer, pull: Pull) -> None:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    offer(server, "my-onset.zip", buffer.getvalue())
    assert "my-onset.zip is empty" in pull("--yes", "--mirror", server.url, "--unverified")[2]


@pytest.mark.parametrize("answer", [b'{"files":[{"key":"my-onset.zip","size":1e999}]}', b"[" * 200_000])
def test_pull_when_a_record_is_nonsense_then_a_sentence(server: FileServer, pull: Pull, answer: bytes) -> None:
    server.pages[RECORD] = Page(data=answer, kind="application/json")
    code, _, complaint = pull("--yes", "--mirror", server.url, "--unverified")
    assert code == 2
    assert "unknown form" in complaint or "no JSON" in complaint


def test_pull_when_the_unpacked_file_has_another_size_then_refused_or_said(
    server: FileServer, pull: Pull, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = {**ENTRY.items, "onset": replace(ENTRY.items["onset"], size_bytes=5)}
    monkeypatch.setattr(catalogue, "ENTRIES", {"tiny": replace(ENTRY, items=items)})
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "ckpt-onset.zip").write_bytes(ONSET_ZIP)
    (stick / "ckpt-onset.zip.sha256").write_text(hashlib.sha256(ONSET_ZIP).hexdigest())
    code, _, complaint = pull("--yes", "--from", str(stick))
    assert code == 2
    assert "has 1300 bytes where 5 were expected" in complaint
    code, said, _ = pull("--yes", "--mirror", server.url, "--unverified")
    assert code == 0
    assert "has 1300 bytes where 5 were expected" in said


def test_pull_when_an_answer_of_no_stated_length_is_cut_then_it_goes_on(
    server: FileServer, pull: Pull, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Downloader, "_pause", lambda *given: None)
    offer(server, "my-onset.zip")
    page = server.pages[f"{RECORD}/files/my-onset.zip/content"]
    page.length, page.cuts = False, [200]
    assert pull("--yes", "--mirror", server.url, "--unverified")[0] == 0
    assert whole(folder)
