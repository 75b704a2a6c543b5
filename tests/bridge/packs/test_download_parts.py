"""Parts of a file, one after the other: what is kept, what is asked for again, and how fast it went."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import PackError
from bridge.packs import download
from bridge.packs.download import Downloader, Source, check
from tests.bridge.packs import answers
from tests.bridge.packs.answers import DATA, HAND, SHA256, URL, Answer, broken, busy, fetch, refused, rest

net = answers.net


def piece(at: int, size: int) -> Answer:
    """A part of the file that is cut after some bytes."""
    length = str(len(DATA) - at)
    told = f"bytes {at}-{len(DATA) - 1}/{len(DATA)}"
    return Answer(DATA[at : at + size], 206, content_range=told, content_length=length, etag='"one"')


def test_fetch_when_the_folder_is_not_there_then_made_however_deep(net: Any, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "and" / "deeper" / "a"
    assert fetch(net(Answer(DATA)), path) == SHA256
    assert path.read_bytes() == DATA


def test_fetch_when_new_bytes_are_wrong_then_refused_at_once_and_nothing_is_left(net: Any, tmp_path: Path) -> None:
    """What was got from the beginning is not got again: it would be the same once more."""
    bad = DATA[:-1] + b"?"
    web = net(Answer(bad))
    digest = hashlib.sha256(bad).hexdigest()
    said = f"a is not the published file: its SHA-256 is {digest}, not {SHA256}. Get it again. {HAND}"
    assert refused(web, tmp_path / "a") == said
    assert len(web.asked) == 1
    assert list(tmp_path.iterdir()) == []


def test_fetch_when_the_rest_does_not_say_where_it_begins_then_from_the_beginning(net: Any, tmp_path: Path) -> None:
    web = net(broken(100), rest(100, content_range=None), Answer(DATA))
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.header("Range") == [None, "bytes=100-", None]


def test_fetch_when_only_the_note_of_a_part_is_left_then_from_the_beginning(net: Any, tmp_path: Path) -> None:
    fetch(net(Answer(DATA)), tmp_path / "a")
    (tmp_path / "b.part.json").write_text(f'{{"url": "{URL}", "etag": ""}}')
    web = net(Answer(DATA))
    assert fetch(web, tmp_path / "b") == SHA256
    assert web.header("Range") == [None]


def test_fetch_when_an_answer_of_no_stated_length_is_cut_then_the_rest_is_asked_for(net: Any, tmp_path: Path) -> None:
    web = net(Answer(DATA[:70], content_length=None, etag='"one"'), rest(70))
    assert fetch(web, tmp_path / "a", size_bytes=len(DATA)) == SHA256
    assert web.header("Range") == [None, "bytes=70-"]


def test_fetch_when_much_came_once_and_then_hardly_anything_then_it_ends(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_PROGRESS_BYTES", 50)
    web = net(broken(60), *(piece(at, 1) for at in range(60, 70)))
    assert f"(the connection closed after 65 of {len(DATA)} bytes; tried 6 times)" in refused(web, tmp_path / "a")
    assert web.waited == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_fetch_when_it_breaks_off_now_and_then_the_count_begins_anew_with_every_bit_of_progress(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "_PROGRESS_BYTES", 50)
    web = net(*(busy(503) for _ in range(3)), broken(60), *(busy(503) for _ in range(3)), piece(60, 50), rest(110))
    assert fetch(web, tmp_path / "a") == SHA256
    assert web.waited == [1.0, 2.0, 4.0, 1.0, 2.0, 4.0, 8.0, 1.0]


def test_fetch_when_it_runs_then_the_speed_is_that_of_this_try_alone(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([1000.0, 1000.5, 2000.0, 2002.0, 3000.0])
    monkeypatch.setattr(download.time, "monotonic", lambda: next(clock))
    told: list[tuple[int, int | None, float]] = []
    net(broken(100), rest(100))
    Downloader(sleep=lambda seconds: None).fetch(
        Source(url=URL, sha256=SHA256), tmp_path / "a", progress=lambda *news: told.append(news)
    )
    every = len(DATA)
    assert told == [(100, every, 200.0), (every, every, (every - 100) / 2.0)]


def test_fetch_when_a_small_file_is_there_in_no_time_then_its_speed_is_still_a_number(
    net: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download.time, "monotonic", lambda: 5.0)
    told: list[float] = []
    net(Answer(DATA))
    Downloader().fetch(Source(url=URL), tmp_path / "a", progress=lambda done, every, rate: told.append(rate))
    assert told == [len(DATA) * 1000.0]


def test_check_when_a_file_is_larger_than_what_is_read_at_once_then_all_of_it_counts(tmp_path: Path) -> None:
    data = bytes(5 * 1024 * 1024)
    path = tmp_path / "a"
    path.write_bytes(data)
    known = Source(url="", size_bytes=len(data), md5=hashlib.md5(data, usedforsecurity=False).hexdigest())
    assert check(path, known, name="a") == hashlib.sha256(data).hexdigest()
    with pytest.raises(PackError, match=f"it has {len(data)} bytes, not 7"):
        check(path, Source(url="", size_bytes=7), name="a")
    assert path.exists()
