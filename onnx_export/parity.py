"""Proof that an exported graph computes what the net does.

Convention: torch is the reference; the graph runs as it will run in the engine (same session settings, CPU). The
error is the largest |torch - ONNX| over an output, divided by the largest |torch| there or 1, whichever is larger.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from bridge.engine.graph import Graph
from bridge.errors import PackError
from onnx_export.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Parity:
    """How far torch and ONNX were apart on one shape.

    Attributes:
        shape: sizes of the free axes. error: the worst output's, relative (see the module).
    """

    shape: Mapping[str, int]
    error: float


def check_parity(recipe: Recipe, model: onnx.ModelProto) -> tuple[Parity, ...]:
    """Runs net and graph on every shape of the recipe.

    Returns:
        One result per shape.

    Raises:
        PackError: they differ by more than the recipe's tolerance, in values or in shape; names graph, shape and error.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.onnx"
        path.write_bytes(model.SerializeToString(deterministic=True))
        graph = Graph(path, where=f'graph "{recipe.role}"', threads=1)
        results = tuple(_compare(recipe, graph, shape) for shape in recipe.shapes)
        del graph
    return results


def _compare(recipe: Recipe, graph: Graph, shape: Mapping[str, int]) -> Parity:
    inputs = recipe.inputs(shape)
    shape = {axis: shape[axis] for axis in recipe.free_axes}
    place = f'graph "{recipe.role}" at {", ".join(f"{axis} {size}" for axis, size in shape.items())}'
    with torch.no_grad():
        given: Any = recipe.module.eval()(*(torch.from_numpy(array) for array in inputs.values()))
    references = [tensor.numpy() for tensor in (given if isinstance(given, tuple | list) else (given,))]
    answers = graph(inputs)
    worst = 0.0
    for tensor, reference in zip(recipe.spec.outputs, references, strict=True):
        answer = answers[tensor.name]
        if answer.shape != reference.shape:
            raise PackError(
                f'{place}: "{tensor.name}" is {reference.shape} in torch but {answer.shape} in ONNX',
                hint="Check the net for sizes that the export froze",
            )
        worst = max(worst, _error(reference, answer))
    if not worst <= recipe.tolerance:
        raise PackError(
            f"{place}: torch and ONNX differ by {worst:.2e}, allowed is {recipe.tolerance:.0e}",
            hint="Find the operator that differs, or give the recipe a tolerance with a reason",
        )
    return Parity(shape=shape, error=worst)


def _error(reference: NDArray[Any], answer: NDArray[Any]) -> float:
    difference = np.abs(reference.astype(np.float64) - answer.astype(np.float64)).max()
    return float(difference / max(1.0, np.abs(reference).max()))
