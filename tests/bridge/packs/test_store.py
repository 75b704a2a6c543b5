"""Finding packs, and every kind of damage refused by a sentence that names it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import external_data_helper

from bridge.errors import PackError
from bridge.packs.store import SHIPPED_FOLDER, Store, user_folder
from tests.packs import tiny_pack


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A whole pack in a folder of packs."""
    return tiny_pack(tmp_path / "packs")


def refusal(pack: Path) -> str:
    """The sentence with which a pack is refused."""
    with pytest.raises(PackError) as caught:
        Store([pack.parent]).open(pack.name)
    assert caught.value.hint
    return caught.value.sentence


def rewrite(pack: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    path = pack / "pack.json"
    data = json.loads(path.read_text())
    edit(data)
    path.write_text(json.dumps(data))


def rehash(pack: Path, name: str) -> None:
    """Makes the manifest agree with a changed file, so that only the change itself is wrong."""
    digest = hashlib.sha256((pack / name).read_bytes()).hexdigest()
    rewrite(pack, lambda data: data["files"].update({name: digest}))


def test_open_when_whole_then_paths_digest_and_manifest(pack: Path) -> None:
    files = Store([pack.parent]).open("tiny")
    assert files.manifest.name == "tiny"
    assert files.digest == hashlib.sha256((pack / "pack.json").read_bytes()).hexdigest()
    assert files.graph_path("onset") == pack.resolve() / "onset.onnx"
    assert json.loads(files.path("vocabulary.json").read_text())["tags"]
    with pytest.raises(PackError, match=r'no file "words\.txt"'):
        files.path("words.txt")


@pytest.mark.parametrize("name", ["onset.onnx", "decoder.onnx", "vocabulary.json"])
def test_open_when_one_bit_is_flipped_then_the_file_is_named(pack: Path, name: str) -> None:
    data = bytearray((pack / name).read_bytes())
    data[len(data) // 2] ^= 1
    (pack / name).write_bytes(data)
    assert f'file "{name}" is damaged' in refusal(pack)


def test_open_when_a_file_is_cut_short_then_it_is_named(pack: Path) -> None:
    (pack / "decoder.onnx").write_bytes((pack / "decoder.onnx").read_bytes()[:-100])
    assert 'file "decoder.onnx" is damaged' in refusal(pack)


def test_open_when_a_file_is_missing_then_it_is_named(pack: Path) -> None:
    (pack / "text.onnx").unlink()
    assert 'file "text.onnx" is missing' in refusal(pack)


def test_open_when_a_folder_stands_in_place_of_a_file_then_it_is_named(pack: Path) -> None:
    (pack / "text.onnx").unlink()
    (pack / "text.onnx").mkdir()
    assert '"text.onnx" is not a file' in refusal(pack)


def test_open_when_a_graph_lies_there_unlisted_then_it_is_named(pack: Path) -> None:
    (pack / "deep").mkdir()
    shutil.copy(pack / "text.onnx", pack / "deep" / "Extra.ONNX")
    assert '"deep/Extra.ONNX" lies in the pack but pack.json does not list it' in refusal(pack)


def test_open_when_other_files_lie_there_then_no_harm(pack: Path) -> None:
    (pack / "notes.txt").write_text("mine")
    assert Store([pack.parent]).open("tiny")


def test_open_when_the_manifest_has_an_extra_key_then_file_and_key_are_named(pack: Path) -> None:
    rewrite(pack, lambda data: data.update(colour="red"))
    assert f'{pack / "pack.json"}: key "colour" is unknown' in refusal(pack)


def test_open_when_the_manifest_is_not_text_then_refused(pack: Path) -> None:
    (pack / "pack.json").write_bytes(b"\xff\xfe\x00")
    assert "pack.json cannot be read" in refusal(pack)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_open_when_a_link_leads_out_of_the_pack_then_refused(pack: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    shutil.move(pack / "text.onnx", outside)
    (pack / "text.onnx").symlink_to(outside)
    assert 'file "text.onnx" leads out of the pack' in refusal(pack)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_open_when_the_manifest_itself_is_a_link_out_then_refused(pack: Path, tmp_path: Path) -> None:
    shutil.move(pack / "pack.json", tmp_path / "other.json")
    (pack / "pack.json").symlink_to(tmp_path / "other.json")
    assert "leads out of the pack" in refusal(pack)


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_open_when_a_link_goes_in_circles_then_refused(pack: Path) -> None:
    (pack / "text.onnx").unlink()
    (pack / "text.onnx").symlink_to(pack / "text.onnx")
    assert '"text.onnx"' in refusal(pack)


def put_weights_outside(pack: Path, location: str, *, write_to: str) -> None:
    """Moves the decoder's weights into another file, and lets the graph say that they are at ``location``."""
    model = onnx.load(pack / "decoder.onnx")
    external_data_helper.convert_model_to_external_data(model, location=write_to, size_threshold=0)
    onnx.save(model, pack / "decoder.onnx")
    model = onnx.load(pack / "decoder.onnx", load_external_data=False)
    for weight in model.graph.initializer:
        for entry in weight.external_data:
            if entry.key == "location":
                entry.value = location
    (pack / "decoder.onnx").write_bytes(model.SerializeToString())
    rehash(pack, "decoder.onnx")


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "C:\\weights.bin"])
def test_open_when_a_graphs_weights_are_outside_then_refused(pack: Path, location: str) -> None:
    put_weights_outside(pack, location, write_to="weights.bin")
    assert f'graph "decoder.onnx" takes data from outside, "{location}"' in refusal(pack)


def test_open_when_a_graphs_weights_are_in_an_unlisted_file_then_refused(pack: Path) -> None:
    put_weights_outside(pack, "weights.bin", write_to="weights.bin")
    assert 'takes data from "weights.bin", which pack.json does not list' in refusal(pack)


def test_open_when_a_graphs_weights_are_in_a_listed_file_then_verified_with_the_rest(pack: Path) -> None:
    put_weights_outside(pack, "weights.bin", write_to="weights.bin")
    rehash(pack, "weights.bin")
    assert Store([pack.parent]).open("tiny")
    (pack / "weights.bin").write_bytes(b"other")
    assert 'file "weights.bin" is damaged' in refusal(pack)


def test_open_when_a_graph_needs_foreign_operators_then_they_are_named(pack: Path) -> None:
    model = onnx.load(pack / "text.onnx")
    model.opset_import.append(onnx.helper.make_opsetid("com.example.code", 1))
    (pack / "text.onnx").write_bytes(model.SerializeToString())
    rehash(pack, "text.onnx")
    assert 'graph "text.onnx" needs foreign operators ("com.example.code")' in refusal(pack)


@pytest.mark.parametrize("content", [b"", b"MZ\x90\x00" * 50, b"<html>not found</html>", b"\x08\x07"])
def test_open_when_a_graph_is_no_onnx_then_said_so(pack: Path, content: bytes) -> None:
    (pack / "text.onnx").write_bytes(content)
    rehash(pack, "text.onnx")
    assert '"text.onnx" is not an ONNX file' in refusal(pack)


def test_open_when_the_folder_has_another_name_then_says_rename(pack: Path) -> None:
    renamed = pack.rename(pack.with_name("other"))
    assert 'Rename the folder to "tiny"' in refusal(renamed)
    assert Store([]).open_folder(renamed, any_name=True).manifest.name == "tiny"


def test_open_when_there_is_none_of_that_name_then_names_those_that_are_there(pack: Path) -> None:
    with pytest.raises(PackError) as caught:
        Store([pack.parent]).open("huge")
    assert 'there is no pack "huge" (found: tiny)' in caught.value.sentence
    assert str(user_folder()) in caught.value.sentence


def test_open_when_damaged_after_the_first_time_then_noticed(pack: Path) -> None:
    store = Store([pack.parent])
    store.open("tiny")
    path = pack / "vocabulary.json"
    data = path.read_bytes()
    state = path.stat()
    path.write_bytes(data[:-1] + b" ")
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    with pytest.raises(PackError, match="damaged"):
        store.open("tiny")


def test_open_when_nothing_changed_then_no_file_is_read_twice(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store([pack.parent])
    first = store.open("tiny")
    monkeypatch.setattr("bridge.packs.store._sha256", lambda path: pytest.fail(f"{path} was read again"))
    assert store.open("tiny") == first


def test_list_when_one_pack_is_damaged_then_it_is_listed_with_its_problem(pack: Path) -> None:
    broken = pack.with_name("broken")
    shutil.copytree(pack, broken)
    (broken / "pack.json").write_text("{")
    (pack.parent / "no pack at all").mkdir()
    listed = Store([pack.parent, pack.parent / "missing"]).list()
    assert [listing.name for listing in listed] == ["broken", "tiny"]
    assert listed[0].manifest is None
    assert "is not JSON" in listed[0].problem
    assert listed[1].manifest is not None
    assert listed[1].manifest.licence.commercial_use == "yes"


def test_default_store_when_a_name_is_there_twice_then_extra_wins_over_user_over_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.packs.store.user_folder", lambda: tmp_path / "user")
    extra, own = tiny_pack(tmp_path / "extra"), tiny_pack(tmp_path / "user")
    store = Store.default([extra.parent])
    assert store.folders[-1] == SHIPPED_FOLDER
    assert store.open("tiny").folder == extra.resolve()
    assert Store.default().open("tiny").folder == own.resolve()
