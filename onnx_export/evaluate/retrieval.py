"""How well an embedder brings words and sounds together, on originals that it never heard and phrases it never saw.

Convention: one-shots of the shared manifest, each as a reference clip, untouched; held-out originals as in training.
A query counts as a hit in two ways, and both are given: *own* when the caption's own sound is among the first k, *like*
when any sound is that has the same material, action and detail. A sound's or phrase's material is the nearest of twelve
prototypes. Spread is a bootstrap over originals (over phrases for phrases): the middle 95 %. Most held-out sounds are
other recordings of things that training heard; what is found of the rest alone stands beside it (``STRANGERS``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import tokenizers
from numpy.typing import NDArray

from bridge.engine.graph import Graph
from bridge.engine.tokens import Tokenizer
from bridge.errors import RequestError
from bridge.packs import contract
from bridge.packs.store import PackFiles
from onnx_export.evaluate.phrases import content_words, shares_a_word, taught_words
from onnx_export.train.captions import ACTIONS, MATERIALS, NAMES, Known, compose
from onnx_export.train.embed_data import Sound, load_sounds, plain_clips, strangers

Array = NDArray[np.float32]
RESAMPLES = 1000
TAKES_PER_MATERIAL = 60
STRANGERS = ", of things no take of which was heard"


class Embedder(Protocol):
    """What is measured: ``onnx_export.train.embed_model.EmbedModel``, or a pack's graphs."""

    @property
    def vocabulary(self) -> Sequence[str]:
        """Words that it knows."""
        ...

    def of_texts(self, texts: Sequence[str]) -> Array:
        """Embeddings (texts, dim) of length 1."""
        ...

    def of_clips(self, clips: Array) -> Array:
        """Embeddings (clips, dim) of length 1 of prepared clips."""
        ...


class PackEmbedder:
    """A pack's ``clap_text`` and ``clap_audio`` as an ``Embedder``.

    Args:
        files: a verified pack with both graphs. threads: of ONNX Runtime.
    """

    def __init__(self, files: PackFiles, *, threads: int = 1) -> None:
        what = files.manifest.what
        if what is None or not what.tokenizer:
            raise RequestError(f"pack {files.manifest.name} knows no free text", hint="Measure a pack with clap_text")
        path = files.path(what.tokenizer)
        self._tokenizer = Tokenizer.read(path)
        known = tokenizers.Tokenizer.from_str(path.read_text(encoding="utf-8")).get_vocab()
        self.vocabulary = tuple(sorted(known, key=lambda word: known[word]))
        self._text, self._audio = (
            Graph(files.path(f"{role}.onnx"), where=f'graph "{role}"', threads=threads)
            for role in (contract.CLAP_TEXT, contract.CLAP_AUDIO)
        )

    def of_texts(self, texts: Sequence[str]) -> Array:
        """Embeddings (texts, dim)."""
        made = []
        for text in texts:
            tokens, mask = self._tokenizer.encode(text)
            answer = self._text({contract.TOKENS: tokens, contract.ATTENTION_MASK: mask})
            made.append(answer[contract.EMBEDDING])
        return np.concatenate(made)

    def of_clips(self, clips: Array) -> Array:
        """Embeddings (clips, dim)."""
        made = [self._audio({contract.WAVEFORM: clip[None]})[contract.EMBEDDING] for clip in clips]
        return np.concatenate(made)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of queries, with the bootstrap's middle 95 %, and what guessing would give."""

    value: float
    low: float
    high: float
    chance: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], chance {self.chance:.3f}, n {self.count}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Library:
    """Sounds with their embeddings; prototypes come from those that training may hear.

    Attributes:
        sounds: held-out ones. clips: their embeddings (sounds, dim).
        prototypes: mean embedding of training sounds per material (materials, dim), of length 1.
        words: by material, how many of its training sounds carry a word in the manifest's columns or the file name.
        strange: which of ``sounds`` are of things no take of which was heard, (sounds,).
    """

    sounds: Sequence[Sound]
    clips: Array
    prototypes: Array
    words: dict[str, dict[str, int]]
    strange: NDArray[np.bool_]


