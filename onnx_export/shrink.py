"""A graph in fewer bits.

Convention: what goes in and out stays float32, so that the engine need not know. Half precision ("fp16") is for
graphics cards; what squares a signal, for a norm, stays float32, because squares leave the range of half precision.
Eight bits ("int8") are for the CPU: products with weights only, weights by channel, signals by what each call brings.
Convolutions stay as they are (ONNX Runtime's in eight bits are slower than its own in float32, and less exact).
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import onnx

from bridge.errors import PackError
from onnx_export.recipe import FP16, FP32, INT8

_ROOTS = frozenset({"Sqrt", "Reciprocal", "Div"})
"""Operators with which the path of a square ends."""


def shrink(model: onnx.ModelProto, precision: str) -> onnx.ModelProto:
    """A graph that computes with a precision; with "fp32" the one given.

    Args:
        model: float32; not changed.
        precision: "fp32", "fp16" or "int8".

    Raises:
        PackError: no such precision, or ONNX Runtime's tools do not take the graph.
    """
    ways: Mapping[str, Callable[[onnx.ModelProto], onnx.ModelProto]] = {
        FP32: lambda same: same,
        FP16: _to_half,
        INT8: _to_eight_bits,
    }
    if precision not in ways:
        raise PackError(f'there is no precision "{precision}"', hint=f"Take one of {', '.join(ways)}")
    try:
        with _quiet():
            return ways[precision](model)
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise PackError(f"the graph cannot be brought to {precision} ({reason})", hint="Export it as fp32") from error


def _to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    from onnxruntime.transformers.float16 import convert_float_to_float16

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _name_nodes(copy)
    kept = _norm_nodes(copy.graph)
    half = convert_float_to_float16(copy, keep_io_types=True, node_block_list=kept)
    _join(half.graph, frozenset(kept))
    _sort(half.graph)
    return half


def _to_eight_bits(model: onnx.ModelProto) -> onnx.ModelProto:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    _name_nodes(copy)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.onnx"
        quantize_dynamic(
            copy,
            str(path),
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"MatMulConstBOnly": True},
        )
        return onnx.load(str(path))


def _norm_nodes(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes from a square to the root of its mean, both included."""
    takers: dict[str, list[Any]] = {}
    for node in graph.node:
        for name in node.input:
            takers.setdefault(name, []).append(node)
    found: dict[str, None] = {}
    waiting = [node for node in graph.node if node.op_type == "Mul" and node.input[0] == node.input[1]]
    while waiting:
        node = waiting.pop()
        if node.name in found:
            continue
        found[node.name] = None
        if node.op_type not in _ROOTS:
            waiting += [taker for name in node.output for taker in takers.get(name, [])]
    return list(found)


def _join(graph: onnx.GraphProto, kept: frozenset[str]) -> None:
    """Lets nodes that stay float32 hand on float32; the tool goes through half precision between two of them."""
    makers = {name: node for node in graph.node for name in node.output}
    outside = {value.name for value in graph.output}
    direct: dict[str, str] = {}
    for node in graph.node:
        before = makers.get(node.input[0]) if node.op_type == "Cast" else None
        if before is None or before.op_type != "Cast" or node.output[0] in outside:
            continue
        source = makers.get(before.input[0])
        if source is not None and source.name in kept:
            direct[node.output[0]] = before.input[0]
    for node in graph.node:
        if node.name in kept:
            node.input[:] = [direct.get(name, name) for name in node.input]
    used = {name for node in graph.node for name in node.input} | outside
    nodes = [node for node in graph.node if node.op_type != "Cast" or node.output[0] in used]
    used = {name for node in nodes for name in node.input} | outside
    nodes = [node for node in nodes if node.op_type != "Cast" or node.output[0] in used]
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)


def _sort(graph: onnx.GraphProto) -> None:
    """Puts each node behind those that it takes from, as ONNX wants it; the tool appends its casts at the end."""
    ready = {value.name for value in (*graph.input, *graph.initializer)} | {""}
    makers = {name: node for node in graph.node for name in node.output}
    ordered: list[onnx.NodeProto] = []
    for last in graph.node:
        waiting = [last]
        while waiting:
            node = waiting[-1]
            before = [makers[name] for name in node.input if name not in ready]
            if before:
                waiting += before
                continue
            waiting.pop()
            if not ready.issuperset(node.output):
                ready.update(node.output)
                ordered.append(node)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in ordered]
    del graph.node[:]
    graph.node.extend(nodes)


def _name_nodes(model: onnx.ModelProto) -> None:
    """Gives every node a name of its own, by which the tools tell them apart."""
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{number}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Holds back what the tools say about themselves; errors still come through."""
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)
