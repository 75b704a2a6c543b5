"""SyncFusion's nets as its authors build them, to hold ours against; and weights that show whether they agree.

Convention: the authors' classes come from their packages audio-diffusion-pytorch 0.1.3, audio-encoders-pytorch 0.0.22
and a-unet 0.0.16 (the extra ``parity``); nothing of them is imported before a net is asked for. They want torchaudio at
import, only for spectrograms that SyncFusion does not use, so it is stood in for: it does not come for every torch.
``OFFICIAL`` is the configuration ``exp/model/diffusion.yaml`` of github.com/mcomunita/syncfusion at e67ad83.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import types
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from onnx_export.nets.syncfusion.names import CLAP, ENCODER
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoderShape
from onnx_export.nets.syncfusion.unet import UNetShape

PACKAGES = ("audio_diffusion_pytorch", "audio_encoders_pytorch", "a_unet")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One size of the nets: what the authors' classes are told, and what ours are.

    Attributes:
        unet: arguments of DiffusionModel. encoder: arguments of Encoder1d.
        unet_shape, encoder_shape: the same for our nets.
    """

    unet: Mapping[str, Any]
    encoder: Mapping[str, Any]
    unet_shape: UNetShape
    encoder_shape: OnsetEncoderShape


OFFICIAL = Configuration(
    unet={
        "channels": [8, 32, 64, 128, 256, 512, 1024, 1024],
        "factors": [1, 4, 4, 4, 2, 2, 2, 2],
        "items": [1, 2, 2, 2, 2, 2, 2, 4],
        "attentions": [0, 0, 0, 0, 1, 1, 1, 1],
        "cross_attentions": [1, 1, 1, 1, 1, 1, 1, 1],
        "context_channels": [2, 8, 16, 32, 64, 128, 256, 256],
        "attention_heads": 8,
        "attention_features": 64,
        "embedding_features": 512,
    },
    encoder={
        "channels": 2,
        "multipliers": [1, 1, 4, 8, 16, 32, 64, 128, 128],
        "factors": [1, 4, 4, 4, 2, 2, 2, 2],
        "num_blocks": [2, 2, 2, 2, 2, 2, 2, 2],
        "resnet_groups": 2,
    },
    unet_shape=UNetShape(),
    encoder_shape=OnsetEncoderShape(),
)

TINY = Configuration(
    unet={
        "channels": [8, 16, 32, 24],
        "factors": [1, 4, 2, 2],
        "items": [1, 2, 1, 3],
        "attentions": [0, 0, 1, 1],
        "cross_attentions": [1, 1, 1, 1],
        "context_channels": [2, 4, 8, 6],
        "attention_heads": 2,
        "attention_features": 12,
        "embedding_features": 20,
        "modulation_features": 48,
        "resnet_groups": 4,
    },
    encoder={
        "channels": 2,
        "multipliers": [1, 1, 2, 4, 3],
        "factors": [1, 4, 2, 2],
        "num_blocks": [2, 1, 2, 2],
        "resnet_groups": 2,
    },
    unet_shape=UNetShape(
        channels=(8, 16, 32, 24),
        factors=(1, 4, 2, 2),
        items=(1, 2, 1, 3),
        attentions=(False, False, True, True),
        contexts=(2, 4, 8, 6),
        heads=2,
        head_features=12,
        embedding=20,
        features=48,
        groups=4,
    ),
    encoder_shape=OnsetEncoderShape(widths=(2, 4, 8, 6), factors=(1, 4, 2, 2), blocks=(2, 1, 2, 2)),
)
"""Every kind of piece once, no two sizes alike where they could be mixed up; 16 samples to the deepest frame."""


def require() -> None:
    """Skips a test where the authors' packages are not installed; fails it there in CI."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        message = f"the authors' {', '.join(missing)} not installed: pip install -e .[parity]"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)


def diffusion_model(size: Configuration, *, seed: int = 0) -> nn.Module:
    """The authors' DiffusionModel, not energised: ``net`` is the UNet, ``sample`` runs their sampler."""
    with _torchaudio_stood_in(), _seeded(seed):
        import audio_diffusion_pytorch as theirs

        return theirs.DiffusionModel(
            net_t=theirs.UNetV0,
            diffusion_t=theirs.VDiffusion,
            sampler_t=theirs.VSampler,
            in_channels=1,
            use_embedding_cfg=True,
            embedding_max_length=1,
            **size.unet,
        ).eval()


def onset_encoder(size: Configuration, *, seed: int = 0) -> nn.Module:
    """The authors' Encoder1d, not energised."""
    with _torchaudio_stood_in(), _seeded(seed):
        import audio_encoders_pytorch as theirs

        return theirs.Encoder1d(in_channels=1, patch_size=1, **size.encoder).eval()


def contexts_of(encoder: nn.Module, onset_track: Tensor) -> list[Tensor]:
    """What the authors' Encoder1d hands to their UNet (``xs[2:-1]``)."""
    _, info = encoder(onset_track, with_info=True)
    return info["xs"][2:-1]


def unet_tensors(model: nn.Module) -> dict[str, Tensor]:
    """One copy of the UNet's tensors of a DiffusionModel, by the names that our net uses."""
    return {name[4:]: tensor for name, tensor in model.state_dict().items() if name.startswith("net.")}


@torch.no_grad()
def energise(net: nn.Module, *, seed: int = 0) -> None:
    """Moves weights away from their start, in place, so that every part of a net shows in its answer.

    As they start, the UNet's levels add next to nothing to x, so that any net agrees with any other. Works on the
    authors' nets and on ours, which have the same names: same names and seed, same change.
    """
    random = torch.Generator().manual_seed(seed)
    for name, tensor in net.named_parameters():
        spread = torch.randn(tensor.shape, generator=random)
        if "skip.blocks" in name:
            tensor.copy_(spread if tensor.dim() == 1 else 2.0 * spread / tensor.shape[1] ** 0.5)
        elif tensor.dim() > 1 and not name.startswith("blocks.2.blocks.0."):
            tensor.copy_(spread / tensor[0].numel() ** 0.5)
        elif name.endswith("bias"):
            tensor.copy_(0.3 * spread)
        elif name.endswith("weight"):
            tensor.copy_(1.0 + 0.3 * spread)


def onset_track(samples: int, *, batch: int = 1, seed: int = 0) -> Tensor:
    """(batch, 1, samples): zeros, and a one about every 40 samples but at least once."""
    random = torch.Generator().manual_seed(seed)
    track = (torch.rand(batch, 1, samples, generator=random) < 1 / 40).float()
    track[:, :, samples // 3] = 1.0
    return track


def lightning_state(model: nn.Module, encoder: nn.Module, clap: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The ``state_dict`` of the authors' Lightning module: UNet three times, encoder, and CLAP by the names given."""
    state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    state.update({ENCODER + name: tensor for name, tensor in encoder.state_dict().items()})
    state.update({CLAP + name: tensor for name, tensor in clap.items()})
    return state


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


@contextlib.contextmanager
def _torchaudio_stood_in() -> Iterator[None]:
    """An empty torchaudio while the authors' packages are imported, unless a real one is already there."""
    if "torchaudio" in sys.modules:
        yield
        return
    empty = types.ModuleType("torchaudio")
    transforms = types.ModuleType("torchaudio.transforms")
    empty.transforms = transforms  # type: ignore[attr-defined]
    sys.modules.update({"torchaudio": empty, "torchaudio.transforms": transforms})
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        del sys.modules["torchaudio"], sys.modules["torchaudio.transforms"]
