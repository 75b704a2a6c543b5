"""A pack's files that a person brings or that lie there already, and bad days while they are taken."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.packs import pull
from tests.bridge.packs.file_server import FileServer
from tests.bridge.packs.pulling import (
    DATA,
    NET,
    PAGE,
    RECORD,
    SHA256,
    WORDS,
    ZIP,
    Pulled,
    entry,
    names,
    offer,
    packed,
)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder that a person brings."""
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (DATA[:-1] + b"x", "its SHA-256 is "),
        (DATA + b"x", f"it has {len(DATA) + 1} bytes, not {len(DATA)}"),
    ],
)
def test_pull_when_a_brought_file_is_another_then_refused_though_unverified_is_allowed(
    server: FileServer, folder: Path, stick: Path, data: bytes, said: str
) -> None:
    (stick / "vocab.json").write_bytes(data)
    sentence = Pulled(server, folder, offline=stick, unverified=True).refused(WORDS)
    assert sentence.startswith(f"{stick / 'vocab.json'} is not the published file: {said}")
    assert sentence.endswith(f"Move {stick / 'vocab.json'} away and run the command again.")
    assert (stick / "vocab.json").read_bytes() == data
    assert names(folder) == []


def test_pull_when_a_brought_file_is_the_published_one_then_copied(
    server: FileServer, folder: Path, stick: Path
) -> None:
    (stick / "vocab.json").write_bytes(DATA)
    pulled = Pulled(server, folder, offline=stick)
    pulled.puller.pull(entry(WORDS))
    assert (folder / "vocab.json").read_bytes() == (stick / "vocab.json").read_bytes() == DATA
    assert pulled.told == [f"vocab.json: found {stick / 'vocab.json'}", f"vocab.json: SHA-256 {SHA256}"]
    assert server.asked == []


def test_pull_when_copying_goes_wrong_then_nothing_has_the_files_name(
    server: FileServer, folder: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stick / "vocab.json").write_bytes(DATA)
    monkeypatch.setattr(shutil, "copyfile", lambda source, target: Path(target).write_bytes(DATA[:-1] + b"x"))
    sentence = Pulled(server, folder, offline=stick).refused(WORDS)
    assert sentence.startswith(f"{folder / 'vocab.json.part'} is not the published file: its SHA-256 is ")
    assert names(folder) == []


def test_pull_when_a_brought_file_of_a_record_has_another_size_then_said(
    server: FileServer, folder: Path, stick: Path
) -> None:
    sized = replace(NET, size_bytes=5)
    (stick / "net.ckpt").write_bytes(DATA)
    pulled = Pulled(server, folder, offline=stick, unverified=True)
    pulled.puller.pull(entry(sized))
    assert (
        f"{stick / 'net.ckpt'} has {len(DATA)} bytes where 5 were expected; used all the same (--unverified)"
        in pulled.told
    )
    (stick / "best.ckpt").write_bytes(DATA)
    (stick / "net.ckpt").unlink()
    (stick / "best.ckpt.sha256").write_text(f"{SHA256.upper()}  best.ckpt\n")
    assert Pulled(server, folder / "other", offline=stick).refused(sized) == (
        f"{stick / 'best.ckpt'} has {len(DATA)} bytes where 5 were expected. "
        f"Compare it with {PAGE} yourself and run the command again with --unverified."
    )


def test_pull_when_a_note_lies_beside_what_was_brought_then_it_vouches(
    server: FileServer, folder: Path, stick: Path
) -> None:
    (stick / "net.zip").write_bytes(ZIP)
    note = stick / "net.zip.sha256"
    note.write_text(f"{hashlib.sha256(ZIP).hexdigest()}  net.zip\n")
    Pulled(server, folder, offline=stick).puller.pull(entry(NET))
    assert (folder / "net.ckpt").read_bytes() == DATA
    note.write_text("0" * 64)
    assert "is not the published file" in Pulled(server, folder / "b", offline=stick).refused(NET)


