"""A handful of sounds and a tiny sentence encoder, made on the spot, to try the embedder's training with."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import soundfile
import tokenizers
import torch
from safetensors.torch import save_file

from onnx_export.nets.embed import RATE_HZ, SENTENCE

WORDS = ("wood", "metal", "hit", "scrape", "door", "bell", "knock", "ring", "wooden", "on", "the", "of", "sound", "oak")


def write_sounds(folder: Path, *, originals: int = 12) -> Path:
    """Dull wood and ringing metal, each original cut in two; two originals of each are held out."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for place in range(originals):
        material = ("wood", "metal")[place % 2]
        digest = ("00" if place < 4 else "ff") + hashlib.sha256(str(place).encode()).hexdigest()[2:]
        for take in range(2):
            name = f"{material}_thing_{chr(97 + place)}_{take}.wav"
            soundfile.write(folder / name, struck(material, seed=10 * place + take), RATE_HZ)
            rows.append(
                {
                    "file": name,
                    "category": material,
                    "action": "hit",
                    "detail": ("door", "bell")[place % 2],
                    "original_path": f"set/{('door', 'bell')[place % 2]}_{place}.wav",
                    "original_sha256": digest,
                }
            )
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def struck(material: str, *, seed: int) -> np.ndarray:
    """Half a second: a dull thud, or high partials that ring."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE_HZ // 2) / RATE_HZ
    if material == "metal":
        partials = rng.uniform(2500.0, 9000.0, 5)
        sound = sum(np.sin(2 * np.pi * hz * t) for hz in partials) * np.exp(-t / 0.2) * 0.1
    else:
        sound = np.sin(2 * np.pi * rng.uniform(100.0, 250.0) * t) * np.exp(-t / 0.03) * 0.5
    return (sound + rng.standard_normal(len(t)) * 1e-4).astype(np.float32)


def write_teacher(folder: Path) -> Path:
    """A BERT of one layer with chance weights, in the files of the real one."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(names), encoding="utf-8")
    model = tokenizers.Tokenizer(tokenizers.models.WordLevel({w: i for i, w in enumerate(names)}, unk_token="[UNK]"))
    model.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()  # type: ignore[assignment]
    model.save(str(folder / "tokenizer.json"))
    settings = {"num_hidden_layers": 1, "num_attention_heads": 12, "layer_norm_eps": 1e-12, "hidden_size": SENTENCE}
    (folder / "config.json").write_text(json.dumps(settings), encoding="utf-8")
    chance = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=chance) * 0.3

    weights = {f"embeddings.{kind}_embeddings.weight": drawn(rows, SENTENCE) for kind, rows in _tables(len(names))}
    layer = "encoder.layer.0"
    linear = {
        **{f"{layer}.attention.self.{name}": (SENTENCE, SENTENCE) for name in ("query", "key", "value")},
        f"{layer}.attention.output.dense": (SENTENCE, SENTENCE),
        f"{layer}.intermediate.dense": (64, SENTENCE),
        f"{layer}.output.dense": (SENTENCE, 64),
    }
    for name, (made, given) in linear.items():
        weights[f"{name}.weight"], weights[f"{name}.bias"] = drawn(made, given) * 0.1, torch.zeros(made)
    for name in ("embeddings.LayerNorm", f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"):
        weights[f"{name}.weight"], weights[f"{name}.bias"] = torch.ones(SENTENCE), torch.zeros(SENTENCE)
    save_file({name: value.contiguous() for name, value in weights.items()}, folder / "model.safetensors")
    return folder


def _tables(words: int) -> tuple[tuple[str, int], ...]:
    return (("word", words), ("position", 64), ("token_type", 2))
