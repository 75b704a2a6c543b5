"""What markers' names say."""

from __future__ import annotations

import pytest

from bridge.jobs import label
from bridge.jobs.label import Label

SIX_DB = 10.0 ** (-6 / 20)


@pytest.mark.parametrize(
    ("name", "prompt", "strength"),
    [
        ("foley", "", 1.0),
        ("foley 3", "", 1.0),
        (" [Foley] #12 ", "", 1.0),
        ("foley: metal plate", "metal plate", 1.0),
        ("FOLEY-metal", "metal", 1.0),
        ("foley @0.62", "", 0.62),
        ("foley@.5", "", 0.5),
        ("foley @1", "", 1.0),
        ("foley @0", "", 0.0),
        ("Foley  @ 0,5 ", "", 0.5),
        ("[foley @0.5]", "", 0.5),
        ("foley 3 @0.5", "", 0.5),
        ("foley @-6dB", "", SIX_DB),
        ("foley: @-6 DB", "", SIX_DB),
        ("foley @\u22126db", "", SIX_DB),
        ("foley @-6", "", SIX_DB),
        ("foley @0dB", "", 1.0),
        ("foley @-inf dB", "", 0.0),
        ("foley: metal plate @0.8", "metal plate", 0.8),
        ("FOLEY : metal  plate@0.8", "metal plate", 0.8),
        ("foley @-6 dB: metal plate", "metal plate", SIX_DB),
        ("foley @0.5 @0.25", "", 0.25),
        ("foley @-0", "", 1.0),
        ("foley @-6 dBFS", "", SIX_DB),
        ("foley @-6dbfs: metal", "metal", SIX_DB),
        ("foley @-6dB.", "", SIX_DB),
        ("foley: metal @-6dB, loud", "metal loud", SIX_DB),
        ("foley @0.5.", "", 0.5),
        ("foley (@0.5)!", "", 0.5),
        ("foley @0.5 metal plate", "metal plate", 0.5),
        ("foley 3 @-6 dB metal", "metal", SIX_DB),
        ("[foley @0.5] metal", "metal", 0.5),
        ("foley @0.5-metal", "metal", 0.5),
        ("foley @0.5 3", "", 0.5),
        ("foley: door @ kitchen @0.5", "door kitchen", 0.5),
        ("foley @7 @0.5", "", 0.5),
        ("foley @.5,metal", "metal", 0.5),
        ("foley @-6dB;metal", "metal", SIX_DB),
        ("foley @-6dBFS/metal", "metal", SIX_DB),
        ("foley @(0.5)", "", 0.5),
        ('foley @-6dB"', "", SIX_DB),
        ("foley @- 6 dB", "", SIX_DB),
        ("foley, @0.5", "", 0.5),
        ("foley. @-6dB: metal", "metal", SIX_DB),
        ("foley -6dB", "", SIX_DB),
        ("foley: -6 dBFS.", "", SIX_DB),
        ("foley: metal -6dB", "metal", SIX_DB),
        ("foley \u2013 metal", "metal", 1.0),
        ("foley \u2014 metal", "metal", 1.0),
        ("foley\uff1ametal \uff200.5", "metal", 0.5),
        ("foley: take 3-6dB pads", "take 3-6dB pads", 1.0),
        ("foley: metal-6dB", "metal-6dB", 1.0),
    ],
)
def test_read_when_a_name_is_labelled_then_words_and_level_are_understood(
    name: str, prompt: str, strength: float
) -> None:
    assert label.read(name) == Label(labelled=True, prompt=prompt, strength=strength)


@pytest.mark.parametrize(
    ("name", "unread"),
    [
        ("foley @loud", "@loud"),
        ("foley @7", "@7"),
        ("foley @ 3dB", "@ 3dB"),
        ("foley @50%", "@50%"),
        ("foley @", "@"),
        ("foley @0.5x", "@0.5x"),
        ("foley @1e-3", "@1e-3"),
        ("foley @0.x", "@0.x"),
    ],
)
def test_read_when_a_level_is_none_then_an_event_at_full_level_that_names_it(name: str, unread: str) -> None:
    assert label.read(name) == Label(labelled=True, unread=unread)


@pytest.mark.parametrize(
    ("name", "prompt", "unread"),
    [
        ("foley: door @ kitchen", "door kitchen", "@ kitchen"),
        ("foley: door @kitchen floor", "door kitchen floor", "@kitchen"),
        ("foley: door @7", "door", "@7"),
        ("foley @loud metal", "metal", "@loud"),
        ("foley @50% metal", "metal", "@50%"),
        ("foley: metal @0.5 @7", "metal", "@7"),
    ],
)
def test_read_when_a_level_is_none_then_words_of_the_prompt_stay_and_it_is_named(
    name: str, prompt: str, unread: str
) -> None:
    assert label.read(name) == Label(labelled=True, prompt=prompt, unread=unread)


@pytest.mark.parametrize(
    "name",
    [
        "foleyroom",
        "foleyroom @0.5",
        "foley cues",
        "foley, cues",
        "foley.",
        "foleys @0.5",
        "my foley @0.5",
        "foley3d @1",
    ],
)
def test_read_when_a_name_only_begins_like_the_label_then_it_is_nobodys(name: str) -> None:
    said = label.read(name)
    assert (said.labelled, said.almost) == (False, False)


@pytest.mark.parametrize("name", ["foley cues @0.5", "foley metal @-6dB", "foley 12 metal -6dB"])
def test_read_when_only_the_colon_is_missing_then_it_is_nobodys_and_says_so(name: str) -> None:
    said = label.read(name)
    assert (said.labelled, said.almost) == (False, True)


def test_read_when_the_name_is_the_designers_own_then_its_words_without_the_level() -> None:
    assert label.read(" metal  plate @0.5") == Label(labelled=False, prompt="metal plate", strength=0.5)
    assert label.read("@0.5") == Label(labelled=False, strength=0.5)
    assert label.read("metal @ kitchen") == Label(labelled=False, prompt="metal kitchen", unread="@ kitchen")


@pytest.mark.parametrize("hundredths", [1, 7, 29, 57, 58, 99, 100])
def test_name_of_when_read_back_then_the_same_level_to_the_bit(hundredths: int) -> None:
    found = hundredths / 100 + 0.0031
    name = label.name_of(min(1.0, found))
    assert label.read(name).strength == label.rounded(min(1.0, found)) == hundredths / 100


@pytest.mark.parametrize(
    ("strength", "name"), [(1.0, "foley"), (0.996, "foley"), (0.5, "foley @0.50"), (0.0, "foley @0.01")]
)
def test_name_of_when_written_then_full_level_needs_no_words_and_none_is_silent(strength: float, name: str) -> None:
    assert label.name_of(strength) == name
