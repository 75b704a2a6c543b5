"""A graph in fewer bits keeps what must not lose any."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bridge.engine.providers import CPU
from bridge.engine.runtime import ONNX_RUNTIME
from onnx_export.recipe import FP16, INT8
from onnx_export.shrink import shrink


def model(nodes: list[onnx.NodeProto], weights: dict[str, np.ndarray], *, width: int) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "small",
        [value("x", TensorProto.FLOAT, ["batch", width])],
        [value("y", TensorProto.FLOAT, ["batch", width])],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def answer(shrunk: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    session = ONNX_RUNTIME.open(shrunk.SerializeToString(), providers=(CPU,), threads=1)
    return np.asarray(session.run(["y"], {"x": x})[0])


def test_half_when_squares_leave_its_range_keeps_norms_in_float32() -> None:
    """1000 squared is more than half precision holds."""
    nodes = [
        helper.make_node("Mul", ["x", "x"], ["square"]),
        helper.make_node("ReduceMean", ["square", "axes"], ["mean"], keepdims=1),
        helper.make_node("Sqrt", ["mean"], ["root"]),
        helper.make_node("Reciprocal", ["root"], ["scale"]),
        helper.make_node("Mul", ["x", "scale"], ["normal"]),
        helper.make_node("Mul", ["normal", "gain"], ["y"]),
    ]
    weights = {"axes": np.array([-1]), "gain": np.full((1, 8), 1.5, np.float32)}
    x = np.linspace(-1000.0, 900.0, 8, dtype=np.float32)[None]
    small = shrink(model(nodes, weights, width=8), FP16)
    inferred = onnx.shape_inference.infer_shapes(small).graph
    types = {value.name: value.type.tensor_type.elem_type for value in (*inferred.value_info, *inferred.input)}
    squares = [node for node in small.graph.node if node.op_type == "Mul" and len(set(node.input)) == 1]
    means = [node for node in small.graph.node if node.op_type in ("ReduceMean", "Sqrt")]
    assert [types[node.input[0]] for node in (*squares, *means)] == [TensorProto.FLOAT] * 3
    wanted = 1.5 * x / np.sqrt(np.mean(x**2))
    np.testing.assert_allclose(answer(small, x), wanted, rtol=5e-3)
    assert any(weight.data_type == TensorProto.FLOAT16 for weight in small.graph.initializer)


def test_eight_bits_when_channels_differ_in_size_gives_each_its_own_scale() -> None:
    random = np.random.default_rng(0)
    weight = random.standard_normal((16, 16)).astype(np.float32) * np.logspace(-4, 0, 16, dtype=np.float32)
    small = shrink(model([helper.make_node("MatMul", ["x", "weight"], ["y"])], {"weight": weight}, width=16), INT8)
    (scale,) = (one for one in small.graph.initializer if one.name.endswith("weight_scale"))
    assert list(scale.dims) == [16]
    x = random.standard_normal((4, 16)).astype(np.float32)
    wanted = x @ weight
    assert (np.abs(answer(small, x) - wanted).max(axis=0) < 0.05 * np.abs(wanted).max(axis=0)).all()
