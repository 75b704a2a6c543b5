"""The designer's controls of a track: numbers with names, stored with the track as JSON.

Convention: what is not said has its default, with which nothing is changed. Typed numbers may have a comma for a point.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields

from bridge.domain import stored
from bridge.errors import RequestError

RANGES: dict[str, tuple[float, float]] = {
    "guidance": (0.0, 20.0),
    "onset_strength": (0.0, 2.0),
    "follow": (0.0, 1.0),
    "variation": (0.0, 1.0),
    "takes": (1.0, 16.0),
}
TITLES = {
    "guidance": "guidance",
    "onset_strength": "onset strength",
    "follow": "level follows motion",
    "variation": "variation",
    "takes": "takes per variation",
}


@dataclass(frozen=True, kw_only=True)
class Controls:
    """How a track's sound is made.

    Attributes:
        guidance: how strictly words or an example are followed; 0 takes the pack's own.
        onset_strength: factor on what the markers say, 0..2; the result is at most full level.
        follow: how far the level of an onset follows the motion in the picture there, 0 (not) to 1 (wholly).
        variation: how far a new variation lies from the take before, 0 (the same) to 1 (another one).
        takes: so many takes a variation makes.
    """

    guidance: float = 0.0
    onset_strength: float = 1.0
    follow: float = 0.0
    variation: float = 1.0
    takes: int = 1

    def __post_init__(self) -> None:
        for name, (least, most) in RANGES.items():
            value = getattr(self, name)
            if not (math.isfinite(value) and least <= value <= most):
                raise RequestError(
                    f"The control '{TITLES[name]}' must lie in {least:g}..{most:g}, got {value:g}",
                    hint="Press Controls and type another number",
                )
        if self.takes != int(self.takes):
            raise RequestError(f"The number of takes must be whole, got {self.takes:g}", hint="Press Controls again")

    def to_table(self) -> dict[str, float]:
        """Every control by its name."""
        return asdict(self)

    def to_json(self) -> str:
        """One line of JSON, keys sorted."""
        return json.dumps(self.to_table(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Controls:
        """What ``to_json`` wrote; the defaults for an empty text.

        Raises:
            RequestError: the text is none of ours.
        """
        if not text:
            return cls()
        try:
            return cls.from_table(stored.loads(text))
        except (ValueError, TypeError, AttributeError) as error:
            raise RequestError(
                "The controls stored with the track cannot be read", hint="Press Controls and set them again"
            ) from error

    @classmethod
    def from_table(cls, table: Mapping[str, float]) -> Controls:
        """From numbers by name; names of a newer version are passed over.

        Raises:
            RequestError: a number is out of range. TypeError, ValueError: something is no number.
        """
        known = {field.name for field in fields(cls)}
        values = {name: float(value) for name, value in table.items() if name in known}
        takes = values.pop("takes", 1.0)
        return cls(**values, takes=int(takes) if math.isfinite(takes) and takes == int(takes) else takes)  # pyright: ignore[reportArgumentType]

    @classmethod
    def typed(cls, text: str) -> Controls:
        """From "name=number;name=number", as the dialog in REAPER sends it; an empty number is the default.

        Raises:
            RequestError: an unknown name, or no number, or one out of range; the message names it.
        """
        values: dict[str, float] = {}
        for part in filter(None, (part.strip() for part in text.split(";"))):
            name, _, number = (piece.strip() for piece in part.partition("="))
            if name not in RANGES:
                raise RequestError(f"There is no control '{name}'", hint=f"Known are {', '.join(TITLES.values())}")
            if not number:
                continue
            try:
                values[name] = float(number.replace(",", "."))
            except ValueError:
                raise RequestError(
                    f"The control '{TITLES[name]}' is no number: '{number[:40]}'", hint="Press Controls and type one"
                ) from None
        return cls.from_table(values)
