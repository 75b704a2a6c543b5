"""REAPER project files (.RPP) as a tree that gives back, byte for byte, whatever was not changed.

Convention: a file is lines; ``<NAME args`` opens a block and ``>`` alone closes it. A line is kept as it was read, with
its indentation and line end; bytes that are not UTF-8 survive as surrogates. New lines take the indentation of their
place and the line end of the block they join. Facts of the format: WDL's line parser as described by practitioners.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from bridge.errors import MediaError

INDENT = "  "
QUOTES = "\"'`"
_BLANK = " \t\r\n"
_BLANKS = re.compile(f"[{_BLANK}]+")
_BREAKS = re.compile("[\r\n\0]+")
_HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")  # the others stand for bytes that are not UTF-8
_WHOLE = re.compile(r"([+-]?\d{1,18})(?:\.0*)?", re.ASCII)
_REAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r""" "([^"\r\n]*)"? | '([^'\r\n]*)'? | `([^`\r\n]*)`? | ([^ \t\r\n]+) """, re.VERBOSE)


LARGEST_BYTES = 1 << 29
MOST_LINES = 8_000_000
MOST_BLOCKS = 1_000_000
DEEPEST = 4096
"""What no project of anybody's comes near; a file beyond it is damaged, or made to fill the memory."""


@dataclass(eq=False, slots=True)
class Block:
    """``<NAME args`` ... ``>``.

    Attributes:
        head: the opening line as it stands in the file. children: lines (str, as they stand) and blocks, in order.
        tail: the closing line. depth: how many blocks it lies in. newline: its line end.
    """

    head: str
    children: list[str | Block] = field(default_factory=list)
    tail: str = ">"
    depth: int = 0
    newline: str = "\n"

    @property
    def name(self) -> str:
        """The word after ``<``."""
        return (self.args or [""])[0]

    @property
    def args(self) -> list[str]:
        """The tokens of the opening line, the name first."""
        return tokens(self.head.strip(_BLANK).removeprefix("\ufeff")[1:])

    def lines(self, name: str) -> Iterator[list[str]]:
        """Tokens of every line of this name, the name first."""
        for child in self.children:
            if isinstance(child, str) and name_of(child) == name:
                yield tokens(child)

    def line(self, name: str) -> list[str]:
        """Tokens of the first line of this name; empty if there is none."""
        return next(self.lines(name), [])

    def blocks(self, name: str) -> list[Block]:
        """Every block of this name directly inside."""
        return [child for child in self.children if isinstance(child, Block) and child.name == name]

    def insert(self, index: int, *new: str | Block) -> None:
        """Puts new lines and blocks, written without indentation and line ends, before the child at ``index``."""
        self.children[index:index] = [_settled(child, self.depth + 1, self.newline) for child in new]

    def append(self, *new: str | Block) -> None:
        """Puts new lines and blocks at the end."""
        self.insert(len(self.children), *new)

    def replace(self, index: int, line: str) -> None:
        """Another text for a line; its indentation and line end stay."""
        old = self.children[index]
        assert isinstance(old, str)
        body = old.strip(_BLANK)
        at = old.index(body)
        self.children[index] = old[:at] + line + old[at + len(body) :]

    def text(self) -> str:
        """The block as it stands in a file."""
        parts: list[str] = []
        rest: list[str | Block] = [self]
        while rest:
            child = rest.pop()
            if isinstance(child, str):
                parts.append(child)
            else:
                parts.append(child.head)
                rest += [child.tail, *reversed(child.children)]
        return "".join(parts)


@dataclass(eq=False)
class Document:
    """A whole file: the project block and whatever stands around it."""

    before: str
    root: Block
    after: str

    def encode(self) -> bytes:
        """The file's bytes."""
        return (self.before + self.root.text() + self.after).encode("utf-8", "surrogateescape")


