"""A small CLAP for tests: its weights as an official checkpoint stores them, and the net as its authors build it.

Convention: weights belong to their names (numpy, seeded by the name), so that ours and the authors' net have the same
without one being made from the other. The authors' classes come from laion-clap 1.1.7 (its folder ``clap_module``
only: importing the package itself downloads three tokenizers) and torchlibrosa. What they import and do not use for
embeddings is stood in for.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import importlib.util
import math
import os
import sys
import types
import warnings
import zlib
from collections.abc import Iterator, Mapping, MutableSequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from onnx_export.nets.clap import Clap, ClapShape
from onnx_export.nets.clap_audio import AudioShape
from onnx_export.nets.clap_mel import MelShape
from onnx_export.nets.clap_text import PAD, TextShape

LABELS = 5
ROBERTA_EPSILON = 1e-5
"""``layer_norm_eps`` in roberta-base's ``config.json``, which the authors' net is built from; the class has another."""
PACKAGES = ("laion_clap", "torchlibrosa", "transformers")
STOOD_IN = ("torchvision", "torchvision.ops", "torchvision.ops.misc", "h5py", "torchaudio")
"""What the authors' modules, and transformers, import but do not need here; not all of it comes for every torch."""

TINY = ClapShape(
    audio=AudioShape(
        mel=MelShape(clip_samples=12_000, window_samples=512, hop_samples=96, bands=8),
        side=32,
        window=4,
        width=16,
        depths=(2, 3),
        heads=(2, 4),
    ),
    text=TextShape(vocabulary=300, positions=90, width=24, layers=2, heads=3, hidden=40),
    dim=12,
)
"""Every kind of piece once: rolled and unrolled windows, a stretched picture, two levels, two layers."""
WITH_OFFICIAL_WORDS = replace(TINY, text=replace(TINY.text, width=768, heads=12))
"""As wide in words as the authors' class demands."""


