"""Sound as takes: several per key press, close or far variations, keep, and exactly again from the recipe alone."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.controls import Controls
from bridge.domain.render import Recipe
from bridge.errors import MediaError
from bridge.jobs import verbs
from bridge.media.output import Output
from tests.bridge.jobs.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.mark((10.25, "foley"), (10.75, "foley @0.5"), (11.5, "foley"))
    return table


def control(table: Table, **values: float) -> None:
    words = ";".join(f"{name}={value}" for name, value in values.items())
    guid = table.host.view.foley_tracks[0].guid if table.host.view.foley_tracks else ""
    table.press("controls", verbs.KeyPress(prompt=words, mouse_track_guid=guid))


def move(table: Table, number: int, position_s: float) -> None:
    markers = list(table.host.view.markers)
    markers[number] = replace(markers[number], position_s=position_s)
    table.change(markers=tuple(sorted(markers, key=lambda marker: marker.position_s)))


def exactly(table: Table) -> None:
    """Presses *Make exactly again* and looks that the new take's file is the old one's, byte for byte."""
    before, recipe, takes = table.content(), table.layer().recipe, table.layer().takes
    old = table.layer().audio_path
    assert "Made exactly again" in table.press("exactly")
    assert table.content() == before
    assert table.layer().audio_path != old
    assert (table.layer().recipe, table.layer().takes) == (recipe, takes + 1)
    assert table.host.undo_steps[-1] == "Foley: make exactly again"


@pytest.mark.parametrize("verb", ["variation", "little", "lot"])
def test_variation_when_several_takes_are_wanted_then_one_key_press_makes_them(table: Table, verb: str) -> None:
    table.press("generate")
    control(table, takes=3)
    assert "(3 takes)" in table.press(verb)
    assert table.layer().takes == 4
    made = [Recipe.from_json(take.recipe).request for take in table.host.changes[-1].new_takes]
    assert len({(request.seed, request.mix) for request in made}) == 3
    assert len({take.audio_path for take in table.host.changes[-1].new_takes}) == 3
    assert table.host.undo_steps.count(table.host.undo_steps[-1]) == 1


def test_vary_when_pressed_again_and_again_then_each_starts_from_the_active_take(table: Table) -> None:
    table.press("generate")
    seed = table.request().seed
    assert "varied a little" in table.press("little")
    assert "varied a lot" in table.press("lot")
    assert table.request().seed == seed
    assert [amount for _, amount in table.request().mix] == [0.25, 0.6]
    assert len({number for number, _ in table.request().mix}) == 2
    table.press("little")
    assert len(table.request().mix) == 3
    table.press("variation")
    assert (table.request().mix, table.request().seed == seed) == ((), False)


def test_vary_when_it_was_varied_very_often_then_the_noise_begins_anew(table: Table) -> None:
    table.press("generate")
    for _ in range(24):
        table.press("little")
    seed = table.request().seed
    assert len(table.request().mix) == 24
    table.press("little")
    assert table.request().mix == ()
    assert table.request().seed != seed


@pytest.mark.parametrize(("amount", "mix"), [(0.4, [0.4]), (1.0, [])])
def test_variation_when_the_control_says_how_far_then_the_noise_turns_by_it(
    table: Table, amount: float, mix: list[float]
) -> None:
    table.press("generate")
    seed = table.request().seed
    control(table, variation=amount)
    table.press("variation")
    assert [turned for _, turned in table.request().mix] == mix
    assert (table.request().seed == seed) == bool(mix)


def test_variation_when_the_control_is_0_then_it_says_that_nothing_would_change(table: Table) -> None:
    table.press("generate")
    control(table, variation=0.0)
    table.fails("variation", "'variation' of 'Foley: wood' is 0")
    table.press("little")
    assert table.layer().takes == 2


def test_vary_when_the_control_says_how_far_then_little_stays_little(table: Table) -> None:
    table.press("generate")
    control(table, variation=1.0)
    table.press("little")
    assert [amount for _, amount in table.request().mix] == [0.25]


def test_keep_when_there_are_several_then_one_stays_and_the_files_too(table: Table) -> None:
    table.press("generate")
    table.press("variation")
    files, recipe = table.files(), table.layer().recipe
    name = Path(table.layer().audio_path).stem
    assert table.press("keep") == f"Kept '{name}'; 1 take gone (their files stay)."
    assert (table.layer().takes, table.layer().recipe, table.files()) == (1, recipe, files)
    assert table.host.undo_steps[-1] == "Foley: keep this take"


def test_keep_when_there_is_one_take_then_nothing_is_written(table: Table) -> None:
    table.press("generate")
    assert "only one take" in table.press("keep")
    assert table.host.undo_steps == ["Foley: generate"]


def test_keep_when_there_are_layers_then_each_keeps_its_own(table: Table) -> None:
    table.mark((10.25, "foley"), (11.5, "foley: metal"))
    table.press("generate")
    table.press("variation")
    assert "2 takes gone" in table.press("keep")
    assert [item.takes for item in table.host.view.foley_items] == [1, 1]


def test_exactly_when_it_was_generated_then_the_same_bytes(table: Table) -> None:
    table.press("generate")
    exactly(table)


@pytest.mark.parametrize("verb", ["variation", "little", "lot"])
def test_exactly_when_it_was_varied_then_the_same_bytes(table: Table, verb: str) -> None:
    table.press("generate")
    table.press(verb)
    exactly(table)


@pytest.mark.parametrize("adds", [True, False])
@pytest.mark.parametrize(
    "output",
    [
        Output(),
        Output(subtype="PCM_16"),
        Output(subtype="FLOAT", loudness_lufs=-30.0),
        Output(loudness_lufs=-50.0, true_peak_db=-30.0),
        Output(fade_in_ms=800.0, fade_out_ms=600.0),
    ],
)
def test_exactly_when_it_was_made_again_then_the_same_bytes(table: Table, output: Output, adds: bool) -> None:
    table.engine.adds, table.engine.hum = adds, 0.1
    table.wish(output=output)
    table.press("generate")
    move(table, 1, 11.0)
    table.press("again")
    exactly(table)
    move(table, 2, 11.75)
    table.press("again")
    exactly(table)
    assert table.engine.remade > 1


@pytest.mark.parametrize("adds", [True, False])
def test_exactly_when_a_part_was_varied_and_another_made_again_then_the_same_bytes(table: Table, adds: bool) -> None:
    table.engine.adds, table.engine.hum = adds, 0.1
    table.press("generate")
    table.select(10.5, 11.2)
    table.press("variation")
    exactly(table)
    table.select(0.0, 0.0)
    move(table, 2, 11.75)
    table.press("again")
    exactly(table)
    table.select(11.4, 12.0)
    table.press("little")
    exactly(table)


def test_exactly_when_there_are_layers_then_all_of_them(table: Table) -> None:
    table.mark((10.25, "foley"), (11.5, "foley: metal"))
    table.press("generate")
    before = table.content("metal")
    assert "(2 takes)" in table.press("exactly")
    assert table.content("metal") == before
    assert [item.takes for item in table.host.view.foley_items] == [2, 2]


def test_exactly_when_markers_prompt_and_controls_changed_since_then_they_do_not_matter(table: Table) -> None:
    table.press("generate")
    move(table, 1, 11.0)
    table.press("prompt", verbs.KeyPress(prompt="glass"))
    control(table, guidance=4, onset_strength=0.5)
    exactly(table)


@pytest.mark.parametrize("verb", ["exactly", "variation"])
def test_exactly_when_another_pack_is_loaded_then_the_old_one_is_named(table: Table, verb: str) -> None:
    table.press("generate")
    table.engine.pack_digest = "e" * 64
    if verb == "exactly":
        table.fails("exactly", "pack fake 1", "serve --pack fake")
    else:
        assert "new variation" in table.press("variation")


def test_again_when_another_pack_is_loaded_then_all_is_made_anew_and_a_part_is_refused(table: Table) -> None:
    table.press("generate")
    table.engine.pack_digest = "e" * 64
    move(table, 1, 11.0)
    table.select(10.5, 11.2)
    table.fails("again", "another pack (fake 1)")
    table.select(0.0, 0.0)
    table.press("again")
    assert (table.engine.remade, table.recipe().pack_digest) == (0, "e" * 64)


def aged(table: Table, **fields: object) -> None:
    """Turns the active take's recipe into one that an earlier version wrote, which told less."""
    told = {**table.recipe().to_table(), **fields}
    for name in ("within", "parts", "controls", "output", "source_sha256"):
        del told[name]
    for name in ("mix", "reference", "sampler"):
        del told["request"][name]
    for onset in told["request"]["onsets"]:
        del onset["force"]
    table.change(foley_items=(replace(table.layer(), recipe=json.dumps(told), layer=None, set_id=""),))


