"""A take's sound as the chain of steps that made it, and the way to make it again from nothing.

Convention: the first part is a render; each further one changed the sound as it stood in its file, so between two parts
samples are rounded as the file rounded them.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import soundfile

from bridge.domain.audio import Audio
from bridge.domain.render import Recipe, request_of
from bridge.domain.request import Request
from bridge.engine.callbacks import Cancelled, Progress, ignore, never
from bridge.engine.patches import InMemory, Patch, Sound, patched
from bridge.engine.spans import Span
from bridge.errors import RequestError

_AS_MADE = ("FLOAT", "DOUBLE")


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
            span = None if within is None else (int(within[0]), int(within[1]))
            return cls(request=request_of(table["request"]), within=span)
        except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
            raise RequestError("the take's recipe cannot be read", hint="Press Generate to make a new sound") from error


class Maker(Protocol):
    """What this asks of an engine."""

    def render(self, request: Request, *, progress: Progress = ..., cancelled: Cancelled = ...) -> Audio: ...

    def changes(
        self,
        request: Request,
        *,
        previous_request: Request,
        previous: Sound,
        within: Span | None = ...,
        progress: Progress = ...,
        cancelled: Cancelled = ...,
    ) -> list[Patch]: ...


def parts_of(recipe: Recipe) -> tuple[Part, ...]:
    """Every step of a take, oldest first; raises RequestError if the recipe cannot be read."""
    return (*map(Part.from_table, recipe.parts), Part(request=recipe.request, within=recipe.within))


def replay(
    engine: Maker,
    parts: Sequence[Part],
    *,
    subtype: str = "PCM_24",
    progress: Progress = ignore,
    cancelled: Cancelled = never,
) -> Audio:
    """Makes a take again from nothing: written, it is the file that was made step by step, byte for byte.

    Args:
        engine: with the pack of the take. parts: every step, oldest first. subtype: of the file between the steps.
        progress: is told the fraction done, 0..1. cancelled: is asked before every call of the network.

    Raises:
        RequestError: there is no part, or the first kept something that no part tells of. As ``Engine.render``.
    """
    if not parts or parts[0].within is not None:
        raise RequestError(
            "the take's recipe does not tell how its sound began, so it cannot be made again",
            hint="Press Generate to make a new sound",
        )
    count = len(parts)
    audio = engine.render(parts[0].request, progress=lambda done: progress(done / count), cancelled=cancelled)
    for number in range(1, count):
        part = parts[number]
        written = quantised(audio, subtype=subtype)
        patches = engine.changes(
            part.request,
            previous_request=parts[number - 1].request,
            previous=InMemory(written),
            within=part.within,
            progress=lambda done, number=number: progress((number + done) / count),
            cancelled=cancelled,
        )
        audio = patched(written, patches, part.request)
    return audio


def quantised(audio: Audio, *, subtype: str = "PCM_24") -> Audio:
    """A sound as it reads back from a file of that sample format."""
    if subtype in _AS_MADE:
        return audio
    file = io.BytesIO()
    soundfile.write(file, audio.samples.T, audio.rate_hz, subtype=subtype, format="WAV")
    file.seek(0)
    samples, _ = soundfile.read(file, dtype="float32", always_2d=True)
    return Audio(samples=np.ascontiguousarray(samples.T), rate_hz=audio.rate_hz)
