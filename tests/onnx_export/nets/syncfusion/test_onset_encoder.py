"""Our onset encoder has the official names and sizes, and gives the authors' answers."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
from onnx_export.nets.syncfusion.unet import UNet
from tests import official
from tests.official import OFFICIAL, TINY, contexts_of, energise, onset_encoder, onset_track


def test_onset_encoder_when_full_size_has_the_weights_that_the_paper_counts() -> None:
    with torch.device("meta"):
        encoder, unet = OnsetEncoder(), UNet()
    weights = sum(parameter.numel() for parameter in encoder.parameters())
    assert weights == 2_393_374
    assert weights + sum(parameter.numel() for parameter in unet.parameters()) == 215_444_808
    assert len(encoder.state_dict()) == 154


def test_onset_encoder_when_full_size_has_every_official_name_and_shape() -> None:
    official.require()
    with torch.device("meta"):
        ours, theirs = OnsetEncoder(), onset_encoder(OFFICIAL)
    wanted = {name: tuple(tensor.shape) for name, tensor in theirs.state_dict().items()}
    assert {name: tuple(tensor.shape) for name, tensor in ours.state_dict().items()} == wanted


@pytest.mark.parametrize("samples", [16, 80, 1600])
@torch.no_grad()
def test_onset_encoder_when_weights_are_the_authors_gives_their_contexts(samples: int) -> None:
    official.require()
    theirs = onset_encoder(TINY)
    energise(theirs)
    ours = OnsetEncoder(TINY.encoder_shape)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    track = onset_track(samples, batch=2)
    wanted = contexts_of(theirs, track)
    answer = ours(track)
    assert [tuple(context.shape) for context in answer] == [tuple(context.shape) for context in wanted]
    for mine, official_context in zip(answer, wanted, strict=True):
        assert float((mine - official_context).abs().max() / official_context.abs().max()) < 1e-5


def test_onset_encoder_gives_the_contexts_that_the_unet_takes() -> None:
    with torch.device("meta"):
        contexts = OnsetEncoder()(torch.zeros(1, 1, 2048))
        answer = UNet()(torch.zeros(1, 1, 2048), torch.zeros(1), contexts, torch.zeros(1, 512))
    assert [context.shape[1] for context in contexts] == list(OFFICIAL.unet_shape.contexts)
    assert [context.shape[2] for context in contexts] == [2048, 512, 128, 32, 16, 8, 4, 2]
    assert answer.shape == (1, 1, 2048)


def test_onset_encoder_shape_when_a_level_is_missing_somewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="different number of levels"):
        dataclasses.replace(TINY.encoder_shape, factors=(1, 4))
