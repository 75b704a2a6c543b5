"""CLAP as the part of a pack that understands words and example sounds."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from bridge.packs import contract
from onnx_export.nets.clap import ClapAudio, ClapShape, ClapText, load_clap
from onnx_export.nets.clap_tokenizer import TOKENS, tokenizer_json
from onnx_export.recipe import Recipe, Stage

__all__ = ["TOKENIZER_FILE", "stage", "tokenizer_json"]

TOKENIZER_FILE = "tokenizer.json"


def stage(tensors: Mapping[str, Tensor], *, tokenizer: bytes, shape: ClapShape | None = None) -> Stage:
    """What the CLAP part of a checkpoint becomes: graphs ``clap_text`` and ``clap_audio``, and the tokeniser.

    Args:
        tensors: by official name (see ``load_clap``).
        tokenizer: a whole ``tokenizers`` file (see ``tokenizer_json``).
        shape: sizes of the net; None for the published ones.

    Raises:
        PackError: weights are missing, extra, misshapen or not finite, by name.
    """
    clap = load_clap(tensors, shape)
    recipes = (
        Recipe(
            role=contract.CLAP_TEXT,
            module=ClapText(clap),
            sizes={contract.DIM: clap.shape.dim, contract.VOCABULARY: clap.shape.text.vocabulary},
            shapes=({"batch": 2, "tokens": TOKENS}, {"batch": 1, "tokens": 9}),
        ),
        Recipe(
            role=contract.CLAP_AUDIO,
            module=ClapAudio(clap),
            sizes={contract.DIM: clap.shape.dim, contract.CLIP: clap.shape.audio.mel.clip_samples},
            shapes=({"batch": 2}, {"batch": 1}),
        ),
    )
    return Stage(recipes=recipes, files={TOKENIZER_FILE: tokenizer})
