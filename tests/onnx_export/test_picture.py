"""A picture says when, where and how loud; what is made of it sounds so, and rings where it rings."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from onnx_export.nets.picture import (
    ATTACK,
    CHANNELS,
    COLUMNS,
    MIDDLE_DB,
    NOISE_ROWS,
    ROWS,
    SAMPLES,
    SCALE_DB,
    SINGLE,
    Decoder,
    analyse,
)

RATE_HZ = 48_000
TIME_S = torch.arange(SAMPLES) / RATE_HZ


def noise(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def hiss(decay_s: float, *, seed: int = 0) -> Tensor:
    return 0.2 * noise(seed, SAMPLES) * torch.exp(-TIME_S / decay_s)


def partial(hz: float, decay_s: float) -> Tensor:
    return 0.2 * torch.sin(2.0 * math.pi * hz * TIME_S) * torch.exp(-TIME_S / decay_s)


def levels_db(sound: Tensor) -> Tensor:
    return analyse(sound[None])[0] * SCALE_DB + MIDDLE_DB


def made(sound: Tensor, *, seed: int = 3) -> Tensor:
    """What the decoder makes of a sound's picture."""
    latent = torch.cat([analyse(sound[None]), noise(seed, 1, NOISE_ROWS, COLUMNS)], dim=1)
    assert latent.shape == (1, CHANNELS, COLUMNS)
    with torch.no_grad():
        back = Decoder()(latent)
    assert back.shape == (1, 1, SAMPLES)
    return back[0, 0]


def rms_db(sound: Tensor, begin_s: float, end_s: float) -> float:
    return 20.0 * math.log10(float(sound[round(begin_s * RATE_HZ) : round(end_s * RATE_HZ)].square().mean().sqrt()))


def test_picture_of_white_noise_is_level_and_as_loud_as_the_noise() -> None:
    picture = levels_db(0.1 * noise(1, SAMPLES))
    assert picture.shape == (ROWS, COLUMNS)
    assert float(picture[:, -8:].mean()) == pytest.approx(-20.0, abs=0.5)
    assert float(picture[:, :ATTACK].mean()) == pytest.approx(-22.0, abs=2.5)
    assert float(picture[:, -4:].std()) < 2.0


