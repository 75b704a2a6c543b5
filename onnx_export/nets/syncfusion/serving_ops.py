"""What the serving nets compute with, written so that ONNX Runtime gets few and fast operators.

Convention: each function is exact algebra of what it replaces; in eager torch it computes the same. ``fused`` asks for
operators of ONNX Runtime's own set (domain ``com.microsoft``) where the standard set has none.
Layouts: *upright* is (batch, channels, frames), *turned* is (batch, frames, channels).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

BLOCK = 256
"""Values that the first stage of a mean sums."""


def silu(x: Tensor, *, fused: bool) -> Tensor:
    """x sigmoid(x)."""
    if fused and torch.compiler.is_exporting():
        return torch.onnx.ops.symbolic(
            "com.microsoft::QuickGelu", (x,), {"alpha": 1.0}, dtype=x.dtype, shape=x.shape, version=1
        )
    return functional.silu(x)


def attend(query: Tensor, key: Tensor, value: Tensor, heads: int, *, fused: bool) -> Tensor:
    """Attention of every frame to every frame, scaled by the root of a head's features: turned in, turned out.

    Args:
        query, key, value: (batch, frames, heads x features of a head).
        heads: how many. fused: as one operator, which never holds the whole frames x frames table.
    """
    if fused and torch.compiler.is_exporting():
        return torch.onnx.ops.symbolic(
            "com.microsoft::MultiHeadAttention",
            (query, key, value),
            {"num_heads": heads},
            dtype=query.dtype,
            shape=query.shape,
            version=1,
        )
    query, key, value = (part.unflatten(-1, (heads, -1)).transpose(1, 2) for part in (query, key, value))
    return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2)


def layer_norm(x: Tensor, scale: Tensor, shift: Tensor, eps: float) -> Tensor:
    """Layer norm over a turned tensor's channels with a scale and a shift of each row of the batch.

    Args:
        x: (batch, frames, channels). scale, shift: (batch, 1, channels). eps: added to the variance.
    """
    if torch.compiler.is_exporting():
        return torch.onnx.ops.symbolic(
            "LayerNormalization",
            (x, scale, shift),
            {"axis": -1, "epsilon": eps},
            dtype=x.dtype,
            shape=x.shape,
            version=17,
        )
    return functional.layer_norm(x, x.shape[-1:], eps=eps) * scale + shift


def group_norm(x: Tensor, norm: Any, *, block: int) -> Tensor:
    """Group norm of an upright tensor over the whole length, its means summed in stages.

    ONNX Runtime's own norm adds a quarter of a million values one after the other and is off by 8e-3 where most are
    zero. Taking the mean away first gives most of that back, sums in stages half of the rest (1.4e-4 for 2.6e-4).

    Args:
        x: (batch, channels, frames). norm: a ``GroupNorm`` with its weights. block: a number that divides frames.
    """
    batch, channels, groups = *x.shape[:2], norm.num_groups
    stages = (batch, groups, -1, block)
    grouped = x.reshape(batch, groups, -1)
    centred = grouped - x.reshape(stages).mean(-1).mean(-1, keepdim=True)
    variance = (centred * centred).reshape(stages).mean(-1).mean(-1, keepdim=True)
    scale = torch.rsqrt(variance + norm.eps) * norm.weight.view(groups, -1)
    return centred.reshape(x.shape) * scale.reshape(batch, channels, 1) + norm.bias[:, None]


def turned_group_norm(x: Tensor, norm: Any) -> Tensor:
    """Group norm of a turned tensor over the whole length; its means are products with a row of equal weights.

    Args:
        x: (batch, frames, channels). norm: a ``GroupNorm`` with its weights.
    """
    frames = x.shape[1]
    average = x.new_full((1, 1, frames), 1.0) / frames
    centred = x - _of_groups(average @ x, norm.num_groups)
    variance = _of_groups(average @ (centred * centred), norm.num_groups)
    return centred * (torch.rsqrt(variance + norm.eps) * norm.weight) + norm.bias


def _of_groups(means: Tensor, groups: int) -> Tensor:
    """(batch, 1, channels) -> the mean of each channel's group, the same shape."""
    batch, _, channels = means.shape
    grouped = means.reshape(batch, groups, channels // groups).mean(-1, keepdim=True)
    return grouped.expand(-1, -1, channels // groups).reshape(batch, 1, channels)
