"""The generator of ``foley-export train what`` as the *what* stage of a pack.

Convention: words and example sounds come as embeddings of the pack's embedder, whose stage brings the tokenizer file
that is named here. Which embedder that must be is the checkpoint's fact EMBED.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from bridge.packs import contract
from bridge.packs.stages import What
from onnx_export.nets.denoiser import ALIGN_COLUMNS, Denoiser, DenoiserShape
from onnx_export.nets.picture import CHANNELS, COLUMNS, NOISE_ROWS, SPREAD, Decoder
from onnx_export.recipe import Recipe, Stage
from onnx_export.recipes.embed import ONE_SHOTS, TOKENIZER_FILE
from onnx_export.train.what import WhatModel, load_model
from onnx_export.train.what_data import RATE_HZ

EMBED = "embed"
"""Fact of a checkpoint: SHA-256 of the embedder's checkpoint that it was trained with."""
NULL_FILE = "null_embedding.npy"
STEPS = 16
GUIDANCE = 3.0
SAMPLER = "dpm2"
LOW, HIGH = 0.05, 80.0
"""Least and greatest ratio of noise to what a latent spreads by at which the net is asked."""
LIKENESS = 0.6
"""See ``bridge.packs.stages.What``; guidance was chosen on captions of held-out originals, beside their own sound,
likeness so that contacts of a render differ as takes of a recorded thing do (6.4 dB in the mean over the picture)."""

TRIED = 0.2
"""Pictures that the decoder is proven with spread so much: neighbours differ by some 12 dB, as a sound's do. Where they
differ by far more, bins cancel, rounding chooses their phases, and Griffin-Lim carries that on."""

TRAINING_DATA = (ONE_SHOTS,)


def stage(checkpoint: Path) -> Stage:
    """What a checkpoint of the generator becomes.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    return stage_of(load_model(checkpoint)[0])


def stage_of(model: WhatModel) -> Stage:
    """The *what* stage made of a model in memory."""
    shape = model.denoiser.shape
    what = What(
        rate_hz=RATE_HZ,
        hop_samples=NOISE_ROWS,
        latent_channels=CHANNELS,
        window_frames=COLUMNS,
        overlap_frames=0,
        embedding_dim=shape.embedding,
        steps=STEPS,
        guidance=GUIDANCE,
        sampler=SAMPLER,
        tokenizer=TOKENIZER_FILE,
        null_embedding=NULL_FILE,
        windows="onset",
        align_frames=ALIGN_COLUMNS,
        noise_low=SPREAD * LOW,
        noise_high=SPREAD * HIGH,
        likeness=LIKENESS,
    )
    return Stage(
        recipes=recipes(denoiser=model.denoiser, decoder=Decoder()),
        what=what,
        files={NULL_FILE: null_embedding(shape)},
        training_data=TRAINING_DATA,
    )


def recipes(*, denoiser: Denoiser, decoder: Decoder) -> tuple[Recipe, ...]:
    """The two graphs of the stage."""
    shape = denoiser.shape
    more = COLUMNS + ALIGN_COLUMNS
    frames = ({"batch": 2, "frames": COLUMNS}, {"batch": 1, "frames": more}, {"batch": 3, "frames": COLUMNS})
    return (
        Recipe(
            role=contract.DENOISER,
            module=denoiser,
            sizes={"channels": CHANNELS, "dim": shape.embedding},
            shapes=frames,
        ),
        Recipe(
            role=contract.DECODER,
            module=decoder,
            sizes={"channels": CHANNELS},
            shapes=frames,
            spread=TRIED,
        ),
    )


def null_embedding(shape: DenoiserShape) -> bytes:
    """The ``.npy`` file of what stood for no prompt in training: nothing but zeros, which no prompt gives."""
    file = io.BytesIO()
    np.save(file, np.zeros((1, shape.embedding), np.float32))
    return file.getvalue()
