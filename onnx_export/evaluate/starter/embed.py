"""Words and example sounds through the pack's own graphs: do they mean the right thing.

Convention: the figures are ``onnx_export.evaluate.retrieval``'s, on held-out originals of the one-shots and on the
sixty phrases; chance and a keyword search stand beside them. Intervals are its bootstraps, over originals and phrases.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bridge.packs import contract
from bridge.packs.store import PackFiles
from onnx_export.evaluate import retrieval
from onnx_export.evaluate.phrases import load_phrases
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
    written = load_phrases()

    found: dict[str, Mapping[str, Share]] = {
        "text to sound": retrieval.retrieval(embedder, library, seed=seed),
        "sound to material": retrieval.materials(embedder, library),
        "phrase to material": retrieval.phrases(embedder, library, written),
    }
    named = {f"{kind}, {name}": one for kind, shares in found.items() for name, one in shares.items()}
    things = {"text to sound": "captions", "sound to material": "held-out sounds", "phrase to material": "phrases"}
    return Part(
        name="embed",
        title="Words and sounds in one space, on originals that were never heard",
        figures={name: figure_of(one, of=things[name.partition(",")[0]]) for name, one in named.items()},
        notes=(
            f"{len(library.sounds)} held-out sounds of {len({one.original for one in library.sounds})} originals, "
            f"{len(written)} phrases that were written before training.",
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


def figure_of(one: Share, *, of: str) -> Figure:
    """A share as a figure of the report."""
    nothing = float("nan")
    return Figure(
        value=one.value, statistic="share", low=one.low, high=one.high, least=nothing, first=nothing, median=nothing,
        third=nothing, most=nothing, count=one.count, of=of,
    )  # fmt: skip
