"""Nets of a few weights that play the roles of a pack, for tests of the exporter."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bridge.packs import contract
from onnx_export.recipe import Recipe

SIZES = {"channels": 4, "rows": 2, "columns": 3}


class TinyOnset(nn.Module):
    """Motion to activation: one convolution over time."""

    def __init__(self, *, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.over_time = nn.Conv1d(24, 1, 3, padding=1)

    def forward(self, motion: Tensor) -> Tensor:
        """(batch, time, 4, 2, 3) -> (batch, time)."""
        flat = motion.flatten(2).transpose(1, 2)
        return torch.sigmoid(self.over_time(flat))[:, 0]


def onset_recipe(module: nn.Module | None = None, *, tolerance: float = 1e-5) -> Recipe:
    """A recipe that the tiny net fulfils."""
    return Recipe(role=contract.ONSET, module=module or TinyOnset(), sizes=SIZES, tolerance=tolerance)
