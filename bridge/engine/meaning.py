"""What words and example sounds mean to a pack: an embedding.

Convention: a pack understands words through ``text`` (a vocabulary of its own) or through ``clap_text`` (any words, cut
into tokens), and example sounds through ``clap_audio``; it has at least one of these. Embeddings are (1, dim), float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from bridge.domain.reference import Reference
from bridge.engine import level
from bridge.engine.tokens import Tokenizer, clip_of_reference
from bridge.engine.words import Vocabulary
from bridge.errors import PackError, RequestError
from bridge.media import reference as sounds
from bridge.packs import contract
from bridge.packs.manifest import Manifest

Array = NDArray[np.float32]
_HEADS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
"""How the two versions of ``.npy`` begin that numpy writes for plain numbers."""


class Pack(Protocol):
    """What this asks of a loaded pack."""

    @property
    def manifest(self) -> Manifest: ...

    def graph(self, role: str) -> Callable[[Mapping[str, NDArray[Any]]], dict[str, NDArray[Any]]]: ...

    def path(self, name: str) -> Path: ...


class Meaning:
    """Finds embeddings with a pack's graphs.

    Args:
        pack: a loaded pack.

    Raises:
        PackError: its vocabulary, tokenizer or stored embedding cannot be used.
    """

    def __init__(self, pack: Pack) -> None:
        self._pack, self._what = pack, pack.manifest.require_what()
        self._name = f'pack "{pack.manifest.name}"'
        roles = pack.manifest.graphs
        self._vocabulary = Vocabulary.read(pack.path(self._what.vocabulary)) if contract.TEXT in roles else None
        self._tokenizer = Tokenizer.read(pack.path(self._what.tokenizer)) if contract.CLAP_TEXT in roles else None
        stored = self._what.null_embedding
        self._null = _embedding(pack.path(stored), dim=self._what.embedding_dim) if stored else None

    def check(self, prompt: str) -> tuple[str, ...]:
        """Words that will be ignored: unknown to the pack, or too many for a ``clap_text`` graph.

        Raises:
            RequestError: the prompt is empty, none of its words is understood, or the pack does not take words at all;
                the hint says what would be.
        """
        if self._vocabulary is not None:
            return self._vocabulary.understand(prompt).ignored
        if self._tokenizer is None:
            raise RequestError(
                f"{self._name} does not understand words",
                hint="Give a reference sound instead of a prompt, or choose a pack that takes prompts",
            )
        return self._tokenizer.ignored(prompt)

    def of_prompt(self, prompt: str) -> Array:
        """What words mean.

        Raises:
            RequestError: as ``check``. EngineError: the graph failed.
        """
        self.check(prompt)
        if self._vocabulary is not None:
            return self._of_tags(self._vocabulary.understand(prompt).tags)
        return self._read(prompt)

    def warm_up(self) -> None:
        """Opens the graphs that words need, and runs them."""
        if self._null is None:
            self.of_nothing()
        if self._tokenizer is not None:
            self._read("wood")

    def heard(self, reference: Reference) -> Array:
        """An example sound as the pack's ``clap_audio`` graph takes it, (1, clip).

        Raises:
            RequestError: the pack takes no example sounds, or the file is no longer the one that was named.
            MediaError: the file cannot be read.
        """
        if contract.CLAP_AUDIO not in self._pack.manifest.graphs:
            raise RequestError(
                f"{self._name} cannot listen to a reference sound ({Path(reference.path).name})",
                hint="Say with a prompt what should be heard, or choose a pack that takes references",
            )
        sound, rate_hz = sounds.read(reference)
        length = -(-len(sound) * self._what.rate_hz // rate_hz)
        samples = level.resample(sound, from_hz=rate_hz, to_hz=self._what.rate_hz, length=length)
        return clip_of_reference(samples, self._pack.manifest.sizes(contract.CLAP_AUDIO)[contract.CLIP])

    def of_reference(self, reference: Reference) -> Array:
        """What an example sound means.

        Raises:
            as ``heard``; EngineError: the graph failed.
        """
        return self._embedded(contract.CLAP_AUDIO, {contract.WAVEFORM: self.heard(reference)})

    def of_nothing(self) -> Array:
        """What stands for no words in guidance."""
        if self._null is not None:
            return self._null
        assert self._vocabulary is not None
        return self._of_tags(np.zeros(len(self._vocabulary.tags), np.float32))

    def _read(self, prompt: str) -> Array:
        assert self._tokenizer is not None
        tokens, mask = self._tokenizer.encode(prompt)
        return self._embedded(contract.CLAP_TEXT, {contract.TOKENS: tokens, contract.ATTENTION_MASK: mask})

    def _of_tags(self, tags: Array) -> Array:
        return self._embedded(contract.TEXT, {contract.TAGS: tags[None]})

    def _embedded(self, role: str, arrays: Mapping[str, NDArray[Any]]) -> Array:
        return self._pack.graph(role)(arrays)[contract.EMBEDDING]


def _embedding(path: Path, *, dim: int) -> Array:
    """The embedding in a ``.npy`` file; raises PackError that names the file."""
    hint = "Get the pack again, or export it again with foley-export"
    try:
        with path.open("rb") as file:
            read = _HEADS[np.lib.format.read_magic(file)]
            shape, _, kind = read(file)
            values = file.read(4 * dim)
        if kind.hasobject:
            raise ValueError("it holds objects")
        if (shape, kind) == ((1, dim), np.float32) and len(values) != 4 * dim:
            raise ValueError("it is cut short")
    except Exception as error:  # a damaged head makes numpy raise more kinds than it names
        raise PackError(f"the embedding {path} cannot be read ({error})", hint=hint) from error
    if shape != (1, dim) or kind != np.float32:
        found = f"{kind} {shape}"
        raise PackError(f"the embedding {path} must be float32 (1, {dim}), it is {found}", hint=hint)
    stored = np.frombuffer(values, np.float32).reshape(1, dim).copy()
    if not np.isfinite(stored).all():
        raise PackError(f"the embedding {path} holds values that are not finite", hint=hint)
    return stored