def test_exactly_when_an_earlier_version_made_it_at_once_then_the_same_sound(table: Table) -> None:
    table.press("generate")
    before = table.samples()
    aged(table)
    table.press("exactly")
    assert np.array_equal(table.samples(None), before)
    assert "Nothing changed" in table.press("again")
    assert "(take 3)" in table.press("variation")
    assert table.recipe(None).controls == Controls().to_table()


def test_exactly_when_an_earlier_version_kept_parts_then_a_refusal_also_after_again(table: Table) -> None:
    table.press("generate")
    aged(table, previous_digest="f" * 64)
    table.fails("exactly", "how its sound began", "clip.mp4", "New variation")
    for number in (11.0, 11.1):
        move(table, 1, number)
        table.press("again")
        assert table.engine.remade
        table.fails("exactly", "how its sound began")
    table.select(10.5, 11.4)
    table.press("variation")
    table.fails("exactly", "how its sound began")
    table.select(0.0, 0.0)
    table.press("variation")
    before = table.content(None)
    table.press("exactly")
    assert table.content(None) == before


def test_again_when_the_takes_file_is_another_sound_then_a_part_is_refused_and_all_is_made(table: Table) -> None:
    table.press("generate")
    Path(table.layer().audio_path).write_bytes(b"RIFF")
    table.select(10.5, 11.2)
    move(table, 1, 11.0)
    table.fails("again", kind=MediaError)
    table.select(0.0, 0.0)
    table.press("again")
    assert table.engine.remade == 0
