"""The nets made for serving answer as the official ones do, whatever is computed outside them."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from onnx_export.nets.syncfusion import layout
from onnx_export.nets.syncfusion.onset_encoder import OnsetEncoder
from onnx_export.nets.syncfusion.preparing import ContextEncoder, EmbeddingEncoder, TimeEncoder
from onnx_export.nets.syncfusion.serving import ServingUNet, outermost
from onnx_export.nets.syncfusion.serving_ops import group_norm, turned_group_norm
from onnx_export.nets.syncfusion.serving_pieces import Manner, Steering, TurnedAttention, TurnedItem, mix_of
from onnx_export.nets.syncfusion.unet import UNet
from onnx_export.recipe import FP16, FP32, INT8
from tests import official
from tests.official import TINY, contexts_of, diffusion_model, energise, onset_track, unet_tensors


@pytest.fixture(scope="module")
def nets() -> tuple[UNet, OnsetEncoder]:
    """Ours in the official layout, tiny and energised."""
    unet, encoder = UNet(TINY.unet_shape), OnsetEncoder(TINY.encoder_shape)
    energise(unet)
    energise(encoder)
    return unet.eval(), encoder.eval()


def inputs(samples: int, *, batch: int = 2) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Noise, sigma, onsets, and embeddings of length 1 as CLAP's are, which is small beside an epsilon."""
    random = torch.Generator().manual_seed(samples)
    noisy = torch.randn(batch, 1, samples, generator=random)
    sigma = torch.rand(batch, generator=random)
    embedding = torch.randn(batch, TINY.unet_shape.embedding, generator=random)
    return noisy, sigma, onset_track(samples, batch=batch), torch.nn.functional.normalize(embedding)


def served(
    unet: UNet, encoder: OnsetEncoder, given: tuple[Tensor, Tensor, Tensor, Tensor], *, precision: str = FP32
) -> Tensor:
    noisy, sigma, track, embedding = given
    net = ServingUNet(unet, Manner(precision=precision))
    contexts = ContextEncoder(encoder, unet)(track)
    return net(noisy, TimeEncoder(unet)(sigma), EmbeddingEncoder(unet)(embedding), *contexts)


def relative(one: Tensor, other: Tensor) -> float:
    """Largest difference as a part of the largest value."""
    assert one.shape == other.shape
    return float((one - other).abs().max() / other.abs().max())


@pytest.mark.parametrize("samples", [16, 48, 320])
@pytest.mark.parametrize("precision", [FP32, FP16, INT8])
@torch.no_grad()
def test_serving_nets_when_weights_are_official_answer_as_the_official_net(
    nets: tuple[UNet, OnsetEncoder], samples: int, precision: str
) -> None:
    """However convolutions are written for a precision; odd and even numbers of frames at the bottom."""
    unet, encoder = nets
    noisy, sigma, track, embedding = given = inputs(samples)
    wanted = unet(noisy, sigma, encoder(track), embedding)
    assert relative(served(unet, encoder, given, precision=precision) - noisy, wanted - noisy) < 5e-6


@torch.no_grad()
def test_turned_pieces_when_signals_are_small_have_the_official_epsilons(nets: tuple[UNet, OnsetEncoder]) -> None:
    """The variance of what they norm is near what is added to it."""
    unet, _ = nets
    depth, item = next(one for one in outermost(unet).walk() if one[0].turned and one[1] is not None)
    assert item is not None
    assert item.attention is not None
    random = torch.Generator().manual_seed(5)
    x = 0.003 * torch.randn(2, depth.channels, 6, generator=random)
    features = torch.randn(2, TINY.unet_shape.features, generator=random)
    given = layout.Given(features, torch.zeros(2, 1, TINY.unet_shape.embedding), ())
    attended = TurnedAttention(item.attention, fused=False)(x.transpose(1, 2)).transpose(1, 2)
    assert relative(attended, item.attention(x, given)) < 5e-6
    resnet = copy.deepcopy(item.resnet)
    for parameter in resnet.get_submodule("block.blocks.0.blocks.1.2").parameters():
        parameter.mul_(1e-3)
    scale, shift = item.modulation.blocks[0](features).chunk(2, dim=-1)
    wanted = item.modulation(resnet(x, given), given)
    mixed = torch.einsum("oc,bcf->bof", mix_of(item.inject), wanted)
    turned = TurnedItem(item._replace(resnet=resnet, attention=None), Manner(fused=False), even=True)
    none = torch.zeros(2, depth.channels)
    answer = turned(x.transpose(1, 2), Steering(1.0 + scale, shift, none, torch.zeros(2, 6, depth.channels)))
    assert relative(answer.transpose(1, 2), mixed) < 5e-5


@torch.no_grad()
def test_serving_nets_when_weights_are_the_authors_give_their_answer() -> None:
    official.require()
    theirs, their_encoder = diffusion_model(TINY), official.onset_encoder(TINY)
    energise(theirs.get_submodule("net"))
    energise(their_encoder)
    unet, encoder = UNet(TINY.unet_shape), OnsetEncoder(TINY.encoder_shape)
    unet.load_state_dict(unet_tensors(theirs))
    encoder.load_state_dict(their_encoder.state_dict())
    noisy, sigma, track, embedding = given = inputs(176)
    wanted = theirs.get_submodule("net")(
        noisy, time=sigma, channels=contexts_of(their_encoder, track), embedding=embedding[:, None]
    )
    assert relative(served(unet, encoder, given), wanted) < 1e-5


@torch.no_grad()
def test_serving_unet_when_only_one_row_of_a_batch_changes_answers_the_others_alike(
    nets: tuple[UNet, OnsetEncoder],
) -> None:
    unet, encoder = nets
    noisy, sigma, track, embedding = inputs(96)
    before = served(unet, encoder, (noisy, sigma, track, embedding))
    changed = (noisy, sigma * torch.tensor([1.0, 0.5]), track, embedding * torch.tensor([[1.0], [-1.0]]))
    after = served(unet, encoder, changed)
    assert torch.equal(after[0], before[0])
    assert float((after[1] - before[1]).std()) > 0.02


@torch.no_grad()
def test_group_norm_when_a_long_signal_is_almost_all_zeros_keeps_its_digits() -> None:
    """The first norm of the encoder: seven impulses in 2^18 samples, as ONNX Runtime would sum them in one go."""
    track = torch.zeros(1, 1, 1 << 18)
    track[0, 0, torch.arange(7) * 37000 + 11] = 1.0
    norm = torch.nn.GroupNorm(1, 1)
    norm.weight.fill_(1.3)
    norm.bias.fill_(-0.2)
    exact = torch.nn.functional.group_norm(track.double(), 1, norm.weight.double(), norm.bias.double())
    answer = group_norm(track, norm, block=256)
    assert float((answer - exact).abs().max()) < 1e-3
    turned = turned_group_norm(track.transpose(1, 2), norm)
    assert float((turned.transpose(1, 2) - exact).abs().max()) < 1e-3


@torch.no_grad()
def test_serving_unet_when_full_size_holds_what_each_step_needs_and_no_more() -> None:
    with torch.device("meta"):
        unet = UNet()
        net = ServingUNet(unet)
    assert sum(net.sizes) == 34_569
    assert sum(net.added_sizes) == 16_272
