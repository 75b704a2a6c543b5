"""A take's sound as the chain of steps that made it.

Convention: the first part is a render; each further one changed the sound as it stood in its file, so between two parts
samples are rounded as the file rounded them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bridge.domain import stored
from bridge.domain.render import Recipe, request_of
from bridge.domain.request import Request
from bridge.engine.spans import Span
from bridge.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Part:
    """One step.

    Attributes:
        request: what was asked. within: samples of the time selection; None for all of the sound.
    """

    request: Request
    within: Span | None = None

    def to_table(self) -> dict[str, Any]:
        """What a recipe keeps: JSON values alone."""
        return json.loads(json.dumps({"request": asdict(self.request), "within": self.within}))

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Part:
        """Reads what ``to_table`` gave.

        Raises:
            RequestError: it is something else.
        """
        try:
            within = table["within"]
            if not stored.fitting(Span | None, within):
                raise ValueError("no stretch of samples")
            span = None if within is None else (within[0], within[1])
            return cls(request=request_of(table["request"]), within=span)
        except (ValueError, TypeError, KeyError) as error:
            raise RequestError("the take's recipe cannot be read", hint="Press Generate to make a new sound") from error


def parts_of(recipe: Recipe) -> tuple[Part, ...]:
    """Every step of a take, oldest first; raises RequestError if the recipe cannot be read."""
    return (*map(Part.from_table, recipe.parts), Part(request=recipe.request, within=recipe.within))
