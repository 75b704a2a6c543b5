"""CLAP's reader: RoBERTa with its pooler.

Convention: modules and weights are named as LAION-CLAP's ``text_branch`` names them, which are those of transformers'
``RobertaModel``; sizes and constants are those of roberta-base (Liu et al., 2019: BERT's architecture, Devlin et al.,
2019). The normalisation's epsilon is roberta-base's 1e-5; the 1e-12 that configurations default to elsewhere is
BERT's. Drop-out is left out.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-5
PAD = 1
"""Token that fills a short prompt; it has no position, and positions count from the number after it."""
UNSEEN = -1e4
"""Added to the attention of what the mask hides: far below any score, and within float16."""


@dataclass(frozen=True, kw_only=True)
class TextShape:
    """Sizes of the net; the defaults are roberta-base's.

    Attributes:
        vocabulary: tokens. positions: of the longest prompt, and two that are not used.
        width, layers, heads, hidden: channels, blocks, heads of a block, channels within its MLP.
    """

    vocabulary: int = 50_265
    positions: int = 514
    width: int = 768
    layers: int = 12
    heads: int = 12
    hidden: int = 3072


class TextBranch(nn.Module):
    """Tokens and mask, both int64 (batch, tokens) -> features (batch, width)."""

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.embeddings = Embeddings(shape)
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList([Layer(shape) for _ in range(shape.layers)])})
        self.pooler = nn.ModuleDict({"dense": nn.Linear(shape.width, shape.width)})

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        """What the pooler makes of the first token. Mask: 1 for tokens that are seen, 0 for others."""
        x = self.embeddings(tokens)
        unseen = (1.0 - attention_mask.to(x.dtype))[:, None, None, :] * UNSEEN
        layers = self.encoder["layer"]
        assert isinstance(layers, nn.ModuleList)
        for layer in layers:
            x = layer(x, unseen)
        return torch.tanh(self.pooler["dense"](x[:, 0]))


class Embeddings(nn.Module):
    """Tokens (batch, tokens) -> (batch, tokens, width): word + position + the one token type."""

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocabulary, shape.width)
        self.position_embeddings = nn.Embedding(shape.positions, shape.width)
        self.token_type_embeddings = nn.Embedding(1, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=EPSILON)

    def forward(self, tokens: Tensor) -> Tensor:
        """Positions count the tokens that are not padding.

        Tables are indexed, not called: the exporter names what a call gives ``embedding``, as the graph's output is.
        """
        real = (tokens != PAD).to(tokens.dtype)
        positions = torch.cumsum(real, dim=1) * real + PAD
        x = self.word_embeddings.weight[tokens] + self.position_embeddings.weight[positions]
        return self.LayerNorm(x + self.token_type_embeddings.weight[0])


class Layer(nn.Module):
    """Attention and MLP, each added and then normalised."""

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.attention = nn.ModuleDict({"self": SelfAttention(shape), "output": Output(shape.width, shape.width)})
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(shape.width, shape.hidden)})
        self.output = Output(shape.hidden, shape.width)

    def forward(self, x: Tensor, unseen: Tensor) -> Tensor:
        """(batch, tokens, width) in and out."""
        x = self.attention["output"](self.attention["self"](x, unseen), x)
        return self.output(functional.gelu(self.intermediate["dense"](x)), x)


class SelfAttention(nn.Module):
    """Every token looks at every token that is seen."""

    def __init__(self, shape: TextShape) -> None:
        super().__init__()
        self.heads = shape.heads
        self.query = nn.Linear(shape.width, shape.width)
        self.key = nn.Linear(shape.width, shape.width)
        self.value = nn.Linear(shape.width, shape.width)

    def forward(self, x: Tensor, unseen: Tensor) -> Tensor:
        """(batch, tokens, width) in and out; ``unseen`` (batch, 1, 1, tokens) is added to the scores."""
        query, key, value = (self._split(part(x)) for part in (self.query, self.key, self.value))
        scores = query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5 + unseen
        return (scores.softmax(dim=-1) @ value).transpose(1, 2).flatten(2)

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)


class Output(nn.Module):
    """Linear, then added to what went in before, then normalised."""

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__()
        self.dense = nn.Linear(width_in, width_out)
        self.LayerNorm = nn.LayerNorm(width_out, eps=EPSILON)

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        """(batch, tokens, ...) in, (batch, tokens, width_out) out."""
        return self.LayerNorm(self.dense(x) + before)
