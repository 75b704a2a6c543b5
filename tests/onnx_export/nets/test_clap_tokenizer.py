"""RoBERTa's two files become one tokeniser that gives transformers' numbers."""

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tokenizers
from tokenizers import models, pre_tokenizers, trainers

from bridge.engine.tokens import Tokenizer
from bridge.errors import PackError
from onnx_export.nets.clap_tokenizer import SPECIAL, TOKENS, tokenizer_json
from tests.clap import no_torchaudio

TEXTS = [
    "footsteps on gravel, slowly; a glass breaks on the stone floor",
    "the glass is breaking while steps on wood go on and on and on",
    "a metal door slams: it's the door's echo! 1 2 3 and 42 times louder",
    "water drips into a bucket, café noise, naïve clicks, scratching, rubbing, hitting a drum",
]
PROMPTS = [
    *TEXTS,
    "glass",
    "  glass on stone\n",
    "Glass Breaking!!",
    "it's  two   spaces\tand a tab\nand a line",
    "drums – 太鼓 🥁 ütö",
    "a <mask> and </s> in the middle of <s>",
    "7 footsteps in 3.14 s",
    "and on " * 90,
    "x" * 400,
]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A small byte-level BPE in RoBERTa's two files, learned from ``TEXTS``."""
    folder = tmp_path_factory.mktemp("roberta")
    learned = tokenizers.Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    learned.train_from_iterator(TEXTS, trainer)
    vocabulary, merges = learned.model.save(str(folder))
    return Path(vocabulary), Path(merges)


@pytest.fixture
def copies(files: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    """The two files, to be damaged."""
    vocabulary, merges = (tmp_path / path.name for path in files)
    vocabulary.write_bytes(files[0].read_bytes())
    merges.write_bytes(files[1].read_bytes())
    return vocabulary, merges


def test_tokeniser_when_compared_with_transformers_then_every_prompt_gives_the_same_numbers(
    files: tuple[Path, Path], tmp_path: Path
):
    if importlib.util.find_spec("transformers") is None:
        assert not os.environ.get("CI"), "transformers is not installed"
        pytest.skip("transformers is not installed")
    with no_torchaudio():
        from transformers import RobertaTokenizer
    numbers = json.loads(files[0].read_text(encoding="utf-8"))
    pairs = [tuple(line.split(" ")) for line in files[1].read_text(encoding="utf-8").splitlines()[1:]]
    mask_token = tokenizers.AddedToken("<mask>", lstrip=True, special=True)
    made: Any = RobertaTokenizer
    theirs = made(vocab=numbers, merges=pairs, mask_token=mask_token)
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer_json(*files))
    ours = Tokenizer.read(path)
    for prompt in PROMPTS:
        expected = theirs(prompt.strip(), padding="max_length", truncation=True, max_length=TOKENS)
        tokens, mask = ours.encode(prompt)
        assert tokens.tolist() == [expected["input_ids"]], prompt
        assert mask.tolist() == [expected["attention_mask"]], prompt


def test_tokeniser_when_a_prompt_is_long_then_it_is_cut_to_77_and_ends_as_it_should(
    files: tuple[Path, Path], tmp_path: Path
):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer_json(*files))
    tokens, mask = Tokenizer.read(path).encode("and on " * 90)
    assert tokens.shape == mask.shape == (1, 77)
    assert (tokens[0, 0], tokens[0, -1]) == (SPECIAL.index("<s>"), SPECIAL.index("</s>"))
    assert mask.all()


def test_tokeniser_when_decoded_then_the_words_come_back(files: tuple[Path, Path]):
    inner = tokenizers.Tokenizer.from_str(tokenizer_json(*files).decode())
    assert inner.decode(inner.encode(PROMPTS[5]).ids) == PROMPTS[5]


def test_tokeniser_when_made_again_then_it_is_the_same_bytes(files: tuple[Path, Path]):
    assert tokenizer_json(*files) == tokenizer_json(*files)


def test_merges_when_lines_end_as_on_windows_then_nothing_changes(copies: tuple[Path, Path]):
    before = tokenizer_json(*copies)
    copies[1].write_bytes(copies[1].read_bytes().replace(b"\n", b"\r\n"))
    assert tokenizer_json(*copies) == before


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        ("{", "cannot be read"),
        ("[1, 2]", "no vocabulary"),
        ('{"<s>": "0"}', "no vocabulary"),
        ('{"<s>": 0, "a": 7}', "not 0 to 1"),
        ('{"a": 0, "b": 1}', "lacks <s>, <pad>"),
    ],
)
def test_vocabulary_when_damaged_then_the_error_names_file_and_fault(copies: tuple[Path, Path], damage: str, says: str):
    copies[0].write_text(damage)
    with pytest.raises(PackError, match=says) as caught:
        tokenizer_json(*copies)
    assert copies[0].name in str(caught.value)


@pytest.mark.parametrize(
    ("damage", "says"),
    [("#version: 0.2\na b c\n", "line 2"), ("#version: 0.2\n", "nothing"), ("#version: 0.2\nQ glass7\n", "glass7")],
)
def test_merges_when_damaged_then_the_error_names_file_and_fault(copies: tuple[Path, Path], damage: str, says: str):
    copies[1].write_text(damage)
    with pytest.raises(PackError, match=says) as caught:
        tokenizer_json(*copies)
    assert copies[1].name in str(caught.value)


def test_files_when_missing_then_the_error_names_the_file(files: tuple[Path, Path], tmp_path: Path):
    with pytest.raises(PackError, match=r"gone\.txt"):
        tokenizer_json(files[0], tmp_path / "gone.txt")


def test_tokens_when_encoded_then_they_are_the_types_of_the_graph(files: tuple[Path, Path], tmp_path: Path):
    path = tmp_path / "tokenizer.json"
    path.write_bytes(tokenizer_json(*files))
    tokens, mask = Tokenizer.read(path).encode("glass")
    assert tokens.dtype == mask.dtype == np.int64
