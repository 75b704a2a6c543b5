"""What each key does, against a project in memory: the right things are written, and nothing when it fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.render import Recipe
from bridge.errors import HostError, HostUnsure, JobCancelled, MediaError
from bridge.host.base import MarkerView
from bridge.jobs import verbs
from bridge.jobs.doing import DOES
from bridge.media import wav
from tests.bridge.jobs.table import Table
from tests.fakes import project, video_item


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_verbs_when_each_is_looked_up_then_it_has_a_name_and_something_to_do() -> None:
    assert set(DOES) == set(verbs.VERBS)


def test_detect_when_pressed_twice_then_only_the_bridges_own_plain_markers_are_replaced(table: Table) -> None:
    designers = MarkerView(guid="{d}", position_s=10.9, name="door")
    labelled = MarkerView(guid="{l}", position_s=11.9, name="Foley: metal")
    outside = MarkerView(guid="{o}", position_s=30.0, name="foley", ours=True)
    table.change(markers=(designers, labelled, outside))
    assert "2 onsets found in 'clip.mp4'; 1 marker with words of your own kept" in table.press("detect")
    assert table.times() == [10.5, 10.9, 11.25, 11.9, 30.0]
    table.engine.finds = (1.0, 1.85)
    assert "1 onset found in 'clip.mp4', replacing 2" in table.press("detect")
    assert table.times() == [10.9, 11.0, 11.9, 30.0]
    assert labelled in table.host.view.markers
    assert designers in table.host.view.markers
    assert outside in table.host.view.markers
    assert table.host.undo_steps == ["Foley: find onsets"] * 2


def test_detect_when_nothing_is_found_then_the_markers_stay(table: Table) -> None:
    table.press("detect")
    before = table.host.view
    table.engine.finds = ()
    assert "No onsets" in table.press("detect")
    assert table.host.view == before


def test_generate_when_markers_stand_then_one_item_with_the_videos_place_and_their_sound(table: Table) -> None:
    table.press("detect")
    table.press("generate")
    (item,) = table.host.view.foley_items
    assert (item.position_s, item.length_s, item.video_item_guid) == (10.0, 2.0, "{video}")
    audio = wav.read(Path(item.audio_path))
    assert audio.length_samples == 96000
    assert np.flatnonzero(audio.samples[0]).tolist() == [24000, 60000]
    assert Path(item.audio_path).parent == table.folder / "Foley"
    recipe = Recipe.from_json(item.recipe)
    assert (recipe.request.prompt, recipe.request.seed, recipe.pack) == ("wood", 1, "fake")
    assert table.host.undo_steps == ["Foley: find onsets", "Foley: generate"]


def test_generate_when_no_marker_stands_then_onsets_are_found_first_in_the_same_step(table: Table) -> None:
    table.press("generate", verbs.KeyPress(prompt="metal"))
    assert table.times() == [10.5, 11.25]
    assert table.host.view.prompt == "metal"
    assert table.host.undo_steps == ["Foley: generate"]


def test_variation_when_pressed_then_a_new_take_with_another_seed(table: Table) -> None:
    table.press("generate")
    first = table.host.view.foley_items[0]
    table.press("variation")
    second = table.host.view.foley_items[0]
    assert (second.guid, second.takes) == (first.guid, 2)
    assert second.audio_path != first.audio_path
    assert Path(first.audio_path).is_file()
    assert Recipe.from_json(second.recipe).request.seed != Recipe.from_json(first.recipe).request.seed
    assert table.engine.remade == 0


def test_again_when_a_marker_moved_then_a_take_with_the_same_seed_keeps_the_previous_sound(table: Table) -> None:
    table.press("generate")
    seed = Recipe.from_json(table.host.view.foley_items[0].recipe).request.seed
    first, second = table.host.view.markers
    table.change(markers=(first, replace(second, position_s=11.5)))
    table.press("again")
    item = table.host.view.foley_items[0]
    recipe = Recipe.from_json(item.recipe)
    assert table.engine.remade == 1
    assert recipe.request.seed == seed
    assert [(o.time_s, o.prompt) for o in recipe.request.onsets] == [(0.5, ""), (1.5, "")]
    assert np.flatnonzero(wav.read(Path(item.audio_path)).samples[0]).tolist() == [24000, 72000]
    assert "Nothing changed" in table.press("again")
    assert table.host.view.foley_items[0].takes == 2


def test_again_when_the_project_was_only_saved_and_loaded_then_nothing_changed(table: Table) -> None:
    table.change(items=(replace(table.host.view.items[0], position_s=10 + 1 / 3),))
    table.engine.finds = (0.0, 0.1234567890123, 1.25)
    table.press("generate")
    rounded = tuple(replace(m, position_s=round(m.position_s, 10) - 3e-11) for m in table.host.view.markers)
    table.change(items=(replace(table.host.view.items[0], position_s=round(10 + 1 / 3, 10)),), markers=rounded)
    assert "Nothing changed" in table.press("again")
    assert "3 onsets" in table.press("variation")


def test_again_when_the_projects_prompt_changed_then_the_take_keeps_its_own_and_a_variation_does_not(
    table: Table,
) -> None:
    table.press("generate")
    table.press("prompt", verbs.KeyPress(prompt="glass"))
    first, second = table.host.view.markers
    table.change(markers=(first, replace(second, position_s=11.5)))
    table.press("again")
    assert Recipe.from_json(table.host.view.foley_items[0].recipe).request.prompt == "wood"
    table.press("variation")
    assert Recipe.from_json(table.host.view.foley_items[0].recipe).request.prompt == "glass"


def test_variation_when_the_foley_item_was_pasted_elsewhere_then_the_one_below_the_video_gets_it(table: Table) -> None:
    table.press("generate")
    (made,) = table.host.view.foley_items
    table.change(foley_items=(replace(made, guid="{copy}", position_s=2.0), made))
    table.press("variation")
    assert [item.takes for item in table.host.view.foley_items] == [1, 2]


def test_variation_when_the_video_went_offline_then_it_is_named(table: Table) -> None:
    table.press("generate")
    foley = replace(table.host.view.foley_items[0], selected=True)
    table.change(foley_items=(foley,), items=(replace(table.host.view.items[0], offline=True),))
    table.fails("variation", "clip.mp4", "offline", kind=MediaError)


def test_generate_when_the_media_folder_cannot_be_written_then_nothing_is_rendered(table: Table) -> None:
    blocked = table.folder / "file"
    blocked.write_text("no folder")
    table.change(media_dir=str(blocked))
    table.engine.render = None  # pyright: ignore[reportAttributeAccessIssue]
    table.fails("generate", "clip.mp4", "media folder", kind=MediaError)


def test_again_when_the_old_sound_is_gone_then_all_of_it_is_made_again(table: Table) -> None:
    table.press("generate")
    Path(table.host.view.foley_items[0].audio_path).unlink()
    table.press("again")
    assert table.engine.remade == 0
    assert table.host.view.foley_items[0].takes == 2


def test_prompt_when_set_then_remembered_and_an_unknown_word_is_not(table: Table) -> None:
    assert table.press("prompt", verbs.KeyPress(prompt="  glass  ")) == "The prompt is 'glass'."
    assert table.host.view.prompt == "glass"
    table.fails("prompt", "unobtainium", "wood", key=verbs.KeyPress(prompt="unobtainium"))


def test_generate_when_some_words_are_unknown_then_the_sentence_names_them(table: Table) -> None:
    table.press("detect")
    assert "(not understood: shiny)" in table.press("generate", verbs.KeyPress(prompt="shiny metal"))


@pytest.mark.parametrize("verb", ["detect", "generate", "variation", "again"])
def test_key_when_no_video_is_under_the_cursor_then_a_sentence_and_nothing_changes(tmp_path: Path, verb: str) -> None:
    table = Table(tmp_path, project(str(tmp_path), cursor_s=3.25))
    table.fails(verb, "3.250 s")


@pytest.mark.parametrize("verb", ["detect", "generate"])
def test_key_when_only_muted_video_is_there_then_it_is_named(tmp_path: Path, verb: str) -> None:
    table = Table(tmp_path, project(str(tmp_path), muted=("night.mp4",)))
    table.fails(verb, "night.mp4", "muted", "Unmute")


@pytest.mark.parametrize("verb", ["detect", "generate"])
def test_key_when_two_candidates_then_both_are_named(tmp_path: Path, verb: str) -> None:
    items = [video_item("a", name="a.mp4"), video_item("b", name="b.mp4", track_index=4)]
    table = Table(tmp_path, project(str(tmp_path), *items, chosen="topmost"))
    table.fails(verb, "a.mp4", "b.mp4", "track 5", "Select")


@pytest.mark.parametrize("fields", [{"offline": True}, {"source_path": "/no/such.mp4"}, {"source_path": ""}])
def test_key_when_the_file_is_offline_then_it_is_named(table: Table, fields: dict) -> None:
    table.change(items=(replace(table.host.view.items[0], **fields),))
    table.fails("detect", "clip.mp4", "offline", kind=MediaError)


def test_key_when_the_item_has_stretch_markers_then_a_refusal(table: Table) -> None:
    table.change(items=(replace(table.host.view.items[0], stretch_markers=2),))
    table.fails("detect", "stretch markers", "clip.mp4")


@pytest.mark.parametrize("verb", ["detect", "generate"])
def test_key_when_the_item_is_shorter_than_a_frame_then_it_is_named(table: Table, verb: str) -> None:
    table.change(items=(replace(table.host.view.items[0], length_s=0.01),))
    table.fails(verb, "clip.mp4", "shorter than a frame", "Lengthen")


def test_generate_when_the_project_was_never_saved_then_a_sentence(table: Table) -> None:
    table.change(path="")
    table.fails("generate", "never been saved", "Save the project")
    assert "found" in table.press("detect")


def test_generate_when_the_prompt_is_empty_then_a_sentence(table: Table) -> None:
    table.change(prompt="")
    table.fails("generate", "prompt for 'clip.mp4' is empty", key=verbs.KeyPress(prompt="   "))


def test_generate_when_a_marker_asks_for_unknown_words_then_the_marker_is_named(table: Table) -> None:
    table.change(markers=(MarkerView(guid="{m}", position_s=10.25, name="foley: plasma"),))
    table.fails("generate", "'plasma' at 10.250 s", "wood, metal or glass")


def test_generate_when_another_pack_found_the_onsets_then_recipes_say_so_as_long_as_it_is_known(table: Table) -> None:
    def finder() -> str:
        return Recipe.from_json(table.host.view.foley_items[0].recipe).onset_pack

    table.engine.found_by = {"onset_pack": "clean", "onset_pack_digest": "e" * 64}
    table.press("generate")
    assert finder() == "clean"
    table.press("variation")
    assert finder() == "clean"
    first, second = table.host.view.markers
    table.change(markers=(first, replace(second, name="foley @0.5")))
    table.press("again")
    assert finder() == "clean"
    table.change(markers=(first, replace(second, position_s=11.5)))
    table.press("again")
    assert finder() == ""
    table.press("generate")
    assert finder() == ""


def test_generate_when_the_host_refuses_then_no_sound_is_left_behind(table: Table) -> None:
    table.host.refuse = "The item was moved"
    table.fails("generate", "moved", kind=HostError)


def test_again_when_the_video_was_trimmed_then_a_refusal_with_the_way_out(table: Table) -> None:
    table.press("generate")
    table.change(items=(replace(table.host.view.items[0], length_s=1.5),))
    table.fails("again", "moved or trimmed", "Generate")


def test_again_when_no_foley_was_made_then_generate_is_advised(table: Table) -> None:
    table.fails("again", "no foley", "Press Generate first")


def test_again_when_the_recipe_is_damaged_then_a_sentence(table: Table) -> None:
    table.press("generate")
    table.change(foley_items=(replace(table.host.view.foley_items[0], recipe="{broken"),))
    table.fails("again", "recipe", "Generate")


def test_again_when_two_foley_items_are_selected_then_a_question(table: Table) -> None:
    table.press("generate")
    table.press("generate")
    table.change(foley_items=tuple(replace(item, selected=True) for item in table.host.view.foley_items))
    table.fails("again", "2 foley items are selected")


def test_generate_when_cancelled_then_nothing_changes(table: Table) -> None:
    table.cancel.set()
    before = table.host.view
    with pytest.raises(JobCancelled):
        table.press("generate")
    assert table.host.view == before
    assert table.files() == []


@pytest.mark.parametrize("verb", ["generate", "variation", "again"])
def test_key_when_the_item_is_moved_while_sound_is_made_then_nothing_is_written(table: Table, verb: str) -> None:
    table.press("generate")
    markers = table.host.view.markers
    table.change(markers=(markers[0], replace(markers[1], position_s=11.5)))
    files, foley = table.files(), table.host.view.foley_items
    make = table.engine.render

    def render(*arguments, **named):
        table.change(items=(replace(table.host.view.items[0], position_s=10.4),))
        return make(*arguments, **named)

    table.engine.render = render
    with pytest.raises(HostError, match="moved"):
        table.press(verb)
    assert (table.files(), table.host.view.foley_items) == (files, foley)


def test_generate_when_nobody_knows_whether_it_was_written_then_the_sound_is_kept(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(change: object) -> None:
        raise HostUnsure("REAPER does not answer", hint="Look whether the change is there")

    monkeypatch.setattr(table.host, "write", silent)
    with pytest.raises(HostUnsure):
        table.press("generate")
    assert len(table.files()) == 1
