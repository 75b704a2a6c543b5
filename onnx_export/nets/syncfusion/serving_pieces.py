"""The pieces of the serving UNet: the official pieces, each rewritten in the layout that is fastest for its size.

Convention: with few channels tensors are upright, (batch, channels, frames), with many they are turned, (batch,
frames, channels), so that norms, projections and attention need no transposition. What a piece needs beside x comes
prepared: ``scale`` and ``shift`` of the modulation (from sigma), the ``context`` already projected (from the onset
track), and the vector that cross attention would add (from the embedding; with one key, softmax is 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from onnx_export.nets.syncfusion import layout
from onnx_export.nets.syncfusion.serving_ops import attend, group_norm, layer_norm, silu, turned_group_norm
from onnx_export.recipe import FP16, FP32, INT8


@dataclass(frozen=True, kw_only=True)
class Manner:
    """How the serving nets compute.

    Attributes:
        precision: what the graph will be shrunk to; it decides how convolutions are written.
        fused: with operators of ONNX Runtime's own where it has them.
    """

    precision: str = FP32
    fused: bool = True


class Steering(NamedTuple):
    """What one item is told beside x.

    ``scale`` (1 included), ``shift`` and ``added``: (batch, channels); ``context``: of x's shape.
    """

    scale: Tensor
    shift: Tensor
    added: Tensor
    context: Tensor


class Item(NamedTuple):
    """One repetition of a depth's official pieces, in the order in which they run."""

    resnet: layout.Resnet
    modulation: layout.Modulation
    inject: layout.Inject
    attention: layout.SelfAttention | None
    cross: layout.CrossAttention


class UprightConv(nn.Module):
    """A convolution over three frames, upright; as one over a picture of one row, for which ONNX Runtime is faster."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.flat = conv.in_channels % 16 == 0
        weight = taken(conv.weight)
        self.weight = nn.Parameter(weight[:, :, None] if self.flat else weight)
        self.bias = nn.Parameter(taken(bias_of(conv)))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, before, frames) -> (batch, after, frames)."""
        if self.flat:
            return functional.conv2d(x[:, :, None], self.weight, self.bias, padding=(0, 1))[:, :, 0]
        return functional.conv1d(x, self.weight, self.bias, padding=1)


class UprightItem(nn.Module):
    """Resnet, modulation, injection and cross attention."""

    def __init__(self, item: Item, manner: Manner, *, block: int) -> None:
        super().__init__()
        self.norms, convs = halves(item.resnet)
        self.convs = nn.ModuleList([UprightConv(conv) for conv in convs])
        self.mix = nn.Parameter(mix_of(item.inject)[:, :, None])
        channels = self.mix.shape[0]
        self.average: Tensor
        self.register_buffer("average", torch.full((1, 1, channels), 1.0 / channels))
        self.block, self.fused = block, manner.fused

    def forward(self, x: Tensor, given: Steering) -> Tensor:
        """(batch, channels, frames) -> the same shape."""
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = group_norm(y, norm, block=self.block)
            y = conv(silu(y, fused=self.fused))
        x = x + y
        centred = x - self.average @ x
        normal = centred * torch.rsqrt(self.average @ (centred * centred) + 1e-6)
        x = functional.conv1d(normal * given.scale[:, :, None] + given.shift[:, :, None], self.mix)
        return x + (given.context + given.added[:, :, None])


class PairedConv(nn.Module):
    """A convolution over three frames, turned, with two thirds of the multiplications.

    Two neighbouring answers need four products instead of six: Winograd's F(2, 3) (Lavin and Gray 2016, section 4.1).

    Args:
        conv: the convolution. even: whether the number of frames always is.
    """

    def __init__(self, conv: nn.Conv1d, *, even: bool) -> None:
        super().__init__()
        self.even = even
        first, middle, last = taken(conv.weight).double().unbind(-1)
        plus, minus = (first + middle + last) / 2, (first - middle + last) / 2
        weights = (first, plus, minus, -last)
        self.weights = nn.ParameterList([weight.t().float().contiguous() for weight in weights])
        self.bias = nn.Parameter(taken(bias_of(conv)))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, before) -> (batch, frames, after)."""
        batch, frames, channels = x.shape
        odd_one = 0 if self.even else frames % 2
        padded = functional.pad(x, (0, 0, 1, 1 + odd_one)).reshape(batch, -1, 2 * channels)
        odd, even = padded[..., :channels], padded[..., channels:]
        before, here, after, beyond = odd[:, :-1], even[:, :-1], odd[:, 1:], even[:, 1:]
        sides = (before - after, here + after, after - here, here - beyond)
        outer, plus, minus, far = (side.reshape(-1, channels) for side in sides)
        summed = torch.addmm(self.bias, plus, self.weights[1])
        differing = minus @ self.weights[2]
        first = torch.addmm(summed + differing, outer, self.weights[0])
        second = torch.addmm(summed - differing, far, self.weights[3])
        y = torch.cat([first, second], dim=-1).reshape(batch, frames + odd_one, -1)
        return y if self.even else y[:, :frames]


class JoinedConv(nn.Module):
    """A convolution over three frames, turned, as one product of three frames side by side; for eight bits."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.weight = nn.Parameter(taken(conv.weight).permute(2, 1, 0).flatten(0, 1).contiguous())
        self.bias = nn.Parameter(taken(bias_of(conv)))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, before) -> (batch, frames, after)."""
        padded = functional.pad(x, (0, 0, 1, 1))
        return torch.cat([padded[:, :-2], x, padded[:, 2:]], dim=-1) @ self.weight + self.bias


class TurnedConv(nn.Module):
    """A convolution over three frames, turned, left to the convolution of the runtime; for graphics cards."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.conv = UprightConv(conv)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, frames, before) -> (batch, frames, after)."""
        return self.conv(x.transpose(1, 2)).transpose(1, 2)


