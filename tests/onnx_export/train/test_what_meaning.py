"""What a contact follows: its takes as heard or as said, sometimes nothing; made once, and again when it must be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.engine.tokens import clip_of_reference
from bridge.errors import PackError
from onnx_export.nets.embed import CLIP_SAMPLES, DIM
from onnx_export.train.what_contacts import VARIANTS, Contact, variant
from onnx_export.train.what_data import LEAD_SAMPLES
from onnx_export.train.what_meaning import CAPTIONS, Meanings, meanings_of
from tests.onnx_export.train.what_sounds import ToyEmbedder, shot

CONTACT = Contact(picture=np.zeros((1, 1), np.float32), strength=1.0, takes=(0, 1), variant=2)


def corners(shots: int) -> Meanings:
    """Every embedding is an axis of its own: what was drawn can be told."""
    axes = np.eye(DIM, dtype=np.float32)
    heard = np.stack([axes[take * 20 : take * 20 + VARIANTS] for take in range(shots)])
    read = np.stack([axes[take * 20 + 10 : take * 20 + 10 + CAPTIONS] for take in range(shots)])
    return Meanings(heard=heard, read=read)


def test_draw_gives_both_what_is_heard_and_what_is_said_of_the_contacts_takes() -> None:
    rng, meanings = np.random.default_rng(0), corners(3)
    drawn = [meanings.draw(CONTACT, rng) for _ in range(800)]
    empty = [one for one in drawn if not one.any()]
    assert 0.08 < len(empty) / 800 < 0.16
    prompts = [one for one in drawn if one.any()]
    assert all(np.linalg.norm(one) == pytest.approx(1.0, abs=1e-5) for one in prompts)
    nearest = [int(np.argmax(one)) for one in prompts]
    assert {place // 20 for place in nearest} == {0, 1}
    heard = [place % 20 for place in nearest if place % 20 < 10]
    assert set(heard) == {0, 2}
    assert 0.4 < len(heard) / len(nearest) < 0.7
    assert min(float(one.max()) for one in prompts) > 0.85
    assert len({one.tobytes() for one in prompts}) == len(prompts)


def test_draw_mostly_follows_the_take_itself_and_now_and_then_another_of_its_family() -> None:
    rng, meanings = np.random.default_rng(0), corners(3)
    drawn = [one for one in (meanings.draw(CONTACT, rng) for _ in range(800)) if one.any()]
    itself = sum(int(np.argmax(one)) < 20 for one in drawn) / len(drawn)
    assert 0.75 < itself < 0.95


def test_meanings_are_made_once_and_again_for_other_data_or_a_damaged_file(tmp_path: Path) -> None:
    shots, embedder, cache = [shot("a"), shot("b", decay_s=0.2)], ToyEmbedder(), tmp_path / "meanings.npz"
    first = meanings_of(shots, embedder, cache=cache, key="one", seed=0)
    assert first.heard.shape == (2, VARIANTS, DIM)
    assert first.read.shape == (2, CAPTIONS, DIM)
    assert not np.allclose(first.heard[0, 0], first.heard[1, 0], atol=1e-3)
    alone = ToyEmbedder().of_clips(clip_of_reference(variant(shots[1], 2)[LEAD_SAMPLES:], CLIP_SAMPLES))
    assert np.allclose(first.heard[1, 2], alone[0], atol=1e-5)
    made = embedder.clips
    again = meanings_of(shots, embedder, cache=cache, key="one", seed=0)
    assert embedder.clips == made
    assert np.array_equal(again.heard, first.heard)
    assert np.array_equal(again.read, first.read)
    meanings_of(shots, embedder, cache=cache, key="another", seed=0)
    assert embedder.clips == 2 * made
    cache.write_bytes(b"PK not a cache")
    meanings_of(shots, embedder, cache=cache, key="another", seed=0)
    assert embedder.clips == 3 * made


def test_meanings_when_the_embedder_gives_something_else_say_so(tmp_path: Path) -> None:
    class Broken(ToyEmbedder):
        def of_clips(self, clips: np.ndarray) -> np.ndarray:
            return 3.0 * super().of_clips(clips)

    with pytest.raises(PackError, match=f"not {DIM} of length 1"):
        meanings_of([shot("a")], Broken(), cache=tmp_path / "meanings.npz", key="", seed=0)
