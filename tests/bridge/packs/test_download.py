"""A file is whole and right, or it does not have its name."""

from __future__ import annotations

import errno
import hashlib
import io
import random
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs import download
from bridge.packs.download import Downloader, Source
from tests.bridge.packs.file_server import FileServer, Page, serving

DATA = random.Random(0).randbytes(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()
MD5 = hashlib.md5(DATA, usedforsecurity=False).hexdigest()


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as server:
        server.pages["/a.bin"] = Page(data=DATA)
        yield server


def got(server: FileServer, path: Path, **known: Any) -> str:
    source = Source(url=f"{server.url}/a.bin", **({"sha256": SHA256, "size_bytes": len(DATA)} | known))
    return Downloader(allow_http=True, timeout_s=5, sleep=lambda seconds: None).fetch(source, path)


def refused(server: FileServer, path: Path, **known: Any) -> str:
    with pytest.raises(PackError) as caught:
        got(server, path, **known)
    assert not path.exists()
    assert caught.value.hint
    return caught.value.sentence


def test_fetch_when_all_is_well_then_the_file_and_nothing_beside_it(server: FileServer, tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    told: list[tuple[int, int | None]] = []
    source = Source(url=f"{server.url}/a.bin", md5=MD5)
    digest = Downloader(allow_http=True).fetch(source, path, progress=lambda done, all, rate: told.append((done, all)))
    assert digest == SHA256
    assert path.read_bytes() == DATA
    assert [file.name for file in path.parent.iterdir()] == ["a.bin"]
    assert told[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in told] == sorted(done for done, _ in told)


@pytest.mark.parametrize("etag", ['"one"', ""])
def test_fetch_when_the_connection_breaks_then_it_goes_on_where_it_broke(
    server: FileServer, tmp_path: Path, etag: str
) -> None:
    server.pages["/a.bin"] = Page(data=DATA, cuts=[1_000_000, 1_200_000], etag=etag)
    assert got(server, tmp_path / "a.bin") == SHA256
    assert [asked for _, asked in server.asked] == ["", "bytes=1000000-", "bytes=2200000-"]


def test_fetch_when_it_was_stopped_then_the_next_run_goes_on(server: FileServer, tmp_path: Path) -> None:
    server.pages["/a.bin"].cuts = [500_000] + [0] * 5
    assert "tried 6 times" in refused(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin.part").stat().st_size == 500_000
    assert got(server, tmp_path / "a.bin") == SHA256
    assert server.asked[-1] == ("/a.bin", "bytes=500000-")


def test_fetch_when_the_server_knows_no_ranges_then_from_the_beginning(server: FileServer, tmp_path: Path) -> None:
    server.pages["/a.bin"] = Page(data=DATA, cuts=[1_000_000], ranges=False)
    assert got(server, tmp_path / "a.bin") == SHA256


@pytest.mark.parametrize(("guards", "requests"), [(True, 1), (False, 2)])
def test_fetch_when_the_file_changed_between_runs_then_from_the_beginning(
    server: FileServer, tmp_path: Path, guards: bool, requests: int
) -> None:
    server.pages["/a.bin"] = Page(data=DATA[::-1], cuts=[500_000] + [0] * 5)
    refused(server, tmp_path / "a.bin")
    server.asked.clear()
    server.pages["/a.bin"] = Page(data=DATA, etag='"two"', guards=guards)
    assert got(server, tmp_path / "a.bin") == SHA256
    assert len(server.asked) == requests


def test_fetch_when_the_file_changed_and_no_etag_tells_then_it_is_got_anew(server: FileServer, tmp_path: Path) -> None:
    server.pages["/a.bin"] = Page(data=DATA[::-1], cuts=[500_000] + [0] * 5, etag="")
    refused(server, tmp_path / "a.bin")
    server.pages["/a.bin"] = Page(data=DATA, etag="")
    assert got(server, tmp_path / "a.bin") == SHA256
    assert [asked for _, asked in server.asked[-2:]] == ["bytes=500000-", ""]


def test_fetch_when_bytes_are_wrong_then_refused_and_nothing_is_left(server: FileServer, tmp_path: Path) -> None:
    server.pages["/a.bin"].data = DATA[:-1] + b"x"
    assert "SHA-256" in refused(server, tmp_path / "a.bin")
    assert "MD5" in refused(server, tmp_path / "a.bin", sha256=None, md5=MD5)
    assert list(tmp_path.iterdir()) == []


def test_fetch_when_the_server_sends_something_else_then_refused(server: FileServer, tmp_path: Path) -> None:
    page = server.pages["/a.bin"]
    page.data, page.kind = b"<html>Sign in</html>", "text/html; charset=utf-8"
    assert "web page" in refused(server, tmp_path / "a.bin")
    page.data, page.kind = DATA + b"more", "application/octet-stream"
    assert "3000004 bytes" in refused(server, tmp_path / "a.bin")
    page.length = False
    assert "more than" in refused(server, tmp_path / "a.bin")
    page.data = DATA[:-5]
    assert "has a shorter file" in refused(server, tmp_path / "b.bin")


def test_fetch_when_no_size_is_known_then_there_is_a_limit(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_BYTES", 1_000_000)
    assert "none of our files" in refused(server, tmp_path / "a.bin", size_bytes=None)
    server.pages["/a.bin"].length = False
    assert "more than" in refused(server, tmp_path / "a.bin", size_bytes=None)


def test_fetch_when_the_server_is_busy_then_tried_again_with_growing_pauses(server: FileServer, tmp_path: Path) -> None:
    server.pages["/a.bin"].statuses = [503, 429, 500]
    pauses: list[float] = []
    source = Source(url=f"{server.url}/a.bin", sha256=SHA256)
    Downloader(allow_http=True, sleep=pauses.append).fetch(source, tmp_path / "a.bin")
    assert pauses == [1.0, 2.0, 4.0]
    server.pages["/a.bin"].statuses = [503] * 9
    assert "HTTP 503; tried 6 times" in refused(server, tmp_path / "b.bin")
    del server.pages["/a.bin"]
    assert "HTTP 404" in refused(server, tmp_path / "b.bin")
    assert server.asked[-2][0] == "/a.bin"


def test_fetch_when_redirected_then_followed_but_never_to_less_safety(server: FileServer, tmp_path: Path) -> None:
    server.pages["/b.bin"] = server.pages["/a.bin"]
    server.pages["/a.bin"] = Page(redirect=f"{server.url}/b.bin")
    assert got(server, tmp_path / "a.bin") == SHA256
    server.pages["/a.bin"] = Page(redirect="ftp://127.0.0.1/b.bin")
    assert "not https" in refused(server, tmp_path / "c.bin")
    handler = download._Redirects()
    secure = urllib.request.Request("https://example.org/a")
    with pytest.raises(PackError, match="not https"):
        handler.redirect_request(secure, io.BytesIO(), 302, "", {}, "http://example.org/a")


def test_fetch_when_plain_http_was_not_asked_for_then_nothing_is_sent(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(PackError, match="is not https"):
        Downloader().fetch(Source(url=f"{server.url}/a.bin"), tmp_path / "a.bin")
    assert server.asked == []


def test_fetch_when_nobody_listens_then_says_so(tmp_path: Path) -> None:
    with serving() as server:
        pass
    assert "tried 6 times" in refused(server, tmp_path / "a.bin")


def test_fetch_when_the_disk_is_too_small_then_said_before_the_transfer(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    said = refused(server, tmp_path / "a.bin")
    assert "free" in said
    assert "--into" in said
    assert list(tmp_path.iterdir()) == []


def test_fetch_when_the_disk_fills_up_then_what_came_is_kept(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pour: Any = download._pour

    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def write(self, piece: bytes) -> None:
            if self.file.tell() >= 1_000_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.file.write(piece)

    with monkeypatch.context() as patch:
        patch.setattr(download, "_pour", lambda answer, file, *rest: pour(answer, Full(file), *rest))
        assert "No space left" in refused(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin.part").stat().st_size >= 1_000_000
    assert got(server, tmp_path / "a.bin") == SHA256
    assert server.asked[-1][1].startswith("bytes=1")