def weight(name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Weights of one name: large enough that every part of the net shows in an embedding.

    Tables of words are small, as trained ones are: the epsilon of what normalises them shows, too.
    """
    random = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("running_var"):
        return random.uniform(50.0, 400.0, shape).astype(np.float32)
    spread = random.standard_normal(shape)
    if name.endswith("running_mean"):
        values = 10.0 * spread - 20.0
    elif name.endswith("bias"):
        values = 0.3 * spread
    elif len(shape) < 2:
        values = 1.0 + 0.3 * spread
    elif "embeddings" in name:
        values = 0.02 * spread
    elif name.endswith("bias_table"):
        values = spread
    else:
        values = 1.5 * spread / math.sqrt(math.prod(shape[1:]))
    return np.asarray(values, np.float32)


def state(shape: ClapShape = TINY) -> dict[str, Tensor]:
    """What an official checkpoint of that size holds, without the prefix ``module.``: used and unused weights."""
    with torch.device("meta"):
        sizes = {name: tuple(tensor.shape) for name, tensor in Clap(shape).state_dict().items()}
    width, dim = shape.audio.features, shape.dim
    sizes |= {"logit_scale_a": (), "logit_scale_t": ()}
    sizes |= {f"audio_branch.head.{kind}": (LABELS, LABELS)[: 2 - (kind == "bias")] for kind in ("weight", "bias")}
    audio = shape.audio
    height = audio.side // audio.patch // 2 ** (len(audio.depths) - 1) // (audio.side // audio.mel.bands)
    sizes |= {"audio_branch.tscam_conv.weight": (LABELS, width, height, 3), "audio_branch.tscam_conv.bias": (LABELS,)}
    for layer in ("audio_transform.sequential.0", "audio_transform.sequential.3"):
        for name in (layer, layer.replace("audio", "text")):
            sizes |= {f"{name}.weight": (dim, dim), f"{name}.bias": (dim,)}
    tensors = {name: torch.from_numpy(weight(name, size)) for name, size in sizes.items()}
    tensors["audio_branch.bn0.num_batches_tracked"] = torch.tensor(7)
    tensors["text_branch.embeddings.position_ids"] = torch.arange(shape.text.positions)[None]
    return tensors | {name: tensor.clone() for name, tensor in Clap(shape).worked_out().items()}


def waveforms(samples: int, *, rate_hz: int = 48_000) -> NDArray[np.float32]:
    """Three sounds that are not alike, (3, samples): noise that dies away, a chord, clicks before silence."""
    random = np.random.default_rng(5)
    time_s = np.arange(samples) / rate_hz
    noise = random.standard_normal(samples) * np.exp(-3.0 * time_s / time_s[-1])
    chord = np.sin(2.0 * np.pi * np.outer((220.0, 554.0, 1318.0), time_s)).sum(axis=0)
    clicks = np.zeros(samples)
    clicks[: samples // 2 : samples // 9] = 1.0
    return (np.stack([0.2 * noise, 0.2 * chord, clicks])).clip(-1.0, 1.0).astype(np.float32)


def prompts(vocabulary: int, *, tokens: int = 77) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Tokens and mask of three prompts of different lengths, (3, tokens) each."""
    random = np.random.default_rng(6)
    lengths = np.array([3, tokens // 2, tokens])
    mask = (np.arange(tokens)[None] < lengths[:, None]).astype(np.int64)
    words = random.integers(4, vocabulary, (3, tokens))
    return np.where(mask == 1, words, PAD), mask


def require() -> None:
    """Skips a test where the authors' package is not installed; fails it there in CI."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        message = f"{', '.join(missing)} not installed: pip install --no-deps laion-clap==1.1.7 torchlibrosa==0.1.0"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def authors_net(shape: ClapShape) -> nn.Module:
    """The authors' CLAP of that size with no weights yet, in evaluation mode; its words must be 768 wide."""
    with _stood_in():
        theirs = _authors_module("model")
        htsat = _authors_module("htsat")
        from transformers import RobertaConfig, RobertaModel

        roberta = RobertaConfig(
            vocab_size=shape.text.vocabulary,
            max_position_embeddings=shape.text.positions,
            hidden_size=shape.text.width,
            num_hidden_layers=shape.text.layers,
            num_attention_heads=shape.text.heads,
            intermediate_size=shape.text.hidden,
            type_vocab_size=1,
            layer_norm_eps=ROBERTA_EPSILON,
            pad_token_id=PAD,
        )

        class Fetched:
            @staticmethod
            def from_pretrained(name: str) -> nn.Module:
                assert name == "roberta-base"
                return RobertaModel(roberta)

        def built(config: Any, *_: Any) -> nn.Module:
            return htsat.HTSAT_Swin_Transformer(
                spec_size=shape.audio.side,
                patch_size=shape.audio.patch,
                patch_stride=(shape.audio.patch, shape.audio.patch),
                num_classes=config.class_num,
                embed_dim=shape.audio.width,
                depths=list(shape.audio.depths),
                num_heads=list(shape.audio.heads),
                window_size=shape.audio.window,
                config=config,
            )

        theirs.RobertaModel, theirs.create_htsat_model = Fetched, built
        mel = shape.audio.mel
        return theirs.CLAP(
            embed_dim=shape.audio.features,
            audio_cfg=theirs.CLAPAudioCfp(
                model_type="HTSAT",
                sample_rate=mel.rate_hz,
                window_size=mel.window_samples,
                hop_size=mel.hop_samples,
                fmin=int(mel.low_hz),
                fmax=int(mel.high_hz),
                class_num=LABELS,
                mel_bins=mel.bands,
                clip_samples=mel.clip_samples,
            ),
            text_cfg=theirs.CLAPTextCfg(
                context_length=77, vocab_size=0, width=0, heads=0, layers=0, model_type="roberta"
            ),
            joint_embed_shape=shape.dim,
        ).eval()


@torch.no_grad()
def authors_audio(net: Any, waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the authors' net makes of waveforms (batch, clip)."""
    return net.get_audio_embedding([{"waveform": torch.from_numpy(one)} for one in waveform]).numpy()


@torch.no_grad()
def authors_text(net: Any, tokens: NDArray[np.int64], mask: NDArray[np.int64]) -> NDArray[np.float32]:
    """What the authors' net makes of tokens (batch, tokens)."""
    given = {"input_ids": torch.from_numpy(tokens), "attention_mask": torch.from_numpy(mask)}
    return net.get_text_embedding(given).numpy()


def fill_authors(net: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Gives the authors' net a checkpoint's weights, as strictly as their ``load_ckpt``."""
    net.load_state_dict({name: tensor for name, tensor in tensors.items() if not name.endswith("position_ids")})


@contextlib.contextmanager
def no_torchaudio() -> Iterator[None]:
    """While transformers' classes are imported: those that want torchaudio do not use it here."""
    with _stood_in():
        yield


def _authors_module(name: str) -> Any:
    """A module of laion-clap's folder ``clap_module``, without what the folder's own start imports."""
    spec = importlib.util.find_spec("laion_clap")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = types.ModuleType("clap_module")
    folder.__path__ = [str(Path(spec.submodule_search_locations[0]) / "clap_module")]
    sys.modules.setdefault("clap_module", folder)
    return importlib.import_module(f"clap_module.{name}")


@contextlib.contextmanager
def _stood_in() -> Iterator[None]:
    """Empty modules for ``STOOD_IN``, those already imported excepted, and silence."""
    empty = {name: _Empty(name) for name in STOOD_IN if name not in sys.modules}
    sys.modules.update(empty)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name in empty:
            del sys.modules[name]


class _Empty(types.ModuleType):
    """A module that has every name, as an empty class."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__: MutableSequence[str] = []
        self.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})
