"""The generator's graphs: torch and ONNX Runtime agree, at several lengths and batches, and the engine can use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from bridge.engine.words import Vocabulary
from onnx_export.convert import export, graph_spec
from onnx_export.nets.denoiser import DenoiserShape
from onnx_export.parity import check_parity
from onnx_export.recipe import Stage
from onnx_export.recipes.what import VOCABULARY_FILE, stage_of
from onnx_export.train.what import WhatModel
from onnx_export.train.what_tags import TAGS

SMALL = DenoiserShape(bands=128, embedding=8, widths=(8, 8, 8, 8), condition=8, bumps=6)


@pytest.fixture(scope="module")
def stage() -> Stage:
    torch.manual_seed(0)
    model = WhatModel(SMALL).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if not parameter.any():
                parameter.normal_(0.0, 0.1)
    return stage_of(model)


@pytest.mark.parametrize("role", ["text", "denoiser", "decoder"])
def test_recipe_when_exported_agrees_with_torch_on_every_shape(stage: Stage, role: str) -> None:
    recipe = next(recipe for recipe in stage.recipes if recipe.role == role)
    model = export(recipe)
    parities = check_parity(recipe, model)
    assert len(parities) == len(recipe.shapes)
    assert max(parity.error for parity in parities) < 1e-4
    assert [tensor.name for tensor in graph_spec(model).inputs] == [tensor.name for tensor in recipe.spec.inputs]


def test_stage_says_what_the_engine_needs(stage: Stage) -> None:
    assert stage.what is not None
    assert stage.what.latent_channels == SMALL.bands
    assert stage.what.embedding_dim == SMALL.embedding
    assert {recipe.role for recipe in stage.recipes} == {"text", "denoiser", "decoder"}
    assert stage.training_data


def test_vocabulary_when_written_is_read_by_the_engine_in_the_tables_order(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / VOCABULARY_FILE
    path.write_bytes(stage.files[VOCABULARY_FILE])
    assert json.loads(path.read_text())["tags"] == [tag.name for tag in TAGS]
    vocabulary = Vocabulary.read(path)
    meaning = vocabulary.understand("knocking on an oak door with steel boots")
    assert {vocabulary.tags[i] for i in meaning.tags.nonzero()[0]} == {"hit", "wood", "door", "metal", "footstep"}
    assert meaning.ignored == ()
