"""The net keeps the promises that the engine builds on: locality, silence, controls that matter."""

from __future__ import annotations

import math

import pytest
import torch

from onnx_export.nets.denoiser import (
    LOOKAHEAD_FRAMES,
    MEMORY_FRAMES,
    REACH_FRAMES,
    RING_FRAMES,
    Denoiser,
    DenoiserShape,
    Resonators,
)

SMALL = DenoiserShape(bands=16, embedding=4, widths=(8, 8, 8, 8), condition=8, bumps=6, resonators=2)


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
    track = torch.full((1, 1, frames), 1e-3)
    track[0, 0, frames // 2] = 1.0
    noisy, embedding = torch.randn(1, 16, frames, generator=generator), torch.randn(1, 4, generator=generator)
    return [noisy, torch.tensor([0.6]), track, embedding]


def test_denoiser_looks_no_further_than_it_says(net: Denoiser) -> None:
    frames, middle = 1200, 800
    values = inputs(frames)
    for value in (values[0], values[2]):
        value.requires_grad_(True)
    net(*values)[:, :, middle : middle + 8].sum().backward()
    assert values[0].grad is not None
    assert values[2].grad is not None
    seen = values[0].grad.abs().sum(dim=(0, 1)).nonzero()[:, 0] - middle
    assert int(seen.min()) >= -REACH_FRAMES
    assert int(seen.max()) <= REACH_FRAMES + 8
    asked = values[2].grad.abs().sum(dim=(0, 1)).nonzero()[:, 0] - middle
    assert int(asked.min()) >= -REACH_FRAMES - MEMORY_FRAMES
    assert int(asked.max()) <= REACH_FRAMES + 8 + LOOKAHEAD_FRAMES


@pytest.mark.parametrize("index", range(4), ids=["noisy", "sigma", "onset_track", "embedding"])
@torch.no_grad()
def test_denoiser_when_an_input_moves_answers_differently(net: Denoiser, index: int) -> None:
    values = inputs(96)
    before = net(*values)
    values[index] = values[index] * 0.5
    assert float((net(*values) - before).abs().max()) > 1e-4


@torch.no_grad()
def test_denoiser_before_training_is_the_exact_answer_for_white_data() -> None:
    noisy, sigma, track, embedding = inputs(64)
    assert not Denoiser(SMALL)(noisy, sigma, torch.ones_like(track), embedding).any()


@torch.no_grad()
def test_onset_encoder_tells_how_long_ago_and_how_hard_the_onset_was(net: Denoiser) -> None:
    track = torch.zeros(1, 1, 600)
    track[0, 0, 100] = 0.25
    features = net.onsets(track)[0]
    assert features.shape == (12, 600)
    assert not features[:, : 100 - LOOKAHEAD_FRAMES].any()
    assert not features[:, 100 + MEMORY_FRAMES :].any()
    favourite = features[:6, 100:400].argmax(dim=0)
    assert bool((favourite.diff() >= 0).all())
    assert int(favourite[-1]) > int(favourite[0])
    harder = net.onsets(4.0 * track)[0]
    assert torch.allclose(harder[:6], 2.0 * features[:6])
    assert torch.equal(harder[6:], features[6:])


@torch.no_grad()
def test_level_is_that_of_the_onset_that_sounds(net: Denoiser) -> None:
    track = torch.zeros(1, 1, 900)
    track[0, 0, 100], track[0, 0, 200], track[0, 0, 260] = 0.25, 1.0, 0.04
    level = net.onsets.level(net.onsets(track))[0, 0]
    assert torch.allclose(level[: 100 - LOOKAHEAD_FRAMES], torch.ones(1))
    assert torch.allclose(level[100 - LOOKAHEAD_FRAMES : 180], torch.full((1,), 0.5), atol=1e-3)
    assert torch.allclose(level[200:206], torch.ones(1), atol=0.05)
    assert torch.allclose(level[260:264], torch.full((1,), 0.2), atol=0.08)
    assert float(level[245]) > 0.9
    assert torch.allclose(level[260 + MEMORY_FRAMES :], torch.ones(1))


@torch.no_grad()
def test_denoiser_when_a_hit_is_softer_expects_less_of_it(net: Denoiser) -> None:
    noisy, sigma, track, embedding = inputs(96)
    soft, hard = (net.answer(noisy, sigma, scale * track, embedding)[1][:, :, 48:].exp().mean() for scale in (0.1, 1.0))
    assert float(soft) < 0.5 * float(hard)


@torch.no_grad()
def test_resonators_answer_to_what_rings_and_not_to_noise() -> None:
    frames = torch.arange(400)
    rings = torch.cos(math.pi / 8 * frames + 0.3)
    noise = torch.randn(400, generator=torch.Generator().manual_seed(0)) * 0.7
    answers = Resonators(4)(torch.stack([rings, noise])[None])[0]
    assert answers.shape == (4, 2, 400)
    power = answers.square().mean(dim=2)
    assert int(power[:, 0].argmax()) == 0
    assert float(power[0, 0]) > 2.0 * float(power[:, 1].max())
    inside = answers[0, 0, RING_FRAMES:-RING_FRAMES] / rings[RING_FRAMES:-RING_FRAMES]
    assert float(inside.std()) < 1e-3 * float(inside.mean())
