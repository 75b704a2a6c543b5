"""What SyncFusion's serving UNet takes beside the noisy signal, computed once a schedule, once a sound, once a window.

Convention: each net looks at one source, and is made of the official nets with their weights. Tables have their parts
in the order of the UNet's walk (see ``serving``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from onnx_export.nets.syncfusion import layout
from onnx_export.nets.syncfusion.onset_encoder import NormedConv, OnsetEncoder, Residual
from onnx_export.nets.syncfusion.serving import BLOCK, Depth, outermost
from onnx_export.nets.syncfusion.serving_ops import group_norm, silu
from onnx_export.nets.syncfusion.serving_pieces import Item, taken
from onnx_export.nets.syncfusion.unet import UNet


class TimeEncoder(nn.Module):
    """sigma (batch,) -> (batch, all modulations): skip strengths, and of every item 1 + scale and shift."""

    def __init__(self, unet: UNet) -> None:
        super().__init__()
        self.fourier, self.mlp = unet.blocks[0], unet.blocks[1]
        weights, biases = [], []
        for depth, item in outermost(unet).walk():
            linear = depth.skip if item is None else item.modulation.get_submodule("blocks.0.block.blocks.0.1")
            weights.append(taken(linear.get_parameter("weight")))
            bias = taken(linear.get_parameter("bias"))
            if item is not None:
                bias[: depth.channels] += 1.0
            biases.append(bias)
        self.weight, self.bias = nn.Parameter(torch.cat(weights)), nn.Parameter(torch.cat(biases))

    def forward(self, sigma: Tensor) -> Tensor:
        """Noise level, 1 is noise, 0 is sound."""
        features = self.mlp(functional.gelu(self.fourier(sigma)))
        return functional.linear(functional.silu(features), self.weight, self.bias)


class EmbeddingEncoder(nn.Module):
    """embedding (batch, features) -> (batch, what all cross attentions add).

    Cross attention sees one key, so every frame takes all of its value: W_out W_v norm(embedding), whatever it asks.
    Norms and products of all of them are one matrix.
    """

    def __init__(self, unet: UNet) -> None:
        super().__init__()
        weights, biases = [], []
        for _, item in outermost(unet).walk():
            if item is None:
                continue
            heads: layout.Heads = item.cross.get_submodule("blocks.0.block")  # type: ignore[assignment]
            value = taken(heads.to_kv.weight).double().chunk(2)[1]
            whole = taken(heads.get_parameter("attention.blocks.0.weight")).double() @ value
            norm = heads.norm_context
            weights.append((whole * norm.weight.detach()).float())
            biases.append((whole @ norm.bias.detach().double()).float())
        self.weight, self.bias = nn.Parameter(torch.cat(weights)), nn.Parameter(torch.cat(biases))

    def forward(self, embedding: Tensor) -> Tensor:
        """CLAP's embedding, or the checkpoint's fixed one."""
        normal = functional.layer_norm(embedding, embedding.shape[-1:])
        return functional.linear(normal, self.weight, self.bias)


class ContextEncoder(nn.Module):
    """onset track (batch, 1, frames) -> what every injection adds, in the layout of its depth and the walk's order."""

    def __init__(self, encoder: OnsetEncoder, unet: UNet, *, fused: bool = True) -> None:
        super().__init__()
        self.encoder = ServingEncoder(encoder, fused=fused)
        self.depths: list[int] = []
        self.turned: list[bool] = []
        self.convs = nn.ModuleList()
        for depth, item in outermost(unet).walk():
            if item is not None:
                self.depths.append(depth.depth)
                self.turned.append(depth.turned)
                self.convs.append(_of_context(depth, item))

    def forward(self, onset_track: Tensor) -> tuple[Tensor, ...]:
        """Ones where an onset is, else zeros."""
        contexts = self.encoder(onset_track)
        answers = [conv(contexts[depth]) for conv, depth in zip(self.convs, self.depths, strict=True)]
        return tuple(
            answer.transpose(1, 2) if turned else answer for answer, turned in zip(answers, self.turned, strict=True)
        )


class ServingEncoder(nn.Module):
    """The onset encoder with means that are summed in two stages."""

    def __init__(self, encoder: OnsetEncoder, *, fused: bool) -> None:
        super().__init__()
        self.encoder, self.fused = encoder, fused

    def forward(self, onset_track: Tensor) -> list[Tensor]:
        """(batch, 1, frames) -> one context a depth."""
        units = self.encoder.shape.align
        x = self._residual(self.encoder.to_in.block, onset_track, units)
        contexts = []
        for level, factor in zip(self.encoder.downsamples, self.encoder.shape.factors, strict=True):
            units //= factor
            x = level.downsample(x)  # type: ignore[operator]
            for block in level.blocks:  # type: ignore[union-attr]
                x = self._residual(block, x, units)  # type: ignore[arg-type]
            contexts.append(x)
        return contexts

    def _residual(self, block: Residual, x: Tensor, units: int) -> Tensor:
        return block.to_out(x) + self._half(block.block2, self._half(block.block1, x, units), units)

    def _half(self, half: NormedConv, x: Tensor, units: int) -> Tensor:
        y = group_norm(x, half.groupnorm, block=min(units, BLOCK))
        return half.project(silu(y, fused=self.fused))


def _of_context(depth: Depth, item: Item) -> nn.Conv1d:
    """The part of an injection that looks at the context, with the bias."""
    weight = taken(item.inject.get_parameter("block.blocks.0.weight"))[:, depth.channels :]
    conv = nn.Conv1d(weight.shape[1], weight.shape[0], 1)
    conv.weight = nn.Parameter(weight.contiguous())
    conv.bias = nn.Parameter(taken(item.inject.get_parameter("block.blocks.0.bias")))
    return conv
