"""The transform is orthonormal, gives sound back and keeps silence silent."""

from __future__ import annotations

import numpy as np
import torch

from onnx_export.nets.mdct import HOP, Decoder, analyse, compress, mdct_basis, synthesise


def test_synthesise_after_analyse_gives_the_sound_back() -> None:
    sound = torch.from_numpy(np.random.default_rng(0).standard_normal((2, 40 * HOP)).astype(np.float32))
    basis = mdct_basis()
    spectrum = analyse(sound, basis)
    assert spectrum.shape == (2, HOP, 40)
    back = synthesise(spectrum, basis)[:, 0]
    assert back.shape == sound.shape
    assert torch.allclose(back[:, HOP // 2 : -HOP // 2], sound[:, HOP // 2 : -HOP // 2], atol=1e-5)


def test_white_noise_is_white_noise_of_the_same_size_in_the_other_domain() -> None:
    spectrum = torch.randn(1, HOP, 500, generator=torch.Generator().manual_seed(0))
    sound = synthesise(spectrum, mdct_basis())
    assert abs(float(sound[..., HOP:-HOP].var()) - 1.0) < 0.03


def test_decoder_undoes_compression_and_keeps_silence_silent() -> None:
    scale = torch.linspace(0.5, 0.01, HOP)
    sound = torch.randn(1, 30 * HOP, generator=torch.Generator().manual_seed(1)) * 0.1
    latent = compress(analyse(sound, mdct_basis()), scale)
    decoder = Decoder(scale)
    back = decoder(latent)
    assert back.shape == (1, 1, 30 * HOP)
    assert torch.allclose(back[0, 0, HOP:-HOP], sound[0, HOP:-HOP], atol=1e-4)
    assert not decoder(torch.zeros(1, HOP, 4)).any()


def test_an_impulse_lies_in_the_frame_that_begins_at_its_sample() -> None:
    sound = torch.zeros(1, 20 * HOP)
    sound[0, 8 * HOP] = 1.0
    energy = analyse(sound, mdct_basis())[0].square().sum(dim=0)
    assert energy[7] + energy[8] > 0.99
    sound = torch.zeros(1, 20 * HOP)
    sound[0, 8 * HOP + HOP // 2] = 1.0
    assert analyse(sound, mdct_basis())[0].square().sum(dim=0)[8] > 0.99
