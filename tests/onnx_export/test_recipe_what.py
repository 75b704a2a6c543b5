"""The generator's graphs: torch and ONNX Runtime agree, at several batches, and the engine can use them."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
import torch

from bridge.engine.apart import OnsetWindows
from bridge.engine.callbacks import ignore, never
from bridge.engine.diffusion import Diffusion, Layer, Manner, Watch
from bridge.engine.graph import Graph
from bridge.engine.samplers import SAMPLERS
from onnx_export.convert import export, graph_spec
from onnx_export.nets.denoiser import DenoiserShape
from onnx_export.nets.picture import CHANNELS, SAMPLES
from onnx_export.parity import check_parity
from onnx_export.recipe import Stage
from onnx_export.recipes.what import NULL_FILE, stage_of
from onnx_export.train.what import WhatModel

SMALL = DenoiserShape(embedding=8, widths=(8, 8, 8), blocks=(1, 1, 1), heads=2, condition=8, bumps=6)


@pytest.fixture(scope="module")
def stage() -> Stage:
    torch.manual_seed(0)
    model = WhatModel(SMALL).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0.0, 0.1)
    return stage_of(model)


@pytest.fixture(scope="module")
def exported(stage: Stage) -> dict[str, onnx.ModelProto]:
    return {recipe.role: export(recipe) for recipe in stage.recipes}


@pytest.mark.parametrize("role", ["denoiser", "decoder"])
def test_recipe_when_exported_agrees_with_torch_on_every_shape(
    stage: Stage, exported: dict[str, onnx.ModelProto], role: str
) -> None:
    recipe = next(recipe for recipe in stage.recipes if recipe.role == role)
    model = exported[role]
    parities = check_parity(recipe, model)
    assert len(parities) == len(recipe.shapes)
    assert max(parity.error for parity in parities) < 1e-4
    assert [tensor.name for tensor in graph_spec(model).inputs] == [tensor.name for tensor in recipe.spec.inputs]


def test_stage_says_what_the_engine_needs(stage: Stage) -> None:
    assert stage.what is not None
    assert stage.what.latent_channels == CHANNELS
    assert stage.what.embedding_dim == SMALL.embedding
    assert {recipe.role for recipe in stage.recipes} == {"denoiser", "decoder"}
    assert stage.training_data


def test_null_embedding_is_read_by_the_engine_and_is_what_no_prompt_was_in_training(stage: Stage) -> None:
    stored = np.load(io.BytesIO(stage.files[NULL_FILE]), allow_pickle=False)
    assert stored.dtype == np.float32
    assert stored.shape == (1, SMALL.embedding)
    assert not stored.any()


def test_every_onset_begins_at_its_sample_and_lasts_a_window(
    stage: Stage, exported: dict[str, onnx.ModelProto], tmp_path: Path
) -> None:
    graphs = opened(exported, tmp_path)
    one, other, both = (
        rendered(stage, graphs, onsets) for onsets in ({1234: 1.0}, {50_001: 0.5}, {1234: 1.0, 50_001: 0.5})
    )
    assert np.abs(one).max() > 1e-3
    assert not one[:1234].any()
    assert np.abs(one[1234:1334]).max() > 1e-4
    assert not one[1234 + SAMPLES :].any()
    assert np.allclose(both, one + other, atol=1e-6)


def opened(exported: dict[str, onnx.ModelProto], folder: Path) -> dict[str, Graph]:
    graphs = {}
    for role, model in exported.items():
        path = folder / f"{role}.onnx"
        path.write_bytes(model.SerializeToString())
        graphs[role] = Graph(path, threads=1)
    return graphs


class _Pack:
    """The stage as the engine sees a pack."""

    def __init__(self, stage: Stage, graphs: dict[str, Graph]) -> None:
        assert stage.what is not None
        what = replace(stage.what, tokenizer="")
        specs = {recipe.role: recipe.spec for recipe in stage.recipes}
        self.manifest = SimpleNamespace(require_what=lambda: what, graphs=specs, name="toy")
        self.graph = graphs.__getitem__


def rendered(stage: Stage, graphs: dict[str, Graph], onsets: dict[int, float]) -> np.ndarray:
    pack: Any = _Pack(stage, graphs)
    what = pack.manifest.require_what()
    diffusion = Diffusion(pack)
    meaning, null = (np.full((1, SMALL.embedding), value, np.float32) for value in (0.3, 0.0))
    manner = Manner(
        seed=3,
        steps=2,
        guidance=2.0,
        sampler=SAMPLERS["dpm2"],
        times=diffusion.times(2),
        null={"embedding": null},
        noise_range=what.noise_range,
    )
    layer = Layer(onsets=onsets, meaning={"embedding": meaning})
    watch = Watch(progress=ignore, cancelled=never)
    return OnsetWindows(diffusion, what).sound([layer], 60, manner, watch, wanted=None, previous=None)
