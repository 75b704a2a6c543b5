"""What the one-shots mean to an embedder: the embeddings that the generator is trained to follow.

Convention: an embedding is DIM numbers of length 1; none at all (zeros) stands for no prompt. A contact follows
what the embedder hears in one of its family's takes, or what it reads in a caption of it, so that both work in use; a
little noise on either fills the gaps between them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.engine.tokens import clip_of_reference
from bridge.errors import PackError
from onnx_export.nets.embed import CLIP_SAMPLES, DIM
from onnx_export.train.captions import compose, known_of
from onnx_export.train.what_contacts import VARIANTS, Contact, variant
from onnx_export.train.what_data import LEAD_SAMPLES, Shot

CAPTIONS = 8
NO_PROMPT, BY_TEXT = 0.12, 0.45
AS_RECORDED = 0.3
ITSELF = 0.7
"""Share of contacts that follow the embedding of their own take."""
NOISE = 0.4
_BATCH = 64

Array = NDArray[np.float32]


class Embedder(Protocol):
    """What this needs of a trained embedder (see ``onnx_export.train.embed``)."""

    @property
    def vocabulary(self) -> Sequence[str]: ...

    def of_texts(self, texts: Sequence[str]) -> Array: ...

    def of_clips(self, clips: Array) -> Array: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Meanings:
    """Embeddings of one-shots.

    Attributes:
        heard: (shots, VARIANTS, DIM). read: (shots, CAPTIONS, DIM).
    """

    heard: Array
    read: Array

    def draw(self, contact: Contact, rng: np.random.Generator) -> Array:
        """What a contact shall follow, (DIM,); zeros now and then."""
        if rng.random() < NO_PROMPT:
            return np.zeros(DIM, np.float32)
        take = contact.takes[0 if rng.random() < ITSELF else rng.integers(len(contact.takes))]
        if rng.random() < BY_TEXT:
            meaning = self.read[take, rng.integers(CAPTIONS)]
        else:
            meaning = self.heard[take, 0 if rng.random() < AS_RECORDED else contact.variant]
        noise = rng.standard_normal(DIM) * (NOISE * rng.random() / DIM**0.5)
        blurred = meaning + noise.astype(np.float32)
        return (blurred / np.linalg.norm(blurred)).astype(np.float32)


def meanings_of(shots: Sequence[Shot], embedder: Embedder, *, cache: Path, key: str, seed: int) -> Meanings:
    """Embeddings of every variant and of several captions of each one-shot, made once and kept in a file.

    Args:
        shots: in a fixed order. embedder: trained. cache: ``.npz`` file. key: what the file must be made of.
        seed: of the captions.

    Raises:
        PackError: the embedder gives something that is no embedding.
    """
    label = hashlib.sha256(f"{key} {seed} {VARIANTS} {CAPTIONS}".encode()).hexdigest()
    known = _cached(cache, label, len(shots))
    if known is None:
        rng = np.random.default_rng(seed)
        lexicon = frozenset(embedder.vocabulary)
        facts = [known_of(shot.row, lexicon) for shot in shots]
        read = embedder.of_texts([compose(fact, rng) for fact in facts for _ in range(CAPTIONS)])
        heard = [
            embedder.of_clips(np.concatenate([_clip(variant(shot, number)) for shot in shots[at : at + _BATCH]]))
            for number in range(VARIANTS)
            for at in range(0, len(shots), _BATCH)
        ]
        _check(read, *heard)
        known = Meanings(
            heard=np.concatenate(heard).reshape(VARIANTS, len(shots), DIM).swapaxes(0, 1).copy(),
            read=read.reshape(len(shots), CAPTIONS, DIM),
        )
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache, heard=known.heard, read=known.read, label=np.array(label))
    return known


def _clip(samples: Array) -> Array:
    return clip_of_reference(samples[LEAD_SAMPLES:], CLIP_SAMPLES)


def _check(*tables: Array) -> None:
    for table in tables:
        if table.shape[1:] != (DIM,) or not np.allclose(np.linalg.norm(table, axis=1), 1.0, atol=1e-2):
            raise PackError(
                f"the embedder gives {table.shape[1:]} numbers, not {DIM} of length 1", hint="Train it again"
            )


def _cached(cache: Path, label: str, shots: int) -> Meanings | None:
    """What the file holds; None if there is none, it is damaged, or it was made of something else."""
    try:
        with np.load(cache, allow_pickle=False) as stored:
            if str(stored["label"]) != label or len(stored["heard"]) != shots:
                return None
            return Meanings(heard=stored["heard"], read=stored["read"])
    except (OSError, ValueError, KeyError, EOFError):
        return None
