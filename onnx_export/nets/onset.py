"""The starter pack's onset net: contacts and their strengths out of a grid of motion.

In the spirit of SyncFusion's R(2+1)D without striding over time (Comunità et al., 2024; Tran et al., CVPR 2018), but on
velocities instead of pixels and about a hundredth of the size: space first, then time, two answers per step.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bridge.dsp.motion import CHANNELS

DILATIONS = (1, 2, 4, 8, 1, 2, 4)
SMOOTHING_STEPS = 1.0
"""Standard deviation of the weights that ``OnsetGraph`` sums activation with: at 30 steps a second, 33 ms."""
_SMOOTHED = 4
CONTEXT_STEPS = 1 + 1 + 2 * sum(DILATIONS) + _SMOOTHED
"""Steps on either side that an answer of the graph depends on."""


class OnsetNet(nn.Module):
    """Motion [batch, time, 4, rows, columns] to logits of contact and of strength, each [batch, time].

    Args:
        width: channels over space.
        features: channels over time.
        dropout: share of pooled features dropped in training.
    """

    def __init__(self, *, width: int = 32, features: int = 96, dropout: float = 0.2) -> None:
        super().__init__()
        self.space = nn.Sequential(
            nn.Conv2d(CHANNELS, width, 4, stride=2, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.BatchNorm2d(width),
            nn.ReLU(),
        )
        self.early = nn.Sequential(_TimeConv(width), _TimeConv(width))
        self.squeeze = nn.Sequential(nn.Dropout(dropout), nn.Conv1d(3 * width + 2 * CHANNELS, features, 1), nn.ReLU())
        self.late = nn.Sequential(*(_Dilated(features, dilation) for dilation in DILATIONS))
        self.head = nn.Sequential(nn.ReLU(), nn.Dropout(dropout), nn.Conv1d(features, 2, 1))
        with torch.no_grad():
            self.head[-1].bias.copy_(torch.tensor([-2.5, -0.5]))  # type: ignore[union-attr]

    def forward(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        batch, time = motion.shape[0], motion.shape[1]
        seen = self.space(motion.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        seen = seen.unflatten(0, (batch, time)).transpose(1, 2)
        seen = self.early(seen)
        cells = seen.permute(0, 2, 3, 4, 1).flatten(2, 3).float()
        raw = motion.flatten(3)
        pooled = torch.cat(
            [
                cells.mean(2),
                cells.amax(2),
                cells.square().mean(2).clamp_min(1e-6).sqrt(),
                raw.mean(3),
                raw.abs().amax(3),
            ],
            2,
        ).transpose(1, 2)
        contact, strength = self.head(self.late(self.squeeze(pooled))).unbind(1)
        return contact, strength


class OnsetGraph(nn.Module):
    """What is exported: several nets' logits of the picture and of its mirror image, averaged.

    Gives activation and strength, both [batch, time] in 0..1. Activation is summed up over about ±50 ms: nets are often
    sure of a contact and unsure of its step, and a time with much chance around it beats one with a high peak.

    Args:
        nets: trained alike from different seeds; one is enough.
    """

    def __init__(self, nets: Sequence[OnsetNet]) -> None:
        super().__init__()
        self.nets = nn.ModuleList(nets)
        steps = torch.arange(-_SMOOTHED, _SMOOTHED + 1) / SMOOTHING_STEPS
        weights = torch.exp(-0.5 * steps.square())
        self.register_buffer("weights", (weights / weights.sum())[None, None], persistent=False)

    def forward(self, motion: Tensor) -> tuple[Tensor, Tensor]:
        answers = [net(seen) for seen in (motion, mirror(motion)) for net in self.nets]
        contact, strength = (torch.stack(same).mean(0) for same in zip(*answers, strict=True))
        activation = nn.functional.conv1d(torch.sigmoid(contact)[:, None], self.weights, padding=_SMOOTHED)  # type: ignore[arg-type]
        return activation[:, 0], torch.sigmoid(strength)


def mirror(motion: Tensor) -> Tensor:
    """Left and right exchanged: cells and the sign of the rightward velocity."""
    sign = torch.tensor([-1.0, 1.0, 1.0, 1.0], dtype=motion.dtype, device=motion.device)
    return motion.flip(-1) * sign[:, None, None]


class _TimeConv(nn.Module):
    """Three steps of time, cell by cell, with a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv3d(width, width, (3, 1, 1), padding=(1, 0, 0))
        self.norm = nn.BatchNorm3d(width)

    def forward(self, seen: Tensor) -> Tensor:
        return torch.relu(seen + self.norm(self.conv(seen)))


class _Dilated(nn.Module):
    """Three steps, some apart, with a shortcut."""

    def __init__(self, features: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(features, features, 3, padding=dilation, dilation=dilation)
        self.norm = nn.BatchNorm1d(features)

    def forward(self, curve: Tensor) -> Tensor:
        return curve + torch.relu(self.norm(self.conv(curve)))