def library_of(embedder: Embedder, folder: Path, *, seed: int = 0) -> Library:
    """Hears the one-shots of a folder.

    Raises:
        RequestError: no manifest, or no held-out original in it, or a material that no training sound has.
    """
    lexicon = frozenset(word for word in embedder.vocabulary if re.fullmatch("[a-z]{3,}", word))
    sounds = load_sounds(folder, lexicon)
    held_out = [sound for sound in sounds if sound.held_out]
    if not held_out:
        raise RequestError(f"{folder} has no held-out original", hint="Measure on the whole set of one-shots")
    rng = np.random.default_rng(seed)
    rows: list[Array] = []
    words: dict[str, dict[str, int]] = {}
    for material in MATERIALS:
        heard = [sound for sound in sounds if sound.known.material == material and not sound.held_out]
        if not heard:
            raise RequestError(
                f"{folder} has no {material} to learn from", hint="Measure on the whole set of one-shots"
            )
        chosen = rng.permutation(len(heard))[:TAKES_PER_MATERIAL]
        rows.append(embedder.of_clips(plain_clips([heard[place] for place in chosen])).mean(axis=0))
        counts: dict[str, int] = {}
        for sound in heard:
            for word in _row_words(sound.known):
                counts[word] = counts.get(word, 0) + 1
        words[material] = counts
    unheard = {id(sound) for sound in strangers(sounds)}
    return Library(
        sounds=held_out,
        clips=embedder.of_clips(plain_clips(held_out)),
        prototypes=unit(np.stack(rows)),
        words=words,
        strange=np.array([id(sound) in unheard for sound in held_out], bool),
    )


def retrieval(embedder: Embedder, library: Library, *, seed: int = 0) -> dict[str, Share]:
    """Text -> sound among the held-out: R@1 and R@10, own and like, for the embedder and for keywords.

    The keyword search counts a caption's words in what captions are composed of: material, action and detail of the
    manifest, and the file name; ties fall by chance. ``STRANGERS`` are asked for among all the held-out.
    """
    rng = np.random.default_rng((seed, 1))
    captions = [compose(sound.known, rng) for sound in library.sounds]
    scores = {"embedder": embedder.of_texts(captions) @ library.clips.T}
    columns = [_row_words(sound.known) for sound in library.sounds]
    counts = np.array([[len(content_words(caption) & words) for words in columns] for caption in captions], np.float64)
    scores["keywords"] = counts + rng.random(counts.shape) * 0.5
    keys = [(sound.known.material, sound.known.action, sound.known.detail) for sound in library.sounds]
    like = np.array([[one == other for other in keys] for one in keys])
    groups = [sound.original for sound in library.sounds]
    found = {}
    for name, score in scores.items():
        order = np.argsort(-score, axis=1, kind="stable")
        for first in (1, 10):
            top = order[:, :first]
            own = np.isin(top - np.arange(len(keys))[:, None], 0).any(axis=1)
            alike = np.take_along_axis(like, top, axis=1).any(axis=1)
            chance = np.array([_chance(len(keys), int(row.sum()), first) for row in like])
            ever = np.full(len(keys), min(1.0, first / len(keys)))
            for kind, right, luck in (("own", own, ever), ("like", alike, chance)):
                found |= _with_strangers(f"{name} {kind} R@{first}", np.asarray(right), groups, luck, library.strange)
    return found


def materials(embedder: Embedder, library: Library) -> dict[str, Share]:
    """Held-out sound -> material: nearest text prototype, nearest audio prototype, and always the commonest."""
    named = [place for place, sound in enumerate(library.sounds) if sound.material >= 0]
    truth = np.array([library.sounds[place].material for place in named])
    groups = [library.sounds[place].original for place in named]
    heard = library.clips[named]
    commonest = np.bincount(truth, minlength=len(MATERIALS)).argmax()
    guesses: dict[str, NDArray[Any]] = {
        "by text prototype": (heard @ text_prototypes(embedder).T).argmax(axis=1),
        "by audio prototype": (heard @ library.prototypes.T).argmax(axis=1),
        "always the commonest": np.full(len(truth), commonest),
    }
    found: dict[str, Share] = {}
    luck = np.full(len(truth), 1 / len(MATERIALS))
    for name, guess in guesses.items():
        found |= _with_strangers(name, np.asarray(guess == truth), groups, luck, library.strange[named])
    for name in ("by text prototype", "by audio prototype"):
        found[f"{name}, mean of materials"] = _balanced(np.asarray(guesses[name] == truth), truth, groups)
    return found


