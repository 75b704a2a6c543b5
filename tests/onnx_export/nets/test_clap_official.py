"""Our graphs, in ONNX Runtime, against the authors' CLAP with the same checkpoint (skipped without their package)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch import Tensor

from bridge.engine.graph import Graph
from bridge.engine.tokens import clip_of_reference
from onnx_export.convert import export
from onnx_export.nets.clap import load_clap
from onnx_export.recipes import clap
from tests import clap as small

SHAPE = small.WITH_OFFICIAL_WORDS
NEAR = 1e-4


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    small.require()
    return small.state(SHAPE)


@pytest.fixture(scope="module")
def theirs(tensors: dict[str, Tensor]) -> Any:
    """The authors' net with the checkpoint."""
    net = small.authors_net(SHAPE)
    small.fill_authors(net, tensors)
    return net


@pytest.fixture(scope="module")
def ours(tensors: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Graph]:
    """The graphs of a pack made of the checkpoint."""
    folder: Path = tmp_path_factory.mktemp("graphs")
    graphs = {}
    for recipe in clap.stage(tensors, tokenizer=b"", shape=SHAPE).recipes:
        path = folder / f"{recipe.role}.onnx"
        path.write_bytes(export(recipe).SerializeToString())
        graphs[recipe.role] = Graph(path, threads=1)
    return graphs


def test_checkpoint_when_it_is_all_that_the_authors_net_stores_then_ours_takes_it(theirs: Any):
    stored = theirs.state_dict()
    assert len(stored) > len(load_clap(stored, SHAPE).state_dict())


def test_sounds_when_heard_by_our_graph_then_the_embeddings_are_the_authors(theirs: Any, ours: dict[str, Graph]):
    sounds = small.waveforms(SHAPE.audio.mel.clip_samples)
    expected = small.authors_audio(theirs, sounds)
    assert np.ptp(expected, axis=0).max() > 100 * NEAR
    np.testing.assert_allclose(ours["clap_audio"]({"waveform": sounds})["embedding"], expected, atol=NEAR)


def test_reference_when_short_then_our_graph_hears_it_as_the_authors_do(theirs: Any, ours: dict[str, Graph]):
    clip = clip_of_reference(small.waveforms(5_000)[1], SHAPE.audio.mel.clip_samples)
    expected = small.authors_audio(theirs, clip)
    np.testing.assert_allclose(ours["clap_audio"]({"waveform": clip})["embedding"], expected, atol=NEAR)


def test_prompts_when_read_by_our_graph_then_the_embeddings_are_the_authors(theirs: Any, ours: dict[str, Graph]):
    tokens, mask = small.prompts(SHAPE.text.vocabulary)
    expected = small.authors_text(theirs, tokens, mask)
    assert np.ptp(expected, axis=0).max() > 100 * NEAR
    given = {"tokens": tokens, "attention_mask": mask}
    np.testing.assert_allclose(ours["clap_text"](given)["embedding"], expected, atol=NEAR)
