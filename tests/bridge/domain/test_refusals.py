"""What is refused before anything is made, in the sentence that a designer reads."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bridge.domain.clip import Clip, Section
from bridge.domain.controls import Controls
from bridge.domain.envelope import Envelope
from bridge.domain.onsets import Onset
from bridge.domain.reference import Reference
from bridge.domain.render import Recipe
from bridge.domain.request import MAX_SEED, Request
from bridge.errors import RequestError

REQUEST = Request(length_samples=1, rate_hz=48_000, onsets=(), prompt="")
REFERENCE = Reference(path="/sounds/ping.wav", sha256="a" * 64)
KNOWN = "guidance, onset strength, level follows motion, variation, takes per variation"
AGAIN = "Press Generate to make a new sound."


def envelope(times: list[float], values: list[float]) -> Envelope:
    return Envelope(times_s=np.array(times, np.float64), values=np.array(values, np.float64))


def clip(**changes: Any) -> Clip:
    return Clip(**({"source_path": "C:\\v\\stick.mp4", "source_length_s": 10.0, "length_s": 4.0} | changes))


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (
            lambda: replace(REQUEST, length_samples=0),
            "there is nothing to render: the item is shorter than one sample. Lengthen the item.",
        ),
        (lambda: replace(REQUEST, seed=-1), "seed must lie in 0..2147483647, got -1."),
        (lambda: replace(REQUEST, mix=((MAX_SEED + 1, 0.5),)), "seed must lie in 0..2147483647, got 2147483648."),
        (lambda: replace(REQUEST, mix=((1, -0.1),)), "an amount of noise must lie in 0..1, got -0.1."),
        (lambda: replace(REQUEST, mix=((1, 1.1),)), "an amount of noise must lie in 0..1, got 1.1."),
        (
            lambda: replace(REQUEST, onsets=(Onset(time_s=1.0), Onset(time_s=0.5))),
            "onsets must be in ascending order.",
        ),
        (
            lambda: replace(REFERENCE, start_s=-1.0),
            "the reference /sounds/ping.wav has no part from -1 s, None s long. Choose a part that lies in the file.",
        ),
        (
            lambda: replace(REFERENCE, start_s=0.5, length_s=0.0),
            "the reference /sounds/ping.wav has no part from 0.5 s, 0.0 s long. Choose a part that lies in the file.",
        ),
        (lambda: Recipe.from_json("{"), f"the take's recipe cannot be read. {AGAIN}"),
        (lambda: Recipe.from_json('{"schema": 1}'), f"the take's recipe cannot be read. {AGAIN}"),
        (
            lambda: Recipe.from_json('{"schema": 2}'),
            f"the take's recipe has schema 2, this version reads 1. {AGAIN}",
        ),
        (
            lambda: Controls(guidance=20.5),
            "The control 'guidance' must lie in 0..20, got 20.5. Press Controls and type another number.",
        ),
        (
            lambda: Controls.typed("takes=1.5"),
            "The number of takes must be whole, got 1.5. Press Controls again.",
        ),
        (
            lambda: Controls.typed("sparkle=1"),
            f"There is no control 'sparkle'. Known are {KNOWN}.",
        ),
        (
            lambda: Controls.typed("guidance=" + "x" * 50),
            f"The control 'guidance' is no number: '{'x' * 40}'. Press Controls and type one.",
        ),
        (
            lambda: Controls.typed("guidance=1=2"),
            "The control 'guidance' is no number: '1=2'. Press Controls and type one.",
        ),
        (
            lambda: Controls.from_json("["),
            "The controls stored with the track cannot be read. Press Controls and set them again.",
        ),
        (lambda: envelope([], []), "an envelope needs as many times as values, and one of each at least."),
        (
            lambda: envelope([1.0, 1.0], [0.5, 0.5]),
            "an envelope's points must be numbers and in ascending order of time.",
        ),
        (lambda: envelope([0.0], [1.1]), "an envelope's values must lie in 0..1."),
        (
            lambda: clip(stretch_markers=1),
            'the item "stick.mp4" has a stretch marker, which the bridge cannot follow. '
            "Remove the stretch markers or glue the item, then try again.",
        ),
        (
            lambda: clip(name="Take 3", stretch_markers=2),
            'the item "Take 3" has 2 stretch markers, which the bridge cannot follow. '
            "Remove the stretch markers or glue the item, then try again.",
        ),
        (
            lambda: clip(source_path="", position_s=math.nan),
            "the item: the position must be a number, got nan. "
            "Check the item's properties; the file may be missing or offline.",
        ),
        (
            lambda: clip(start_offset_s=math.inf),
            'the item "stick.mp4": the start offset must be a number, got inf. '
            "Check the item's properties; the file may be missing or offline.",
        ),
        (
            lambda: clip(length_s=0.0),
            'the item "stick.mp4": the length must be a positive number, got 0. '
            "Check the item's properties; the file may be missing or offline.",
        ),
        (lambda: clip(play_rate=0.0), 'the item "stick.mp4": the play rate must be a positive number, got 0.'),
        (
            lambda: clip(source_length_s=0.0),
            'the item "stick.mp4": the length of its source must be a positive number, got 0.',
        ),
        (
            lambda: clip(section=Section(offset_s=math.nan, length_s=1.0)),
            'the item "stick.mp4": the section\'s start must be a number, got nan.',
        ),
        (
            lambda: clip(section=Section(offset_s=0.0, length_s=-1.0)),
            'the item "stick.mp4": the section\'s length must be a positive number, got -1.',
        ),
        (
            lambda: clip(loop=True, section=Section(offset_s=0.0, length_s=0.0009)),
            'the item "stick.mp4" loops 0.9 ms of its source, which is too short to follow. '
            "Switch looping off or lengthen the section.",
        ),
        (
            lambda: clip(position_s=100.0).sub(104.0, 106.0),
            'the item "stick.mp4" lies at 100.000 to 104.000 s and shows nothing from 104.000 to 106.000 s. '
            "Choose a range that overlaps the item.",
        ),
    ],
)
def test_refusal_when_something_cannot_be_then_one_sentence_and_the_way_out(
    ask: Callable[[], object], said: str
) -> None:
    with pytest.raises(RequestError) as caught:
        ask()
    assert caught.value.sentence.startswith(said)


def test_request_when_a_number_is_at_its_end_then_taken() -> None:
    asked = replace(REQUEST, seed=MAX_SEED, mix=((0, 0.0), (MAX_SEED, 1.0)))
    assert (asked.length_samples, asked.seed, asked.mix) == (1, MAX_SEED, ((0, 0.0), (MAX_SEED, 1.0)))
    same = replace(REQUEST, onsets=(Onset(time_s=0.5, prompt="a"), Onset(time_s=0.5, prompt="b")))
    assert [onset.prompt for onset in same.onsets] == ["a", "b"]


@pytest.mark.parametrize("start_s", [-0.5, math.nan, math.inf])
def test_reference_when_its_start_is_nowhere_then_refused_whatever_its_length(start_s: float) -> None:
    for length_s in (None, 1.0):
        with pytest.raises(RequestError, match="has no part"):
            replace(REFERENCE, start_s=start_s, length_s=length_s)


@pytest.mark.parametrize("length_s", [-1.0, 0.0, math.nan, math.inf])
def test_reference_when_its_length_is_none_then_refused(length_s: float) -> None:
    with pytest.raises(RequestError, match="has no part"):
        replace(REFERENCE, length_s=length_s)


def test_reference_when_short_or_from_the_first_instant_then_taken() -> None:
    short = replace(REFERENCE, length_s=0.5)
    assert (short.start_s, short.length_s) == (0.0, 0.5)


def test_loop_when_just_long_enough_then_followed() -> None:
    assert clip(loop=True, section=Section(offset_s=0.0, length_s=0.001)).to_source(0.0015) == pytest.approx(0.0005)
    assert clip(section=Section(offset_s=0.0, length_s=0.0005)).to_source(0.0) == 0.0