def phrases(embedder: Embedder, library: Library, written: Sequence[tuple[str, str]]) -> dict[str, Share]:
    """Free phrase -> material, also for those phrases alone of which captions teach no word for their material.

    Args:
        written: phrases with their right material.
    """
    truth = np.array([MATERIALS.index(material) for _, material in written])
    made = embedder.of_texts([phrase for phrase, _ in written])
    guesses = {
        "by audio prototype": (made @ library.prototypes.T).argmax(axis=1) == truth,
        "by text prototype": (made @ text_prototypes(embedder).T).argmax(axis=1) == truth,
        "by keywords": np.array([by_keywords(library, phrase, material) for phrase, material in written]),
    }
    taught = [shares_a_word(phrase, taught_words(kind, library.words[kind])) for phrase, kind in written]
    found: dict[str, Share] = {}
    for whose, chosen in (("", np.ones(len(written), bool)), (", no word of it taught", ~np.array(taught))):
        names = [phrase for (phrase, _), wanted in zip(written, chosen, strict=True) if wanted]
        for name, right in guesses.items():
            if names:
                found[f"{name}{whose}"] = share(right[chosen], names, chance=1 / len(MATERIALS))
    return found


def text_prototypes(embedder: Embedder) -> Array:
    """Mean embedding per material of its names with every action, (materials, dim), of length 1."""
    actions = [words[0] for words in ACTIONS.values()]
    rows = [
        embedder.of_texts([f"{name} {action}" for name in NAMES[material] for action in actions]).mean(axis=0)
        for material in MATERIALS
    ]
    return unit(np.stack(rows))


def by_keywords(library: Library, phrase: str, material: str) -> float:
    """The chance that counting words finds a phrase's material: ties, and phrases without a word, fall by chance."""
    totals: dict[str, float] = {}
    for word in content_words(phrase):
        counts = {name: words.get(word, 0) / max(1, sum(words.values())) for name, words in library.words.items()}
        whole = sum(counts.values())
        for name, count in counts.items():
            totals[name] = totals.get(name, 0.0) + (count / whole if whole else 0.0)
    best = max(totals.values(), default=0.0)
    tied = [name for name in MATERIALS if math.isclose(totals.get(name, 0.0), best)]
    return 1.0 / len(tied) if material in tied else 0.0


def share(right: NDArray[Any], groups: Sequence[str], *, chance: float, seed: int = 0) -> Share:
    """The mean of ``right`` with the spread that drawing other groups would give."""
    values = np.asarray(right, np.float64)
    _, of = np.unique(np.asarray(groups), return_inverse=True)
    sums, sizes = np.bincount(of, values), np.bincount(of)
    drawn = np.random.default_rng(seed).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Share(value=float(values.mean()), low=float(low), high=float(high), chance=chance, count=len(values))


def unit(rows: Array) -> Array:
    """Rows scaled to length 1."""
    return (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)).astype(np.float32)


def _balanced(right: NDArray[Any], truth: NDArray[Any], groups: Sequence[str]) -> Share:
    """Mean over materials of the share that is right."""
    kinds = np.unique(truth)
    weight = np.zeros(len(truth))
    for kind in kinds:
        weight[truth == kind] = len(truth) / (len(kinds) * np.sum(truth == kind))
    return share(right * weight, groups, chance=1 / len(MATERIALS))


def _with_strangers(
    name: str, right: NDArray[Any], groups: Sequence[str], chance: NDArray[np.float64], strange: NDArray[np.bool_]
) -> dict[str, Share]:
    """The share of all, and of ``strange`` ones if there are any."""
    found = {name: share(right, groups, chance=float(chance.mean()))}
    if strange.any():
        of = [group for group, chosen in zip(groups, strange, strict=True) if chosen]
        found[name + STRANGERS] = share(right[strange], of, chance=float(chance[strange].mean()))
    return found


def _chance(pool: int, like: int, first: int) -> float:
    """The chance that at least one of ``like`` is among ``first`` drawn from ``pool``."""
    first = min(first, pool)
    return 1.0 - math.comb(pool - like, first) / math.comb(pool, first)


def _row_words(known: Known) -> frozenset[str]:
    """Everything that captions of a sound are composed of, without words that say nothing of a material."""
    return content_words(" ".join((*known.material.split("_"), known.action, *known.detail, *known.name)))
