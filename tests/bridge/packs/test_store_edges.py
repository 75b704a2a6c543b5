"""Packs on disk on bad days: the sentence names the pack, the file and the way out."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from pathlib import Path

import onnx
import pytest

from bridge.errors import PackError
from bridge.packs import store as store_module
from bridge.packs.store import Store, user_folder
from tests.bridge.packs.test_store import put_weights_outside, rehash, rewrite
from tests.packs import tiny_pack

AGAIN = "Get the pack again, or export it again with foley-export."


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    return tiny_pack(tmp_path / "packs").resolve()


def refused(pack: Path) -> str:
    with pytest.raises(PackError) as caught:
        Store([pack.parent]).open(pack.name)
    return caught.value.sentence


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the folder is another one elsewhere")
def test_user_folder_when_asked_for_then_where_users_of_this_system_keep_such_things() -> None:
    assert user_folder() == Path(os.environ["XDG_DATA_HOME"]) / "foley-bridge" / "packs"


def test_open_when_something_is_wrong_then_pack_file_and_way_out(pack: Path) -> None:
    (pack / "vocabulary.json").write_text("other")
    assert refused(pack) == (
        f'pack "tiny": file "vocabulary.json" is damaged (its SHA-256 is not the one in pack.json). {AGAIN}'
    )
    (pack / "vocabulary.json").unlink()
    assert refused(pack) == f'pack "tiny": file "vocabulary.json" is missing from {pack}. {AGAIN}'
    (pack / "vocabulary.json").mkdir()
    assert refused(pack) == f'pack "tiny": "vocabulary.json" is not a file. {AGAIN}'


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_open_when_links_lead_away_then_where_to(pack: Path, tmp_path: Path) -> None:
    target = shutil.move(pack / "vocabulary.json", tmp_path / "words.json")
    (pack / "vocabulary.json").symlink_to(target)
    assert refused(pack) == f'pack "tiny": file "vocabulary.json" leads out of the pack, to {target}. {AGAIN}'
    (pack / "vocabulary.json").unlink()
    (pack / "vocabulary.json").symlink_to("vocabulary.json")
    assert refused(pack).startswith('pack "tiny": file "vocabulary.json" cannot be read (')
    manifest = shutil.move(pack / "pack.json", tmp_path / "pack.json")
    (pack / "pack.json").symlink_to(manifest)
    assert refused(pack) == f"{pack / 'pack.json'} leads out of the pack. {AGAIN}"


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need rights there")
def test_open_when_a_link_stays_inside_then_no_harm(pack: Path) -> None:
    shutil.move(pack / "vocabulary.json", pack / "words.txt")
    (pack / "vocabulary.json").symlink_to("words.txt")
    assert Store([pack.parent]).open("tiny").path("vocabulary.json") == pack / "vocabulary.json"


def test_open_when_the_disk_fails_while_it_reads_then_which_file_and_why(
    pack: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(store_module, "_sha256", broken)
    assert f"cannot be read ([Errno 5] Input/output error). {AGAIN}" in refused(pack)


def test_open_when_the_manifest_is_none_then_file_and_way_out(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack / "pack.json"
    text = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(store_module, "_MAX_MANIFEST_BYTES", len(text))
        assert Store([pack.parent]).open("tiny")
        path.write_bytes(text + b" ")
        assert refused(pack) == f"{path} is too large to be a manifest. {AGAIN}"
    path.write_bytes(b"\xff\xfe")
    assert refused(pack).startswith(f"{path} cannot be read (")
    path.unlink()
    with pytest.raises(PackError) as caught:
        Store([]).open_folder(pack)
    assert caught.value.sentence == f"there is no pack.json in {pack}. {AGAIN}"
    path.mkdir()
    with pytest.raises(PackError) as caught:
        Store([]).open_folder(pack)
    assert caught.value.sentence.startswith(f"{path} cannot be read (")


def test_open_when_the_name_is_not_there_then_all_that_are_and_where_to_put_it(tmp_path: Path) -> None:
    where = f"put it into {user_folder()}, or see whether 'foley-bridge packs pull' has it."
    with pytest.raises(PackError) as caught:
        Store([tmp_path / "no such folder"]).open("tiny")
    assert caught.value.sentence == f'there is no pack "tiny" (found: none). Choose one of these, {where}'
    shutil.copytree(tiny_pack(tmp_path / "packs"), tmp_path / "packs" / "other")
    with pytest.raises(PackError) as caught:
        Store([tmp_path / "packs"]).open("huge")
    assert caught.value.sentence == f'there is no pack "huge" (found: other, tiny). Choose one of these, {where}'


def test_open_when_a_listed_name_is_in_a_folder_of_another_name_then_both(pack: Path) -> None:
    other = pack.rename(pack.with_name("other"))
    assert refused(other) == f'folder "{other}" holds the pack "tiny". Rename the folder to "tiny".'


def test_open_when_a_graph_lies_there_unlisted_then_what_to_remove(pack: Path) -> None:
    shutil.copy(pack / "text.onnx", pack / "extra.onnx")
    assert refused(pack) == (
        'pack "tiny": "extra.onnx" lies in the pack but pack.json does not list it. '
        f"Remove {pack / 'extra.onnx'}, or get the pack again."
    )


@pytest.mark.parametrize("name", ["deep/text.onnx", "deep/TEXT.ONNX"])
def test_open_when_a_graph_in_a_folder_takes_data_beside_it_then_verified_there(pack: Path, name: str) -> None:
    put_weights_outside(pack, "weights.bin", write_to="weights.bin")
    (pack / "deep").mkdir()
    shutil.move(pack / "decoder.onnx", pack / name)
    shutil.move(pack / "weights.bin", pack / "deep" / "weights.bin")

    def moved(data: dict) -> None:
        data["files"][name] = data["files"].pop("decoder.onnx")
        data["graphs"]["decoder"]["file"] = name

    rewrite(pack, moved)
    assert refused(pack) == (
        f'pack "tiny": graph "{name}" takes data from "weights.bin", which pack.json does not list. {AGAIN}'
    )
    rehash(pack, "deep/weights.bin")
    assert Store([pack.parent]).open("tiny").graph_path("decoder") == pack / name


def test_open_when_graphs_are_strange_then_pack_graph_and_reason(pack: Path) -> None:
    put_weights_outside(pack, "../w", write_to="weights.bin")
    assert refused(pack) == f'pack "tiny": graph "decoder.onnx" takes data from outside, "../w". {AGAIN}'
    model = onnx.load(pack / "text.onnx")
    model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))
    (pack / "decoder.onnx").write_bytes(model.SerializeToString())
    rehash(pack, "decoder.onnx")
    assert refused(pack) == f'pack "tiny": graph "decoder.onnx" needs foreign operators ("com.example"). {AGAIN}'
    (pack / "decoder.onnx").write_bytes(b"\x0b")
    rehash(pack, "decoder.onnx")
    assert refused(pack) == 'pack "tiny": "decoder.onnx" is not an ONNX file (wire type 3). Get the pack again.'


def test_path_when_the_pack_has_no_such_file_then_said(pack: Path) -> None:
    files = Store([pack.parent]).open("tiny")
    assert files.folder == pack
    with pytest.raises(PackError) as caught:
        files.path("other.json")
    assert caught.value.sentence == f'pack "tiny" has no file "other.json". {AGAIN}'


def test_open_when_a_file_changed_and_back_in_size_only_then_its_time_tells(pack: Path) -> None:
    """What was verified is known by size, time of change and the checksum that was asked for."""
    packs = Store([pack.parent])
    packs.open("tiny")
    path = pack / "vocabulary.json"
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    rewrite(pack, lambda data: data["files"].update({"vocabulary.json": "0" * 64}))
    with pytest.raises(PackError, match="is damaged"):
        packs.open("tiny")


def test_list_when_folders_are_seen_then_where_they_lie_and_hidden_ones_not(pack: Path) -> None:
    shutil.copytree(pack, pack.with_name(".trash"))
    broken = pack.with_name("broken")
    shutil.copytree(pack, broken)
    (broken / "pack.json").write_text("[]")
    seen = Store([pack.parent]).list()
    assert [(one.name, one.folder) for one in seen] == [("broken", broken), ("tiny", pack)]
    assert seen[0].problem == f"{broken / 'pack.json'} must hold a JSON object. {AGAIN}"
    assert (seen[1].problem, seen[1].manifest.title if seen[1].manifest else "") == ("", "Tiny, for tests")


def test_list_when_a_name_is_there_twice_then_the_first_folder_wins(tmp_path: Path) -> None:
    first, second = tiny_pack(tmp_path / "a"), tiny_pack(tmp_path / "b")
    rewrite(second, lambda data: data.update(title="Second"))
    assert [one.folder for one in Store([first.parent, second.parent]).list()] == [first]
    assert Store([second.parent, first.parent]).open("tiny").manifest.title == "Second"


def test_digest_when_the_manifest_changes_then_another(pack: Path) -> None:
    before = Store([pack.parent]).open("tiny").digest
    text = json.loads((pack / "pack.json").read_text())
    (pack / "pack.json").write_text(json.dumps(text))
    after = Store([pack.parent]).open("tiny").digest
    assert after == hashlib.sha256((pack / "pack.json").read_bytes()).hexdigest() != before


def test_large_file_when_hashed_then_all_of_it(pack: Path) -> None:
    data = bytes(range(256)) * 5000
    (pack / "large.bin").write_bytes(data)
    rehash(pack, "large.bin")
    assert Store([pack.parent]).open("tiny").path("large.bin").read_bytes() == data
    (pack / "large.bin").write_bytes(data[:-1] + b"x")
    assert 'file "large.bin" is damaged' in refused(pack)


def test_file_when_its_name_has_spaces_then_found_and_verified(pack: Path) -> None:
    (pack / "my notes").mkdir()
    (pack / "my notes" / "two words.txt").write_text("mine")
    rehash(pack, "my notes/two words.txt")
    assert Store([pack.parent]).open("tiny").path("my notes/two words.txt").read_text() == "mine"
    (pack / "my notes" / "two words.txt").write_text("yours")
    assert 'file "my notes/two words.txt" is damaged' in refused(pack)
