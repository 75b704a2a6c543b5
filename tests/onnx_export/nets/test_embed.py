"""The two towers: what moves an embedding, and what must not."""

from __future__ import annotations

import pytest
import torch

from onnx_export.nets.embed import CLIP_SAMPLES, DIM, UNKNOWN, AudioTower, EmbedShape, TextTower

SHAPE = EmbedShape(vocabulary=40, word=16, audio=(8, 8, 8, 8), hidden=16)


@pytest.fixture
def ear() -> AudioTower:
    torch.manual_seed(0)
    return AudioTower(SHAPE).eval()


@pytest.fixture
def reader() -> TextTower:
    torch.manual_seed(0)
    return TextTower(SHAPE).eval()


def read(reader: TextTower, *tokens: int) -> torch.Tensor:
    given = torch.tensor([tokens])
    with torch.no_grad():
        return reader(given, (given > 0).long())


def test_audio_embedding_when_the_sound_is_louder_then_it_is_the_same_and_of_length_one(ear: AudioTower) -> None:
    sound = 0.01 * torch.randn(2, CLIP_SAMPLES, generator=torch.Generator().manual_seed(1)) ** 3
    with torch.no_grad():
        quiet, loud = ear(sound), ear(sound * 20.0)
    assert quiet.shape == (2, DIM)
    assert torch.allclose(quiet.norm(dim=1), torch.ones(2), atol=1e-5)
    assert torch.allclose(quiet, loud, atol=1e-4)
    assert not torch.allclose(quiet[0], quiet[1], atol=1e-3)


def test_audio_embedding_when_the_clip_is_silent_then_it_is_finite(ear: AudioTower) -> None:
    with torch.no_grad():
        assert torch.isfinite(ear(torch.zeros(1, CLIP_SAMPLES))).all()


def test_quick_picture_when_compared_with_the_graphs_then_it_is_the_same(ear: AudioTower) -> None:
    sound = torch.randn(1, CLIP_SAMPLES, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(ear.mel(sound), ear.quick_mel(sound), atol=1e-3)


def test_text_embedding_when_unknown_words_or_filler_are_added_then_it_does_not_move(reader: TextTower) -> None:
    plain = read(reader, 5, 9)
    assert torch.allclose(plain.norm(dim=1), torch.ones(1), atol=1e-5)
    assert torch.allclose(plain, read(reader, UNKNOWN, 5, UNKNOWN, 9, 0, 0, 0), atol=1e-5)
    assert not torch.allclose(plain, read(reader, 5, 10), atol=1e-3)


def test_text_embedding_when_no_word_is_known_then_it_is_finite_and_always_the_same(reader: TextTower) -> None:
    nothing = read(reader, UNKNOWN)
    assert torch.isfinite(nothing).all()
    assert torch.allclose(nothing, read(reader, 0, 0, UNKNOWN), atol=1e-6)
