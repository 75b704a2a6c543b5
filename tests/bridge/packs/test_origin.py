"""Where a pack came from: recorded when files are got and when a pack is made, told by ``packs show``."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.__main__ import main
from bridge.errors import PackError
from bridge.packs import origin
from bridge.packs.store import SHIPPED_FOLDER, Store
from onnx_export.bundle import bundle
from tests.bridge.packs.file_server import FileServer
from tests.bridge.packs.test_pull import DIFFUSION, ONSET, WORDS, Pull, folder, hand, pull, server
from tests.packs import draft, tiny_pack

__all__ = ["folder", "pull", "server"]

SOURCE = origin.Source(
    name="a.ckpt",
    origin="https://example.org/a.ckpt",
    sha256="0" * 64,
    got="2026-11-21T17:30:05Z",
    vouched="the catalogue",
    licence="MIT",
    accepted="with --yes",
)


@pytest.fixture
def packs(tmp_path: Path) -> Path:
    return bundle(replace(draft(), sources=(SOURCE,)), tmp_path / "packs" / "tiny").folder.parent


def show(packs: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main(["--packs-dir", str(packs), "--pack", "tiny", "packs", *words]) == 0
    return capsys.readouterr().out.splitlines()


def noted(path: Path) -> dict[str, str]:
    return json.loads(path.with_name(path.name + ".origin.json").read_text("utf-8"))


# -- files that are got ------------------------------------------------------------------------------------------------


def test_pull_when_files_are_got_then_each_says_where_when_whose_word_and_which_terms(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    before = origin.now()
    assert pull("--yes", "--mirror", server.url, "--unverified")[0] == 0
    onset, words = noted(folder / "onset.ckpt"), noted(folder / "vocab.json")
    assert onset["origin"].startswith("ckpt-onset/epoch=9.ckpt in http://127.0.0.1")
    assert onset["origin"].endswith("/zenodo.org/api/records/7/files/ckpt-onset.zip/content")
    assert words["origin"].endswith("/huggingface.co/x/resolve/main/vocab.json")
    assert (onset["sha256"], words["sha256"]) == tuple(hashlib.sha256(data).hexdigest() for data in (ONSET, WORDS))
    assert (onset["vouched"], words["vouched"]) == ("nobody (--unverified)", "the catalogue")
    assert onset["licence"] == "not stated; commercial use: unknown; territory: no limit stated"
    assert onset["accepted"] == "with --yes"
    assert before <= onset["got"] <= origin.now()


def test_pull_when_the_files_are_there_again_then_what_was_recorded_stays(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    assert pull("--yes", "--mirror", server.url, "--unverified")[0] == 0
    known = noted(folder / "onset.ckpt")
    assert pull("--yes", "--mirror", server.url)[0] == 0
    assert noted(folder / "onset.ckpt") == known
    (folder / "diffusion.ckpt.origin.json").unlink()
    assert pull("--yes", "--mirror", server.url)[0] == 0
    again = noted(folder / "diffusion.ckpt")
    assert (again["origin"], again["got"], again["vouched"]) == ("", "", "the SHA-256 written beside it")


def test_pull_when_the_files_are_brought_then_their_folder_is_the_origin(
    server: FileServer, pull: Pull, folder: Path, tmp_path: Path
) -> None:
    stick = hand(tmp_path / "stick", **{"onset.ckpt": ONSET, "diffusion.ckpt": DIFFUSION, "vocab.json": WORDS})
    assert pull("--yes", "--from", str(stick), "--unverified")[0] == 0
    assert noted(folder / "onset.ckpt")["origin"] == str(stick / "onset.ckpt")


def test_of_file_when_it_was_got_then_the_record_and_when_it_changed_since_then_only_its_folder(
    server: FileServer, pull: Pull, folder: Path
) -> None:
    assert pull("--yes", "--mirror", server.url, "--unverified")[0] == 0
    path = folder / "onset.ckpt"
    assert origin.of_file(path).origin.endswith("ckpt-onset.zip/content")
    path.write_bytes(b"another")
    changed = origin.of_file(path)
    assert (changed.origin, changed.sha256) == (str(folder), hashlib.sha256(b"another").hexdigest())
    assert (changed.vouched, changed.accepted) == ("", "")
    with pytest.raises(PackError, match="gone cannot be read"):
        origin.of_file(folder / "gone")


def test_note_when_a_link_lies_in_its_place_then_the_link_is_replaced_and_what_it_led_to_stays(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (tmp_path / "a.ckpt.origin.json").symlink_to(mine)
    origin.write_note(tmp_path / "a.ckpt", SOURCE)
    assert mine.read_text() == "mine"
    assert origin.read_note(tmp_path / "a.ckpt", sha256=SOURCE.sha256) == SOURCE


# -- packs -------------------------------------------------------------------------------------------------------------


def test_show_when_a_pack_was_made_here_then_its_sources_with_place_time_hash_and_terms(
    packs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summary = show(packs, capsys, "show", "tiny")
    (line,) = (line for line in summary if "origin" in line)
    assert line.startswith("  origin: foley-export ")
    assert line.endswith(" UTC, from one source")
    said = show(packs, capsys, "show", "tiny", "--cards")
    assert (
        "  a.ckpt: https://example.org/a.ckpt; got 2026-11-21 17:30:05 UTC; vouched for by the catalogue; terms: MIT; "
        "accepted with --yes" in said
    )
    assert f"    SHA-256 {'0' * 64}" in said
    assert not [line for line in show(packs, capsys) if "origin" in line and "tiny" in line]


def test_show_when_a_pack_has_no_record_then_origin_unknown_and_it_works(
    packs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digest = Store((packs,)).open("tiny").digest
    (packs / "tiny" / "origin.json").unlink()
    assert "  origin unknown (no record came with it)" in show(packs, capsys, "show", "tiny")
    assert "    origin unknown (no record came with it)" in show(packs, capsys)
    assert Store((packs,)).open("tiny").digest == digest


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "cannot be read"),
        (b"[]", "must hold a JSON object"),
        (b'{"schema": 1, "pack": "", "made": "", "by": "", "sources": [{"nam": ""}]}', 'key "sources[0].name"'),
        (b'{"schema": 2, "pack": "", "made": "", "by": "", "sources": []}', 'key "schema" must be 1'),
        (b'{"schema": 1, "pack": "12", "made": "", "by": "", "sources": []}', "is about another pack (12)"),
        (b" " * 2_000_000, "is no record of ours"),
    ],
)
def test_show_when_the_record_is_damaged_or_anothers_then_origin_unknown_and_why(
    packs: Path, capsys: pytest.CaptureFixture[str], record: bytes, words: str
) -> None:
    (packs / "tiny" / "origin.json").write_bytes(record)
    said = show(packs, capsys, "show", "tiny", "--cards")
    (line,) = (line for line in said if line.startswith("origin unknown ("))
    assert words in line


def test_show_when_the_record_leads_out_or_holds_controls_then_neither_reaches_the_terminal(
    packs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    record = packs / "tiny" / "origin.json"
    record.write_text(record.read_text().replace("https://example.org", "\\u001b[2Jhttps://example.org"))
    assert "\x1b" not in "".join(show(packs, capsys, "show", "tiny", "--cards"))
    record.rename(tmp_path / "elsewhere.json")
    record.symlink_to(tmp_path / "elsewhere.json")
    assert any("origin unknown (" in line for line in show(packs, capsys, "show", "tiny"))


def test_bundle_when_made_twice_then_one_digest_and_a_record_for_each(tmp_path: Path) -> None:
    first = Store(()).open_folder(tiny_pack(tmp_path / "a"))
    second = Store(()).open_folder(tiny_pack(tmp_path / "b"))
    assert first.digest == second.digest
    record = origin.read(second.folder, pack=second.digest)
    assert record is not None
    assert (record.sources, record.by.split()[0]) == ((), "foley-export")
    shutil.copytree(first.folder, tmp_path / "c" / "tiny")
    assert origin.read(tmp_path / "c" / "tiny", pack=first.digest) is not None


@pytest.mark.parametrize("name", ["starter", "starter-clean"])
def test_shipped_pack_when_shown_then_ours_with_checkpoints_by_digest_and_all_its_training_data(name: str) -> None:
    files = Store((SHIPPED_FOLDER,)).open(name)
    record = origin.read(files.folder, pack=files.digest)
    assert record is not None
    assert record.by.startswith("made by this project")
    checkpoints = [source for source in record.sources if source.name.startswith("checkpoint of ")]
    roles = {role for source in checkpoints for role in source.name.removeprefix("checkpoint of ").split(", ")}
    assert roles == set(files.manifest.graphs)
    assert all(len(bytes.fromhex(source.sha256)) == 32 for source in checkpoints)
    told = {source.name for source in record.sources}
    assert {data.name for data in files.manifest.training_data} <= told
    assert all(source.origin and source.licence for source in record.sources)
