"""The text of project files: blocks, lines and tokens.

Convention: a block is ``<NAME args`` ... ``>``; a token with blanks or quotes in it is put in the first kind of quotes
that it does not contain.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from . import assumptions

QUOTES = "\"'`"
_TOKEN = re.compile(r"""\"[^\"]*\"|'[^']*'|`[^`]*`|\S+""")


@dataclass
class Block:
    """A block: its first line in ``words``, then plain lines (str) and blocks."""

    words: list[str]
    lines: list[str | Block] = field(default_factory=list)

    def text(self, depth: int) -> list[str]:
        """The block as lines."""
        pad = "  " * depth
        found = [pad + "<" + " ".join([self.words[0], *map(quote, self.words[1:])])]
        for line in self.lines:
            found += line.text(depth + 1) if isinstance(line, Block) else [pad + "  " + line]
        return [*found, pad + ">"]


def quote(value: Any) -> str:
    """A token as REAPER writes it."""
    text = repr(value) if isinstance(value, float) else str(value)
    if assumptions.FILES_LOSE_LINE_BREAKS:
        text = text.splitlines()[0] if text else ""
    if text and not any(mark in text for mark in " \t\"'`"):
        return text
    for mark in ('"', "'", "`"):
        if mark not in text:
            return f"{mark}{text}{mark}"
    return "`" + text.replace("`", "'") + "`"


def number(value: float) -> str:
    """A number as REAPER writes it."""
    return f"{value:.{assumptions.POSITION_DECIMALS}f}".rstrip("0").rstrip(".")


def split(line: str) -> list[str]:
    """The tokens of a line, without their quotes."""
    return [token[1:-1] if token[0] in QUOTES and len(token) > 1 else token for token in _TOKEN.findall(line)]


def parse(text: str) -> Block:
    """The outermost block of a file."""
    stack = [Block([])]
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("<") and not bare.startswith("|"):
            block = Block(split(bare[1:]))
            stack[-1].lines.append(block)
            stack.append(block)
        elif bare == ">":
            stack.pop()
        elif bare:
            stack[-1].lines.append(bare)
    top = stack[0].lines[0]
    assert isinstance(top, Block)
    return top


def parse_chunk(text: str, name: str) -> Block | None:
    """The block of a state chunk; None if it is not exactly one whole block of that name."""
    depth, ends = 0, 0
    for line in map(str.strip, text.splitlines()):
        depth += line.startswith("<") - (line == ">")
        ends += line == ">" and depth == 0
        if depth < 0 or (line and depth == 0 and line != ">"):
            return None
    if depth or ends != 1:
        return None
    block = parse(text)
    return block if block.words[0] == name else None


def ext_block(name: str, texts: dict[str, str]) -> list[str | Block]:
    """P_EXT texts as a block; nothing without any."""
    lines: list[str | Block] = [
        f"{quote(key.removeprefix('P_EXT:'))} {quote(text)}" for key, text in texts.items() if key.startswith("P_EXT:")
    ]
    return [Block([name], lines)] if lines else []


def read_ext(block: Block, texts: dict[str, str]) -> None:
    """Reads what ``ext_block`` wrote."""
    for line in block.lines:
        if isinstance(line, str):
            key, value = split(line)
            texts["P_EXT:" + key] = value


def unknown(texts: dict[str, str]) -> list[str | Block]:
    """The kept lines of a block."""
    return parse("<X\n" + texts["_rpp"] + "\n>").lines if texts.get("_rpp") else []


def keep(texts: dict[str, str], line: str | Block) -> None:
    """Keeps a line that the model does not know."""
    text = "\n".join(line.text(0)) if isinstance(line, Block) else line
    texts["_rpp"] = "\n".join(filter(None, [texts.get("_rpp", ""), text]))
