"""From a designer's words to the tags that a pack's ``text`` graph takes.

Convention: the pack's vocabulary file is JSON, ``{"tags": [name, ...], "words": {word: [tag, ...], ...}}``; tags are
in the order of the graph's input and are words themselves. Case, plural, -ing and -ed do not matter. Words that are
not understood are ignored and named, as long as one word is understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bridge.domain import stored
from bridge.errors import PackError, RequestError

NAMED_TAGS = 16
_TAGS, _WORDS = tuple[str, ...], Mapping[str, tuple[str, ...]]
# fmt: off
SMALL = frozenset((
    "a", "against", "an", "and", "are", "as", "at", "by", "effect", "foley", "for", "from", "in", "into", "is", "it",
    "its", "like", "make", "noise", "noises", "of", "on", "onto", "or", "over", "please", "some", "sound", "sounds",
    "the", "to", "under", "very", "with", "without",
))
# fmt: on
"""Words that say nothing of a sound by themselves; nobody needs to be told that they are not understood."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Understood:
    """What a prompt means to a pack.

    Attributes:
        tags: multi-hot, float32, shape (vocabulary,).
        ignored: words that mean nothing to the pack, as typed, in order.
    """

    tags: NDArray[np.float32] = field(repr=False)
    ignored: tuple[str, ...]


class Vocabulary:
    """The words of one pack.

    Args:
        tags: names in the graph's order.
        words: further words, each with the tags it means.

    Raises:
        PackError: no tags, or a word that leads to none of them.
    """

    def __init__(self, tags: tuple[str, ...], words: Mapping[str, tuple[str, ...]]) -> None:
        if not tags or len(set(tags)) != len(tags):
            raise PackError("the vocabulary has no tags, or one twice", hint="Get the pack again")
        index = {tag: position for position, tag in enumerate(tags)}
        lost = sorted({tag for names in words.values() for tag in names} - set(tags))
        if lost:
            raise PackError(f"the vocabulary leads to unknown tags: {', '.join(lost)}", hint="Get the pack again")
        self.tags = tags
        self._positions = {word.lower(): tuple(index[tag] for tag in names) for word, names in words.items()}
        self._positions |= {tag.lower(): (position,) for tag, position in index.items()}

    @classmethod
    def read(cls, path: Path) -> Vocabulary:
        """The vocabulary in a file.

        Raises:
            PackError: it cannot be read, or is not a vocabulary.
        """
        try:
            content = stored.loads(path.read_text(encoding="utf-8"))
            tags, words = content["tags"], content["words"]
            if not (stored.fitting(_TAGS, tags) and stored.fitting(_WORDS, words)):
                raise ValueError("a tag or a word is no text")
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PackError(f"vocabulary {path} cannot be read ({error})", hint="Get the pack again") from error
        return cls(tuple(tags), {word: tuple(names) for word, names in words.items()})

    def understand(self, prompt: str) -> Understood:
        """What a prompt means.

        Raises:
            RequestError: it is empty, or no word of it is understood; the hint names what is.
        """
        found = np.zeros(len(self.tags), np.float32)
        ignored = []
        for word in _split(prompt, self._positions):
            positions = self._lookup(word)
            if positions:
                found[list(positions)] = 1.0
            elif word.lower() not in SMALL:
                ignored.append(word)
        if found.any():
            return Understood(tags=found, ignored=tuple(ignored))
        named = ", ".join(self.tags[:NAMED_TAGS])
        rest = len(self.tags) - NAMED_TAGS
        hint = f"Use words like {named}" + (
            f" ({rest} more tags and their synonyms are understood)" if rest > 0 else ""
        )
        if not prompt.strip():
            raise RequestError("the prompt is empty", hint=hint)
        shown = ", ".join(f'"{word}"' for word in ignored) or f'"{prompt.strip()}"'
        raise RequestError(f"the prompt is not understood: {shown}", hint=hint)

    def _lookup(self, word: str) -> tuple[int, ...]:
        for form in _forms(word.lower()):
            if form in self._positions:
                return self._positions[form]
        return ()


def _split(prompt: str, known: Mapping[str, object]) -> Iterator[str]:
    """Words of letters; a hyphenated word stays whole where it is known."""
    for piece in re.findall(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*", prompt):
        if piece.lower() in known or not re.search("[-'’]", piece):
            yield piece
        else:
            yield from (part for part in re.split("[-'’]", piece) if len(part) > 1)


def _forms(word: str) -> Iterator[str]:
    """The word and what it may be a form of, most literal first."""
    yield word
    for ending, instead in (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("es", ""), ("s", "")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            yield word[: -len(ending)] + instead
    for ending in ("ing", "ed", "er", "ers"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word[: -len(ending)]
            yield stem
            yield stem + "e"
            if stem[-1] == stem[-2]:
                yield stem[:-1]
