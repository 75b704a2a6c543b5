"""Servers on bad days, one answer at a time: what is asked, how often, after which pause, and what is said."""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs import download
from bridge.packs.download import AGENT, Downloader, Source
from tests.bridge.packs import answers
from tests.bridge.packs.answers import (
    DATA,
    HAND,
    ON,
    SHA256,
    URL,
    Answer,
    broken,
    busy,
    fetch,
    noted,
    refused,
    rest,
)

net = answers.net


def test_fetch_when_it_asks_then_as_itself_for_the_plain_file_and_not_for_ever(net: Any, tmp_path: Path) -> None:
    web = net(Answer(DATA))
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.timeout == 7.0
    assert web.asked[0].full_url == URL
    assert (web.header("User-agent"), web.header("Accept-encoding")) == ([AGENT], ["identity"])
    assert (web.header("Range"), web.header("If-range")) == ([None], [None])


def test_fetch_when_a_server_says_how_long_to_wait_then_so_long_but_a_minute_at_most(net: Any, tmp_path: Path) -> None:
    web = net(
        busy(503, retry_after="3"),
        busy(429, retry_after="7200"),
        busy(503, retry_after="soon"),
        busy(500),
        Answer(DATA),
    )
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.waited == [3.0, 60.0, 4.0, 8.0]


def test_fetch_when_it_never_comes_then_six_tries_and_how_to_go_on(net: Any, tmp_path: Path) -> None:
    web = net(*(OSError("no route to host") for _ in range(6)))
    assert refused(web, tmp_path / "a") == f"{URL} cannot be got (no route to host; tried 6 times). {ON}"
    assert web.waited == [1.0, 2.0, 4.0, 8.0, 16.0]
    silent = net(*(http.client.HTTPException() for _ in range(6)))
    assert "(HTTPException; tried 6 times)" in refused(silent, tmp_path / "a")


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_fetch_when_a_server_may_be_well_again_then_another_try(net: Any, tmp_path: Path, code: int) -> None:
    assert fetch(net(busy(code), Answer(DATA)), tmp_path / "a") == SHA256


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 501])
def test_fetch_when_a_server_will_never_give_it_then_said_at_once(net: Any, tmp_path: Path, code: int) -> None:
    assert refused(net(busy(code, "No")), tmp_path / "a") == f"{URL} cannot be got (HTTP {code} No). {HAND}"


def test_fetch_when_a_server_cannot_prove_who_it_is_then_said_and_not_tried_again(net: Any, tmp_path: Path) -> None:
    reason = ssl.SSLCertVerificationError(1, "")
    reason.verify_message = "self-signed certificate"
    web = net(urllib.error.URLError(reason))
    assert refused(web, tmp_path / "a") == f"example.org cannot prove who it is (self-signed certificate). {HAND}"


@pytest.mark.parametrize("url", ["http://example.org/a", "ftp://example.org/a", "file:///etc/passwd", "a.bin"])
def test_fetch_when_the_address_is_not_https_then_nothing_is_asked(net: Any, tmp_path: Path, url: str) -> None:
    web = net()
    said = f"{url} is not https. Only a mirror that you name may be plain http."
    assert refused(web, tmp_path / "a", url=url) == said
    if not url.startswith("http:"):
        with pytest.raises(PackError, match="is not https"):
            Downloader(allow_http=True).fetch(Source(url=url), tmp_path / "a")
    assert web.asked == []


def test_fetch_when_it_was_cut_then_the_rest_of_the_same_file_is_asked_for(net: Any, tmp_path: Path) -> None:
    web = net(broken(100), rest(100))
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.header("Range") == [None, "bytes=100-"]
    assert web.header("If-range") == [None, '"one"']
    assert (tmp_path / "a").read_bytes() == DATA
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_fetch_when_no_strong_mark_names_the_file_then_none_is_sent(net: Any, tmp_path: Path, etag: str | None) -> None:
    web = net(broken(100, etag), rest(100, etag))
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.header("If-range") == [None, None]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: rest(50), "the server sent another part than asked for"),
        (lambda: rest(100, content_range="garbage"), "the server sent another part than asked for"),
        (lambda: rest(100, '"two"'), "the server has another file by now"),
        (lambda: busy(416), "the server has a shorter file"),
    ],
)
def test_fetch_when_the_rest_is_of_something_else_then_from_the_beginning(
    net: Any, tmp_path: Path, answer: Callable[[], Any], said: str
) -> None:
    web = net(broken(100), answer(), Answer(DATA, etag='"two"'))
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.header("Range") == [None, "bytes=100-", None]
    assert web.waited == [1.0, 2.0]
    web = net(broken(100), answer())
    with pytest.raises(PackError) as caught:
        Downloader(sleep=web.waited.append, attempts=2).fetch(Source(url=URL, sha256=SHA256), tmp_path / "b")
    assert caught.value.sentence == f"{URL} cannot be got ({said}; tried 2 times). {ON}"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]


