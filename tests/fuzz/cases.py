"""Where cases come from: good ones bent in one to six places, as bytes and as JSON."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from hypothesis import strategies as st

MOST_BENDS = 6
chances = st.randoms(use_true_random=True)
"""Where every choice comes from: one seed for a case, because that is ten times as fast as many small draws."""
DEEP = "\u0001deep\u0001"
"""Stands in a table for lists in lists in lists, which ``json.dumps`` cannot write."""

NUMBERS = (0, -1, 1, 2, 64, 65, 2**31, 2**32, 2**63, 2**64, -(2**63), 10**30, 10**400, 0.5, -0.0, 1e-320, 1e308)
ODD_NUMBERS = (float("nan"), float("inf"), float("-inf"))
TEXTS = (
    *(
        "",
        " ",
        "0",
        "1.5",
        "nan",
        "-inf",
        "true",
        "null",
        "\0",
        "a\0b",
        "\n",
        "line\nline",
        "\u2028",
        "\x1b[2J",
        "\ufeff",
    ),
    *("\ud800", "\udcff/x", "x" * 300, "x" * 70000, "../../etc/passwd", "/dev/zero", "C:\\x", "a/../b", "é", "\u202e"),
    *("\"'`", "%s%n", "{0.__class__}", "__reapy__", "9" * 5000, "1e999", "0x10", "1_000", "\u0663", "\U0001f600"),
)
BYTES = (
    *(
        b"",
        b"\0",
        b"\xff",
        b"\n",
        b"\r\n",
        b">",
        b"<",
        b"\"'`",
        b"\xed\xa0\x80",
        b"\xc3\x28",
        b"\x80",
        b"\x7f\xff\xff\xff",
    ),
    *(
        b"\xff\xff\xff\xff",
        b"\0\0\0\x80",
        b"\xff" * 8,
        b"9" * 400,
        b"[" * 3000,
        b"{" * 300,
        b",",
        b"nan",
        b"1e999",
        b"-",
    ),
)


class Good(tuple[Any, ...]):
    """Good cases, named by their number: a failure need not show them all."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"Good({len(self)})"


def bent(examples: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of the good ones, with bytes flipped, cut out, doubled, moved or put in."""
    return _bent(Good(examples))


def bent_json(examples: Sequence[Any]) -> st.SearchStrategy[bytes]:
    """JSON text of one of the good values, in which fields were dropped, doubled, retyped, swapped or nested."""
    return _bent_json(Good(examples))


@st.composite
def _bent(draw: Any, examples: Sequence[bytes]) -> bytes:
    return _bent_bytes(draw(chances), examples)


def _bent_bytes(chance: Random, examples: Sequence[bytes]) -> bytes:
    data = bytearray(chance.choice(examples))
    for _ in range(chance.randint(1, MOST_BENDS)):
        way, at = chance.randrange(8), chance.randrange(max(len(data), 1))
        to = min(len(data), at + chance.choice((1, 1, 2, 4, 8, 16, 64, 512)))
        if way == 0 and data:
            data[at] ^= 1 << chance.randrange(8)
        elif way == 1 and data:
            data[at] = chance.randrange(256)
        elif way == 2:
            del data[at:to]
        elif way == 3:
            data[at:at] = data[at:to] * chance.choice((1, 2, 100))
        elif way == 4:
            data[at:at] = chance.choice(BYTES)
        elif way == 5:
            place = chance.randint(0, len(data))
            data[place:place] = data[at:to]
        elif way == 6:
            piece = chance.choice(BYTES)
            data[at : at + len(piece)] = piece
        elif way == 7 and chance.randrange(3) == 0:
            del data[at:]
    return bytes(data)


class Twice(dict[str, Any]):
    """An object that says one of its keys twice."""

    def items(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Its pairs, the first one again at the end."""
        pairs = list(super().items())
        return pairs + pairs[:1]


def odd_value(chance: Random) -> Any:
    """Any JSON value, the odd ones above all."""
    way = chance.randrange(12)
    if way == 0:
        return [odd_value(chance) for _ in range(chance.randrange(3))]
    if way == 1:
        return {chance.choice(TEXTS): odd_value(chance) for _ in range(chance.randrange(3))}
    if way == 2:
        return chance.choice((None, True, False, DEEP, [], {}, [[]], {"": ""}))
    if way in (3, 4):
        return chance.choice(ODD_NUMBERS)
    if way in (5, 6):
        return chance.choice(NUMBERS)
    if way == 7:
        return chance.randint(-10, 10)
    if way == 8:
        return chance.uniform(-2.0, 2.0)
    return chance.choice(TEXTS)


@st.composite
def _bent_json(draw: Any, examples: Sequence[Any]) -> bytes:
    chance = draw(chances)
    value = copy.deepcopy(chance.choice(examples))
    for _ in range(chance.randint(1, MOST_BENDS)):
        value = _bend(chance, value)
    text = _text(value, ascii_only=chance.random() < 0.5, depth=chance.choice((10, 990, 1100, 20000)))
    if chance.randrange(2):
        text = text.replace("Infinity", "1e999")
    data = text.encode("utf-8", "surrogatepass")
    return _bent_bytes(chance, [data]) if chance.randrange(8) == 0 else data


def _bend(chance: Random, value: Any) -> Any:
    holders = _holders(value)
    if not holders or chance.randrange(40) == 0:
        return odd_value(chance)
    holder, key = chance.choice(holders)
    way = chance.randrange(10)
    if way == 0:
        del holder[key]
    elif way in (1, 2, 3):
        holder[key] = odd_value(chance)
    elif way == 4:
        holder[key] = [holder[key]]
    elif way == 5:
        holder[key] = {chance.choice(TEXTS): holder[key]}
    elif way == 6 and isinstance(holder, dict):
        holder[chance.choice(TEXTS)] = holder.pop(key)
    elif way == 6:
        holder.insert(key, copy.deepcopy(holder[key]))
    elif way == 7 and isinstance(holder[key], dict):
        holder[key] = Twice(holder[key])
    elif way == 8:
        other, name = chance.choice(holders)
        holder[key] = copy.deepcopy(other[name])
    elif isinstance(holder[key], (int, float)) and not isinstance(holder[key], bool):
        holder[key] = chance.choice((*NUMBERS, *ODD_NUMBERS))
    elif isinstance(holder[key], str):
        holder[key] = chance.choice(TEXTS)
    else:
        holder[key] = odd_value(chance)
    return value


def _holders(value: Any) -> list[tuple[Any, Any]]:
    """(list or dict, key) of everything inside."""
    rest, found = [value], []
    while rest and len(found) < 3000:
        holder = rest.pop()
        if isinstance(holder, dict):
            pairs = list(dict.items(holder))
        else:
            pairs = list(enumerate(holder)) if isinstance(holder, list) else []
        for key, inner in pairs:
            found.append((holder, key))
            if isinstance(inner, (dict, list)):
                rest.append(inner)
    return found


def _text(value: Any, *, ascii_only: bool, depth: int) -> str:
    text = json.dumps(value, ensure_ascii=ascii_only)
    mark = json.dumps(DEEP, ensure_ascii=ascii_only)
    if depth == 1100:
        return text.replace(mark, "[" * depth + "]" * depth)
    return text.replace(mark, '{"a":' * depth + "1" + "}" * depth)
