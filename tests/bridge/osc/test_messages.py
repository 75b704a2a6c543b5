"""What an OSC message means, and what is refused with a sentence."""

from __future__ import annotations

import pytest

from bridge.errors import RequestError
from bridge.jobs import verbs
from bridge.osc import messages
from bridge.osc.messages import Cancel, Detect, Generate, SetPrompt


def test_parse_when_every_argument_is_given_then_all_arrive_exactly() -> None:
    verb = messages.parse("/foley/generate", ["3600.0001220703125", "{A}", " a  wooden\nstick ", "m\np\n/a  b.rpp"])
    assert verb == Generate(
        cursor_s=3600.0001220703125, mouse_track_guid="{A}", prompt="a wooden stick", project="m\np\n/a  b.rpp"
    )


@pytest.mark.parametrize("cursor", ["", "12.5", 12.5, 12])
def test_parse_when_the_cursor_is_text_or_number_or_empty_then_it_is_taken(cursor: object) -> None:
    assert messages.parse("/foley/detect", [cursor]).cursor_s == (None if cursor == "" else float(str(cursor)))


def test_parse_when_there_are_no_arguments_then_defaults_stand() -> None:
    assert messages.parse("/foley/cancel", []) == Cancel()
    assert messages.parse("/foley/detect", []) == Detect(cursor_s=None, mouse_track_guid="", prompt="")


def test_verbs_are_those_that_run_and_the_four_that_do_not() -> None:
    assert set(messages.VERBS) == set(verbs.VERBS) - {verbs.LIVE} | {"cancel", "free", "status", "touched"}
    assert messages.VERBS["prompt"] is SetPrompt


@pytest.mark.parametrize(
    ("address", "arguments", "says"),
    [
        ("/foley/fly", [], "/foley/detect"),
        ("/other", [], "does not know"),
        ("/foley/detect", ["nan"], "not a time"),
        ("/foley/detect", ["1e999"], "not a time"),
        ("/foley/detect", ["now"], "not a time"),
        ("/foley/detect", [True], "not a time"),
        ("/foley/detect", [None], "not a time"),
        ("/foley/detect", [b"12"], "not a time"),
        ("/foley/detect", ["1", 5], "track GUID"),
        ("/foley/detect", ["1", "x" * 65], "65 characters"),
        ("/foley/prompt", ["1", "", b"wood"], "prompt"),
        ("/foley/prompt", ["1", "", "w" * 501], "501 characters"),
        ("/foley/prompt", ["1", "", "wood", 4], "project"),
        ("/foley/prompt", ["1", "", "wood", "p" * 4301], "4301 characters"),
        ("/foley/prompt", ["1", "", "wood", "", "more"], "5 arguments"),
        ("/foley/prompt", [["1"]], "not a time"),
    ],
)
def test_parse_when_something_is_wrong_then_the_sentence_names_it(address: str, arguments: list, says: str) -> None:
    with pytest.raises(RequestError) as caught:
        messages.parse(address, arguments)
    assert says in caught.value.sentence
