"""Small checkpoints of SyncFusion, in the layout in which the published ones are stored.

Convention: like the files that Lightning and LAION write: ``state_dict`` with prefixes, the UNet three times over one
storage, optimizer states, hyper-parameters of omegaconf's classes (which are not installed here), numpy scalars.
``SIZES`` is what the exporter must be told to take nets that are so small.
"""

from __future__ import annotations

import contextlib
import json
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers.pre_tokenizers import ByteLevel
from torch import Tensor

from bridge.dsp.pictures import PictureSettings
from onnx_export.nets.syncfusion.names import CLAP, COPIES, ENCODER
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder, OnsetEncoderShape
from onnx_export.nets.syncfusion.unet import UNet, UNetShape
from onnx_export.nets.syncfusion.video_onset import VideoOnsetNet
from onnx_export.syncfusion import Sizes
from tests import clap, official

WIDTH = 4
UNET_SHAPE = UNetShape(
    channels=(8, 16),
    factors=(1, 4),
    items=(1, 1),
    attentions=(False, True),
    contexts=(2, 4),
    heads=2,
    head_features=8,
    embedding=clap.TINY.dim,
    features=16,
    frequencies=8,
    groups=4,
)
ENCODER_SHAPE = OnsetEncoderShape(widths=(2, 4), factors=(1, 4), blocks=(1, 1))
SIZES = Sizes(
    when={"width": WIDTH, "settings": PictureSettings(rows=16, columns=16)},
    what={"unet_shape": UNET_SHAPE, "encoder_shape": ENCODER_SHAPE},
    words={"shape": clap.TINY},
)

Change = Callable[[dict[str, Tensor]], object]


@dataclass(frozen=True, kw_only=True)
class Published:
    """Where the files lie; the tokeniser's lie in the same folder."""

    onset: Path
    diffusion: Path
    clap: Path

    def words(self, out: Path) -> list[str]:
        """The command that makes a pack of them."""
        return [
            "syncfusion",
            *("--onset-checkpoint", str(self.onset)),
            *("--diffusion-checkpoint", str(self.diffusion)),
            *("--clap-checkpoint", str(self.clap)),
            *("--out", str(out)),
        ]


def publish(folder: Path, **changes: Change) -> Published:
    """Writes all files.

    Args:
        folder: where to.
        changes: by checkpoint (``onset``, ``diffusion``, ``clap``): changes its tensors, named as stored, before they
            are written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = Published(onset=folder / "onset.ckpt", diffusion=folder / "diffusion.ckpt", clap=folder / "630k.pt")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = {f"model.{name}": tensor for name, tensor in VideoOnsetNet(width=WIDTH).state_dict().items()}
        changes.get("onset", _keep)(state)
        _save(files.onset, _lightning(state))
        state = _diffusion()
        changes.get("diffusion", _keep)(state)
        _save(files.diffusion, _lightning(state))
        state = {f"module.{name}": tensor for name, tensor in clap.state().items()}
        changes.get("clap", _keep)(state)
        _save(files.clap, {"epoch": np.int64(15), "name": "x", "state_dict": state, "optimizer": {"state": {}}})
    tokenizer_files(folder)
    return files


def tokenizer_files(folder: Path) -> None:
    """``vocab.json`` and ``merges.txt`` in RoBERTa's form: every byte a token, and two merges."""
    words = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), "wo", "od", "<mask>"]
    (folder / "vocab.json").write_text(json.dumps({word: place for place, word in enumerate(words)}), "utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\nw o\no d\n", "utf-8")


def _keep(state: dict[str, Tensor]) -> None: ...


def _diffusion() -> dict[str, Tensor]:
    unet, encoder = UNet(UNET_SHAPE), OnsetEncoder(ENCODER_SHAPE)
    official.energise(unet)
    official.energise(encoder)
    state = {copy + name: tensor for copy in COPIES for name, tensor in unet.state_dict().items()}
    state |= {ENCODER + name: tensor for name, tensor in encoder.state_dict().items()}
    return state | {CLAP + name: tensor for name, tensor in clap.state().items()}


def _lightning(state: Mapping[str, Tensor]) -> dict[str, Any]:
    moments = {number: {"exp_avg": torch.zeros_like(tensor)} for number, tensor in enumerate(list(state.values())[:3])}
    return {
        "epoch": 784,
        "global_step": 314000,
        "pytorch-lightning_version": "2.1.3",
        "state_dict": dict(state),
        "optimizer_states": [{"state": moments, "param_groups": [{"lr": 1e-4, "betas": (0.95, 0.999)}]}],
        "callbacks": {"ModelCheckpoint{'monitor': 'valid_loss'}": {"best_model_score": torch.tensor(0.008)}},
        "hyper_parameters": {"lr": 1e-4},
    }


def _save(path: Path, content: dict[str, Any]) -> None:
    with _omegaconf() as config:
        torch.save({**content, "config": config}, path)


@contextlib.contextmanager
def _omegaconf() -> Iterator[Any]:
    """An object of a class that the reader does not have."""
    module = types.ModuleType("omegaconf.dictconfig")

    class DictConfig:
        def __init__(self, **content: Any) -> None:
            self._content = content
            self._metadata = {"ref_type": Any}

    DictConfig.__module__, DictConfig.__qualname__ = module.__name__, "DictConfig"
    vars(module)["DictConfig"] = DictConfig
    sys.modules["omegaconf"] = types.ModuleType("omegaconf")
    sys.modules[module.__name__] = module
    try:
        yield DictConfig(lr=1e-4)
    finally:
        del sys.modules[module.__name__], sys.modules["omegaconf"]
