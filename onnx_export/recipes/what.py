"""The generator of ``foley-export train what`` as the *what* stage of a pack."""

from __future__ import annotations

import json
from pathlib import Path

from bridge.packs import contract
from bridge.packs.manifest import TrainingData, What
from onnx_export.nets.denoiser import Denoiser, WordTable
from onnx_export.nets.mdct import HOP, Decoder
from onnx_export.recipe import Recipe, Stage
from onnx_export.train.what import WhatModel, load_model
from onnx_export.train.what_data import RATE_HZ
from onnx_export.train.what_tags import TAGS, Tag

VOCABULARY_FILE = "vocabulary.json"
STEPS = 20
GUIDANCE = 2.0
SAMPLER = "deis2"
WINDOW_FRAMES = 4096
OVERLAP_FRAMES = 1280

TRAINING_DATA = (
    TrainingData(
        name="Recorded one-shots (credits in the pack)", licence="CC0-1.0, CC-BY-3.0, CC-BY-4.0", commercial_use="yes"
    ),
    TrainingData(
        name="Greatest Hits (Owens et al., CVPR 2016): times of contacts as rhythms, no sound",
        licence="none stated",
        commercial_use="unknown",
    ),
)


def stage(checkpoint: Path) -> Stage:
    """What a checkpoint of the generator becomes.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    return stage_of(load_model(checkpoint))


def stage_of(model: WhatModel) -> Stage:
    """The *what* stage made of a model in memory."""
    shape = model.denoiser.shape
    what = What(
        rate_hz=RATE_HZ,
        hop_samples=HOP,
        latent_channels=shape.bands,
        window_frames=WINDOW_FRAMES,
        overlap_frames=OVERLAP_FRAMES,
        embedding_dim=shape.embedding,
        steps=STEPS,
        guidance=GUIDANCE,
        sampler=SAMPLER,
        vocabulary=VOCABULARY_FILE,
    )
    return Stage(
        recipes=recipes(words=model.words, denoiser=model.denoiser, decoder=Decoder(model.scale)),
        what=what,
        files={VOCABULARY_FILE: vocabulary_json(TAGS).encode()},
        training_data=TRAINING_DATA,
    )


def recipes(*, words: WordTable, denoiser: Denoiser, decoder: Decoder) -> tuple[Recipe, ...]:
    """The three graphs of the stage."""
    shape = denoiser.shape
    frames = ({"batch": 2, "frames": 64}, {"batch": 1, "frames": 736}, {"batch": 3, "frames": 16})
    return (
        Recipe(
            role=contract.TEXT,
            module=words,
            sizes={"vocabulary": words.table.in_features, "dim": shape.embedding},
            shapes=({"batch": 2}, {"batch": 1}),
        ),
        Recipe(
            role=contract.DENOISER,
            module=denoiser,
            sizes={"channels": shape.bands, "dim": shape.embedding},
            shapes=frames,
        ),
        Recipe(role=contract.DECODER, module=decoder, sizes={"channels": shape.bands}, shapes=frames),
    )


def vocabulary_json(tags: tuple[Tag, ...]) -> str:
    """The pack's tags in the order of the ``text`` graph, and the further words that lead to each."""
    words: dict[str, list[str]] = {}
    for tag in tags:
        for word in tag.words:
            words.setdefault(word, []).append(tag.name)
    return json.dumps({"tags": [tag.name for tag in tags], "words": words}, indent=1) + "\n"
