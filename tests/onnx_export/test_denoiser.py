"""The net keeps the promises that the engine builds on: controls that matter, noise that stays."""

from __future__ import annotations

import pytest
import torch

from onnx_export.nets.denoiser import LOOKAHEAD_COLUMNS, Denoiser, DenoiserShape, preconditioned
from onnx_export.nets.picture import CHANNELS, COLUMNS, ROWS, SPREAD

SMALL = DenoiserShape(embedding=4, widths=(8, 8, 8), blocks=(1, 1, 1), heads=2, condition=8, bumps=6)


@pytest.fixture(scope="module")
def net() -> Denoiser:
    torch.manual_seed(0)
    denoiser = Denoiser(SMALL)
    with torch.no_grad():
        for parameter in denoiser.parameters():
            if not parameter.any():
                parameter.normal_(0.0, 0.2)
    return denoiser.eval()


def inputs() -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    track = torch.zeros(1, 1, COLUMNS)
    track[0, 0, 0] = 1.0
    noisy, embedding = torch.randn(1, CHANNELS, COLUMNS, generator=generator), torch.randn(1, 4, generator=generator)
    return [noisy, torch.tensor([0.6]), track, embedding]


@pytest.mark.parametrize("index", range(4), ids=["noisy", "sigma", "onset_track", "embedding"])
@torch.no_grad()
def test_denoiser_when_an_input_moves_answers_differently(net: Denoiser, index: int) -> None:
    values = inputs()
    before = net(*values)
    values[index] = values[index] * 0.5
    assert float((net(*values) - before)[:, :ROWS].abs().max()) > 1e-4


@torch.no_grad()
def test_denoiser_leaves_the_noise_below_the_picture_and_does_not_look_at_it(net: Denoiser) -> None:
    values = inputs()
    before = net(*values)
    assert before.shape == (1, CHANNELS, COLUMNS)
    assert not before[:, ROWS:].any()
    values[0] = torch.cat([values[0][:, :ROWS], 5.0 * values[0][:, ROWS:]], dim=1)
    assert torch.equal(net(*values), before)


@torch.no_grad()
def test_denoiser_before_training_is_the_best_linear_guess() -> None:
    """For data x0 of that spread, v = a n - b x0 is guessed from x = a x0 + b n with the least mean square."""
    generator = torch.Generator().manual_seed(0)
    x0, n = (torch.randn(64, CHANNELS, COLUMNS, generator=generator) for _ in range(2))
    for level in (0.1, 0.5, 0.9):
        sigma = torch.full((64,), level)
        a, b = (function(sigma[:, None, None] * torch.pi / 2) for function in (torch.cos, torch.sin))
        x, v = a * SPREAD * x0 + b * n, a * n - b * SPREAD * x0
        guess = Denoiser(SMALL)(x, sigma, torch.zeros(64, 1, COLUMNS), torch.zeros(64, 4))
        error = (guess - v)[:, :ROWS]
        assert abs(float((error * x[:, :ROWS]).mean())) < 5e-3
        assert float(error.std()) == pytest.approx(float(preconditioned(sigma)[1][0]), rel=0.02)


@torch.no_grad()
def test_onset_encoder_tells_how_long_ago_and_how_hard_the_onset_was(net: Denoiser) -> None:
    track = torch.zeros(1, 1, 60)
    track[0, 0, 10] = 0.25
    features = net.onsets(track)[0]
    assert features.shape == (12, 60)
    assert not features[:, : 10 - LOOKAHEAD_COLUMNS].any()
    assert not features[:, 10 + COLUMNS :].any()
    favourite = features[:6, 10:40].argmax(dim=0)
    assert bool((favourite.diff() >= 0).all())
    assert int(favourite[-1]) > int(favourite[0])
    harder = net.onsets(4.0 * track)[0]
    assert torch.allclose(harder[:6], 2.0 * features[:6])
    assert torch.equal(harder[6:], features[6:])
