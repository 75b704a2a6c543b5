"""How a stage tells how far it is and learns that it shall stop; the two that do nothing."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[float], None]
"""Is told the fraction done, 0..1."""
Cancelled = Callable[[], bool]
"""Is asked whether to stop."""


def ignore(fraction: float) -> None:
    """Nobody wants to know."""


def never() -> bool:
    """Nobody cancels."""
    return False
