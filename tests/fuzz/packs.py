"""What comes with a pack: its manifest, its graphs, its words and its embedding for no words."""

from __future__ import annotations

import functools
import io
import json
from pathlib import Path

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper

from bridge.engine.meaning import _embedding
from bridge.engine.words import Vocabulary
from bridge.packs import onnx_file
from bridge.packs.manifest import Manifest, parse
from bridge.packs.store import SHIPPED_FOLDER
from tests.fuzz.cases import bent, bent_json
from tests.fuzz.files import as_file
from tests.fuzz.target import Target, again
from tests.packs import vocabulary


@functools.cache
def manifests() -> list[object]:
    """Good manifests, as JSON gives them."""
    return [json.loads(path.read_text("utf-8")) for path in SHIPPED_FOLDER.glob("*/pack.json")]


def graphs() -> list[bytes]:
    """Small ONNX files that have everything that the walk looks at."""
    floats = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    outside = TensorProto(name="o", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "8")):
        outside.external_data.add(key=key, value=value)
    inner = helper.make_graph([helper.make_node("Identity", ["w"], ["z"])], "inner", [], [], [floats])
    nodes = [
        helper.make_node("Constant", [], ["c"], value=floats),
        helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner),
        helper.make_node("Gelu", ["y"], ["x"], domain="com.microsoft", ints=list(range(20))),
    ]
    graph = helper.make_graph(nodes, "g", [], [], [floats, outside])
    sets = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
    whole = helper.make_model(graph, opset_imports=sets, ir_version=10)
    made = helper.make_function("local", "F", ["a"], ["b"], [helper.make_node("Identity", ["a"], ["b"])], sets[:1])
    more = onnx.ModelProto()
    more.CopyFrom(whole)
    more.functions.append(made)
    return [whole.SerializeToString(), more.SerializeToString()]


def embedding() -> bytes:
    """A ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, np.ones((1, 4), np.float32))
    return file.getvalue()


def check_manifest(case: bytes) -> bool:
    """A manifest that is taken is the same when written and read again."""
    try:
        text = case.decode("utf-8")
    except UnicodeDecodeError:  # ``store`` says so
        return False
    manifest = parse(text, where="pack.json")
    assert isinstance(manifest, Manifest)
    assert again(parse, manifest.to_json(), where="pack.json") == manifest
    return True


def check_graph(path: Path) -> bool:
    """What a graph refers to outside itself."""
    found = onnx_file.inspect(path)
    return all(isinstance(name, str) for name in found.external | found.domains)


def check_embedding(path: Path) -> bool:
    """The embedding that stands for no words."""
    return _embedding(path, dim=4).shape == (1, 4)


def check_vocabulary(path: Path) -> bool:
    """A vocabulary that is taken understands its own tags."""
    return bool(Vocabulary.read(path).tags)


TARGETS = [
    Target(
        name="manifest",
        check=check_manifest,
        hostile=bent_json(manifests()),
        valid=st.sampled_from(manifests()).map(lambda table: json.dumps(table, indent=1).encode()),
    ),
    Target(name="onnx", check=as_file(check_graph, "a.onnx"), hostile=bent(graphs()), valid=st.sampled_from(graphs())),
    Target(
        name="embedding",
        check=as_file(check_embedding, "null.npy"),
        hostile=bent([embedding()]),
        valid=st.just(embedding()),
    ),
    Target(
        name="vocabulary",
        check=as_file(check_vocabulary, "vocabulary.json"),
        hostile=bent_json([json.loads(vocabulary())]),
        valid=st.just(vocabulary().encode()),
    ),
]