def test_pull_when_the_file_itself_was_brought_with_its_note_then_it_vouches_too(
    server: FileServer, folder: Path, stick: Path
) -> None:
    """So a download folder that was carried to a computer without a network is good there."""
    (stick / "net.ckpt").write_bytes(DATA)
    assert Pulled(server, folder, offline=stick).refused(NET).startswith("nobody vouches for net.ckpt")
    (stick / "net.ckpt.sha256").write_text(f"{SHA256}  net.ckpt\n")
    Pulled(server, folder, offline=stick).puller.pull(entry(NET))
    assert (folder / "net.ckpt").read_bytes() == DATA


def test_pull_when_a_file_of_another_size_was_accepted_once_then_it_is_good_from_then_on(
    server: FileServer, folder: Path, stick: Path
) -> None:
    (stick / "net.ckpt").write_bytes(DATA)
    sized = replace(NET, size_bytes=5)
    Pulled(server, folder, offline=stick, unverified=True).puller.pull(entry(sized))
    assert Pulled(server, folder).puller.pull(entry(sized))


@pytest.mark.parametrize("note", [b"", b" \n", b"0" * 63, b"0" * 65, b"g" * 64, b"X" * 64, b"\xff" * 64, b"sha256: 0"])
def test_pull_when_a_note_is_no_checksum_then_it_vouches_for_nothing(
    server: FileServer, folder: Path, stick: Path, note: bytes
) -> None:
    (stick / "net.zip").write_bytes(ZIP)
    (stick / "net.zip.sha256").write_bytes(note)
    assert Pulled(server, folder, offline=stick).refused(NET).startswith("nobody vouches for net.zip")


def test_pull_when_nothing_was_brought_then_under_which_names_and_where_it_is(
    server: FileServer, folder: Path, stick: Path, tmp_path: Path
) -> None:
    assert Pulled(server, folder, offline=stick).refused(NET) == (
        f"{stick} does not hold the onset net. Put it there (net.ckpt, net.zip, best.ckpt); it is at {PAGE}."
    )
    assert "Put it there (vocab.json); it is at https://example.org/words." in Pulled(
        server, folder, offline=stick
    ).refused(WORDS)
    gone = tmp_path / "gone"
    assert Pulled(server, folder, offline=gone).refused(NET) == f"there is no folder {gone}. Correct --from."


def test_pull_when_several_that_were_brought_may_be_it_then_which(
    server: FileServer, folder: Path, stick: Path
) -> None:
    for name in ("a.zip", "b.zip", "c-last.zip"):
        (stick / name).write_bytes(ZIP)
    assert Pulled(server, folder, offline=stick).refused(NET) == (
        f"{stick} holds several files that may be the onset net: a.zip, b.zip. Name the right one with --choose NAME."
    )


def test_pull_when_an_archive_lies_there_already_then_the_publisher_vouches_for_it(
    server: FileServer, folder: Path
) -> None:
    folder.mkdir()
    (folder / "net.zip").write_bytes(ZIP)
    offer(server, {"net.zip": ZIP})
    Pulled(server, folder).puller.pull(entry(NET))
    assert (folder / "net.ckpt").read_bytes() == DATA
    assert [path for path, _ in server.asked] == [RECORD]
    (folder / "net.ckpt").unlink()
    (folder / "net.zip").write_bytes(packed({"best.ckpt": b"other"}))
    assert "is not the published file" in Pulled(server, folder).refused(NET)


def test_pull_when_an_archive_lies_there_and_the_publisher_knows_nothing_of_it_then_nobody_vouches(
    server: FileServer, folder: Path
) -> None:
    folder.mkdir()
    (folder / "net.zip").write_bytes(ZIP)
    offer(server, {"other.zip": ZIP})
    assert Pulled(server, folder).refused(NET).startswith("nobody vouches for net.zip")
    server.pages.clear()
    pulled = Pulled(server, folder)
    assert pulled.refused(NET).startswith("nobody vouches for net.zip")
    assert any("net.zip: " in line and "cannot be got (HTTP 404" in line for line in pulled.told)


# --- what lies there, and bad days -----------------------------------------------------------------------------------