def turned_conv(conv: nn.Conv1d, manner: Manner, *, even: bool) -> nn.Module:
    """The convolution that suits a precision."""
    if manner.precision == FP16:
        return TurnedConv(conv)
    return JoinedConv(conv) if manner.precision == INT8 else PairedConv(conv, even=even)


class TurnedItem(nn.Module):
    """Resnet, modulation, injection, self attention and cross attention."""

    def __init__(self, item: Item, manner: Manner, *, even: bool) -> None:
        super().__init__()
        self.norms, convs = halves(item.resnet)
        self.convs = nn.ModuleList([turned_conv(conv, manner, even=even) for conv in convs])
        self.mix = nn.Parameter(mix_of(item.inject))
        self.attention = None if item.attention is None else TurnedAttention(item.attention, fused=manner.fused)
        self.fused = manner.fused

    def forward(self, x: Tensor, given: Steering) -> Tensor:
        """(batch, frames, channels) -> the same shape."""
        y = x
        for norm, conv in zip(self.norms, self.convs, strict=True):
            y = turned_group_norm(y, norm)
            y = conv(silu(y, fused=self.fused))
        x = layer_norm(x + y, given.scale[:, None], given.shift[:, None], 1e-6)
        x = linear(x, self.mix.t(), given.context)
        if self.attention is not None:
            x = self.attention(x)
        return x + given.added[:, None]


