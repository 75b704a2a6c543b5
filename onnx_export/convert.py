"""A torch net as an ONNX graph.

Convention: one way of exporting for every graph (the dynamo exporter, opset 20, weights inside). What comes out
carries the contract's names on tensors and free axes, and nothing of the machine that made it: the exporter's notes
(stack traces with paths, doc strings) are removed. Same net, same bytes.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import onnx
import torch
from onnx import TensorProto
from onnx_ir import convenience
from onnx_ir.passes import common as passes
from onnxscript.optimizer import fold_constants

from bridge.errors import PackError
from bridge.packs.contract import FREE_AXES, GraphSpec, TensorSpec
from onnx_export.recipe import Recipe
from onnx_export.shrink import shrink

OPSET = 20

TYPE_NAMES: Mapping[int, str] = {
    TensorProto.FLOAT: "float32",
    TensorProto.FLOAT16: "float16",
    TensorProto.INT64: "int64",
    TensorProto.INT32: "int32",
    TensorProto.UINT8: "uint8",
    TensorProto.BOOL: "bool",
}


def export(recipe: Recipe) -> onnx.ModelProto:
    """Exports a recipe's net.

    Returns:
        The checked graph; inputs and outputs are named, and free axes left free, as the role's contract says.

    Raises:
        PackError: torch cannot export the net, or what came out does not fit the role.
    """
    module = recipe.module.eval()
    inputs = recipe.inputs(recipe.shapes[0])
    try:
        with torch.no_grad(), _quiet():
            program: Any = torch.onnx.export(
                module,
                tuple(torch.from_numpy(array) for array in inputs.values()),
                dynamo=True,
                opset_version=OPSET,
                external_data=False,
                input_names=[tensor.name for tensor in recipe.spec.inputs],
                output_names=[tensor.name for tensor in recipe.spec.outputs],
                dynamic_shapes=_dynamic_shapes(recipe),
                optimize=False,
                verbose=False,
            )
            _fold(program.model)
    except Exception as error:
        reason = " ".join(str(error.__cause__ or error).split())[:400]
        raise PackError(
            f'graph "{recipe.role}" cannot be exported ({reason})', hint="Change the net, or the recipe's shapes"
        ) from error
    model = shrink(program.model_proto, recipe.precision)
    tidy(model, recipe.spec)
    return model


def tidy(model: onnx.ModelProto, spec: GraphSpec) -> None:
    """Names the free axes as the contract does, and removes what tells about the machine that exported.

    Args:
        model: changed in place.
        spec: the contract of the graph's role.

    Raises:
        PackError: inputs or outputs are not those of the contract.
    """
    graph = model.graph
    for values, tensors in ((graph.input, spec.inputs), (graph.output, spec.outputs)):
        if [value.name for value in values] != [tensor.name for tensor in tensors]:
            raise PackError(
                f"the graph has {', '.join(value.name for value in values) or 'nothing'} where the contract wants "
                f"{', '.join(tensor.name for tensor in tensors)}",
                hint="Check what the net takes and gives",
            )
        for value, tensor in zip(values, tensors, strict=True):
            for dim, axis in zip(value.type.tensor_type.shape.dim, tensor.axes, strict=False):
                if isinstance(axis, str) and not dim.HasField("dim_value"):
                    dim.dim_param = axis
    del graph.value_info[:]
    _forget(model)
    model.producer_name, model.producer_version = "foley-export", ""
    onnx.checker.check_model(model, full_check=True)


def graph_spec(model: onnx.ModelProto) -> GraphSpec:
    """Inputs and outputs as the graph itself has them.

    Raises:
        PackError: a tensor of a type that packs do not know.
    """
    weights = {weight.name for weight in model.graph.initializer}
    return GraphSpec(
        inputs=tuple(_tensor_spec(value) for value in model.graph.input if value.name not in weights),
        outputs=tuple(_tensor_spec(value) for value in model.graph.output),
    )


def _fold(model: Any) -> None:
    """Computes what is constant, drops what nobody takes, and keeps of equal things one; in place.

    The exporter's own ``optimize`` also looks for patterns, in a time that grows with the square of the graph, and
    ONNX Runtime finds the same ones again when it opens the file.
    """
    fold_constants(model)
    for node in model.graph:  # torch gives a convolution without bias a zero one of a wrong shape
        if node.op_type == "Conv" and len(node.inputs) == 3:
            bias = convenience.get_const_tensor(node.inputs[2])
            if bias is not None and not bias.numpy().any():
                node.resize_inputs(2)
    steps = (
        passes.RemoveUnusedNodesPass(),
        passes.RemoveUnusedFunctionsPass(),
        passes.RemoveUnusedOpsetsPass(),
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0),
        passes.LiftSubgraphInitializersToMainGraphPass(),
        passes.DeduplicateInitializersPass(),
        passes.CommonSubexpressionEliminationPass(),
        passes.OutputFixPass(),
        passes.NameFixPass(),
    )
    for step in steps:
        step(model)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Holds back what the exporter says about itself; errors still come through."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _tensor_spec(value: onnx.ValueInfoProto) -> TensorSpec:
    tensor = value.type.tensor_type
    if tensor.elem_type not in TYPE_NAMES:
        raise PackError(f'tensor "{value.name}" has an element type that packs do not know', hint="Export as float32")
    axes = tuple(dim.dim_value if dim.HasField("dim_value") else dim.dim_param or "unnamed" for dim in tensor.shape.dim)
    return TensorSpec(name=value.name, type=TYPE_NAMES[tensor.elem_type], axes=axes)


def _dynamic_shapes(recipe: Recipe) -> tuple[Any, ...]:
    """Free axes by input; those that follow from one are multiples of one count, else torch cannot tell that they fit.

    What the net takes as ``*rest`` stands together, as ``torch.export`` wants it.
    """
    count = torch.export.Dim("count")

    def size(axis: str) -> Any:
        unit = recipe.units.get(axis)
        return torch.export.Dim.DYNAMIC if unit is None else count if unit == 1 else unit * count

    shapes = [
        {position: size(axis) for position, axis in enumerate(tensor.axes) if axis in FREE_AXES}
        for tensor in recipe.spec.inputs
    ]
    parameters = list(inspect.signature(recipe.module.forward).parameters.values())
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_POSITIONAL:
        named = len(parameters) - 1
        return (*shapes[:named], tuple(shapes[named:]))
    return tuple(shapes)


def _forget(message: Any) -> None:
    """Empties ``doc_string`` and ``metadata_props`` in a message and all below it, weights excepted."""
    for field, value in message.ListFields():
        if field.name in ("doc_string", "metadata_props"):
            message.ClearField(field.name)
        elif field.name == "raw_data" or field.type != field.TYPE_MESSAGE:
            continue
        else:
            for child in value if isinstance(value, list) or hasattr(value, "add") else [value]:
                _forget(child)
