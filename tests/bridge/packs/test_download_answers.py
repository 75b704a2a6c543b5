"""What a server sends and what a disk holds: too much, too little, another thing, and small answers."""

from __future__ import annotations

import errno
import io
import os
import urllib.error
import urllib.request
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs import download
from bridge.packs.download import Downloader, Source, check
from tests.bridge.packs import answers
from tests.bridge.packs.answers import (
    DATA,
    HAND,
    MD5,
    ON,
    SHA256,
    URL,
    Answer,
    Web,
    broken,
    busy,
    fetch,
    noted,
    refused,
    rest,
)

net = answers.net


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "application/xhtml+xml"])
def test_fetch_when_a_page_comes_then_said(net: Any, tmp_path: Path, kind: str) -> None:
    said = refused(net(Answer(b"<html>", content_type=kind)), tmp_path / "a")
    assert said == f"{URL} gave a web page, not the file. {HAND}"


def test_fetch_when_the_length_is_another_then_said_before_the_transfer(net: Any, tmp_path: Path) -> None:
    said = refused(net(Answer(DATA)), tmp_path / "a", size_bytes=9)
    assert said == f"{URL} has {len(DATA)} bytes, the published file 9. Try later. {HAND}"
    large = Answer(b"", content_length="32000000001")
    assert refused(net(large), tmp_path / "a") == f"{URL} has 32000000001 bytes, which is none of our files. {HAND}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("digits", [19, 5000])
def test_fetch_when_the_length_has_endless_digits_then_said(net: Any, tmp_path: Path, digits: int) -> None:
    endless = Answer(b"", content_length="9" * digits)
    said = f"{URL} has {'9' * 18} bytes, which is none of our files. {HAND}"
    assert refused(net(endless), tmp_path / "a") == said
    padded = Answer(DATA, content_length=f"{len(DATA)}".zfill(digits))
    assert fetch(net(padded), tmp_path / "b") == SHA256


def test_fetch_when_more_comes_than_was_said_then_it_is_cut_off(net: Any, tmp_path: Path) -> None:
    endless = Answer(DATA, content_length=None)
    said = refused(net(endless), tmp_path / "a", size_bytes=len(DATA) - 1)
    assert said == f"{URL} sends more than the {len(DATA) - 1} bytes that were expected. {HAND}"
    assert fetch(net(Answer(DATA, content_length=None)), tmp_path / "b", size_bytes=len(DATA)) == SHA256
    assert fetch(net(Answer(DATA, content_length="much")), tmp_path / "c") == SHA256


def test_fetch_when_there_is_no_room_then_how_much_is_needed(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = download.shutil.disk_usage(tmp_path)
    need = len(DATA) + download.SPARE_BYTES
    for length, size in ((str(len(DATA)), None), (None, len(DATA))):
        monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage._replace(free=need - 1))
        said = refused(net(Answer(DATA, content_length=length)), tmp_path / "a", size_bytes=size)
        assert said == (
            f"{tmp_path} has 0.1 GB free, 0.0 GB more are needed. Make room, or choose another folder with --into."
        )
        monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage._replace(free=need))
        assert fetch(net(Answer(DATA, content_length=length)), tmp_path / "a", size_bytes=size) == SHA256
        (tmp_path / "a").unlink()


