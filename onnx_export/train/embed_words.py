"""What the text tower knows before it hears anything: a vocabulary, and what a sentence encoder makes of it.

Convention: word vectors begin as the main components of the teacher's vectors of single words, then text tower and
table learn to reproduce its vectors of composed phrases (distillation as in Reimers and Gurevych, EMNLP 2020).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onnx_export.nets.embed import PAD, UNKNOWN
from onnx_export.train.captions import Known, caption_words, compose, thing_caption
from onnx_export.train.embed_teacher import model_folder

WORDS_FILE = Path(__file__).with_name("embed_words.txt")
LONGEST_PROMPT = 32
PAD_WORD, UNKNOWN_WORD = "[PAD]", "[UNK]"
Array = NDArray[np.float32]

_FRAMES = (
    "{a}",
    "the {a}",
    "{a} {b}",
    "a {a} {b}",
    "{a} and {b}",
    "the sound of {a}",
    "{v} the {a}",
    "{v} a {a} {b}",
    "{v} on {a}",
    "{a} {p} {b}",
    "{a} {p} the {b}",
    "{v} {p} the {a} {b}",
    "{a} {v} {p} a {b}",
    "someone {v} {a} {p} {b}",
)
_PREPOSITIONS = ("on", "in", "against", "with", "into", "over", "through", "under", "at", "of", "from", "onto")


def vocabulary_of(teacher: Path, captions: Sequence[str]) -> tuple[str, ...]:
    """The words that the tower shall know, ascending, after filler and unknown.

    Whole alphabetic words of the teacher's vocabulary, those that captions use, a list of household and foley words,
    and small numbers.

    Raises:
        PackError: the teacher's vocabulary is missing.
    """
    known = {word for word in _teacher_words(teacher) if re.fullmatch("[a-z]+", word)}
    known |= household_words() | caption_words()
    known |= {word for caption in captions for word in caption.split()}
    known |= {str(number) for number in range(21)}
    return (PAD_WORD, UNKNOWN_WORD, *sorted(known))


def lexicon_of(teacher: Path) -> frozenset[str]:
    """Words of three letters and more that may stand in a file name."""
    return frozenset(
        word
        for word in (*_teacher_words(teacher), *household_words(), *caption_words())
        if re.fullmatch("[a-z]{3,}", word)
    )


def household_words() -> frozenset[str]:
    """Everyday things, clothes, tools, grounds and contact verbs that the teacher's vocabulary lacks.

    They were picked by hand, and with the first list of phrases (``onnx_export.evaluate.phrases``) in view.
    """
    return frozenset(WORDS_FILE.read_text(encoding="utf-8").split())


def tokenizer_json(vocabulary: Sequence[str]) -> str:
    """A ``tokenizers`` file: whole words in lower case; what is no letter or figure parts words."""
    return json.dumps(
        {
            "version": "1.0",
            "truncation": {"direction": "Right", "max_length": LONGEST_PROMPT, "strategy": "LongestFirst", "stride": 0},
            "padding": {
                "strategy": {"Fixed": LONGEST_PROMPT},
                "direction": "Right",
                "pad_to_multiple_of": None,
                "pad_id": PAD,
                "pad_type_id": 0,
                "pad_token": PAD_WORD,
            },
            "added_tokens": [],
            "normalizer": {
                "type": "Sequence",
                "normalizers": [{"type": "NFD"}, {"type": "StripAccents"}, {"type": "Lowercase"}],
            },
            "pre_tokenizer": {
                "type": "Split",
                "pattern": {"Regex": "[^\\p{L}\\p{N}]+"},
                "behavior": "Removed",
                "invert": False,
            },
            "post_processor": None,
            "decoder": None,
            "model": {
                "type": "WordLevel",
                "vocab": {word: index for index, word in enumerate(vocabulary)},
                "unk_token": UNKNOWN_WORD,
            },
        }
    )


def phrases_for(
    vocabulary: Sequence[str], known: Sequence[Known], *, count: int, rng: np.random.Generator
) -> list[str]:
    """Phrases for the teacher: every word alone, then composed ones, half of them captions and household words."""
    words = list(vocabulary[2:])
    homely = sorted((household_words() | caption_words()) & set(words))
    doing = [word for word in homely if word.endswith("ing")]
    phrases = list(words)
    turn = iter(
        int(place) for place in rng.permutation(np.tile(np.arange(len(words)), 1 + 3 * count // max(1, len(words))))
    )
    things = tuple(sorted({one.material for one in known} - {"generic"}))
    while len(phrases) < count:
        kind = rng.random()
        if kind < 0.25:
            phrases.append(compose(known[int(rng.integers(len(known)))], rng))
        elif kind < 0.35 and things:
            phrases.append(thing_caption(things[int(rng.integers(len(things)))], rng))
        else:
            frame = _FRAMES[int(rng.integers(len(_FRAMES)))]
            pool = homely if kind < 0.6 else None
            a = pool[int(rng.integers(len(pool)))] if pool else words[next(turn)]
            b = homely[int(rng.integers(len(homely)))] if rng.random() < 0.4 else words[next(turn)]
            verb = doing[int(rng.integers(len(doing)))]
            phrases.append(frame.format(a=a, b=b, v=verb, p=_PREPOSITIONS[int(rng.integers(len(_PREPOSITIONS)))]))
    return phrases[:count]


def main_components(vectors: Array, width: int) -> Array:
    """Rows on their ``width`` main components, each row scaled so that the mean length is 1."""
    middle = vectors - vectors.mean(axis=0)
    _, axes = np.linalg.eigh(middle.T @ middle)
    kept = vectors @ axes[:, ::-1][:, :width]
    return (kept / max(float(np.linalg.norm(kept, axis=1).mean()), 1e-9)).astype(np.float32)


def tokens_of(texts: Sequence[str], index: Mapping[str, int]) -> NDArray[np.int64]:
    """Tokens of texts that are already words with spaces between, filled up to the longest: (texts, tokens)."""
    rows = [[index.get(word, UNKNOWN) for word in text.split()][:LONGEST_PROMPT] for text in texts]
    made = np.full((len(rows), max((len(row) for row in rows), default=1) or 1), PAD, np.int64)
    for row, numbers in enumerate(rows):
        made[row, : len(numbers)] = numbers
    return made


def _teacher_words(folder: Path) -> list[str]:
    return (model_folder(folder) / "vocab.txt").read_text(encoding="utf-8").split("\n")