def test_picture_has_silence_at_its_floor_and_what_begins_late_in_late_columns() -> None:
    assert torch.allclose(levels_db(torch.zeros(SAMPLES)), torch.tensor(-75.0), atol=1e-3)
    late = torch.zeros(SAMPLES)
    late[SAMPLES // 2 :] = 0.1 * noise(1, SAMPLES // 2)
    picture = levels_db(late)
    assert float(picture[:, : COLUMNS - 8].max()) < -74.9
    assert float(picture[:, -2:].mean()) == pytest.approx(-20.0, abs=1.0)


def test_partial_stands_in_the_row_of_its_frequency() -> None:
    for hz in (440.0, 2_000.0, 7_000.0):
        picture = levels_db(partial(hz, 2.0))
        assert int(picture[:, -6].argmax()) == round(hz / RATE_HZ * 1024)
        assert float(picture[:SINGLE, -6].max() - picture[:SINGLE, -6].median()) > 30.0


@pytest.mark.parametrize("decay_s", [0.02, 0.2])
def test_hiss_comes_back_with_its_course(decay_s: float) -> None:
    sound = hiss(decay_s)
    back = made(sound)
    raised = rms_db(back, 0.0, 0.005) - rms_db(sound, 0.0, 0.005)
    for begin_s, end_s in ((0.005, 0.02), (0.02, 0.06)):
        assert rms_db(back, begin_s, end_s) - rms_db(sound, begin_s, end_s) == pytest.approx(raised, abs=2.0)


@pytest.mark.parametrize("raised_db", [-12.0, 0.0, 12.0])
def test_every_contact_is_equally_loud(raised_db: float) -> None:
    back = made(10.0 ** (raised_db / 20.0) * partial(500.0, 0.3))
    loud = back.square().unfold(0, 960, 60).mean(dim=1).max().sqrt()
    assert float(loud) == pytest.approx(0.16, rel=0.02)
    click = made(10.0 ** (max(0.0, raised_db) / 20.0) * hiss(0.0007))
    assert float(click.abs().max()) == pytest.approx(0.8, rel=0.02)


def test_what_is_made_begins_with_its_attack() -> None:
    """A click that is over within 3 ms has 9/10 of its energy in its first 3 ms again."""
    back = made(hiss(0.0007)).square()
    assert float(back[: round(0.003 * RATE_HZ)].sum() / back.sum()) > 0.9


@pytest.mark.parametrize("hz", [523.0, 3_137.0])
def test_partial_comes_back_as_one_steady_partial(hz: float) -> None:
    """Most of the energy within 30 Hz of it, and no beating: its level falls as evenly as it did."""
    back = made(partial(hz, 0.4))
    power = np.abs(np.fft.rfft(back.numpy()[2_400:40_000])) ** 2
    frequency = np.fft.rfftfreq(37_600, 1 / RATE_HZ)
    assert power[np.abs(frequency - hz) < 30.0].sum() > 0.9 * power.sum()
    steps = np.diff([rms_db(back, 0.05 * step, 0.05 * (step + 1)) for step in range(2, 12)])
    assert steps.mean() == pytest.approx(-20.0 * math.log10(math.e) * 0.05 / 0.4, abs=0.3)
    assert np.abs(steps - steps.mean()).max() < 1.5


@pytest.mark.parametrize("hz", [523.0, 957.0, 3_172.0])
def test_partial_between_two_bins_turns_at_its_own_frequency_from_the_start(hz: float) -> None:
    """Before Griffin-Lim has done anything, by the slope of the levels alone; bins are 47 Hz apart."""
    latent = torch.cat([analyse(partial(hz, 0.4)[None]), noise(3, 1, NOISE_ROWS, COLUMNS)], dim=1)
    with torch.no_grad():
        back = Decoder(rounds=0)(latent)[0, 0].numpy()[2_400:40_000]
    power = np.abs(np.fft.rfft(back, 8 * len(back)))
    assert np.fft.rfftfreq(8 * len(back), 1 / RATE_HZ)[power.argmax()] == pytest.approx(hz, abs=3.0)


def test_noise_of_the_latent_makes_another_take_of_the_same_sound() -> None:
    sound = hiss(0.1)
    one, same, other = made(sound, seed=1), made(sound, seed=1), made(sound, seed=2)
    assert torch.equal(one, same)
    likeness = float((one * other).sum() / (one.norm() * other.norm()))
    assert abs(likeness) < 0.3
    assert rms_db(one, 0.0, 0.1) == pytest.approx(rms_db(other, 0.0, 0.1), abs=1.0)


@pytest.mark.parametrize("level", [-20.0, -3.0, 3.0, 20.0])
def test_what_was_driven_far_out_of_range_is_still_a_sound_or_silence(level: float) -> None:
    latent = torch.cat([torch.full((1, ROWS, COLUMNS), level), noise(3, 1, NOISE_ROWS, COLUMNS)], dim=1)
    with torch.no_grad():
        back = Decoder()(latent)
    assert bool(torch.isfinite(back).all())
    assert (float(back.abs().max()) > 0.3) == (level > 0.0)


def test_columns_beyond_a_picture_make_no_difference() -> None:
    latent = torch.cat([analyse(hiss(0.1)[None]), noise(3, 1, NOISE_ROWS, COLUMNS)], dim=1)
    more = torch.cat([latent, noise(4, 1, CHANNELS, 16)], dim=2)
    with torch.no_grad():
        one, longer = Decoder()(latent), Decoder()(more)
    assert longer.shape == (1, 1, SAMPLES + 16 * NOISE_ROWS)
    assert torch.equal(longer[:, :, :SAMPLES], one)
    assert not longer[:, :, SAMPLES:].any()


def test_silence_and_what_is_far_below_stay_silent() -> None:
    assert float(made(torch.zeros(SAMPLES)).abs().max()) < 2e-3
