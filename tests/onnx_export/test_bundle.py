"""A pack is written whole or not at all, and says what its graphs really are."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnx
import pytest

from bridge.errors import PackError
from bridge.packs.store import Store
from onnx_export.bundle import bundle
from tests.packs import HOP, draft, text_graph


def test_bundle_when_written_then_the_daemon_reads_the_same_objects(tmp_path: Path) -> None:
    files = bundle(draft(), tmp_path / "tiny")
    read = Store([tmp_path]).open("tiny")
    assert read == files
    assert (read.manifest.when, read.manifest.what) == (draft().when, draft().what)
    assert read.manifest.licence == draft().licence
    assert read.manifest.require_what().hop_samples == HOP
    for name, digest in read.manifest.files.items():
        assert hashlib.sha256((tmp_path / "tiny" / name).read_bytes()).hexdigest() == digest
    on_disk = {path.name for path in (tmp_path / "tiny").iterdir()}
    assert on_disk == {*read.manifest.files, "pack.json", "origin.json"}


def test_bundle_when_written_then_axes_come_from_the_graphs(tmp_path: Path) -> None:
    manifest = bundle(draft(), tmp_path / "tiny").manifest
    for role, entry in manifest.graphs.items():
        graph = onnx.load(tmp_path / "tiny" / entry.file).graph
        for spec, value in zip(entry.inputs, graph.input, strict=True):
            dims = value.type.tensor_type.shape.dim
            assert spec.axes == tuple(dim.dim_value or dim.dim_param for dim in dims), role


def test_bundle_when_a_graph_has_a_card_then_its_entry_names_it_and_no_other_does(tmp_path: Path) -> None:
    files = {**draft().files, "cards/onset.md": b"# Onsets\n", "cards/nobody.md": b"# Nobody\n"}
    graphs = bundle(replace(draft(), files=files), tmp_path / "tiny").manifest.graphs
    cards = {role: entry.card for role, entry in graphs.items()}
    assert cards == {**dict.fromkeys(draft().graphs, ""), "onset": "cards/onset.md"}


def test_bundle_when_written_twice_then_same_bytes_and_nothing_left_over(tmp_path: Path) -> None:
    first = bundle(draft(), tmp_path / "tiny")
    (tmp_path / "tiny" / "stale.txt").write_text("from before")
    assert bundle(draft(), tmp_path / "tiny").digest == first.digest
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    assert not (tmp_path / "tiny" / "stale.txt").exists()


def refusal(tmp_path: Path, **changes: Any) -> str:
    """The sentence for a draft that cannot become a pack; nothing may be left on disk."""
    with pytest.raises(PackError) as caught:
        bundle(replace(draft(), **changes), tmp_path / "tiny")
    assert list(tmp_path.iterdir()) == []
    return caught.value.sentence


def test_bundle_when_a_graph_is_missing_then_refused_and_nothing_written(tmp_path: Path) -> None:
    graphs = {role: model for role, model in draft().graphs.items() if role != "decoder"}
    assert '"graphs.decoder" is missing' in refusal(tmp_path, graphs=graphs)


def test_bundle_when_a_graph_plays_the_wrong_role_then_refused(tmp_path: Path) -> None:
    assert "must be motion, not tags" in refusal(tmp_path, graphs={**draft().graphs, "onset": text_graph()})


def test_bundle_when_the_vocabulary_is_missing_then_refused(tmp_path: Path) -> None:
    assert "vocabulary.json" in refusal(tmp_path, files={})


def test_bundle_when_a_file_would_lie_outside_then_refused(tmp_path: Path) -> None:
    assert "not a plain path" in refusal(tmp_path, files={**draft().files, "../out.txt": b"x"})
    assert not (tmp_path.parent / "out.txt").exists()


def test_bundle_when_a_graph_cannot_run_then_nothing_is_written(tmp_path: Path) -> None:
    broken = text_graph()
    broken.graph.node[0].op_type = "NoSuchOperator"
    sentence = refusal(tmp_path, graphs={**draft().graphs, "text": broken})
    assert 'graph "text"' in sentence


def test_bundle_when_it_fails_then_the_pack_that_was_there_stays(tmp_path: Path) -> None:
    before = bundle(draft(), tmp_path / "tiny")
    with pytest.raises(PackError):
        bundle(replace(draft(), files={}), tmp_path / "tiny")
    assert Store([tmp_path]).open("tiny") == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]


def test_bundle_when_the_folder_holds_something_else_then_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "thesis.txt").write_text("years of work")
    with pytest.raises(PackError, match="is there and is not a pack"):
        bundle(draft(), tmp_path / "tiny")
    assert (tmp_path / "tiny" / "thesis.txt").read_text() == "years of work"


def test_bundle_when_the_folder_is_named_otherwise_then_says_how(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="Call the folder tiny"):
        bundle(draft(), tmp_path / "other")


def test_bundle_when_the_place_cannot_be_written_then_pack_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PackError, match="cannot be written"):
        bundle(draft(), tmp_path / "file" / "tiny")
