"""The embedder's part of a pack: two graphs that agree with torch, and a tokeniser that fits them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.engine.graph import Graph
from bridge.engine.tokens import Tokenizer
from bridge.errors import PackError
from bridge.packs import contract
from onnx_export.convert import export, graph_spec
from onnx_export.nets.embed import CLIP_SAMPLES, DIM, EmbedNet, EmbedShape
from onnx_export.parity import check_parity
from onnx_export.recipe import Stage
from onnx_export.recipes.embed import TOKENIZER_FILE, stage, stage_of
from onnx_export.train.embed_model import EmbedModel

WORDS = ("[PAD]", "[UNK]", "door", "oak", "bell", "knock")


@pytest.fixture(scope="module")
def model() -> EmbedModel:
    torch.manual_seed(0)
    return EmbedModel(EmbedNet(EmbedShape(vocabulary=len(WORDS), word=8, audio=(4, 4, 8, 8), hidden=16)), WORDS).eval()


@pytest.fixture(scope="module")
def made(model: EmbedModel) -> Stage:
    return stage_of(model)


@pytest.mark.parametrize(
    ("place", "role", "sizes"),
    [(0, contract.CLAP_TEXT, {"dim": DIM}), (1, contract.CLAP_AUDIO, {"dim": DIM, "clip": CLIP_SAMPLES})],
)
def test_graph_when_exported_then_it_fits_its_role_and_agrees_with_torch(
    made: Stage, place: int, role: str, sizes: dict[str, int]
) -> None:
    recipe = made.recipes[place]
    graph = export(recipe)
    assert recipe.role == role
    assert contract.sizes_of(role, graph_spec(graph), where=role) == sizes
    assert max(parity.error for parity in check_parity(recipe, graph)) < 1e-4


def test_pack_when_a_prompt_is_read_then_unknown_words_case_and_hyphens_do_not_matter(
    made: Stage, model: EmbedModel, tmp_path: Path
) -> None:
    (tmp_path / "text.onnx").write_bytes(export(made.recipes[0]).SerializeToString())
    (tmp_path / TOKENIZER_FILE).write_bytes(made.files[TOKENIZER_FILE])
    graph, tokenizer = Graph(tmp_path / "text.onnx", where="text"), Tokenizer.read(tmp_path / TOKENIZER_FILE)

    def embedded(prompt: str) -> np.ndarray:
        tokens, mask = tokenizer.encode(prompt)
        return graph({contract.TOKENS: tokens, contract.ATTENTION_MASK: mask})[contract.EMBEDDING]

    plain = embedded("oak door")
    assert np.allclose(plain, embedded("An OAK-door, zyzzyva!"), atol=1e-5)
    assert np.allclose(plain, model.of_texts(["oak door"]), atol=1e-5)
    assert not np.allclose(plain, embedded("oak bell"), atol=1e-3)
    assert np.isfinite(embedded("zyzzyva")).all()


def test_stage_when_made_then_it_says_what_it_was_trained_on_and_has_no_section_of_its_own(made: Stage) -> None:
    assert made.what is None
    assert {data.licence for data in made.training_data} == {"CC0-1.0, CC-BY-3.0, CC-BY-4.0", "Apache-2.0"}


def test_stage_when_the_checkpoint_is_damaged_then_says_so(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(PackError, match="damaged"):
        stage(path)
