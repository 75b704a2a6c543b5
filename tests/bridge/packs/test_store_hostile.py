"""Graphs that reach for what is not theirs: wherever in the file it stands, the pack is refused before it is opened."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import onnx
import onnxruntime as ort
import pytest
from onnx import ModelProto, SparseTensorProto, TensorProto, helper

from bridge.engine.graph import Graph
from bridge.engine.providers import CPU
from bridge.engine.runtime import ONNX_RUNTIME
from bridge.errors import PackError
from tests.bridge.packs.test_store import put_weights_outside, refusal, rehash
from tests.packs import draft, tiny_pack

OUTSIDE = "../secret.bin"


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A whole pack in a folder of packs."""
    return tiny_pack(tmp_path / "packs")


def outside() -> TensorProto:
    """A tensor whose numbers lie outside the pack."""
    tensor = TensorProto(name="o", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=OUTSIDE)
    return tensor


def inner() -> onnx.GraphProto:
    return helper.make_graph([helper.make_node("Identity", ["o"], ["z"])], "inner", [], [], [outside()])


def in_a_constant(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=outside()))


def in_a_branch(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("If", ["c"], ["y"], then_branch=inner(), else_branch=inner()))


def in_a_list_of_graphs(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Odd", [], ["y"], graphs=[inner()]))


def in_a_list_of_tensors(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Odd", [], ["y"], tensors=[outside()]))


def in_a_function(model: ModelProto) -> None:
    body = [helper.make_node("Constant", [], ["b"], value=outside())]
    model.functions.append(helper.make_function("", "F", [], ["b"], body, [helper.make_opsetid("", 20)]))


def in_what_a_function_takes_if_not_told(model: ModelProto) -> None:
    in_a_function(model)
    model.functions[0].node[0].CopyFrom(helper.make_node("Identity", ["a"], ["b"]))
    model.functions[0].attribute_proto.append(helper.make_attribute("taken", outside()))


def in_a_sparse_tensor(model: ModelProto) -> None:
    model.graph.sparse_initializer.add().values.CopyFrom(outside())


def in_a_sparse_attribute(model: ModelProto) -> None:
    model.graph.node.append(helper.make_node("Constant", [], ["c"], sparse_value=SparseTensorProto(values=outside())))


def in_a_list_of_sparse_tensors(model: ModelProto) -> None:
    node = helper.make_node("Odd", [], ["y"])
    node.attribute.add(name="s").sparse_tensors.add().values.CopyFrom(outside())
    model.graph.node.append(node)


def in_the_training(model: ModelProto) -> None:
    model.training_info.add().algorithm.CopyFrom(inner())


PLACES = [
    in_a_constant,
    in_a_branch,
    in_a_list_of_graphs,
    in_a_list_of_tensors,
    in_a_function,
    in_what_a_function_takes_if_not_told,
    in_a_sparse_tensor,
    in_a_sparse_attribute,
    in_a_list_of_sparse_tensors,
    in_the_training,
]


def bend(pack: Path, edit: Callable[[ModelProto], None]) -> None:
    """Changes a graph, so that only the change itself is wrong."""
    model = onnx.load(pack / "text.onnx")
    edit(model)
    (pack / "text.onnx").write_bytes(model.SerializeToString())
    rehash(pack, "text.onnx")


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.__name__)
def test_open_when_numbers_lie_outside_anywhere_in_a_graph_then_refused(
    pack: Path, place: Callable[[ModelProto], None]
) -> None:
    bend(pack, place)
    assert f'takes data from outside, "{OUTSIDE}"' in refusal(pack)


@pytest.mark.parametrize(
    "place", ["", ".", "/etc/passwd", "..\\secret.bin", "a/../../secret.bin", "*/_ORT_MEM_ADDR_/*"]
)
def test_open_when_a_place_is_no_file_of_the_pack_then_refused(pack: Path, place: str) -> None:
    """The last is ONNX Runtime's own name for the memory of the process."""

    def name_it(model: ModelProto) -> None:
        in_a_constant(model)
        model.graph.node[-1].attribute[0].t.external_data[0].value = place

    bend(pack, name_it)
    assert f'takes data from outside, "{place}"' in refusal(pack)


def hidden(number: int, data: bytes) -> bytes:
    """A part whose tag has a bit above the 32nd, which protobuf's C++ reader drops."""
    return bytes([number << 3 | 0x82, 0x80, 0x80, 0x80, 0x10, len(data)]) + data


def test_open_when_a_tag_has_more_bits_than_onnx_runtime_looks_at_then_refused(pack: Path) -> None:
    more = hidden(5, outside().SerializeToString())
    with (pack / "text.onnx").open("ab") as file:
        file.write(bytes([7 << 3 | 2, len(more)]) + more)  # a graph in two parts, which readers put together
    rehash(pack, "text.onnx")
    assert "a number is too long" in refusal(pack)


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_open_when_a_listed_file_of_weights_is_a_link_out_then_refused_whatever_it_holds(pack: Path) -> None:
    put_weights_outside(pack, "weights.bin", write_to="weights.bin")
    rehash(pack, "weights.bin")
    elsewhere = pack.parent / "elsewhere.bin"
    (pack / "weights.bin").rename(elsewhere)
    (pack / "weights.bin").symlink_to(elsewhere)
    assert "leads out of the pack" in refusal(pack)


@pytest.mark.skipif(os.name == "nt", reason="links need a right of their own there")
def test_open_when_a_folder_of_the_pack_is_a_link_out_then_refused(pack: Path) -> None:
    put_weights_outside(pack, "inside/weights.bin", write_to="weights.bin")
    elsewhere = pack.parent / "elsewhere"
    elsewhere.mkdir()
    (pack / "weights.bin").rename(elsewhere / "weights.bin")
    (pack / "inside").symlink_to(elsewhere)
    rehash(pack, "inside/weights.bin")
    assert "leads out of the pack" in refusal(pack)


@pytest.mark.parametrize("operator", ["EPContext", "PyOp", "PythonOp"])
def test_open_when_a_node_hands_work_to_something_outside_then_refused(pack: Path, operator: str) -> None:
    bend(pack, lambda model: model.graph.node.append(helper.make_node(operator, [], ["y"], domain="com.microsoft")))
    assert f'holds "{operator}", which runs what is no graph' in refusal(pack)


def test_open_when_a_node_names_a_domain_that_is_not_imported_then_refused(pack: Path) -> None:
    bend(pack, lambda model: model.graph.node.append(helper.make_node("X", [], ["y"], domain="com.example.code")))
    assert 'needs foreign operators ("com.example.code")' in refusal(pack)


def test_open_when_a_graph_is_onnx_runtimes_own_format_in_disguise_then_refused(pack: Path) -> None:
    (pack / "text.onnx").write_bytes(b"\x3a\x82\x00\x00ORTM" + bytes(200))
    rehash(pack, "text.onnx")
    assert "another format" in refusal(pack)


def test_open_when_a_graph_has_endless_parts_then_refused_at_once(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.packs.onnx_file._MOST_FIELDS", 1000)
    (pack / "text.onnx").write_bytes(b"\x08\x01" * 1001)
    rehash(pack, "text.onnx")
    assert "too many parts" in refusal(pack)


def test_session_when_the_bytes_are_another_format_then_it_does_not_open(tmp_path: Path) -> None:
    """ONNX Runtime takes its own format for a graph wherever it is not told otherwise."""
    onnx.save(draft().graphs["text"], tmp_path / "a.onnx")
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "a.ort")
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.add_session_config_entry("session.save_model_format", "ORT")
    ort.InferenceSession(str(tmp_path / "a.onnx"), options, providers=[CPU])
    data = (tmp_path / "a.ort").read_bytes()
    assert ort.InferenceSession(data, providers=[CPU]).get_inputs()
    with pytest.raises(Exception, match="protobuf"):
        ONNX_RUNTIME.open(data, providers=[CPU], quiet=True)


def test_graph_when_an_operator_is_nobodys_then_it_does_not_open(tmp_path: Path) -> None:
    """Nothing is registered with ONNX Runtime, so it knows only its own operators."""
    floats = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    node = helper.make_node("Run", ["x"], ["y"], domain="com.example.code")
    sets = [helper.make_opsetid("", 20), helper.make_opsetid("com.example.code", 1)]
    model = helper.make_model(helper.make_graph([node], "g", [floats], [result]), opset_imports=sets, ir_version=10)
    onnx.save(model, tmp_path / "a.onnx")
    with pytest.raises(PackError) as caught:
        Graph(tmp_path / "a.onnx")
    assert caught.value.hint
