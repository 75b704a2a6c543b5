"""Words and example sounds through the pack's own graphs: do they mean the right thing.

Convention: the figures are ``onnx_export.evaluate.retrieval``'s, on held-out originals of the one-shots and on two
lists of sixty phrases (``onnx_export.evaluate.phrases`` says how they differ); chance and a keyword search stand beside
them. Intervals are its bootstraps, over originals and phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from bridge.packs import contract
from bridge.packs.store import PackFiles
from onnx_export.evaluate import retrieval
from onnx_export.evaluate.phrases import FRESH, content_words, load_phrases
from onnx_export.evaluate.retrieval import Share
from onnx_export.evaluate.starter.figures import Figure, Part, Table


def part(files: PackFiles, sounds: Path, *, threads: int = 1, seed: int = 0) -> Part:
    """Measures a pack's embedder.

    Args:
        files: a verified pack with ``clap_text`` and ``clap_audio``. sounds: folder of one-shots. threads: of a graph.
        seed: of captions and ties.
    """
    embedder = retrieval.PackEmbedder(files, threads=threads)
    library = retrieval.library_of(embedder, sounds, seed=seed)
    written, fresh = load_phrases(), load_phrases(FRESH)

    found: dict[str, Mapping[str, Share]] = {
        "text to sound": retrieval.retrieval(embedder, library, seed=seed),
        "sound to material": retrieval.materials(embedder, library),
        "fresh phrase to material": retrieval.phrases(embedder, library, fresh),
        "phrase to material": retrieval.phrases(embedder, library, written),
    }
    named = {f"{kind}, {name}": one for kind, shares in found.items() for name, one in shares.items()}
    things = {"text to sound": "captions", "sound to material": "held-out sounds"}
    known = frozenset(embedder.vocabulary)
    return Part(
        name="embed",
        title="Words and sounds in one space, on originals that were never heard",
        figures={name: figure_of(one, of=things.get(name.partition(",")[0], "phrases")) for name, one in named.items()},
        notes=(
            f"{len(library.sounds)} held-out sounds of {len({one.original for one in library.sounds})} originals; "
            f"{int(library.strange.sum())} of them are of things no take of which was heard, the others are other "
            "recordings of things that training heard.",
            f"Fresh phrases: {len(fresh)}, written after training by somebody who had not made the net; "
            f"{_with_unknown(fresh, known)} have a word that the net does not know. They tell what to expect.",
            f"Phrases without that word: {len(written)}, written before training; but the hand-picked part of the "
            "vocabulary was put together after the list was written and has its words "
            f"({_with_unknown(written, known)} have an unknown one).",
            _plainly(found["text to sound"]),
            "own: the caption's very sound is among the first; like: any of the same material, action and detail.",
        ),
        tables=(
            Table(
                title="Beside chance",
                columns=("", "value", "chance"),
                rows=tuple((name, one.value, one.chance) for name, one in named.items()),
            ),
        ),
        roles=(contract.CLAP_TEXT, contract.CLAP_AUDIO),
    )


def _with_unknown(written: Sequence[tuple[str, str]], known: frozenset[str]) -> int:
    """How many phrases have a word that says something and that is not known."""
    return sum(not content_words(phrase) <= known for phrase, _ in written)


def _plainly(shares: Mapping[str, Share]) -> str:
    """Which finds a caption's own sound more often, the embedder or counting words."""
    net, words = (shares[f"{name} own R@10"].value for name in ("embedder", "keywords"))
    better = "neither is better" if net == words else "keywords are better" if words > net else "the embedder is better"
    return (
        f"To find a recording by words, {better}: its own among the first ten in {words:.0%} by counting words of "
        f"labels and file names, in {net:.0%} by the embedder, which hears the sound alone."
    )


def figure_of(one: Share, *, of: str) -> Figure:
    """A share as a figure of the report."""
    nothing = float("nan")
    return Figure(
        value=one.value, statistic="share", low=one.low, high=one.high, least=nothing, first=nothing, median=nothing,
        third=nothing, most=nothing, count=one.count, of=of,
    )  # fmt: skip
