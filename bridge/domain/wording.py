"""Numbers in sentences."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """So many of a thing: "1 onset", "2 onsets"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