class TurnedAttention(nn.Module):
    """Self attention: the two layer norms of x differ in their affines alone, which go into one projection."""

    def __init__(self, attention: layout.SelfAttention, *, fused: bool) -> None:
        super().__init__()
        heads: layout.Heads = attention.get_submodule("blocks.0.block")  # type: ignore[assignment]
        self.heads, self.fused, self.eps = heads.heads, fused, heads.norm.eps
        query = folded(heads.to_q, heads.norm)
        key_value = folded(heads.to_kv, heads.norm_context)
        self.weight = nn.Parameter(torch.cat([query[0], key_value[0]]))
        self.bias = nn.Parameter(torch.cat([query[1], key_value[1]]))
        self.out = nn.Parameter(taken(heads.get_parameter("attention.blocks.0.weight")))
        channels = self.out.shape[0]
        self.register_buffer("one", torch.ones(1, 1, channels))
        self.register_buffer("zero", torch.zeros(1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        """x + what the frames tell each other."""
        normal = functional.layer_norm(x, x.shape[-1:], eps=self.eps)
        query, key, value = linear(normal, self.weight.t(), self.bias).split_with_sizes([self.out.shape[1]] * 3, dim=-1)
        return linear(attend(query, key, value, self.heads, fused=self.fused), self.out.t(), x)


class Down(nn.Module):
    """Learned, without overlap. Turned, it is one product, because the frames it joins lie side by side."""

    def __init__(self, down: layout.Down, *, turn: bool, turned: bool) -> None:
        super().__init__()
        conv: nn.Conv1d = down.block  # type: ignore[assignment]
        self.factor, self.turn, self.turned = conv.stride[0], turn, turned
        weight = taken(conv.weight)
        self.weight = nn.Parameter(weight.permute(2, 1, 0).flatten(0, 1).contiguous() if turned else weight)
        self.bias = nn.Parameter(taken(bias_of(conv)))

    def forward(self, x: Tensor) -> Tensor:
        """Frames / factor; turned if the depth below is."""
        if not self.turned:
            return functional.conv1d(x, self.weight, self.bias, stride=self.factor)
        x = x.transpose(1, 2) if self.turn else x
        batch, _, channels = x.shape
        return linear(x.reshape(batch, -1, channels * self.factor), self.weight, self.bias)


class Up(nn.Module):
    """Every frame ``factor`` times, then a convolution over three.

    Only frames at a seam see two different values, so copies share products. Upright, the convolution runs before the
    copies are made, with the outputs of all of them; turned, the seam's step is all that is added to what copies share.
    """

    def __init__(self, up: layout.Up, *, turn: bool, turned: bool) -> None:
        super().__init__()
        upsample, conv = up.block  # type: ignore[misc]
        self.factor, self.turn, self.turned = int(upsample.scale_factor), turn, turned
        weight = taken(conv.weight)
        first, _, last = weight.double().unbind(-1)
        whole = weight.double().sum(-1)
        self.bias = nn.Parameter(taken(bias_of(conv)))
        if turned:
            self.whole = nn.Parameter(whole.float().t().contiguous())
            self.first = nn.Parameter(-first.float().t().contiguous())
            self.last = nn.Parameter(last.float().t().contiguous())
        elif self.factor == 1:
            self.conv = UprightConv(conv)
        else:
            none = torch.zeros_like(whole)
            begin, end = torch.stack([first, whole - first, none], -1), torch.stack([none, whole - last, last], -1)
            middle = [torch.stack([none, whole, none], -1)] * (self.factor - 2)
            copies = nn.Conv1d(conv.in_channels, conv.out_channels * self.factor, 3)
            copies.weight = nn.Parameter(torch.cat([begin, *middle, end]).float())
            copies.bias = nn.Parameter(self.bias.detach().repeat(self.factor))
            self.conv = UprightConv(copies)

    def forward(self, x: Tensor) -> Tensor:
        """Frames x factor; upright if the depth above is."""
        batch = x.shape[0]
        if not self.turned:
            y = self.conv(x)
            if self.factor == 1:
                return y
            split = y.reshape(batch, self.factor, len(self.bias), -1)
            return split.permute(0, 2, 3, 1).reshape(batch, len(self.bias), -1)
        frames = x.shape[1]
        padded = functional.pad(x, (0, 0, 1, 1))
        steps = padded[:, 1:] - padded[:, :-1]
        inside = linear(x, self.whole, self.bias)
        begin = linear(steps[:, :-1], self.first, inside)
        end = linear(steps[:, 1:], self.last, inside)
        parts = [begin, *[inside] * (self.factor - 2), end]
        y = torch.cat(parts, dim=-1).reshape(batch, frames * self.factor, -1)
        return y.transpose(1, 2) if self.turn else y


def linear(x: Tensor, weight: Tensor, added: Tensor | None = None) -> Tensor:
    """x weight + added, as one general matrix product.

    Args:
        x: (batch, frames, before). weight: (before, after). added: (after,) or of the answer's shape.
    """
    batch, frames, before = x.shape
    flat = x.reshape(-1, before)
    if added is None:
        y = flat @ weight
    else:
        y = torch.addmm(added if added.dim() == 1 else added.reshape(-1, weight.shape[1]), flat, weight)
    return y.reshape(batch, frames, weight.shape[1])


def halves(resnet: layout.Resnet) -> tuple[nn.ModuleList, Sequence[nn.Conv1d]]:
    """The two group norms (copied) and the two convolutions of a residual block."""
    norms, convs = nn.ModuleList(), []
    for number in range(2):
        half: nn.Sequential = resnet.get_submodule(f"block.blocks.0.blocks.{number}")  # type: ignore[assignment]
        norm: nn.GroupNorm = half[0]  # type: ignore[assignment]
        copy = nn.GroupNorm(norm.num_groups, norm.num_channels, eps=norm.eps)
        copy.load_state_dict(norm.state_dict())
        norms.append(copy)
        convs.append(half[2])
    return norms, convs  # type: ignore[return-value]


def mix_of(inject: layout.Inject) -> Tensor:
    """(channels, channels): what injection does to x, its residual included."""
    weight = taken(inject.get_parameter("block.blocks.0.weight"))[:, :, 0]
    channels = weight.shape[0]
    return weight[:, :channels] + torch.eye(channels)


def folded(linear: nn.Linear, norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
    """Weight and bias of one projection that does the norm's affine too."""
    weight = taken(linear.weight).double()
    scale, shift = taken(norm.weight).double(), taken(norm.bias).double()
    return (weight * scale).float(), (weight @ shift).float()


def bias_of(conv: nn.Conv1d) -> Tensor:
    """A convolution's bias; every one in the official nets has one."""
    assert conv.bias is not None
    return conv.bias


def taken(tensor: Tensor) -> Tensor:
    """A weight without its history, to be used in another module."""
    return tensor.detach().float().clone()