def test_fetch_when_a_part_is_of_another_address_then_from_the_beginning(net: Any, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 50)
    (tmp_path / "a.part.json").write_text(json.dumps({"url": "https://example.org/other", "etag": '"one"'}))
    web = net(Answer(DATA))
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.header("Range") == [None]


@pytest.mark.parametrize("note", ["[]", "{", "7", '{"url": 7}', "\udcff"])
def test_fetch_when_the_note_beside_a_part_is_spoilt_then_from_the_beginning(
    net: Any, tmp_path: Path, note: str
) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 50)
    (tmp_path / "a.part.json").write_bytes(note.encode("utf-8", "surrogateescape"))
    web = net(Answer(DATA))
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.header("Range") == [None]


def test_fetch_when_all_of_it_came_before_then_nothing_is_asked(net: Any, tmp_path: Path) -> None:
    noted(tmp_path, DATA)
    web = net()
    assert fetch(web, tmp_path / "a", size_bytes=len(DATA)) == SHA256
    assert web.asked == []


def test_fetch_when_what_came_before_was_wrong_then_once_more_and_then_refused(net: Any, tmp_path: Path) -> None:
    noted(tmp_path, b"x" * len(DATA))
    assert fetch(net(Answer(DATA)), tmp_path / "a", size_bytes=len(DATA)) == SHA256
    (tmp_path / "a").unlink()
    noted(tmp_path, b"x" * len(DATA))
    bad = DATA[:-1] + b"?"
    said = refused(net(Answer(bad)), tmp_path / "a", size_bytes=len(DATA))
    digest = hashlib.sha256(bad).hexdigest()
    assert said == f"a is not the published file: its SHA-256 is {digest}, not {SHA256}. Get it again. {HAND}"
    assert not (tmp_path / "a.part").exists()


def test_fetch_when_a_link_stands_for_the_part_then_what_it_leads_to_stays(net: Any, tmp_path: Path) -> None:
    (tmp_path / "thesis").write_bytes(b"years of work")
    (tmp_path / "a.part").symlink_to(tmp_path / "thesis")
    assert fetch(net(Answer(DATA)), tmp_path / "a") == SHA256
    assert (tmp_path / "thesis").read_bytes() == b"years of work"


def test_fetch_when_each_try_brings_something_then_it_goes_on_as_long_as_it_takes(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_PROGRESS_BYTES", 10)
    web = net(
        broken(10),
        *(
            Answer(
                DATA[at : at + 10],
                206,
                content_range=f"bytes {at}-{len(DATA)}/{len(DATA)}",
                content_length=str(len(DATA) - at),
                etag='"one"',
            )
            for at in range(10, 100, 10)
        ),
        rest(100),
    )
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.waited == [1.0] * 10


def test_fetch_when_the_tries_bring_too_little_then_it_ends(net: Any, tmp_path: Path) -> None:
    parts = [broken(1)] + [
        Answer(
            DATA[at : at + 1],
            206,
            content_range=f"bytes {at}-{len(DATA)}/{len(DATA)}",
            content_length=str(len(DATA) - at),
            etag='"one"',
        )
        for at in range(1, 6)
    ]
    said = refused(net(*parts), tmp_path / "a")
    assert f"(the connection closed after 6 of {len(DATA)} bytes; tried 6 times)" in said
    assert (tmp_path / "a.part").read_bytes() == DATA[:6]


@pytest.mark.parametrize(
    ("fault", "said"), [(ConnectionResetError("reset by peer"), "reset by peer"), (OSError(), "the connection broke")]
)
def test_fetch_when_the_line_breaks_in_the_middle_then_what_came_is_kept(
    net: Any, tmp_path: Path, fault: Exception, said: str
) -> None:
    web = net(Answer(DATA[:70], breaks=fault, content_length=str(len(DATA))), *(busy(503) for _ in range(5)))
    assert "HTTP 503; tried 6 times" in refused(web, tmp_path / "a")
    assert (tmp_path / "a.part").read_bytes() == DATA[:70]
    short = net(Answer(DATA[:70], breaks=fault, content_length=str(len(DATA))))
    with pytest.raises(PackError) as caught:
        Downloader(attempts=1, sleep=short.waited.append).fetch(Source(url=URL, sha256=SHA256), tmp_path / "b")
    assert f"({said}; tried 1 times)" in caught.value.sentence
