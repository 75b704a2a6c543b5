"""What the embedder is trained for: pairs near each other, others apart, materials told apart in both.

Convention: the symmetric loss of CLIP (Radford et al., ICML 2021) with soft targets, since many captions fit many
sounds; a classifier with one direction per material looks at both kinds of embedding, which also keeps them from
living in two corners of the space (Liang et al., NeurIPS 2022, on that gap).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from onnx_export.train.captions import GENERIC, Known

SAME_DETAIL, SAME_ACTION, SAME_MATERIAL = 0.7, 0.15, 0.05
CLASS_WEIGHT, GAP_WEIGHT, PAIR_WEIGHT = 0.5, 1.0, 0.2
CLASS_SCALE, FIRST_SCALE, LAST_SCALE = 12.0, 10.0, 30.0


class Heads(nn.Module):
    """Temperature of the pairs and one direction per material."""

    def __init__(self, dim: int, materials: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(FIRST_SCALE))
        self.directions = nn.Parameter(torch.randn(materials, dim))

    def scores(self, embeddings: Tensor) -> Tensor:
        """How near each embedding is to each material, (batch, materials)."""
        return CLASS_SCALE * embeddings @ functional.normalize(self.directions, dim=1).T


def loss_of(heads: Heads, audio: Tensor, text: Tensor, wanted: Tensor, materials: Tensor) -> Tensor:
    """The whole loss.

    Args:
        audio: embeddings (batch, dim). text: of their captions, then of further ones (batch + further, dim).
        wanted: how much each caption fits each sound (batch, batch); see ``alike``.
        materials: of the captions (batch + further,), -1 for none.
    """
    count = len(audio)
    paired = text[:count]
    scores = heads.scale.clamp(1.0, LAST_SCALE) * audio @ paired.T
    share = wanted / wanted.sum(dim=1, keepdim=True)
    pairs = 0.5 * (functional.cross_entropy(scores, share) + functional.cross_entropy(scores.T, share))
    named = functional.cross_entropy(heads.scores(text), materials, ignore_index=-1)
    heard = materials[:count]
    if bool((heard >= 0).any()):
        named = named + functional.cross_entropy(heads.scores(audio), heard, ignore_index=-1, label_smoothing=0.05)
    gap = (audio.mean(dim=0) - paired.mean(dim=0)).square().sum()
    near = 1.0 - (audio * paired).sum(dim=1).mean()
    return pairs + CLASS_WEIGHT * named + GAP_WEIGHT * gap + PAIR_WEIGHT * near


def alike(known: Sequence[Known], families: Sequence[str]) -> Tensor:
    """How much what is said of one sound fits another, (sounds, sounds), 1 on the diagonal and among takes."""
    made = torch.eye(len(known))
    for one, (first, family) in enumerate(zip(known, families, strict=True)):
        for other in range(one):
            second = known[other]
            same = 0.0
            if family == families[other]:
                same = 1.0
            elif first.material == second.material:
                named = first.material != GENERIC
                same = SAME_MATERIAL if named else 0.0
                if first.action == second.action:
                    same = SAME_ACTION
                    if first.detail and first.detail == second.detail:
                        same = SAME_DETAIL
            made[one, other] = made[other, one] = same
    return made
