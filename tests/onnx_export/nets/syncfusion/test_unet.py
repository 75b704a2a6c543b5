"""Our UNet has the official names and sizes, and gives the authors' answers."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import Tensor

from onnx_export.nets.syncfusion.unet import UNet, UNetShape
from tests import official
from tests.official import OFFICIAL, TINY, diffusion_model, energise, unet_tensors


@pytest.fixture(scope="module")
def net() -> UNet:
    """Ours, tiny and energised; the authors' packages are not needed."""
    unet = UNet(TINY.unet_shape)
    energise(unet)
    return unet.eval()


def inputs(shape: UNetShape, samples: int, *, batch: int = 2) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
    random = torch.Generator().manual_seed(samples)
    contexts, frames = [], samples
    for channels, factor in zip(shape.contexts, shape.factors, strict=True):
        frames //= factor
        contexts.append(torch.randn(batch, channels, frames, generator=random))
    noisy = torch.randn(batch, 1, samples, generator=random)
    sigma = torch.rand(batch, generator=random)
    return noisy, sigma, contexts, torch.randn(batch, shape.embedding, generator=random)


def relative(one: Tensor, other: Tensor) -> float:
    """Largest difference as a part of the largest value."""
    assert one.shape == other.shape
    return float((one - other).abs().max() / other.abs().max())


def test_unet_when_full_size_has_the_weights_that_the_paper_counts() -> None:
    with torch.device("meta"):
        unet = UNet()
    assert sum(parameter.numel() for parameter in unet.parameters()) == 213_051_434
    assert len(unet.state_dict()) == 842
    assert unet.shape.align == 1024


def test_unet_when_full_size_has_every_official_name_and_shape() -> None:
    official.require()
    with torch.device("meta"):
        ours, theirs = UNet(), diffusion_model(OFFICIAL)
    wanted = {name: tuple(tensor.shape) for name, tensor in unet_tensors(theirs).items()}
    assert {name: tuple(tensor.shape) for name, tensor in ours.state_dict().items()} == wanted
    assert len(theirs.state_dict()) == 3 * len(wanted)


@pytest.mark.parametrize("samples", [16, 48, 272])
@torch.no_grad()
def test_unet_when_weights_are_the_authors_gives_their_answer(samples: int) -> None:
    official.require()
    theirs = diffusion_model(TINY)
    energise(theirs.get_submodule("net"))
    ours = UNet(TINY.unet_shape)
    ours.load_state_dict(unet_tensors(theirs), strict=True)
    noisy, sigma, contexts, embedding = inputs(TINY.unet_shape, samples)
    wanted = theirs.get_submodule("net")(noisy, time=sigma, channels=contexts, embedding=embedding[:, None])
    answer = ours(noisy, sigma, contexts, embedding)
    assert relative(answer, wanted) < 1e-5
    assert relative(answer - noisy, wanted - noisy) < 1e-5
    assert torch.equal(ours(noisy, sigma, contexts, embedding[:, None]), answer)


@torch.no_grad()
def test_unet_when_no_embedding_is_given_answers_as_the_authors_unconditional_branch() -> None:
    official.require()
    theirs = diffusion_model(TINY)
    energise(theirs.get_submodule("net"))
    ours = UNet(TINY.unet_shape)
    ours.load_state_dict(unet_tensors(theirs), strict=True)
    noisy, sigma, contexts, embedding = inputs(TINY.unet_shape, 64)
    pushed = theirs.get_submodule("net")(
        noisy, time=sigma, channels=contexts, embedding=embedding[:, None], embedding_scale=3.0
    )
    without = ours(noisy, sigma, contexts)
    assert relative(without + 3.0 * (ours(noisy, sigma, contexts, embedding) - without), pushed) < 1e-5
    assert torch.equal(ours(noisy, sigma, contexts, ours.null_embedding.expand(2, -1)), without)


@torch.no_grad()
def test_energised_net_when_any_input_changes_answers_differently(net: UNet) -> None:
    """Else parity would say nothing."""
    noisy, sigma, contexts, embedding = inputs(TINY.unet_shape, 320)
    before = net(noisy, sigma, contexts, embedding)
    assert float((before - noisy).std()) > 0.5
    changed = [
        net(0.5 * noisy, sigma, contexts, embedding),
        net(noisy, 0.5 * sigma, contexts, embedding),
        net(noisy, sigma, contexts, embedding.flip(0)),
    ]
    for depth in range(len(contexts)):
        less = [torch.zeros_like(context) if depth == at else context for at, context in enumerate(contexts)]
        changed.append(net(noisy, sigma, less, embedding))
    for after in changed:
        assert float((after - before).std()) > 0.02


@torch.no_grad()
def test_unet_when_run_in_a_batch_answers_each_for_itself(net: UNet) -> None:
    noisy, sigma, contexts, embedding = inputs(TINY.unet_shape, 96)
    together = net(noisy, sigma, contexts, embedding)
    for row in range(2):
        rows = slice(row, row + 1)
        alone = net(noisy[rows], sigma[rows], [context[rows] for context in contexts], embedding[rows])
        assert torch.allclose(together[rows], alone, atol=1e-5)


def test_unet_shape_when_a_depth_is_missing_somewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="different number of depths"):
        dataclasses.replace(TINY.unet_shape, contexts=(2, 4, 8))
