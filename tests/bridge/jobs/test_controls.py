"""Controls: stored with the track that they were typed for, and each one changes what is asked for or heard."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.controls import Controls
from bridge.jobs import verbs
from tests.bridge.jobs.table import Table


@pytest.fixture
def table(tmp_path: Path) -> Table:
    table = Table(tmp_path)
    table.engine.sees = ((0.25, 0.9, 1.0), (0.75, 0.6, 0.5), (1.5, 0.9, 1.0))
    table.mark((10.25, "foley"), (10.75, "foley @0.5"), (11.5, "foley"))
    return table


def typed(words: str, track: str = "") -> verbs.KeyPress:
    return verbs.KeyPress(prompt=words, mouse_track_guid=track)


def heights(table: Table, words: str | None = "") -> list[float]:
    samples = table.samples(words)
    return [round(float(samples[at]), 5) for at in np.flatnonzero(samples)]


def test_controls_when_a_track_is_pointed_at_then_they_are_its_own(table: Table) -> None:
    table.press("generate")
    track = table.layer().track_guid
    sentence = table.press("controls", typed("guidance=4;follow=0,5", track))
    assert "Controls of 'Foley: wood': guidance 4, onset strength 1, level follows motion 0.5" in sentence
    assert table.host.view.controls == ""
    (stored,) = [t.controls for t in table.host.view.foley_tracks if t.guid == track]
    assert Controls.from_json(stored) == Controls(guidance=4, follow=0.5)
    table.press("generate")
    assert table.request().guidance is None


def test_controls_when_no_track_is_pointed_at_then_they_are_for_tracks_to_come(table: Table) -> None:
    table.press("generate")
    assert table.press("controls", typed("guidance=4;takes=2")).startswith("Controls of tracks to come: guidance 4")
    assert "Nothing changed" in table.press("again")
    table.press("variation")
    assert (table.layer().takes, table.request().guidance) == (2, None)
    table.press("generate")
    assert table.request().guidance == 4.0
    assert Controls.from_json(table.host.view.foley_tracks[-1].controls) == Controls(guidance=4, takes=2)
    table.press("controls", typed(""))
    table.press("variation")
    assert (table.layer().takes, table.request().guidance) == (3, 4.0)


def test_controls_when_a_number_is_wrong_then_nothing_is_written(table: Table) -> None:
    table.press("generate")
    table.fails("controls", "guidance", "0..20", key=typed("guidance=50", table.layer().track_guid))


def test_controls_when_what_is_stored_is_damaged_then_setting_them_again_helps(table: Table) -> None:
    table.press("generate")
    track = table.layer().track_guid
    table.change(foley_tracks=tuple(replace(one, controls="{") for one in table.host.view.foley_tracks))
    table.fails("again", "controls", "set them again")
    table.press("controls", typed("", track))
    assert "Nothing changed" in table.press("again")


@pytest.mark.parametrize("verb", ["again", "variation", "little"])
def test_guidance_when_set_then_the_models_are_asked_for_it(table: Table, verb: str) -> None:
    table.press("generate")
    table.press("controls", typed("guidance=7", table.layer().track_guid))
    table.press(verb)
    assert table.request().guidance == 7.0
    assert table.recipe().controls["guidance"] == 7.0
    table.press("controls", typed("guidance=0", table.layer().track_guid))
    table.press("again")
    assert table.request().guidance is None


def test_onset_strength_when_set_then_every_level_is_scaled_and_none_above_full(table: Table) -> None:
    table.press("generate")
    assert list(table.levels().values()) == [1.0, 0.5, 1.0]
    first = heights(table)
    table.press("controls", typed("onset_strength=0.5", table.layer().track_guid))
    table.press("again")
    assert list(table.levels().values()) == [0.5, 0.25, 0.5]
    assert heights(table) == pytest.approx([height / 2 for height in first], abs=2e-5)
    table.press("controls", typed("onset_strength=2", table.layer().track_guid))
    table.press("again")
    assert list(table.levels().values()) == [1.0, 1.0, 1.0]


def test_follow_when_set_then_levels_follow_the_motion_as_far_as_it_says(table: Table) -> None:
    table.press("detect")
    table.press("generate")
    looked = table.engine.looked
    plain = table.levels()
    table.press("controls", typed("follow=1", table.layer().track_guid))
    table.press("again")
    wholly = table.levels()
    assert wholly[10.25] == pytest.approx(1.0)
    assert wholly[10.75] == pytest.approx(0.5 / 3, rel=1e-3)
    table.press("controls", typed("follow=0.5", table.layer().track_guid))
    table.press("again")
    assert table.levels()[10.75] == pytest.approx((plain[10.75] + wholly[10.75]) / 2)
    assert table.engine.looked == looked


def test_follow_when_nobody_looked_yet_then_the_picture_is_looked_at(table: Table) -> None:
    table.press("controls", typed("follow=1"))
    table.press("generate")
    assert table.engine.looked == 1
    assert table.levels()[10.75] == pytest.approx(0.5 / 3, rel=1e-3)
    assert table.times() == [10.25, 10.75, 11.5]
    assert "every peak" in table.press("more")


def test_follow_when_nobody_looked_before_layers_are_made_again_then_once_is_enough(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley: metal"), (11.5, "foley: glass"))
    table.press("generate")
    table.press("controls", typed("follow=1"))
    for track in table.host.view.foley_tracks:
        table.press("controls", typed("follow=1", track.guid))
    table.press("again")
    table.press("variation")
    assert table.engine.looked == 1


def test_takes_when_set_for_one_layer_then_only_it_gets_more(table: Table) -> None:
    table.mark((10.25, "foley"), (10.75, "foley: metal"))
    table.press("generate")
    table.press("controls", typed("takes=3", table.layer("metal").track_guid))
    table.press("variation")
    assert (table.layer().takes, table.layer("metal").takes) == (2, 4)


def test_again_when_several_takes_are_wanted_then_it_still_makes_one(table: Table) -> None:
    table.press("generate")
    table.press("controls", typed("takes=3", table.layer().track_guid))
    table.mark((10.25, "foley"), (10.8, "foley"))
    table.press("again")
    assert table.layer().takes == 2


def test_layer_when_new_words_join_then_it_has_the_controls_of_its_neighbours(table: Table) -> None:
    table.press("generate")
    table.press("controls", typed("guidance=3;onset_strength=0.5", table.layer().track_guid))
    table.mark((10.25, "foley"), (10.75, "foley: glass"))
    table.press("again")
    assert (table.request("glass").guidance, list(table.levels("glass").values())) == (3.0, [0.5])
    track = next(one for one in table.host.view.foley_tracks if one.guid == table.layer("glass").track_guid)
    assert Controls.from_json(track.controls) == Controls(guidance=3, onset_strength=0.5)
