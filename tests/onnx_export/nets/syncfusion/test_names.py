"""The diffusion checkpoint is taken apart into its nets, and refused when what it stores thrice differs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bridge.errors import PackError
from onnx_export.nets.syncfusion.names import COPIES, one_copy
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
from onnx_export.nets.syncfusion.unet import UNet
from tests import official
from tests.official import TINY, diffusion_model, lightning_state, onset_encoder

CLAP = {"logit_scale_a": torch.tensor(1.0), "audio_projection.0.bias": torch.zeros(4)}


@pytest.fixture
def state() -> dict[str, Tensor]:
    """A checkpoint's tensors, by hand: ours has the official names; every tensor is one of its own."""
    unet, encoder = UNet(TINY.unet_shape).state_dict(), OnsetEncoder(TINY.encoder_shape).state_dict()
    tensors = {copy + name: tensor.clone() for copy in COPIES for name, tensor in unet.items()}
    tensors.update({f"onsets_encoder.{name}": tensor for name, tensor in encoder.items()})
    tensors.update({f"clap.model.{name}": tensor for name, tensor in CLAP.items()})
    return tensors


def test_one_copy_when_the_authors_made_the_checkpoint_fills_our_nets() -> None:
    official.require()
    parts = one_copy(lightning_state(diffusion_model(TINY), onset_encoder(TINY), CLAP))
    UNet(TINY.unet_shape).load_state_dict(parts.unet, strict=True)
    OnsetEncoder(TINY.encoder_shape).load_state_dict(parts.encoder, strict=True)
    assert parts.clap.keys() == CLAP.keys()


def test_one_copy_when_copies_are_alike_gives_the_tensors_themselves(state: dict[str, Tensor]) -> None:
    parts = one_copy(state)
    name = "blocks.0.weights"
    assert parts.unet[name] is state[COPIES[0] + name]
    assert len(parts.unet) == len(UNet(TINY.unet_shape).state_dict())


@pytest.mark.parametrize("kept", COPIES)
def test_one_copy_when_only_one_of_the_three_is_there_takes_it(state: dict[str, Tensor], kept: str) -> None:
    alone = {name: tensor for name, tensor in state.items() if not name.startswith("model.") or name.startswith(kept)}
    assert one_copy(alone).unet.keys() == one_copy(state).unet.keys()


@pytest.mark.parametrize("copy", COPIES[1:])
def test_one_copy_when_a_copy_differs_names_the_tensor(state: dict[str, Tensor], copy: str) -> None:
    state[f"{copy}blocks.2.blocks.0.blocks.0.weight"] += 1e-3
    with pytest.raises(PackError, match=rf"{copy}blocks\.2\.blocks\.0\.blocks\.0\.weight") as refused:
        one_copy(state)
    assert refused.value.hint


def test_one_copy_when_a_copy_lacks_or_adds_a_tensor_names_it(state: dict[str, Tensor]) -> None:
    del state["model.sampler.net.blocks.0.weights"]
    state["model.diffusion.net.extra"] = torch.zeros(1)
    with pytest.raises(PackError, match=r'"blocks\.0\.weights" is missing in model\.sampler\.net\.\*') as refused:
        one_copy(state)
    assert '"extra" is missing in model.net.* and model.sampler.net.*' in refused.value.message


def test_one_copy_when_the_layer_that_runs_twice_is_stored_differently_names_it(state: dict[str, Tensor]) -> None:
    for copy in COPIES:
        state[f"{copy}blocks.1.blocks.1.0.bias"] = torch.ones(48)
    with pytest.raises(PackError, match=r"blocks\.1\.blocks\.0\.0\.bias and blocks\.1\.blocks\.1\.0\.bias"):
        one_copy(state)


def test_one_copy_when_a_value_is_not_a_number_leaves_that_to_the_net(state: dict[str, Tensor]) -> None:
    for copy in COPIES:
        state[f"{copy}blocks.0.weights"][0] = torch.nan
    assert one_copy(state).unet["blocks.0.weights"].isnan().any()


@pytest.mark.parametrize(
    ("prefix", "said"), [("model.", "UNet"), ("onsets_encoder.", "onset encoder"), ("clap.", "CLAP")]
)
def test_one_copy_when_a_part_is_missing_says_which_and_what_is_there(
    state: dict[str, Tensor], prefix: str, said: str
) -> None:
    left = {name: tensor for name, tensor in state.items() if not name.startswith(prefix)}
    with pytest.raises(PackError, match=f"no {said}") as refused:
        one_copy(left)
    assert next(iter(left)).split(".")[0] in refused.value.message
