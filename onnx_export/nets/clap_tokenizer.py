"""RoBERTa's tokeniser as one file.

Convention: RoBERTa publishes its byte-level BPE (Radford et al., 2019, section 2.2) as two files: ``vocab.json``, the
number of every token, and ``merges.txt``, which pairs join, in order, below a line with a version. What comes out is
a whole ``tokenizers`` file, cutting and padding included: a prompt becomes exactly ``TOKENS`` numbers, as LAION-CLAP
calls its tokeniser (``laion_clap/hook.py``: padding to and truncation at 77).
"""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import AddedToken, Tokenizer, decoders, pre_tokenizers, processors
from tokenizers.models import BPE

from bridge.errors import PackError

TOKENS = 77
START, END, PAD, UNKNOWN, MASK = "<s>", "</s>", "<pad>", "<unk>", "<mask>"
SPECIAL = (START, PAD, END, UNKNOWN, MASK)

_HINT = "Take vocab.json and merges.txt of RoBERTa base, both whole and of the same tokeniser"


def tokenizer_json(vocabulary: Path, merges: Path) -> bytes:
    """The tokeniser as a ``tokenizers`` file.

    Args:
        vocabulary: ``vocab.json``. merges: ``merges.txt``.

    Raises:
        PackError: a file cannot be read, is of another kind, or the two do not belong together; names the file.
    """
    numbers = _numbers(vocabulary)
    pairs = _pairs(merges)
    lost = next((part for pair in pairs for part in (*pair, "".join(pair)) if part not in numbers), None)
    if lost is not None:
        raise PackError(f'{merges} joins "{lost}", which {vocabulary} does not have', hint=_HINT)
    tokenizer = Tokenizer(BPE(vocab=numbers, merges=pairs, continuing_subword_prefix="", end_of_word_suffix=""))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL[:-1]])
    tokenizer.add_special_tokens([AddedToken(MASK, special=True, normalized=False, lstrip=True)])
    tokenizer.post_processor = processors.RobertaProcessing(
        (END, numbers[END]), (START, numbers[START]), trim_offsets=True, add_prefix_space=False
    )
    tokenizer.enable_truncation(TOKENS)
    tokenizer.enable_padding(length=TOKENS, pad_id=numbers[PAD], pad_token=PAD)
    return tokenizer.to_str().encode()


def _numbers(path: Path) -> dict[str, int]:
    try:
        numbers = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PackError(f"{path} cannot be read ({error})", hint=_HINT) from error
    if not isinstance(numbers, dict) or not all(type(number) is int for number in numbers.values()):
        raise PackError(f"{path} is no vocabulary: it must give every token a number", hint=_HINT)
    if sorted(numbers.values()) != list(range(len(numbers))):
        raise PackError(f"{path} is damaged: its numbers are not 0 to {len(numbers) - 1}, each once", hint=_HINT)
    missing = [name for name in SPECIAL if name not in numbers]
    if missing:
        raise PackError(f"{path} is not RoBERTa's: it lacks {', '.join(missing)}", hint=_HINT)
    return numbers


def _pairs(path: Path) -> list[tuple[str, str]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        raise PackError(f"{path} cannot be read ({error})", hint=_HINT) from error
    pairs = []
    for number, line in enumerate(lines, start=1):
        parts = line.split(" ")
        if not line.strip() or (number == 1 and line.startswith("#version")):
            continue
        if len(parts) != 2 or not all(parts):
            raise PackError(f"{path}, line {number}: expected two parts that join, got {line[:40]!r}", hint=_HINT)
        pairs.append((parts[0], parts[1]))
    if not pairs:
        raise PackError(f"{path} joins nothing", hint=_HINT)
    return pairs
