"""The starter's small CLAP: words and sounds in one space (idea: Wu et al., ICASSP 2023; Radford et al., ICML 2021).

Convention: both towers give ``DIM`` numbers of length 1. Sounds come as ``bridge.engine.tokens.clip_of_reference``
prepares them. Words come as numbers of a whole-word vocabulary in which 0 fills up and 1 stands for every unknown
word; neither moves an embedding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from onnx_export.nets.clap_mel import FLOOR, LogMel, MelShape

DIM = 128
RATE_HZ = 48_000
CLIP_SAMPLES = 96_000
PAD, UNKNOWN = 0, 1
SENTENCE = 384
"""Values of a sentence vector of the teacher (all-MiniLM-L6-v2) that the text tower learns to reproduce."""

MEL = MelShape(
    rate_hz=RATE_HZ,
    clip_samples=CLIP_SAMPLES,
    window_samples=1024,
    hop_samples=480,
    bands=64,
    low_hz=40.0,
    high_hz=20_000.0,
)
"""The picture of a sound: a column every 10 ms."""

_LEVEL_DB, _SPREAD_DB = -45.0, 20.0
_QUIETEST_DB = 80.0
_SPANS = ((0, 3), (3, 8), (8, 16), (16, 30), (30, 60), (60, 100))
"""Columns after the loudest moment (less ``_BEFORE``) that are averaged."""
_BODY, _BEFORE, _HEARD_DB = 30, 2, 60.0
_LEAST = 1e-6


@dataclass(frozen=True, kw_only=True)
class EmbedShape:
    """Sizes of both towers.

    Attributes:
        vocabulary: words that the text tower knows, with filler and unknown. word: values per word.
        audio: channels of the audio tower's stages; each halves both sides of the picture.
        hidden: width inside the last layers. dim: values of an embedding. mel: the picture of a sound.
        struck: width of what looks at the loudest moment and after (see ``Struck``); 0 for none.
    """

    vocabulary: int
    word: int = 96
    audio: Sequence[int] = (24, 48, 96, 192)
    hidden: int = 256
    dim: int = DIM
    mel: MelShape = MEL
    struck: int = 0


class AudioTower(nn.Module):
    """Waveform (batch, clip) -> embedding (batch, dim): the pack's ``clap_audio`` graph.

    How loud the whole clip is does not count: the picture's loudest point is always the same.
    """

    def __init__(self, shape: EmbedShape) -> None:
        super().__init__()
        self.mel = LogMel(shape.mel)
        stages: list[nn.Module] = [nn.Conv2d(1, shape.audio[0], 5, stride=2, padding=2), nn.GELU()]
        for given, made in zip(shape.audio[:-1], shape.audio[1:], strict=True):
            stages += [_Residual(given), nn.Conv2d(given, made, 3, stride=2, padding=1), nn.GELU()]
        self.stages = nn.Sequential(*stages, _Residual(shape.audio[-1]))
        self.weigh = nn.Conv2d(shape.audio[-1], 4, 1)
        self.head = nn.Sequential(
            nn.LayerNorm(5 * shape.audio[-1]),
            nn.Linear(5 * shape.audio[-1], shape.hidden),
            nn.GELU(),
            nn.Dropout(0.2),
            nn.Linear(shape.hidden, shape.dim),
        )
        self.struck = Struck(shape) if shape.struck else None

    def forward(self, waveform: Tensor) -> Tensor:
        """Of length 1."""
        return self.seen(self.mel(waveform))

    def seen(self, picture: Tensor) -> Tensor:
        """Embedding (batch, dim) of decibels (batch, 1, frames, bands), as ``mel`` gives them or ``quick_mel``."""
        loudest = picture.amax(dim=(2, 3), keepdim=True)
        level = torch.maximum(picture - loudest, torch.full_like(loudest, -_QUIETEST_DB))
        deep = self.stages((level - _LEVEL_DB) / _SPREAD_DB).float()
        weights = torch.softmax(self.weigh(deep).float().flatten(2), dim=2)
        spots = deep.flatten(2)
        picked = torch.matmul(weights, spots.transpose(1, 2)).flatten(1)
        place = self.head(torch.cat([picked, spots.amax(dim=2)], dim=1)).float()
        if self.struck is not None:
            place = place + self.struck(level).float()
        return functional.normalize(place, dim=-1)

    def quick_mel(self, waveform: Tensor) -> Tensor:
        """The same picture as ``mel`` by a fast Fourier transform, for training."""
        shape = self.mel.shape
        window = torch.hann_window(shape.window_samples, periodic=True, device=waveform.device)
        spectrum = torch.stft(
            waveform.float(),
            shape.window_samples,
            shape.hop_samples,
            window=window,
            center=True,
            pad_mode="reflect",
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        bands = power.transpose(1, 2) @ self.mel.mel
        return (10.0 * torch.log10(torch.clamp(bands, min=FLOOR)))[:, None]


class Struck(nn.Module):
    """What a hit is made of, from its loudest moment on: spectrum at several distances, course, unevenness.

    Few numbers that do not move with the attack, so that a small collection of sounds suffices to learn from them.
    """

    middle: Tensor
    spread: Tensor
    ahead: Tensor

    def __init__(self, shape: EmbedShape) -> None:
        super().__init__()
        bands, frames = shape.mel.bands, _SPANS[-1][1]
        count = len(_SPANS) * bands // 2 + bands + (_BODY + 1) // 2 + bands // 4 + bands - 2
        self.register_buffer("middle", torch.zeros(count))
        self.register_buffer("spread", torch.ones(count))
        self.register_buffer("ahead", torch.arange(frames), persistent=False)
        width = shape.struck
        self.layers = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(count, width),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(0.3),
            nn.Linear(width, shape.dim),
        )

    def forward(self, level: Tensor) -> Tensor:
        """(batch, dim), of any length, of decibels below the loudest point (batch, 1, frames, bands)."""
        return self.layers((self.features(level) - self.middle) / self.spread)

    def features(self, level: Tensor) -> Tensor:
        """(batch, features) in decibels, before they are brought to one scale."""
        picture = torch.clamp(level[:, 0], min=-_HEARD_DB)
        frames, bands = picture.shape[1], picture.shape[2]
        power = torch.exp(picture * (math.log(10.0) / 10.0))
        first = torch.clamp(power.sum(dim=2).argmax(dim=1) - _BEFORE, min=0)
        at = first[:, None] + self.ahead[None, :]
        inside = (at < frames).to(power.dtype)[:, :, None]
        where = torch.clamp(at, max=frames - 1)[:, :, None].expand(-1, -1, bands)
        seen = torch.gather(power, 1, where) * inside + _LEAST * (1.0 - inside)
        spans = [_decibels(seen[:, a:b].mean(dim=1)).unflatten(1, (bands // 2, 2)).mean(dim=2) for a, b in _SPANS]
        tone = _decibels(seen[:, :_BODY].mean(dim=1))
        course = _decibels(seen[:, :_BODY].sum(dim=2))
        restless = (_decibels(seen[:, 1:_BODY]) - _decibels(seen[:, : _BODY - 1])).abs().mean(dim=1)
        uneven = (tone[:, 2:] - 2.0 * tone[:, 1:-1] + tone[:, :-2]).abs()
        return torch.cat(
            [
                *spans,
                tone - tone.amax(dim=1, keepdim=True),
                course[:, ::2] - course.amax(dim=1, keepdim=True),
                restless.unflatten(1, (bands // 4, 4)).mean(dim=2),
                uneven,
            ],
            dim=1,
        )


class TextTower(nn.Module):
    """Tokens and their mask (batch, tokens) -> embedding (batch, dim): the pack's ``clap_text`` graph.

    Words look at each other once, are pooled by learned weights into a sentence vector, and that is projected.
    """

    def __init__(self, shape: EmbedShape) -> None:
        super().__init__()
        self.table = nn.Embedding(shape.vocabulary, shape.word)
        self.ask, self.show, self.tell = (nn.Linear(shape.word, shape.word) for _ in range(3))
        self.weigh = nn.Linear(shape.word, 4)
        self.sentence_of = nn.Sequential(
            nn.LayerNorm(4 * shape.word), nn.Linear(4 * shape.word, SENTENCE), nn.GELU(), nn.Linear(SENTENCE, SENTENCE)
        )
        self.skip = nn.Linear(shape.word, SENTENCE)
        self.head = nn.Sequential(
            nn.Dropout(0.1),
            nn.Linear(SENTENCE, shape.hidden),
            nn.GELU(),
            nn.Dropout(0.1),
            nn.Linear(shape.hidden, shape.dim),
        )

    def forward(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        """Of length 1."""
        return self.embed(self.sentence(tokens, attention_mask))

    def sentence(self, tokens: Tensor, attention_mask: Tensor) -> Tensor:
        """Sentence vectors (batch, SENTENCE), of length 1."""
        known = ((attention_mask > 0) & (tokens > UNKNOWN)).to(self.table.weight.dtype)
        words = self.table(tokens) * known[..., None]
        fit = self.ask(words) @ self.show(words).transpose(1, 2) / float(words.shape[-1]) ** 0.5
        words = (words + _share(fit, known[:, None, :]) @ self.tell(words)) * known[..., None]
        pooled = _share(self.weigh(words).transpose(1, 2), known[:, None, :]) @ words
        vector = self.sentence_of(pooled.flatten(1)) + self.skip(pooled.mean(dim=1))
        return functional.normalize(vector, dim=-1)

    def embed(self, sentence: Tensor) -> Tensor:
        """Embedding (batch, dim) of sentence vectors."""
        return functional.normalize(self.head(sentence * float(SENTENCE) ** 0.5), dim=-1)


class EmbedNet(nn.Module):
    """Both towers: what a checkpoint holds."""

    def __init__(self, shape: EmbedShape) -> None:
        super().__init__()
        self.shape = shape
        self.audio_tower = AudioTower(shape)
        self.text_tower = TextTower(shape)


class _Residual(nn.Module):
    """Two convolutions beside the straight way."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GELU(),
            nn.BatchNorm2d(width),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, picture: Tensor) -> Tensor:
        return picture + self.inner(picture)


def _decibels(power: Tensor) -> Tensor:
    return 10.0 * torch.log10(torch.clamp(power, min=_LEAST))


def _share(score: Tensor, known: Tensor) -> Tensor:
    """Softmax over the last axis among the known; all zero where nothing is known."""
    score = score - score.amax(dim=-1, keepdim=True).detach()
    weight = torch.exp(score) * known
    return weight / (weight.sum(dim=-1, keepdim=True) + 1e-6)
