"""The net keeps the promises that the engine builds on: locality, silence, controls that matter."""

from __future__ import annotations

import pytest
import torch

from onnx_export.nets.denoiser import LOOKAHEAD_FRAMES, MEMORY_FRAMES, REACH_FRAMES, Denoiser, DenoiserShape, WordTable

SMALL = DenoiserShape(bands=16, embedding=4, widths=(8, 8, 8, 8), condition=8, bumps=6)


@pytest.fixture(scope="module")
def net() -> Denoiser:
    torch.manual_seed(0)
    denoiser = Denoiser(SMALL)
    with torch.no_grad():
        for parameter in denoiser.parameters():
            if not parameter.any():
                parameter.normal_(0.0, 0.2)
    return denoiser.eval()


def inputs(frames: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    track = torch.zeros(1, 1, frames)
    track[0, 0, frames // 2] = 1.0
    noisy, embedding = torch.randn(1, 16, frames, generator=generator), torch.randn(1, 4, generator=generator)
    return [noisy, torch.tensor([0.6]), track, embedding]


def test_denoiser_looks_no_further_than_it_says(net: Denoiser) -> None:
    frames, middle = 2400, 1600
    values = inputs(frames)
    for value in (values[0], values[2]):
        value.requires_grad_(True)
    net(*values)[:, :, middle : middle + 16].sum().backward()
    assert values[0].grad is not None
    assert values[2].grad is not None
    seen = values[0].grad.abs().sum(dim=(0, 1)).nonzero()[:, 0] - middle
    assert int(seen.min()) >= -REACH_FRAMES
    assert int(seen.max()) <= REACH_FRAMES + 16
    asked = values[2].grad.abs().sum(dim=(0, 1)).nonzero()[:, 0] - middle
    assert int(asked.min()) >= -REACH_FRAMES - MEMORY_FRAMES
    assert int(asked.max()) <= REACH_FRAMES + 16 + LOOKAHEAD_FRAMES


@pytest.mark.parametrize("index", range(4), ids=["noisy", "sigma", "onset_track", "embedding"])
@torch.no_grad()
def test_denoiser_when_an_input_moves_answers_differently(net: Denoiser, index: int) -> None:
    values = inputs(96)
    before = net(*values)
    values[index] = values[index] * 0.5
    assert float((net(*values) - before).abs().max()) > 1e-4


@torch.no_grad()
def test_denoiser_before_training_is_the_exact_answer_for_white_data() -> None:
    assert not Denoiser(SMALL)(*inputs(64)).any()


@torch.no_grad()
def test_onset_encoder_tells_how_long_ago_the_onset_was(net: Denoiser) -> None:
    track = torch.zeros(1, 1, 900)
    track[0, 0, 100] = 0.5
    features = net.onsets(track)[0]
    assert features.shape == (6, 900)
    assert not features[:, : 100 - LOOKAHEAD_FRAMES].any()
    assert not features[:, 100 + MEMORY_FRAMES :].any()
    favourite = features[:, 100:600].argmax(dim=0)
    assert bool((favourite.diff() >= 0).all())
    assert int(favourite[-1]) > int(favourite[0])
    assert torch.allclose(net.onsets(2.0 * track)[0], 2.0 * features)


@torch.no_grad()
def test_word_table_adds_the_rows_of_its_tags() -> None:
    torch.manual_seed(0)
    table = WordTable(3, 4)
    null, one, other, both = table(torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 1]]))
    assert torch.allclose(both - null, (one - null) + (other - null), atol=1e-6)
