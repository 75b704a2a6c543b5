"""Two lists of sixty phrases as designers say them, each phrase with its right material.

Convention: CSV files beside this one; most phrases do not name the material. ``phrases.csv`` was written before the
embedder was trained, but the hand-picked part of its vocabulary (``embed_words.txt``) was put together after, with the
list in view, so that none of its words is unknown. ``phrases_fresh.csv`` was written after training by somebody who had
no part in it, and nothing was changed for it since: what it gives is what to expect of a user's own words.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from pathlib import Path

from onnx_export.train.captions import NAMES, SYNONYMS, THINGS

STOP_WORDS = frozenset(
    (
        *("a", "an", "the", "of", "on", "in", "at", "to", "into", "onto", "with", "against", "over", "off", "down"),
        *("out", "up", "from", "for", "and", "by", "s", "his", "her", "my", "your", "it"),
        *("someone", "sound", "foley", "close", "effect", "recording"),
    )
)
"""Words that say nothing of a material."""
FILE = Path(__file__).with_name("phrases.csv")
FRESH = Path(__file__).with_name("phrases_fresh.csv")


def load_phrases(path: Path = FILE) -> tuple[tuple[str, str], ...]:
    """Phrase and material, in the file's order."""
    with path.open(newline="", encoding="utf-8") as handle:
        return tuple((row["phrase"], row["material"]) for row in csv.DictReader(handle))


def taught_words(material: str, data: Iterable[str] = ()) -> frozenset[str]:
    """Words that training captions use for a material.

    Args:
        data: words that the data itself has for it.
    """
    lists = (*NAMES[material], *THINGS[material], *data)
    found = {word for entry in lists for word in entry.split()}
    return frozenset(found | {word for key in found for entry in SYNONYMS.get(key, ()) for word in entry.split()})


def shares_a_word(phrase: str, words: Iterable[str]) -> bool:
    """Whether a phrase has one of the words, or the plural or singular of one."""
    known = set(words)
    near = known | {f"{word}s" for word in known} | {word.removesuffix("s") for word in known if len(word) > 3}
    return bool(content_words(phrase) & near)


def content_words(text: str) -> frozenset[str]:
    """Words of a text, lower case, without those that say nothing of a material."""
    return frozenset(re.findall("[a-z]+", text.lower())) - STOP_WORDS
