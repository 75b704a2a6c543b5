"""CLAP's part of a pack: two graphs that agree with torch, and the tokeniser."""

import pytest

from bridge.errors import PackError
from bridge.packs import contract
from onnx_export.convert import export, graph_spec
from onnx_export.parity import check_parity
from onnx_export.recipe import Recipe, Stage
from onnx_export.recipes import clap
from tests import clap as small


@pytest.fixture(scope="module")
def stage() -> Stage:
    return clap.stage(small.state(), tokenizer=b'{"a": "tokeniser"}', shape=small.TINY)


def recipe_of(stage: Stage, role: str) -> Recipe:
    return next(recipe for recipe in stage.recipes if recipe.role == role)


@pytest.mark.parametrize(("role", "sizes"), [("clap_text", {"dim": 12}), ("clap_audio", {"dim": 12, "clip": 12_000})])
def test_graph_when_exported_then_it_fits_its_role_and_agrees_with_torch(
    stage: Stage, role: str, sizes: dict[str, int]
):
    recipe = recipe_of(stage, role)
    model = export(recipe)
    assert contract.sizes_of(role, graph_spec(model), where=role) == sizes
    assert max(parity.error for parity in check_parity(recipe, model)) < 1e-5


def test_prompts_when_drawn_for_the_proof_then_they_are_tokens_the_net_has_and_masks_that_begin_with_ones(stage: Stage):
    given = recipe_of(stage, "clap_text").inputs({"batch": 20, "tokens": 77})
    assert given["tokens"].dtype == given["attention_mask"].dtype == "int64"
    assert 0 <= given["tokens"].min() < given["tokens"].max() < small.TINY.text.vocabulary
    lengths = given["attention_mask"].sum(axis=1)
    assert lengths.min() >= 1
    assert len(set(lengths)) > 5
    assert all(row[:length].all() for row, length in zip(given["attention_mask"], lengths, strict=True))


def test_stage_when_made_then_the_tokeniser_is_in_it_byte_for_byte(stage: Stage):
    assert stage.files == {"tokenizer.json": b'{"a": "tokeniser"}'}
    assert stage.what is None
    assert stage.when is None


def test_stage_when_a_weight_is_missing_then_it_is_named():
    tensors = small.state()
    del tensors["audio_projection.2.bias"]
    with pytest.raises(PackError, match=r"audio_projection\.2\.bias"):
        clap.stage(tensors, tokenizer=b"", shape=small.TINY)
