"""The digest of a film tells whether it is another one, and takes no longer for a long film."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from bridge.media import digest


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "WHOLE_BYTES", 1000)
    monkeypatch.setattr(digest, "PIECES", 4)
    monkeypatch.setattr(digest, "PIECE_BYTES", 100)


def test_source_digest_when_a_file_is_short_then_its_sha256(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"picture")
    assert digest.source_digest(path) == hashlib.sha256(b"picture").hexdigest()


def test_source_digest_when_the_file_changes_then_it_does_too(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"picture")
    first = digest.source_digest(path)
    assert digest.source_digest(str(path)) == first
    path.write_bytes(b"Picture")
    os.utime(path, ns=(1, 1))
    assert digest.source_digest(path) != first


@pytest.mark.usefixtures("small_pieces")
def test_source_digest_when_a_file_is_long_then_size_first_and_last_bytes_count(tmp_path: Path) -> None:
    content = bytes(range(256)) * 20
    variants = [content, content + b"x", b"x" + content[1:], content[:-1] + b"x"]
    found = set()
    for number, variant in enumerate(variants):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(variant)
        found.add(digest.source_digest(path))
    assert len(found) == len(variants)
    assert all(one.startswith("sampled:") for one in found)
    (tmp_path / "copy.mp4").write_bytes(content)
    assert digest.source_digest(tmp_path / "copy.mp4") in found


def test_source_digest_when_there_is_no_file_then_none(tmp_path: Path) -> None:
    assert digest.source_digest(tmp_path / "gone.mp4") == ""
    assert digest.source_digest(tmp_path) == ""


@pytest.mark.usefixtures("small_pieces")
def test_source_digest_when_only_the_length_of_a_long_file_differs_then_it_does_too(tmp_path: Path) -> None:
    for number in (5000, 5001):
        (tmp_path / f"{number}.mp4").write_bytes(bytes(number))
    assert digest.source_digest(tmp_path / "5000.mp4") != digest.source_digest(tmp_path / "5001.mp4")
