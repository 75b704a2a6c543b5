"""An example sound: remembered, followed by the models, or placed on the onsets itself without any."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.errors import EngineError, MediaError, RequestError
from bridge.jobs import verbs
from tests.bridge.jobs.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.mark((10.25, "foley"), (10.75, "foley @0.5"))
    return table


@pytest.fixture
def bare(screening: Table) -> Table:
    """A table at which no model can be opened."""

    def none() -> None:
        raise AssertionError("a model was opened")

    screening.desk = replace(screening.desk, engine=none)
    return screening


def control(table: Table, words: str) -> None:
    guid = table.host.view.foley_tracks[0].guid if table.host.view.foley_tracks else ""
    table.press("controls", verbs.KeyPress(prompt=words, mouse_track_guid=guid))


# -- remembering -------------------------------------------------------------------------------------------------------


def test_reference_when_an_item_is_selected_then_its_visible_part_is_remembered(table: Table, sound) -> None:
    table.change(selected=sound(table.folder / "door knock.wav", start_s=0.1, length_s=0.25))
    assert table.press("reference") == "The reference is 'door knock.wav', 0.25 s from 0.10 s on."
    known = json.loads(table.host.view.reference)
    assert (known["start_s"], known["length_s"], len(known["sha256"])) == (0.1, 0.25, 64)
    assert Path(known["path"]) == table.folder / "door knock.wav"
    assert table.engine.references
    assert table.host.undo_steps == ["Foley: use item as reference"]


def test_reference_when_none_or_several_items_are_selected_then_a_question(table: Table) -> None:
    table.fails("reference", "Not one item", "Select the one")


@pytest.mark.parametrize("fields", [{"offline": True}, {"source_path": "/no/such.wav"}, {"source_path": ""}])
def test_reference_when_the_file_is_offline_then_it_is_named(table: Table, sound, fields: dict) -> None:
    table.change(selected=sound(table.folder / "knock.wav", **fields))
    table.fails("reference", "'knock'", "offline or missing", "online")


def test_reference_when_the_item_shows_nothing_of_its_file_then_a_sentence(table: Table, sound) -> None:
    table.change(selected=sound(table.folder / "knock.wav", start_s=3.0))
    table.fails("reference", "knock.wav", "no sound at 3 s")


def test_reference_when_the_file_is_no_sound_then_a_sentence(table: Table, sound) -> None:
    item = sound(table.folder / "knock.wav")
    (table.folder / "knock.wav").write_text("words")
    table.change(selected=item)
    table.fails("reference", "knock.wav", kind=MediaError)


def test_reference_when_the_pack_cannot_listen_then_the_sentence_says_so_and_place_works(
    screening: Table, sound
) -> None:
    def deaf(reference: object) -> None:
        raise RequestError("pack fake cannot listen to examples", hint="Press Place this sound")

    screening.engine.check_reference = deaf  # pyright: ignore[reportAttributeAccessIssue]
    screening.change(selected=sound(screening.folder / "knock.wav"))
    assert "only Place this sound can use it: pack fake cannot listen" in screening.press("reference")
    assert "placed on 3 onsets" in screening.press("place")


def test_forget_when_there_is_a_reference_then_the_prompt_says_again_what_is_wanted(table: Table, sound) -> None:
    assert "no reference" in table.press("forget")
    table.change(selected=sound(table.folder / "knock.wav"))
    table.press("reference")
    assert table.press("forget") == "The reference is forgotten; the prompt is 'wood'."
    assert table.host.view.reference == ""
    table.press("generate")
    assert table.request().reference is None


def test_prompt_when_set_then_it_takes_the_references_place(table: Table, sound) -> None:
    table.change(selected=sound(table.folder / "knock.wav"))
    table.press("reference")
    assert "the reference is forgotten" in table.press("prompt", verbs.KeyPress(prompt="glass"))
    assert (table.host.view.reference, table.host.view.prompt) == ("", "glass")


@pytest.mark.parametrize("text", ["{", "[]", '{"path": 3}', '{"sha256": "a", "path": "b", "start_s": -1}'])
def test_key_when_what_is_remembered_is_damaged_then_a_sentence_and_choosing_again_helps(
    table: Table, sound, text: str
) -> None:
    table.change(reference=text, selected=sound(table.folder / "knock.wav"))
    table.fails("generate", "reference")
    table.press("reference")
    assert "sounded" in table.press("generate")


# -- following it with the models --------------------------------------------------------------------------------------


def test_generate_when_there_is_a_reference_and_no_prompt_then_it_says_what_is_wanted(table: Table, sound) -> None:
    table.change(selected=sound(table.folder / "knock.wav"), prompt="")
    table.press("reference")
    assert "as 'knock.wav'" in table.press("generate")
    reference = table.request().reference
    assert reference is not None
    assert (Path(reference.path).name, table.request().prompt) == ("knock.wav", "")
    assert table.host.changes[-1].new_items[0].track_name == "Foley: knock.wav"
    assert Path(table.layer().audio_path).name.startswith("clip knock ")


def test_generate_when_markers_have_words_then_the_reference_is_for_the_others(table: Table, sound) -> None:
    table.mark((10.25, "foley"), (10.75, "foley: metal"))
    table.change(selected=sound(table.folder / "knock.wav"))
    table.press("reference")
    table.press("generate")
    assert table.request().reference is not None
    assert table.request("metal").reference is None


def test_take_when_the_reference_is_forgotten_then_again_keeps_it_and_a_variation_does_not(table: Table, sound) -> None:
    table.change(selected=sound(table.folder / "knock.wav"))
    table.press("reference")
    table.press("generate")
    table.press("forget")
    assert "Nothing changed" in table.press("again")
    table.press("little")
    assert table.request().reference is not None
    table.press("variation")
    assert table.request().reference is None


def test_generate_when_the_references_file_changed_then_it_is_named(screening: Table, sound) -> None:
    screening.change(selected=sound(screening.folder / "knock.wav"))
    screening.press("reference")
    (screening.folder / "knock.wav").write_bytes(b"other")
    screening.fails("place", "knock.wav")


# -- placing it --------------------------------------------------------------------------------------------------------


def test_place_when_pressed_then_the_sound_lies_on_every_onset_and_no_model_is_opened(bare: Table, sound) -> None:
    bare.change(selected=sound(bare.folder / "knock.wav"), prompt="")
    began = time.perf_counter()
    assert bare.press("place") == "'knock.wav' placed on 3 onsets of 'clip.mp4'."
    assert time.perf_counter() - began < 2.0
    (item,) = bare.host.changes[-1].new_items
    assert (item.track_name, item.folder, item.layer) == ("Foley: knock.wav", "", None)
    heard = [float(np.abs(bare.samples(None)[at : at + 4800]).max()) for at in (12000, 36000, 60000)]
    assert heard[1] == pytest.approx(heard[0] / 2, rel=0.5)
    assert np.abs(bare.samples(None)[:11500]).max() == 0.0
    assert (bare.recipe(None).pack, bare.recipe(None).placed) == ("place", True)
    assert bare.host.undo_steps == ["Foley: place this sound"]


def test_place_when_neighbours_are_equally_strong_then_they_are_not_alike(bare: Table, sound) -> None:
    bare.mark((10.2, "foley"), (10.8, "foley"))
    bare.change(selected=sound(bare.folder / "knock.wav"))
    bare.press("place")
    samples = bare.samples(None)
    assert np.abs(samples[9600:28800] - samples[38400:57600]).max() > 0.01


def test_place_when_the_control_says_no_variation_then_they_are_alike(bare: Table, sound) -> None:
    control(bare, "variation=0")
    bare.mark((10.2, "foley"), (10.8, "foley"))
    bare.change(selected=sound(bare.folder / "knock.wav"))
    bare.press("place")
    samples = bare.samples(None)
    assert np.abs(samples[9600:28000] - samples[38400:56800]).max() < 1e-6


def test_place_when_the_same_seed_comes_again_then_the_same_sound(bare: Table, sound) -> None:
    bare.desk = replace(bare.desk, new_seed=lambda: 7)
    bare.change(selected=sound(bare.folder / "knock.wav"))
    bare.press("place")
    first = bare.samples(None)
    bare.press("place")
    assert np.array_equal(bare.samples(None), first)
    bare.desk = replace(bare.desk, new_seed=lambda: 8)
    bare.press("place")
    assert not np.array_equal(bare.samples(None), first)


def test_place_when_a_reference_is_remembered_then_it_is_the_one(screening: Table, sound) -> None:
    screening.change(selected=sound(screening.folder / "knock.wav"))
    screening.press("reference")
    screening.change(selected=None)
    assert "'knock.wav' placed" in screening.press("place")


def test_place_when_there_is_no_sound_then_what_to_do(bare: Table, sound) -> None:
    bare.fails("place", "no sound to place", "Select an item")
    bare.change(selected=sound(bare.folder / "knock.wav", foley=True))
    bare.fails("place", "no sound to place")
    bare.change(items=(replace(bare.host.view.items[0], selected=True),), selected=sound(bare.folder / "b.wav"))
    bare.fails("place", "no sound to place")


def test_place_when_no_markers_stand_then_onsets_are_found_first(screening: Table, sound) -> None:
    screening.mark()
    screening.change(selected=sound(screening.folder / "knock.wav"))
    assert "placed on 2 onsets" in screening.press("place")
    assert screening.times() == [10.5, 11.25]


@pytest.mark.parametrize("verb", ["variation", "little", "lot"])
def test_variation_when_the_take_was_placed_then_it_is_placed_otherwise_without_a_model(
    bare: Table, sound, verb: str
) -> None:
    bare.change(selected=sound(bare.folder / "knock.wav"))
    bare.press("place")
    before, reference = bare.samples(None), bare.request(None).reference
    bare.press(verb)
    assert not np.array_equal(bare.samples(None), before)
    assert (bare.recipe(None).placed, bare.request(None).reference) == (True, reference)
    assert bare.layer(None).takes == 2


def test_again_when_the_take_was_placed_then_markers_are_followed_without_a_model(bare: Table, sound) -> None:
    control(bare, "guidance=3")
    bare.change(selected=sound(bare.folder / "knock.wav"))
    bare.press("place")
    assert "Nothing changed" in bare.press("again")
    before = bare.samples(None)
    bare.mark((10.25, "foley"), (10.75, "foley @0.5"))
    bare.press("again")
    after = bare.samples(None)
    assert list(bare.levels(None)) == [10.25, 10.75]
    assert np.array_equal(after[:36000], before[:36000])
    assert np.abs(after[62400:]).max() < np.abs(before[62400:]).max()


def test_again_when_a_placed_take_is_changed_within_a_selection_then_the_rest_stays(bare: Table, sound) -> None:
    bare.change(selected=sound(bare.folder / "knock.wav"))
    bare.press("place")
    before = bare.samples(None)
    bare.select(10.6, 11.2)
    bare.press("variation")
    after = bare.samples(None)
    assert np.array_equal(after[:28800], before[:28800])
    assert np.array_equal(after[57600:], before[57600:])
    assert not np.array_equal(after, before)


def test_exactly_when_the_take_was_placed_then_the_same_bytes_without_a_model(bare: Table, sound) -> None:
    bare.change(selected=sound(bare.folder / "knock.wav"))
    control(bare, "variation=0.5")
    bare.press("place")
    for step in range(4):
        if step == 1:
            bare.press("little")
        if step == 2:
            bare.select(10.6, 11.2)
            control(bare, "variation=0.9")
            bare.press("variation")
        if step == 3:
            bare.select(0.0, 0.0)
            control(bare, "variation=0.2")
            bare.mark((10.25, "foley"), (10.8, "foley"))
            bare.press("again")
        before = bare.content(None)
        bare.press("exactly")
        assert bare.content(None) == before


def test_place_when_the_pack_is_missing_then_generate_says_so_and_place_works(screening: Table, sound) -> None:
    def missing() -> None:
        raise EngineError("the pack is not there", hint="Download it")

    screening.desk = replace(screening.desk, engine=missing)
    screening.change(selected=sound(screening.folder / "knock.wav"))
    screening.fails("generate", "not there", kind=EngineError)
    assert "placed" in screening.press("place")
