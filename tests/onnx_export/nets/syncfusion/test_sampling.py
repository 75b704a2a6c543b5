"""Our sampler with our nets makes the sound that the authors' ``sample`` makes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bridge.engine.samplers import ddim, guided
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
from onnx_export.nets.syncfusion.unet import UNet
from tests import official
from tests.official import TINY, contexts_of, diffusion_model, energise, onset_encoder, onset_track, unet_tensors


@pytest.mark.parametrize("guidance", [1.0, 2.0, 7.5])
@pytest.mark.parametrize("samples", [64, 400])
@torch.no_grad()
def test_ddim_with_our_nets_when_noise_is_the_same_makes_the_authors_sound(samples: int, guidance: float) -> None:
    official.require()
    model, theirs = diffusion_model(TINY), onset_encoder(TINY)
    energise(model.get_submodule("net"))
    energise(theirs, seed=1)
    unet, encoder = UNet(TINY.unet_shape), OnsetEncoder(TINY.encoder_shape)
    unet.load_state_dict(unet_tensors(model), strict=True)
    encoder.load_state_dict(theirs.state_dict(), strict=True)

    track = onset_track(samples, batch=2)
    random = torch.Generator().manual_seed(samples)
    noise = torch.randn(2, 1, samples, generator=random)
    embedding = torch.randn(2, TINY.unet_shape.embedding, generator=random)
    wanted = model.get_submodule("sampler")(
        noise,
        num_steps=10,
        channels=contexts_of(theirs, track),
        embedding=embedding[:, None],
        embedding_scale=guidance,
    ).numpy()

    contexts = encoder(track)

    def velocity(x: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
        noisy, sigmas = torch.from_numpy(x), torch.full((2,), sigma)
        conditional = unet(noisy, sigmas, contexts, embedding).numpy()
        return guided(conditional, unet(noisy, sigmas, contexts).numpy(), guidance)

    sound = ddim(velocity, noise.numpy(), steps=10)
    assert np.abs(sound - wanted).max() < 1e-4 * np.abs(wanted).max()
    assert np.abs(wanted - noise.numpy()).max() > 1.0


@torch.no_grad()
def test_ddim_when_the_velocity_is_any_function_takes_the_authors_steps() -> None:
    """Their arithmetic over noise and clean sound, linspace(1, 0, steps + 1), is our rotation; also at both ends."""
    official.require()
    sampler = diffusion_model(TINY).get_submodule("sampler")
    noise = torch.randn(2, 1, 50, generator=torch.Generator().manual_seed(0))
    asked: list[float] = []

    class Bent(torch.nn.Module):
        def forward(self, x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
            asked.append(float(sigma[0]))
            return torch.sin(3.0 * x) + sigma[:, None, None]

    sampler.net = Bent()
    for steps in (1, 2, 3, 25, 150):
        asked.clear()
        wanted = sampler(noise, num_steps=steps).numpy()
        ours: list[float] = []

        def velocity(x: NDArray[np.float32], sigma: float, ours: list[float] = ours) -> NDArray[np.float32]:
            ours.append(sigma)
            return np.asarray(np.sin(3.0 * x) + sigma, np.float32)

        sound = ddim(velocity, noise.numpy(), steps=steps)
        assert ours == pytest.approx(asked, abs=1e-6)
        assert np.abs(sound - wanted).max() < 2e-5 * np.abs(wanted).max()