def parse(data: bytes, path: Path | str = "the project") -> Document:
    """Reads a project file's bytes.

    Raises:
        MediaError: not a REAPER project, or cut off; names ``path`` and the line.
    """
    if len(data) > LARGEST_BYTES or data.count(b"\n") > MOST_LINES:
        raise _no_project(path, f"has more than {LARGEST_BYTES >> 20} MB or {MOST_LINES} lines")
    text = data.decode("utf-8", "surrogateescape")
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    first = next((index for index, line in enumerate(lines) if _bare(line)), None)
    if first is None or not _bare(lines[first]).startswith("<REAPER_PROJECT"):
        raise MediaError(f"{path} is not a REAPER project", hint="Name an .RPP file that REAPER saved")
    newline = "\r\n" if lines[first].endswith("\r\n") else "\n"
    stack: list[Block] = []
    blocks = 0
    for number, line in enumerate(lines[first:], first + 1):
        bare = _bare(line)
        if bare.startswith("<"):
            blocks += 1
            if blocks > MOST_BLOCKS or len(stack) >= DEEPEST:
                raise _no_project(path, f"has more than {MOST_BLOCKS} blocks, or {DEEPEST} in each other")
            block = Block(line, tail="", depth=len(stack), newline=newline)
            if stack:
                stack[-1].children.append(block)
            stack.append(block)
        elif bare == ">":
            block = stack.pop()
            block.tail = line
            if not stack:
                return Document("".join(lines[:first]), block, "".join(lines[number:]))
        else:
            stack[-1].children.append(line)
    raise MediaError(
        f"{path} is cut off: the block <{stack[-1].name} is never closed",
        hint="Open the project's backup (.rpp-bak) in REAPER and save it again",
    )


def tokens(line: str) -> list[str]:
    """The words of a line; a word that begins with a quote runs to the next quote of its kind, nothing is escaped."""
    return ["".join(match.groups("")) for match in _WORD.finditer(line)]


def name_of(line: str) -> str:
    """The first word of a line."""
    return re.split(_BLANKS, line.lstrip(_BLANK), maxsplit=1)[0]


def whole(line: list[str], at: int = 1, default: int = 0) -> int:
    """The whole number at a place of a line's tokens; the default if nothing stands there or it is no whole number."""
    match = _WHOLE.fullmatch(line[at]) if at < len(line) else None
    return int(match[1]) if match else default


def real(line: list[str], at: int = 1, default: float = 0.0) -> float:
    """The number at a place of a line's tokens; the default if nothing stands there or it is no finite number."""
    value = float(line[at]) if at < len(line) and _REAL.fullmatch(line[at]) else default
    return value if math.isfinite(value) else default


def storable(text: str) -> str:
    """A text as a project can hold it, which is the text itself unless it holds what no line can.

    Line ends become blanks. Nothing can be escaped, so of a text with all three kinds of quotes the back-ticks become
    apostrophes, as REAPER does it. Halves of characters that stand alone become U+FFFD.
    """
    text = _HALVES.sub("\ufffd", _BREAKS.sub(" ", text))
    return text.replace("`", "'") if all(mark in text for mark in QUOTES) else text


def quote(text: str) -> str:
    """A word as REAPER writes it: ``storable``, in quotes of a kind that it does not hold if it needs any."""
    text = storable(text)
    if text and text[0] not in "#;<>|" and not any(mark in text for mark in " \t" + QUOTES):
        return text
    mark = next(mark for mark in QUOTES if mark not in text)
    return f"{mark}{text}{mark}"


def words(name: str, *values: str | float) -> str:
    """A line from its name and values, texts quoted where needed, numbers written so that they read back the same."""
    return " ".join([name, *(quote(value) if isinstance(value, str) else number(value) for value in values)])


def number(value: float) -> str:
    """A number without exponent, in the fewest digits that read back as the same double."""
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def block(head: str, *children: str | Block) -> Block:
    """A new block, to be put into another one."""
    return Block("<" + head, list(children))


def _settled(child: str | Block, depth: int, newline: str) -> str | Block:
    pad = INDENT * depth
    if isinstance(child, str):
        return pad + child + newline
    inner = [_settled(grandchild, depth + 1, newline) for grandchild in child.children]
    return Block(pad + child.head + newline, inner, pad + ">" + newline, depth, newline)


def _no_project(path: Path | str, why: str) -> MediaError:
    return MediaError(
        f"{path} {why}, which no project has", hint="Open it in REAPER, look whether it is whole, and save it"
    )


def _bare(line: str) -> str:
    return line.strip(_BLANK + "\ufeff")
