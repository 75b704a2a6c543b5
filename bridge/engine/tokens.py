"""What CLAP graphs take: the tokens of a prompt, the clip of a reference.

Convention: a pack's tokeniser is one file that the ``tokenizers`` library reads whole, cutting and padding included.
One that has a token for unknown words tells which words mean nothing to its pack; one that spells every word in smaller
parts knows no such.
What is prepared here is what LAION-CLAP prepares (github.com/LAION-AI/CLAP, ``laion_clap/hook.py`` and
``training/data.py``, as SyncFusion calls them), but for chance: the same prompt or reference gives the same arrays.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import tokenizers
from numpy.typing import NDArray

from bridge.engine.words import SMALL
from bridge.errors import PackError, RequestError

FULL_SCALE = 32767.0

_AGAIN = "Get the pack again, or export it again with foley-export"


class Tokenizer:
    """From words to the numbers that a ``clap_text`` graph takes.

    Args:
        inner: the library's tokeniser. where: names its file in errors.

    Raises:
        PackError: it does not cut long prompts, so that a graph would fail on them.
    """

    def __init__(self, inner: tokenizers.Tokenizer, *, where: str) -> None:
        if inner.truncation is None:
            raise PackError(f"{where} does not say where prompts are cut", hint=_AGAIN)
        self._inner = inner
        unknown = getattr(inner.model, "unk_token", None)
        self._unknown = None if unknown is None else inner.token_to_id(unknown)

    @property
    def known_words(self) -> int | None:
        """How many words it knows, all others being unknown; None if it can spell any word."""
        if self._unknown is None:
            return None
        return sum(word.isalpha() for word in self._inner.get_vocab(with_added_tokens=False))

    @classmethod
    def read(cls, path: Path) -> Tokenizer:
        """The tokeniser in a file.

        Raises:
            PackError: it cannot be read, or is no tokeniser.
        """
        where = f"tokeniser {path}"
        try:
            inner = tokenizers.Tokenizer.from_str(Path(path).read_text(encoding="utf-8"))
        except Exception as error:  # the library raises bare Exception
            raise PackError(f"{where} cannot be read ({_short(error)})", hint=_AGAIN) from error
        return cls(inner, where=where)

    def encode(self, prompt: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Tokens and attention mask of a prompt; space around it does not count.

        Returns:
            Two arrays (1, tokens); the mask is 1 where a token is the prompt's and 0 where it only fills up.

        Raises:
            RequestError: the prompt is empty, or not text.
        """
        encoding = self._encoded(prompt)
        return np.array([encoding.ids], np.int64), np.array([encoding.attention_mask], np.int64)

    def left_out(self, prompt: str) -> tuple[str, ...]:
        """Words of a prompt that do not fit any more, in order; the last one that does may be half in.

        Raises:
            as ``encode``.
        """
        end = max((stop for _, stop in self._encoded(prompt).offsets), default=0)
        return tuple(word for word in prompt.strip()[end:].split() if any(letter.isalnum() for letter in word))

    def ignored(self, prompt: str) -> tuple[str, ...]:
        """Words of a prompt that are unknown or do not fit any more, as typed, in order; see ``words.SMALL``.

        Raises:
            RequestError: as ``encode``; or no word is known that says something of a sound.
        """
        if self._unknown is None:
            return self.left_out(prompt)
        encoding, text = self._encoded(prompt), prompt.strip()
        known, unknown = [], []
        for word in (found for found in re.finditer(r"[^\W_]+", text) if _tells(found[0])):
            tokens = {
                token
                for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True)
                if start < word.end() and end > word.start()
            }
            if tokens:
                (unknown if self._unknown in tokens else known).append(word[0])
        if not known:
            shown = ", ".join(f'"{word}"' for word in unknown) or f'"{text}"'
            raise RequestError(
                f"the prompt is not understood: {shown}",
                hint="Use English words for what is heard, such as wooden door, metal plate or footsteps on gravel",
            )
        return (*unknown, *self.left_out(prompt))

    def _encoded(self, prompt: str) -> tokenizers.Encoding:
        if not prompt.strip():
            raise RequestError("the prompt is empty", hint="Say what is heard, e.g. footsteps on gravel")
        try:
            return self._inner.encode(prompt.strip())
        except Exception as error:  # the library raises bare Exception
            raise RequestError(
                f"the prompt cannot be read ({_short(error)})", hint="Type it again, in plain letters"
            ) from error


def clip_of_reference(samples: NDArray[np.float32], clip: int) -> NDArray[np.float32]:
    """A reference as a ``clap_audio`` graph takes it.

    The sound is cut to -1..1 and rounded towards zero to 16 bits and back, as SyncFusion does before CLAP hears it
    (``main/module_diffusion.py``, ``clap_encode_audio``). A sound shorter than the clip is repeated as often as it
    fits whole, and then followed by silence; of a longer one the first part is taken (LAION-CLAP takes a part at
    random).

    Args:
        samples: mono, at the graph's rate; shape (n,) or (1, n).
        clip: how many samples the graph takes.

    Returns:
        Shape (1, clip).

    Raises:
        RequestError: there are no samples, or some are not finite.
    """
    sound = np.asarray(samples, np.float32).reshape(-1)
    if not sound.size:
        raise RequestError("the reference is empty", hint="Choose a longer part of it")
    if not np.isfinite(sound).all():
        raise RequestError("the reference holds values that are not finite", hint="Choose another sound")
    sound = sound[:clip]
    rounded = (np.clip(sound, -1.0, 1.0) * np.float32(FULL_SCALE)).astype(np.int16) / FULL_SCALE
    filled = np.zeros(clip, np.float32)
    repeated = np.tile(rounded, clip // len(rounded))
    filled[: len(repeated)] = repeated
    return filled[None]


def _tells(word: str) -> bool:
    """Whether a word may say something of a sound."""
    return len(word) > 1 and any(letter.isalpha() for letter in word) and word.lower() not in SMALL


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
