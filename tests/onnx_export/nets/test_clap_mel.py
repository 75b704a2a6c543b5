"""The ear's picture is LAION-CLAP's: Slaney's bands from 50 Hz, decibels, frames centred on hops."""

import importlib.util
import os

import numpy as np
import pytest
import torch

from onnx_export.nets.clap_mel import LogMel, MelShape, fourier_kernels, mel_weights

OFFICIAL = MelShape()
LIBROSA = {
    (2, 0): 0.015011813,
    (3, 0): 0.00595149,
    (3, 1): 0.012572207,
    (4, 2): 0.0101326,
    (5, 3): 0.00769299,
    (298, 63): 5.5883836e-05,
    (299, 63): 0.0,
}


def picture(waveform: np.ndarray, shape: MelShape = OFFICIAL) -> np.ndarray:
    return LogMel(shape)(torch.from_numpy(waveform.astype(np.float32))[None])[0, 0].numpy()


@pytest.mark.parametrize(
    ("low_hz", "high_hz", "bands", "window"), [(50.0, 14_000.0, 64, 1024), (0.0, 24_000.0, 40, 512)]
)
def test_mel_weights_when_compared_with_librosa_then_they_are_the_same(
    low_hz: float, high_hz: float, bands: int, window: int
):
    if importlib.util.find_spec("librosa") is None:
        assert not os.environ.get("CI"), "librosa is not installed"
        pytest.skip("librosa is not installed")
    import librosa

    shape = MelShape(low_hz=low_hz, high_hz=high_hz, bands=bands, window_samples=window)
    theirs = librosa.filters.mel(sr=48_000, n_fft=window, n_mels=bands, fmin=low_hz, fmax=high_hz).T
    np.testing.assert_allclose(mel_weights(shape), theirs, atol=1e-8)


def test_mel_weights_when_of_the_official_size_then_they_are_librosas_numbers():
    """Values of librosa 0.11.0's ``filters.mel(sr=48000, n_fft=1024, n_mels=64, fmin=50, fmax=14000).T``."""
    weights = mel_weights(OFFICIAL)
    assert weights.shape == (513, 64)
    for (row, column), value in LIBROSA.items():
        assert weights[row, column] == pytest.approx(value, rel=1e-5)
    assert not weights[:2].any()
    assert float(weights.sum()) == pytest.approx(1.3644328, rel=1e-6)


def test_fourier_kernels_when_applied_then_they_give_the_spectrum_of_the_windowed_frame():
    shape = MelShape(window_samples=64)
    frame = np.random.default_rng(0).standard_normal(64)
    window = np.hanning(65)[:-1]
    spectrum = np.fft.rfft(frame * window)
    expected = np.concatenate([spectrum.real, spectrum.imag])
    np.testing.assert_allclose(fourier_kernels(shape)[:, 0] @ frame, expected, atol=1e-5)


def test_picture_when_ten_seconds_then_it_has_1001_frames_and_silence_is_the_floor():
    silent = picture(np.zeros(480_000))
    assert silent.shape == (1001, 64) == (OFFICIAL.frames, OFFICIAL.bands)
    np.testing.assert_allclose(silent, -100.0, atol=1e-4)


def test_picture_when_a_click_sounds_then_it_lies_on_the_frame_of_its_hop():
    click = np.zeros(48_000)
    click[480 * 37] = 1.0
    loudness = picture(click, MelShape(clip_samples=48_000)).sum(axis=1)
    assert loudness.argmax() == 37
    assert loudness[36] == pytest.approx(loudness[38], abs=1e-2)


def test_picture_when_compared_with_a_float64_one_then_it_agrees_within_a_thousandth_of_a_decibel():
    shape = MelShape(clip_samples=24_000)
    noise = 0.1 * np.random.default_rng(1).standard_normal(24_000)
    padded = np.pad(noise.astype(np.float32).astype(float), 512, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 1024)[::480] * np.hanning(1025)[:-1]
    power = np.abs(np.fft.rfft(frames)) ** 2 @ mel_weights(shape).astype(float)
    np.testing.assert_allclose(picture(noise, shape), 10.0 * np.log10(np.maximum(power, 1e-10)), atol=1e-3)
