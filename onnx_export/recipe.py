"""How trained nets become the graphs of a pack, as objects.

Convention: a ``Recipe`` is one graph: a net, the role it plays, and the shapes on which torch and ONNX must agree.
Tensor names, order and free axes come from the role's contract and are not repeated. A ``Stage`` is what one half of
a pack needs: recipes, its section of the manifest, further files and where the training data came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from bridge.errors import PackError
from bridge.packs import contract
from bridge.packs.contract import FREE_AXES, GraphSpec, TensorSpec
from bridge.packs.manifest import TrainingData
from bridge.packs.stages import What, When

DEFAULT_SHAPES: tuple[Mapping[str, int], ...] = (
    {"batch": 2, "time": 24, "frames": 32},
    {"batch": 1, "time": 61, "frames": 96},
    {"batch": 3, "time": 40, "frames": 64},
)
"""Free axes by name; the first is what the export sees, and torch must not see a size of 1 there."""

_USUAL = GraphSpec(inputs=(), outputs=())


FP32, FP16, INT8 = "fp32", "fp16", "int8"
PRECISIONS = (FP32, FP16, INT8)


@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """One graph to export.

    Attributes:
        role: the role it plays; its contract names inputs and outputs.
        module: the net; ``forward`` takes the role's inputs in order and gives the role's outputs.
        sizes: the numbers behind the contract's size axes, e.g. ``{"channels": 4, "rows": 16, "columns": 24}``; for a
            graph that takes tokens also ``vocabulary``, how many there are.
        shapes: sizes of the free axes to try, at least two that differ in every axis; the first is exported.
        tolerance: largest allowed |torch - ONNX|, relative to the largest |torch| or 1, whichever is larger.
        seed: of the inputs that are tried. spread: of those that are drawn from a normal distribution.
        spec: tensors of the graph; none named takes the role's usual contract.
        units: axes of which each is a multiple of its number, all of them by the same count, e.g. ``{"frames": 8,
            "level_1": 2}``. ``shapes`` name the first; the others follow from it.
        precision: what the graph computes with: "fp32", "fp16", "int8" (see ``shrink``). The torch side stays float32.
    """

    role: str
    module: nn.Module
    sizes: Mapping[str, int]
    shapes: tuple[Mapping[str, int], ...] = DEFAULT_SHAPES
    tolerance: float = 1e-4
    seed: int = 0
    spread: float = 1.0
    spec: GraphSpec = _USUAL
    units: Mapping[str, int] = field(default_factory=dict)
    precision: str = FP32

    def __post_init__(self) -> None:
        if not self.spec.inputs:
            object.__setattr__(self, "spec", contract.role_spec(self.role))
        if self.precision not in PRECISIONS:
            raise PackError(
                f'recipe "{self.role}": there is no precision "{self.precision}"',
                hint=f"Take one of {', '.join(PRECISIONS)}",
            )
        missing = self._axes() - FREE_AXES - set(self.sizes)
        if missing:
            raise PackError(f'recipe "{self.role}": sizes lack {", ".join(sorted(missing))}', hint="Add them")
        free = self.free_axes
        if len(self.shapes) < 2 or any(len({shape[axis] for shape in self.shapes}) < 2 for axis in free):
            raise PackError(
                f'recipe "{self.role}": needs two shapes or more that differ in {", ".join(free)}', hint="Add shapes"
            )
        if any(self.shapes[0][axis] < 2 for axis in free):
            raise PackError(
                f'recipe "{self.role}": the first shape must have 2 or more in every axis', hint="Enlarge it"
            )

    @property
    def free_axes(self) -> tuple[str, ...]:
        """Names of the axes that the role's inputs leave free; of those that follow from one, only that one."""
        return tuple(sorted(self._axes() & FREE_AXES - set(list(self.units)[1:])))

    def inputs(self, shape: Mapping[str, int]) -> dict[str, NDArray[Any]]:
        """Random inputs of one shape, by tensor name; the same for the same recipe and shape.

        Args:
            shape: sizes of the free axes.
        """
        generator = np.random.default_rng([self.seed, *(shape[axis] for axis in self.free_axes)])
        known = {**self.sizes, **shape, **self._following(shape)}
        return {tensor.name: _draw(tensor, known, generator, self.spread) for tensor in self.spec.inputs}

    def _following(self, shape: Mapping[str, int]) -> dict[str, int]:
        """Sizes of the axes that follow from one of a shape."""
        if not self.units:
            return {}
        first, unit = next(iter(self.units.items()))
        count, rest = divmod(shape[first], unit)
        if rest or not count:
            raise PackError(f'recipe "{self.role}": {first} must be a multiple of {unit}', hint="Correct the shapes")
        return {axis: count * size for axis, size in self.units.items()}

    def _axes(self) -> set[str]:
        return {axis for tensor in self.spec.inputs for axis in tensor.axes if isinstance(axis, str)}


@dataclass(frozen=True, kw_only=True, eq=False)
class Stage:
    """One half of a pack, or both.

    Attributes:
        recipes: its graphs. when, what: the manifest's sections that it fills (None: not this stage).
        files: further files by name in the pack, e.g. the vocabulary.
        training_data: what its nets were trained on; goes into the manifest.
    """

    recipes: tuple[Recipe, ...]
    when: When | None = None
    what: What | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    training_data: tuple[TrainingData, ...] = ()


def _draw(tensor: TensorSpec, sizes: Mapping[str, int], generator: np.random.Generator, spread: float) -> NDArray[Any]:
    """Values of the kind that the tensor carries in use."""
    shape = tuple(axis if isinstance(axis, int) else sizes[axis] for axis in tensor.axes)
    if tensor.name == contract.TOKENS:
        return generator.integers(0, sizes[contract.VOCABULARY], shape)
    if tensor.name == contract.ATTENTION_MASK:
        seen = generator.integers(1, shape[1] + 1, (shape[0], 1))
        return (np.arange(shape[1]) < seen).astype(np.int64)
    if tensor.name in (contract.SIGMA, contract.PICTURES):
        return generator.uniform(0.0, 1.0, shape).astype(np.float32)
    if tensor.name == contract.ONSET_TRACK:
        return (generator.random(shape) < 0.1).astype(np.float32)
    if tensor.name == contract.TAGS:
        return (generator.random(shape) < 0.3).astype(np.float32)
    return (spread * generator.standard_normal(shape)).astype(np.float32)
