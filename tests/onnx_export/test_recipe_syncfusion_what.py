"""SyncFusion's diffusion checkpoint as graphs: they wire, answer as torch does, and say what they are made of."""

from __future__ import annotations

import io

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from torch import Tensor

from bridge.errors import PackError
from bridge.packs import contract
from onnx_export.convert import export, graph_spec
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder, OnsetEncoderShape
from onnx_export.nets.syncfusion.unet import UNet, UNetShape
from onnx_export.parity import check_parity
from onnx_export.recipe import FP16, FP32, INT8, Recipe, Stage
from onnx_export.recipes.syncfusion_what import NULL_FILE, TOLERANCE, stage
from tests.official import energise

UNET = UNetShape(
    channels=(16, 32),
    factors=(2, 2),
    items=(1, 1),
    attentions=(False, True),
    contexts=(2, 4),
    heads=2,
    head_features=8,
    embedding=12,
    features=16,
    frequencies=4,
    groups=4,
)
"""Upright, and turned with attention, where the number of frames may be odd."""
ENCODER = OnsetEncoderShape(widths=(2, 4), factors=(2, 2), blocks=(1, 1))


def tensors() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    unet, encoder = UNet(UNET), OnsetEncoder(ENCODER)
    energise(unet)
    energise(encoder)
    return unet.state_dict(), encoder.state_dict()


def small_stage(*, precision: str = FP32, plain: bool = False) -> Stage:
    return stage(*tensors(), precision=precision, plain=plain, unet_shape=UNET, encoder_shape=ENCODER)


def denoiser(precision: str = FP32, *, plain: bool = False) -> tuple[Recipe, onnx.ModelProto]:
    recipe = small_stage(precision=precision, plain=plain).recipes[-1]
    return recipe, export(recipe)


@pytest.fixture(scope="module")
def whole() -> Stage:
    return small_stage()


@pytest.fixture(scope="module")
def graphs(whole: Stage) -> dict[str, onnx.ModelProto]:
    return {recipe.role: export(recipe) for recipe in whole.recipes}


def domains(model: onnx.ModelProto) -> set[str]:
    return {opset.domain for opset in model.opset_import} | {node.domain for node in model.graph.node}


@pytest.mark.parametrize("number", range(4))
def test_graphs_when_exported_answer_as_torch_at_every_shape(
    whole: Stage, graphs: dict[str, onnx.ModelProto], number: int
) -> None:
    recipe = whole.recipes[number]
    results = check_parity(recipe, graphs[recipe.role])
    assert len(results) == 3
    assert len({result.shape["batch"] for result in results}) == 3
    assert max(result.error for result in results) < 1e-5


def test_denoiser_when_exported_takes_what_the_other_graphs_give(graphs: dict[str, onnx.ModelProto]) -> None:
    specs = {role: graph_spec(model) for role, model in graphs.items()}
    for role, spec in specs.items():
        contract.sizes_of(role, spec, where=role)
    given = [tensor for role in contract.PREPARING for tensor in specs[role].outputs]
    noisy, *rest = specs[contract.DENOISER].inputs
    assert noisy.axes == ("batch", 1, "frames")
    assert sorted(map(str, rest)) == sorted(map(str, given))
    assert ("batch", "level_1", 32) in [tensor.axes for tensor in given]
    assert ("batch", 16, "level_0") in [tensor.axes for tensor in given]


def test_denoiser_when_plain_has_no_operators_of_one_runtime_and_answers_alike(
    graphs: dict[str, onnx.ModelProto],
) -> None:
    assert "com.microsoft" in domains(graphs[contract.DENOISER])
    recipe, model = denoiser(plain=True)
    assert domains(model) == {""}
    assert max(result.error for result in check_parity(recipe, model)) < 1e-5


def test_denoiser_when_shrunk_to_half_keeps_its_tolerance_and_its_types_outside() -> None:
    recipe, model = denoiser(FP16)
    assert {tensor.type for tensor in (*recipe.spec.inputs, *recipe.spec.outputs)} == {"float32"}
    assert {tensor.name: tensor.type for tensor in graph_spec(model).inputs}["noisy"] == "float32"
    kinds = {weight.data_type for weight in model.graph.initializer if len(weight.dims) > 1}
    assert TensorProto.FLOAT16 in kinds
    error = max(result.error for result in check_parity(recipe, model))
    assert 1e-6 < error <= TOLERANCE[FP16]


def test_denoiser_when_shrunk_to_eight_bits_keeps_its_tolerance() -> None:
    recipe, model = denoiser(INT8)
    assert any(node.op_type == "MatMulInteger" for node in model.graph.node)
    assert not any(node.op_type == "ConvInteger" for node in model.graph.node)
    assert sum(weight.data_type == TensorProto.INT8 and len(weight.dims) == 2 for weight in model.graph.initializer) > 4
    error = max(result.error for result in check_parity(recipe, model))
    assert 1e-6 < error <= TOLERANCE[INT8]


def test_stage_when_made_says_how_the_authors_run_it_and_keeps_their_fixed_embedding(whole: Stage) -> None:
    what = whole.what
    assert what is not None
    assert (what.rate_hz, what.hop_samples, what.latent_channels, what.window_frames) == (48000, 1, 1, 262144)
    assert (what.steps, what.guidance, what.sampler, what.windows) == (25, 2.0, "deis2", "whole")
    assert (what.align_frames, what.guidance_batched, what.tokenizer) == (4, False, "tokenizer.json")
    null = np.load(io.BytesIO(whole.files[NULL_FILE]))
    assert null.dtype == np.float32
    assert (null == tensors()[0]["blocks.2.blocks.0.blocks.0.weight"].numpy()).all()
    assert null.shape == (1, 12)


def test_stage_when_a_weight_is_named_otherwise_then_both_names_are_said() -> None:
    unet, encoder = tensors()
    encoder["to_in.block.block1.norm.weight"] = encoder.pop("to_in.block.block1.groupnorm.weight")
    with pytest.raises(PackError) as caught:
        stage(unet, encoder, unet_shape=UNET, encoder_shape=ENCODER)
    assert '"to_in.block.block1.groupnorm.weight" is missing' in caught.value.sentence
    assert '"to_in.block.block1.norm.weight" is extra' in caught.value.sentence


def test_stage_when_a_weight_is_not_finite_then_it_is_named() -> None:
    unet, encoder = tensors()
    unet["blocks.2.blocks.0.blocks.0.weight"] = unet["blocks.2.blocks.0.blocks.0.weight"] * float("nan")
    with pytest.raises(PackError, match=r"not finite: blocks\.2\.blocks\.0\.blocks\.0\.weight"):
        stage(unet, encoder, unet_shape=UNET, encoder_shape=ENCODER)


def test_stage_when_the_precision_is_unknown_then_refused() -> None:
    with pytest.raises(PackError, match='no precision "fp8"'):
        small_stage(precision="fp8")
