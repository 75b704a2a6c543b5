"""From torch to ONNX: what comes out has the contract's names, computes the same, and tells nothing about us."""

from __future__ import annotations

import os

import onnx
import pytest
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from bridge.errors import PackError
from bridge.packs import contract
from onnx_export.convert import export, graph_spec
from onnx_export.parity import check_parity
from onnx_export.recipe import Recipe
from tests.onnx_export.nets import SIZES, TinyOnset, onset_recipe


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return onset_recipe()


@pytest.fixture(scope="module")
def model(recipe: Recipe) -> onnx.ModelProto:
    return export(recipe)


def test_export_when_done_then_names_types_and_axes_are_the_contracts(model: onnx.ModelProto) -> None:
    spec = graph_spec(model)
    axes = {tensor.name: tensor.axes for tensor in (*spec.inputs, *spec.outputs)}
    assert axes == {"motion": ("batch", "time", 4, 2, 3), "activation": ("batch", "time")}
    assert contract.sizes_of("onset", spec, where="here") == SIZES
    assert [opset.version for opset in model.opset_import if opset.domain == ""] == [20]


def test_export_when_done_then_holds_nothing_of_this_machine(model: onnx.ModelProto) -> None:
    data = model.SerializeToString()
    assert os.getcwd().encode() not in data
    assert b"nets.py" not in data
    assert b"site-packages" not in data


def test_export_when_repeated_then_same_bytes(model: onnx.ModelProto) -> None:
    again = export(onset_recipe())
    assert again.SerializeToString(deterministic=True) == model.SerializeToString(deterministic=True)


def test_parity_when_the_export_is_right_then_every_shape_is_tried(recipe: Recipe, model: onnx.ModelProto) -> None:
    results = check_parity(recipe, model)
    assert [dict(result.shape) for result in results] == [
        {"batch": 2, "time": 24},
        {"batch": 1, "time": 61},
        {"batch": 3, "time": 40},
    ]
    assert max(result.error for result in results) < 1e-6


def test_parity_when_one_weight_is_off_then_graph_shape_and_error_are_named(
    recipe: Recipe, model: onnx.ModelProto
) -> None:
    spoiled = onnx.ModelProto()
    spoiled.CopyFrom(model)
    weight = next(item for item in spoiled.graph.initializer if len(item.dims) == 3)
    values = numpy_helper.to_array(weight).copy()
    values[0, 0, 0] += 0.01
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    with pytest.raises(PackError) as caught:
        check_parity(recipe, spoiled)
    assert 'graph "onset" at batch 2, time 24: torch and ONNX differ by' in caught.value.sentence
    assert "allowed is 1e-05" in caught.value.sentence


def test_parity_when_the_graph_is_of_another_net_then_refused(model: onnx.ModelProto) -> None:
    with pytest.raises(PackError, match="torch and ONNX differ"):
        check_parity(onset_recipe(TinyOnset(seed=9)), model)


class FixedLength(nn.Module):
    """Only takes the one length."""

    def forward(self, motion: Tensor) -> Tensor:
        return motion.mean((2, 3, 4)) + torch.zeros(24)


def test_export_when_the_net_fixes_a_free_axis_then_pack_error_names_the_graph() -> None:
    with pytest.raises(PackError, match='graph "onset" cannot be exported'):
        export(onset_recipe(FixedLength()))


class TwoAnswers(nn.Module):
    """Gives more than its role."""

    def forward(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        mean = motion.mean((2, 3, 4))
        return mean, mean + 1


def test_export_when_the_net_gives_more_than_its_role_then_refused() -> None:
    with pytest.raises(PackError, match=r'graph "onset" cannot be exported|where the contract wants activation'):
        export(onset_recipe(TwoAnswers()))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sizes": {"channels": 4}}, "sizes lack columns, rows"),
        ({"shapes": ({"batch": 2, "time": 8},)}, "two shapes or more that differ in batch, time"),
        ({"shapes": ({"batch": 2, "time": 8}, {"batch": 2, "time": 9})}, "two shapes or more"),
        ({"shapes": ({"batch": 1, "time": 8}, {"batch": 2, "time": 9})}, "the first shape must have 2 or more"),
        ({"role": "reverb"}, 'no graph role "reverb"'),
    ],
)
def test_recipe_when_it_could_not_prove_anything_then_refused(changes: dict, said: str) -> None:
    fields = {"role": "onset", "module": TinyOnset(), "sizes": SIZES, **changes}
    with pytest.raises(PackError, match=said):
        Recipe(**fields)


def test_recipe_inputs_when_drawn_twice_then_the_same_and_of_the_kind_in_use() -> None:
    recipe = Recipe(role=contract.DENOISER, module=nn.Identity(), sizes={"channels": 4, "dim": 2})
    first, again = recipe.inputs(recipe.shapes[0]), recipe.inputs(recipe.shapes[0])
    assert all((first[name] == again[name]).all() for name in first)
    assert set(first["onset_track"].ravel()) == {0.0, 1.0}
    assert 0.0 <= first["sigma"].min() <= first["sigma"].max() <= 1.0