def test_fetch_when_the_rest_fits_then_what_is_there_needs_no_room_again(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted(tmp_path, DATA[:1000])
    usage = download.shutil.disk_usage(tmp_path)
    free = len(DATA) - 1000 + download.SPARE_BYTES
    monkeypatch.setattr(download.shutil, "disk_usage", lambda path: usage._replace(free=free))
    assert fetch(net(rest(1000)), tmp_path / "a") == SHA256


@pytest.mark.parametrize(
    ("number", "hint"),
    [
        (errno.ENOSPC, "Make room, or choose another folder with --into; what has come is kept and used next time."),
        (errno.EROFS, "Check the folder, or choose another with --into."),
    ],
)
def test_fetch_when_the_folder_cannot_be_written_then_why_and_the_way_out(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, hint: str
) -> None:
    def full(*given: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "replace", full)
    said = refused(net(Answer(DATA)), tmp_path / "a")
    assert said == f"{tmp_path / 'a'} cannot be written ({os.strerror(number)}). {hint}"
    assert (tmp_path / "a.part").read_bytes() == DATA


def test_fetch_when_a_file_stands_for_its_folder_then_said(net: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert "cannot be written (" in refused(net(), tmp_path / "file" / "a")


def test_fetch_when_it_runs_then_bytes_all_and_speed_are_told(net: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int | None, float]] = []
    net(broken(100), rest(100))
    Downloader(sleep=lambda seconds: None).fetch(
        Source(url=URL, sha256=SHA256), tmp_path / "a", progress=lambda *news: told.append(news)
    )
    assert [(done, every) for done, every, _ in told] == [(100, len(DATA)), (len(DATA), len(DATA))]
    assert all(0.0 < speed <= len(DATA) * 1000 for _, _, speed in told)


def read_json(web: Web) -> Any:
    return Downloader(sleep=web.waited.append).read_json(URL)


def test_read_json_when_a_server_is_busy_then_tried_again_as_for_files(net: Any) -> None:
    web = net(busy(503), busy(429, retry_after="5"), Answer(b'{"a": 1}'))
    assert read_json(web) == {"a": 1}
    assert web.waited == [1.0, 5.0]
    assert web.header("Accept") == ["application/json"] * 3
    web = net(*(busy(502) for _ in range(6)))
    with pytest.raises(PackError) as caught:
        read_json(web)
    assert caught.value.sentence == f"{URL} cannot be got (HTTP 502; tried 6 times). {ON}"
    assert web.waited == [1.0, 2.0, 4.0, 8.0, 16.0]


@pytest.mark.parametrize("answer", [b"", b"<html>", b"\xff", b"[" * 100_000])
def test_read_json_when_it_is_none_then_said(net: Any, answer: bytes) -> None:
    with pytest.raises(PackError) as caught:
        read_json(net(Answer(answer)))
    assert caught.value.sentence == f"{URL} gave no JSON. {HAND}"


def test_read_json_when_it_is_endless_then_only_so_much_is_read(net: Any) -> None:
    answer = Answer(b" " * (5 * 1024 * 1024) + b"1")
    with pytest.raises(PackError, match="gave no JSON"):
        read_json(net(answer))
    assert answer.closed
    assert read_json(net(Answer(b" " * (4 * 1024 * 1024 - 1) + b"1"))) == 1


def test_check_when_size_or_checksum_differ_then_which_of_them(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(DATA)
    good = Source(url="", size_bytes=len(DATA), sha256=SHA256, md5=MD5)
    assert check(path, good, name="it") == check(path, Source(url=""), name="it") == SHA256
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"size_bytes": 1}, f"it has {len(DATA)} bytes, not 1"),
        ({"sha256": "0" * 64}, f"its SHA-256 is {SHA256}, not {'0' * 64}"),
        ({"md5": "0" * 32}, f"its MD5 is {MD5}, not {'0' * 32}"),
    ]
    for known, said in wrong:
        for remove in (False, True):
            path.write_bytes(DATA)
            with pytest.raises(PackError) as caught:
                check(path, Source(url="", **known), name="it", remove=remove)
            assert caught.value.sentence == f"it is not the published file: {said}. Get it again. {HAND}"
            assert path.exists() != remove


def test_source_when_either_checksum_is_known_then_vouched() -> None:
    assert not Source(url="", size_bytes=7).vouched
    assert Source(url="", sha256="a").vouched
    assert Source(url="", md5="a").vouched


@pytest.mark.parametrize(
    ("start", "to", "follows"),
    [
        ("https://a.example/x", "https://b.example/y", True),
        ("http://a.example/x", "https://b.example/y", True),
        ("http://a.example/x", "http://b.example/y", True),
        ("https://a.example/x", "http://b.example/y", False),
        ("https://a.example/x", "file:///etc/passwd", False),
        ("http://a.example/x", "ftp://b.example/y", False),
    ],
)
def test_redirect_when_it_leads_to_less_safety_then_not_followed(start: str, to: str, follows: bool) -> None:
    body = io.BytesIO(b"gone")
    request = urllib.request.Request(start, headers={"Range": "bytes=5-"})
    handler = download._Redirects()
    if follows:
        after = handler.redirect_request(request, body, 302, "Found", Message(), to)
        assert after is not None
        assert (after.full_url, after.get_header("Range")) == (to, "bytes=5-")
        return
    with pytest.raises(PackError) as caught:
        handler.redirect_request(request, body, 302, "Found", Message(), to)
    assert caught.value.sentence == f"{start} leads to {to}, which is not https. {HAND}"
    assert body.closed