def test_pull_when_a_file_lies_there_then_its_checksum_or_its_note_vouches(server: FileServer, folder: Path) -> None:
    folder.mkdir()
    for name in ("net.ckpt", "vocab.json"):
        (folder / name).write_bytes(DATA)
    assert Pulled(server, folder).refused(NET).startswith("nobody vouches for net.ckpt: no checksum of it is known")
    pulled = Pulled(server, folder, unverified=True)
    pulled.puller.pull(entry(NET, WORDS))
    assert f"net.ckpt: is there and whole (SHA-256 {SHA256})" in pulled.told
    assert Pulled(server, folder).puller.pull(entry(NET, WORDS))
    for name, item in (("net.ckpt", NET), ("vocab.json", WORDS)):
        (folder / name).write_bytes(DATA[:-1] + b"x")
        said = Pulled(server, folder, unverified=True).refused(item)
        assert said.startswith(f"{folder / name} is not the published file: its SHA-256 is ")
        assert said.endswith(f"Move {folder / name} away and run the command again.")
    (folder / "vocab.json").write_bytes(b"")
    assert f"it has 0 bytes, not {len(DATA)}" in Pulled(server, folder).refused(WORDS)


def test_pull_when_a_record_states_the_size_of_a_file_then_an_archives_own_size_does_not_matter(
    server: FileServer, folder: Path, stick: Path
) -> None:
    """The size in the catalogue is that of the file, not of the archive that it comes in."""
    offer(server, {"net.zip": ZIP})
    Pulled(server, folder).puller.pull(entry(replace(NET, size_bytes=len(DATA))))
    (stick / "net.zip").write_bytes(ZIP)
    (stick / "net.zip.sha256").write_text(hashlib.sha256(ZIP).hexdigest())
    Pulled(server, folder / "b", offline=stick).puller.pull(entry(replace(NET, size_bytes=len(DATA))))
    assert (folder / "b" / "net.ckpt").read_bytes() == DATA
    Pulled(server, folder).puller.pull(entry(replace(NET, size_bytes=len(DATA))))


def test_pull_when_what_is_in_the_archive_does_not_fit_on_the_disk_then_how_much_is_needed(
    server: FileServer, folder: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stick / "net.zip").write_bytes(ZIP)
    usage = shutil.disk_usage(stick)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=len(DATA) - 1))
    monkeypatch.setattr(pull, "MAX_BYTES", 10**9)
    assert Pulled(server, folder, offline=stick, unverified=True).refused(NET) == (
        f"{folder} has 0.0 GB free, 0.0 GB are needed. Make room, or choose another folder with --into."
    )
    assert names(folder) == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=len(DATA)))
    Pulled(server, folder, offline=stick, unverified=True).puller.pull(entry(NET))
    assert (folder / "net.ckpt").read_bytes() == DATA


def test_pull_when_an_archive_unpacks_to_more_than_any_file_of_ours_then_refused(
    server: FileServer, folder: Path, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (stick / "net.zip").write_bytes(ZIP)
    monkeypatch.setattr(pull, "MAX_BYTES", len(DATA) - 1)
    assert "are needed" in Pulled(server, folder, offline=stick, unverified=True).refused(NET)


def test_pull_when_the_folder_cannot_be_made_or_read_then_which_and_the_way_out(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert Pulled(server, tmp_path / "file").refused(NET) == (
        f"{tmp_path / 'file'} cannot be read or written (File exists). "
        "Check folder and space, or choose another folder with --into."
    )
    folder = tmp_path / "folder"

    def broken(*given: Any) -> None:
        raise OSError("the disk is away")

    monkeypatch.setattr(pull, "_read_note", broken)
    folder.mkdir()
    (folder / "net.ckpt").write_bytes(DATA)
    assert Pulled(server, folder).refused(NET) == (
        f"{folder} cannot be read or written (the disk is away). "
        "Check folder and space, or choose another folder with --into."
    )


def test_pull_when_a_folder_has_the_files_name_then_it_stays(server: FileServer, folder: Path) -> None:
    (folder / "net.ckpt").mkdir(parents=True)
    assert Pulled(server, folder).refused(NET) == (
        f"{folder / 'net.ckpt'} is in the way. Move it away, or choose another folder with --into."
    )


def test_pull_when_an_archive_is_spoilt_then_which_and_what_to_do(
    server: FileServer, folder: Path, stick: Path
) -> None:
    (stick / "net.zip").write_bytes(b"PK")
    assert Pulled(server, folder, offline=stick, unverified=True).refused(NET) == (
        f"{stick / 'net.zip'} is damaged (File is not a zip file). "
        f"Move {stick / 'net.zip'} away and run the command again."
    )
