"""The small CLAP as its trainings share it: what a run trains, how that is checked, and ``load_model`` to use it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bridge.errors import PackError
from onnx_export.checkpoints import read_facts
from onnx_export.nets.embed import EmbedNet, EmbedShape
from onnx_export.train.captions import MATERIALS, compose
from onnx_export.train.embed_data import Sound, plain_clips
from onnx_export.train.embed_loss import Heads
from onnx_export.train.embed_words import tokenizer_json, tokens_of
from onnx_export.train.run import Run, load_average

SAVE_EVERY, CHECK_EVERY = 100, 100
"""Steps between two checkpoints, and between two lines of the log."""
_NOT_OURS = "Train with foley-export train embed, or correct the path"


class EmbedModel(nn.Module):
    """A trained embedder.

    Attributes:
        net: both towers. vocabulary: words by token. tokenizer: the pack's, of the ``tokenizers`` library.
    """

    def __init__(self, net: EmbedNet, vocabulary: Sequence[str]) -> None:
        super().__init__()
        self.net = net
        self.vocabulary = tuple(vocabulary)
        self.tokenizer = tokenizers.Tokenizer.from_str(tokenizer_json(vocabulary))

    def audio(self, waveform: Tensor) -> Tensor:
        """Embeddings (batch, DIM) of clips (batch, CLIP_SAMPLES) that ``clip_of_reference`` prepared."""
        return self.net.audio_tower.seen(self.net.audio_tower.quick_mel(waveform))

    def text(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """Embeddings (batch, DIM) of tokens and their mask (batch, tokens)."""
        return self.net.text_tower(tokens, mask)

    @torch.no_grad()
    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embeddings (texts, DIM) of free text."""
        found = self.tokenizer.encode_batch(list(texts))
        tokens = torch.tensor([one.ids for one in found], dtype=torch.int64)
        return self.text(tokens, torch.tensor([one.attention_mask for one in found], dtype=torch.int64)).numpy()

    @torch.no_grad()
    def of_clips(self, clips: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embeddings (clips, DIM) of prepared clips (clips, CLIP_SAMPLES)."""
        made = [self.audio(torch.from_numpy(clips[first : first + 64])).numpy() for first in range(0, len(clips), 64)]
        return np.concatenate(made)


class Learner(nn.Module):
    """What a run trains: the net, and what only the loss needs."""

    def __init__(self, shape: EmbedShape) -> None:
        super().__init__()
        self.net = EmbedNet(shape)
        self.heads = Heads(shape.dim, len(MATERIALS))


def load_model(path: Path) -> EmbedModel:
    """The embedder with the averaged weights of a checkpoint, for use.

    Raises:
        PackError: the checkpoint is missing, damaged or of another net.
    """
    facts = read_facts(path)
    try:
        shape, vocabulary = shape_of(facts["shape"]), json.loads(facts["vocabulary"])
        if len(vocabulary) != shape.vocabulary:
            raise ValueError("vocabulary and shape do not fit")
    except (KeyError, TypeError, ValueError) as error:
        raise PackError(f"checkpoint {path} is no embedder ({error})", hint=_NOT_OURS) from error
    learner = Learner(shape)
    load_average(path, learner)
    model = EmbedModel(learner.net, vocabulary).eval()
    return model.requires_grad_(False)


def shape_of(text: str) -> EmbedShape:
    """Sizes from a checkpoint's text.

    Raises:
        TypeError, ValueError: no such text.
    """
    sizes = json.loads(text)
    given: dict[str, Any] = {name: tuple(size) if isinstance(size, list) else size for name, size in sizes.items()}
    return EmbedShape(**given)


class Check:
    """How well held-out sounds and their captions find each other, while training."""

    def __init__(self, sounds: Sequence[Sound], index: Mapping[str, int]) -> None:
        self._sounds = [sound for sound in sounds if sound.held_out]
        rng = np.random.default_rng(5)
        self._tokens = torch.from_numpy(tokens_of([compose(sound.known, rng) for sound in self._sounds], index))
        self._clips = torch.from_numpy(plain_clips(self._sounds)) if self._sounds else torch.zeros(0, 1)
        self._materials = torch.tensor([sound.material for sound in self._sounds])

    @torch.no_grad()
    def of(self, run: Run, learner: Learner) -> dict[str, float]:
        if not self._sounds:
            return {}
        with run.averaged():
            tower = learner.net.audio_tower
            audio = torch.cat([tower.seen(tower.quick_mel(some)) for some in self._clips.split(64)])
            text = learner.net.text_tower(self._tokens, (self._tokens > 0).long())
            named = self._materials >= 0
            guess = learner.heads.scores(audio[named]).argmax(dim=1)
        scores = text @ audio.T
        rank = (scores > scores.diagonal()[:, None]).sum(dim=1)
        return {
            "material": float((guess == self._materials[named]).float().mean()),
            "recall_at_10": float((rank < 10).float().mean()),
            "cosine_of_pairs": float(scores.diagonal().mean()),
            "cosine_of_others": float(scores.mean()),
        }
