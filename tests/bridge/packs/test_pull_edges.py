"""Getting a pack's files from a publisher: who vouches, what is taken, and what a person is told."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.packs.pull import next_command, terms
from tests.bridge.packs.file_server import FileServer, Page
from tests.bridge.packs.pulling import (
    DATA,
    HAND,
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


def test_pull_when_a_record_offers_the_file_itself_then_got_and_verified(server: FileServer, folder: Path) -> None:
    offer(server, {"epoch=9.ckpt": DATA, "last.ckpt": b"no"}, licence={"id": "cc-by-4.0"})
    pulled = Pulled(server, folder)
    assert pulled.puller.pull(entry(NET)) == {"net.ckpt": folder / "net.ckpt"}
    assert (folder / "net.ckpt").read_bytes() == DATA
    assert (folder / "net.ckpt.sha256").read_text() == f"{SHA256}  net.ckpt\n"
    assert names(folder) == ["net.ckpt", "net.ckpt.sha256"]
    assert pulled.told == [
        f"Licence of {PAGE} as Zenodo states it now: cc-by-4.0",
        "net.ckpt: getting https://zenodo.org/api/records/7/files/epoch%3D9.ckpt/content",
        f"net.ckpt: verified, SHA-256 {SHA256}",
    ]
    assert pulled.moved[-1] == ("net.ckpt", len(DATA), len(DATA))


@pytest.mark.parametrize("licence", [None, {}])
def test_pull_when_a_record_states_no_licence_then_said(server: FileServer, folder: Path, licence: Any) -> None:
    offer(server, {"net.zip": ZIP}, licence=licence)
    pulled = Pulled(server, folder)
    pulled.puller.pull(entry(NET))
    assert pulled.told[0] == f"Licence of {PAGE} as Zenodo states it now: none"
    size = f"{len(DATA) / 1e6:.1f}"
    assert f"net.ckpt: unpacking in/best.ckpt ({size} MB)" in pulled.told
    assert pulled.told[-1] == f"net.ckpt: SHA-256 {SHA256}"
    assert names(folder) == ["net.ckpt", "net.ckpt.sha256"]


@pytest.mark.parametrize("checksum", ["sha1:{}", "{}", "", "md5"])
def test_pull_when_the_record_states_no_md5_then_nobody_vouches(
    server: FileServer, folder: Path, checksum: str
) -> None:
    offer(server, {"net.zip": ZIP}, checksum=checksum)
    said = Pulled(server, folder).refused(NET)
    assert said == (
        "nobody vouches for net.zip: no checksum of it is known. "
        f"Compare it with {PAGE} yourself and run the command again with --unverified."
    )
    pulled = Pulled(server, folder, unverified=True)
    pulled.puller.pull(entry(NET))
    assert "net.zip: used although nobody vouches for it (--unverified)" in pulled.told
    digest = hashlib.sha256(ZIP).hexdigest()
    assert f"net.zip: NOT verified, SHA-256 {digest}" in pulled.told


def test_pull_when_the_record_states_no_checksum_at_all_then_nobody_vouches(server: FileServer, folder: Path) -> None:
    offer(server, {"net.zip": ZIP})
    listing = {"files": [{"key": "net.zip", "size": len(ZIP)}]}
    server.pages[RECORD] = Page(data=json.dumps(listing).encode(), kind="application/json")
    assert Pulled(server, folder).refused(NET).startswith("nobody vouches for net.zip")


def test_pull_when_a_mirror_vouches_for_itself_then_that_counts_for_nothing(server: FileServer, folder: Path) -> None:
    offer(server, {"net.zip": ZIP})
    for mirror in (server.url, server.url + "/", server.url + "//"):
        said = Pulled(server, folder, mirror=mirror).refused(NET)
        assert said.startswith("nobody vouches for net.zip")
    assert [path for path, _ in server.asked] == [RECORD] * 3


def test_pull_when_a_mirror_lies_in_a_folder_then_asked_there_whatever_its_address_ends_with(
    server: FileServer, folder: Path
) -> None:
    offer(server, {"net.zip": ZIP})
    server.pages = {f"/deep/mirror{path}": page for path, page in server.pages.items()}
    for number, ending in enumerate(("", "/", "//")):
        place = folder / str(number)
        Pulled(server, place, mirror=f"{server.url}/deep/mirror{ending}", unverified=True).puller.pull(entry(NET))
        assert (place / "net.ckpt").read_bytes() == DATA


def test_pull_when_the_published_file_has_another_size_then_refused_before_the_transfer(
    server: FileServer, folder: Path
) -> None:
    server.pages["/example.org/words/vocab.json"] = Page(data=DATA * 2)
    pulled = Pulled(server, folder)
    assert f"has {2 * len(DATA)} bytes, the published file {len(DATA)}. Try later. {HAND}" in pulled.refused(WORDS)
    assert pulled.moved == []


def test_pull_when_the_file_in_an_archive_has_another_size_then_which_of_which(
    server: FileServer, folder: Path
) -> None:
    offer(server, {"net.zip": ZIP})
    assert Pulled(server, folder).refused(replace(NET, size_bytes=5)) == (
        f"in/best.ckpt in {folder / 'net.zip'} has {len(DATA)} bytes where 5 were expected. "
        f"Compare it with {PAGE} yourself and run the command again with --unverified."
    )


def test_pull_when_the_answer_is_no_record_then_by_hand(server: FileServer, folder: Path) -> None:
    for answer in ({}, {"files": [{}]}, {"files": [{"key": "a", "size": "x"}]}, {"files": 7}, [], {"metadata": 7}):
        server.pages[RECORD] = Page(data=json.dumps(answer).encode(), kind="application/json")
        assert Pulled(server, folder).refused(NET) == (
            f"https://zenodo.org/api/records/7 gave an answer in an unknown form. Get the files from {PAGE} by hand."
        )


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("a" * 196 + ".zip", True),
        ("a" * 197 + ".zip", False),
        ("X.zip", True),
        (".zip", False),
        (" a.zip", False),
        ("a:b.zip", False),
        ("a\nb.zip", False),
    ],
)
def test_pull_when_an_archives_name_is_no_file_name_then_refused(
    server: FileServer, folder: Path, name: str, good: bool
) -> None:
    pulled = Pulled(server, folder, unverified=True, choose=(name,))
    offer(server, {name: ZIP})
    if good:
        pulled.puller.pull(entry(NET))
        assert (folder / "net.ckpt").read_bytes() == DATA
        return
    shown = name.replace("\n", "?")
    assert pulled.refused(NET) == (
        f'{PAGE} offers the onset net as "{shown}", which is no name of a file. '
        "Get it by hand and give its folder with --from."
    )


def test_pull_when_several_or_none_fit_then_which_and_how_to_choose(server: FileServer, folder: Path) -> None:
    offer(server, {f"{letter}.ckpt": b"" for letter in "abcdefghijklmnopqrstuvwxyz"})
    listed = ", ".join(f"{letter}.ckpt" for letter in "abcdefghijklmnopqrst")
    assert Pulled(server, folder).refused(NET) == (
        f"{PAGE} holds several files that may be the onset net: {listed}. Name the right one with --choose NAME."
    )
    offer(server, {"z.txt": b"", "last.ckpt": b"", "a.txt": b""})
    assert Pulled(server, folder).refused(NET) == (
        f"{PAGE} holds no file that is known as the onset net: a.txt, last.ckpt, z.txt. "
        "Name the right one with --choose NAME."
    )
    offer(server, {})
    assert Pulled(server, folder).refused(NET) == (
        f"{PAGE} is empty; it should hold the onset net. "
        "Move it away, get the file by hand and give its folder with --from."
    )


def test_pull_when_a_file_of_an_archive_is_chosen_then_by_its_whole_or_its_own_name(
    server: FileServer, folder: Path
) -> None:
    offer(server, {"net.zip": packed({"a/b/x.ckpt": DATA, "a/b/y.ckpt": b"no"})})
    for choice in ("a/b/x.ckpt", "x.ckpt"):
        Pulled(server, folder / choice, choose=(choice,)).puller.pull(entry(NET))
        assert (folder / choice / "net.ckpt").read_bytes() == DATA
    said = Pulled(server, folder, choose=("b/x.ckpt",)).refused(NET)
    assert f"{folder / 'net.zip'} holds several files that may be the onset net: a/b/x.ckpt, a/b/y.ckpt" in said


def test_terms_when_told_then_file_size_source_licence_and_what_may_lie_there() -> None:
    other = replace(NET, name="b.ckpt", offered=("b.zip",), territory="EU only", size_bytes=3_223_219_889)
    assert list(terms(entry(NET, other, WORDS))) == [
        "tiny: A small one",
        f"  net.ckpt: onset net, size not known, from {PAGE}",
        "    licence: not stated; commercial use: unknown; territory: no limit stated",
        f"  b.ckpt: onset net, 3,223.2 MB, from {PAGE}",
        "    licence: not stated; commercial use: unknown; territory: EU only",
        "  vocab.json: words, 0.0 MB, from https://example.org/words",
        "    licence: MIT; commercial use: yes; territory: no limit stated",
        "Files that lie in the folder already are used, also as the archives that the record offers (net.zip, b.zip)",
        "--from DIR takes them from another folder and copies them. Once the pack is made they may be deleted",
    ]
    assert not any("archives" in line for line in terms(entry(WORDS)))


def test_next_command_when_files_are_there_then_their_places() -> None:
    made = replace(entry(NET), command=("foley-export", "{net.ckpt}", "{folder}", "--out", "{out}"))
    made = replace(made, items={"net": NET}, command=("foley-export", "{net}", "{folder}", "--out", "{out}"))
    words = next_command(made, {"net": Path("/d/net.ckpt")}, folder=Path("/d"), out=Path("/p/tiny"))
    assert words == ["foley-export", str(Path("/d/net.ckpt")), str(Path("/d")), "--out", str(Path("/p/tiny"))]
