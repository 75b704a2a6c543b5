"""The generator's graphs: torch and ONNX Runtime agree, at several lengths and batches, and the engine can use them."""

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

from bridge.engine.callbacks import ignore, never
from bridge.engine.diffusion import Diffusion, Layer, Manner, Watch
from bridge.engine.graph import Graph
from bridge.engine.local import LocalWindows
from bridge.engine.samplers import SAMPLERS
from bridge.engine.tiles import Windowing
from onnx_export.convert import export, graph_spec
from onnx_export.nets.denoiser import LOOKAHEAD_FRAMES, MEMORY_FRAMES, REACH_FRAMES, DenoiserShape
from onnx_export.parity import check_parity
from onnx_export.recipe import Stage
from onnx_export.recipes.what import NULL_FILE, stage_of
from onnx_export.train.what import WhatModel
from onnx_export.train.what_data import LONGEST_S

SMALL = DenoiserShape(embedding=8, widths=(8, 8, 8, 8), condition=8, bumps=6, resonators=2)


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
    assert stage.what.latent_channels == SMALL.bands
    assert stage.what.embedding_dim == SMALL.embedding
    assert {recipe.role for recipe in stage.recipes} == {"denoiser", "decoder"}
    assert stage.training_data


def test_null_embedding_is_read_by_the_engine_and_is_what_no_prompt_was_in_training(stage: Stage) -> None:
    stored = np.load(io.BytesIO(stage.files[NULL_FILE]), allow_pickle=False)
    assert stored.dtype == np.float32
    assert stored.shape == (1, SMALL.embedding)
    assert not stored.any()


def test_windows_look_as_far_as_the_net_does(stage: Stage) -> None:
    assert stage.what is not None
    what = stage.what
    windowing = Windowing.of(window=what.window_frames, overlap=what.overlap_frames, align=what.align_frames)
    assert windowing.before >= REACH_FRAMES + MEMORY_FRAMES
    assert windowing.after >= REACH_FRAMES + LOOKAHEAD_FRAMES
    assert windowing.before * what.hop_samples >= LONGEST_S * what.rate_hz


def test_render_is_the_same_however_it_is_cut_into_windows(
    stage: Stage, exported: dict[str, onnx.ModelProto], tmp_path: Path
) -> None:
    graphs = {}
    for role, model in exported.items():
        path = tmp_path / f"{role}.onnx"
        path.write_bytes(model.SerializeToString())
        graphs[role] = Graph(path, threads=1)
    whole = rendered(stage, graphs)
    assert np.abs(whole).max() > 1e-3
    assert np.abs(rendered(stage, graphs, window_frames=1040) - whole).max() < 1e-4
    assert np.abs(rendered(stage, graphs, window_frames=400, overlap_frames=64) - whole).max() > 1e-3


class _Pack:
    """The stage as the engine sees a pack."""

    def __init__(self, stage: Stage, graphs: dict[str, Graph], changes: dict[str, int]) -> None:
        assert stage.what is not None
        what = replace(stage.what, tokenizer="", **changes)
        specs = {recipe.role: recipe.spec for recipe in stage.recipes}
        self.manifest = SimpleNamespace(require_what=lambda: what, graphs=specs, name="toy")
        self.graph = graphs.__getitem__


def rendered(stage: Stage, graphs: dict[str, Graph], **changes: int) -> np.ndarray:
    pack: Any = _Pack(stage, graphs, changes)
    diffusion = Diffusion(pack)
    meaning, null = (np.full((1, SMALL.embedding), value, np.float32) for value in (0.3, 0.0))
    layer = Layer(onsets={40: 1.0, 300: 0.3, 700: 0.8, 1000: 0.5}, meaning={"embedding": meaning})
    manner = Manner(
        seed=3,
        steps=2,
        guidance=2.0,
        sampler=SAMPLERS["deis2"],
        times=diffusion.times(2),
        null={"embedding": null},
    )
    watch = Watch(progress=ignore, cancelled=never)
    windows = LocalWindows(diffusion, pack.manifest.require_what())
    return windows.sound([layer], 1200, manner, watch, wanted=None, previous=None)
