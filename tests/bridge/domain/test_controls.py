"""The named controls: typed, checked, stored."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.controls import RANGES, TITLES, Controls
from bridge.errors import RequestError

enough = settings(deadline=None, max_examples=100, derandomize=True)


@enough
@given(
    st.builds(
        Controls,
        guidance=st.floats(0.0, 20.0),
        onset_strength=st.floats(0.0, 2.0),
        follow=st.floats(0.0, 1.0),
        variation=st.floats(0.0, 1.0),
        takes=st.integers(1, 16),
    )
)
def test_from_json_when_stored_then_the_same(controls: Controls) -> None:
    again = Controls.from_json(controls.to_json())
    assert again == controls
    assert isinstance(again.takes, int)


def test_typed_when_numbers_are_typed_then_they_count_and_the_rest_has_its_default() -> None:
    assert Controls.typed(" guidance = 4,5 ; takes=3;follow=;onset_strength= .5") == Controls(
        guidance=4.5, onset_strength=0.5, takes=3
    )
    assert Controls.typed("") == Controls.typed(";;") == Controls()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("loudness=3", ["'loudness'", TITLES["follow"]]),
        ("guidance=much", [TITLES["guidance"], "'much'"]),
        ("guidance=1e3", [TITLES["guidance"], "0..20", "1000"]),
        ("variation=-0.1", [TITLES["variation"], "0..1"]),
        ("follow=nan", [TITLES["follow"]]),
        ("takes=inf", [TITLES["takes"], "1..16"]),
        ("takes=0", [TITLES["takes"], "1..16"]),
        ("takes=2.5", ["whole", "2.5"]),
        ("onset_strength=2.01", [TITLES["onset_strength"], "0..2"]),
    ],
)
def test_typed_when_something_is_wrong_then_the_control_is_named(text: str, words: list[str]) -> None:
    with pytest.raises(RequestError) as caught:
        Controls.typed(text)
    for word in words:
        assert word in caught.value.sentence
    assert caught.value.hint


@pytest.mark.parametrize("name", RANGES)
def test_controls_when_at_either_end_of_their_range_then_they_are_taken(name: str) -> None:
    for value in RANGES[name]:
        assert getattr(Controls.from_table({name: value}), name) == value


def test_titles_when_a_control_is_there_then_it_has_a_name_and_a_range() -> None:
    assert set(TITLES) == set(RANGES) == set(Controls().to_table())


def test_from_json_when_a_newer_version_stored_it_then_what_is_known_counts() -> None:
    assert Controls.from_json('{"guidance": 2, "sparkle": 7}') == Controls(guidance=2.0)
    assert Controls.from_json("") == Controls()


@pytest.mark.parametrize("text", ["{", "[1]", "3", '{"guidance": null}', '{"takes": "many"}', '{"takes": [1]}'])
def test_from_json_when_it_is_none_of_ours_then_a_sentence(text: str) -> None:
    with pytest.raises(RequestError, match="cannot be read"):
        Controls.from_json(text)


def test_from_json_when_a_number_is_out_of_range_then_it_is_named() -> None:
    with pytest.raises(RequestError, match="guidance"):
        Controls.from_json(json.dumps({"guidance": 99}))
