"""What the verbs open and where they write: texts of a project lead nowhere, and sounds from outside are copied in."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import pytest

from bridge.errors import HostUnsure, MediaError, RequestError
from bridge.host.base import SelectedView
from bridge.media import reference as sounds
from bridge.media import wav
from tests.bridge.jobs.table import Table
from tests.bridge.media import clips

posix_only = pytest.mark.skipif(os.name != "posix", reason="links and pipes as POSIX has them")


@pytest.fixture(scope="module")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("picture") / "clip.mp4"
    clips.render(path, times_s=clips.at_rate(Fraction(10), 40))
    return path


@pytest.fixture
def show(tmp_path: Path, picture: Path) -> Table:
    """A project in a folder of its own, beside a library; two markers."""
    (tmp_path / "show").mkdir()
    (tmp_path / "library").mkdir()
    table = Table(tmp_path / "show")
    shutil.copyfile(picture, table.video)
    table.mark((10.25, "foley"), (10.75, "foley @0.5"))
    return table


@pytest.fixture
def outside(show: Table, sound) -> SelectedView:
    """A sound of a library that is no part of the project, half of it visible."""
    return sound(show.folder.parent / "library" / "door knock.wav", start_s=0.1, length_s=0.2)


def library(show: Table) -> Path:
    return show.folder.parent / "library"


def remembered(show: Table) -> dict:
    return json.loads(show.host.view.reference)


def renamed_in_recipe(show: Table, layer: str | None, path: str) -> None:
    """Somebody writes another path into the recipe that a project carries."""
    (item,) = [item for item in show.host.view.foley_items if item.layer == layer]
    table = json.loads(item.recipe)
    table["request"]["reference"]["path"] = path
    for part in table["parts"]:
        part["request"]["reference"]["path"] = path
    others = [one for one in show.host.view.foley_items if one is not item]
    show.change(foley_items=(replace(item, recipe=json.dumps(table)), *others))


# -- sounds from outside are copied in ---------------------------------------------------------------------------------


def test_reference_when_it_lies_outside_then_its_part_is_copied_into_the_project(show: Table, outside) -> None:
    before = (library(show) / "door knock.wav").read_bytes()
    show.change(selected=outside)
    sentence = show.press("reference")
    assert sentence == "The reference is 'door knock.wav', 0.20 s from 0.10 s on, copied into the project."
    copy = Path(remembered(show)["path"])
    assert copy.parent.parent == show.folder / "Foley" / "References"
    assert copy.name == "door knock.wav"
    heard, rate_hz = sounds.read(sounds.named(library(show) / "door knock.wav", start_s=0.1, length_s=0.2))
    assert (wav.read(copy).samples[0] == heard).all()
    assert wav.read(copy).rate_hz == rate_hz
    told = (wav.read_provenance(copy) or {})["reference"]
    assert (told["path"], told["start_s"]) == (str(library(show) / "door knock.wav"), 0.1)
    assert (library(show) / "door knock.wav").read_bytes() == before


def test_reference_when_chosen_again_then_no_second_copy_and_another_part_is_another(show: Table, outside) -> None:
    show.change(selected=outside)
    show.press("reference")
    first = remembered(show)
    show.press("reference")
    assert remembered(show) == first
    show.change(selected=replace(outside, length_s=0.1))
    show.press("reference")
    assert remembered(show)["path"] != first["path"]
    assert len(list((show.folder / "Foley" / "References").rglob("*.wav"))) == 2


def test_reference_when_its_copy_was_changed_then_a_new_one_and_the_changed_one_stays(show: Table, outside) -> None:
    show.change(selected=outside)
    show.press("reference")
    copy = Path(remembered(show)["path"])
    told, louder = wav.read_provenance(copy), replace(wav.read(copy), samples=wav.read(copy).samples * 2)
    copy.unlink()
    wav.write(copy, louder, provenance=told, subtype="FLOAT")
    after = copy.read_bytes()
    show.press("reference")
    assert remembered(show)["path"] != str(copy)
    assert copy.read_bytes() == after


def test_reference_when_it_lies_in_the_project_then_used_where_it_lies(show: Table, sound) -> None:
    show.change(selected=sound(show.folder / "knock.wav"))
    assert "copied" not in show.press("reference")
    assert remembered(show)["path"] == str(show.folder / "knock.wav")
    assert not (show.folder / "Foley").exists()


@pytest.mark.parametrize("verb", ["little", "variation", "again", "exactly"])
def test_take_when_the_library_is_gone_then_it_can_still_be_made(show: Table, outside, verb: str) -> None:
    show.change(selected=outside)
    show.press("place")
    before = show.content(None)
    shutil.rmtree(library(show))
    show.change(selected=None)
    show.mark((10.25, "foley"), (10.8, "foley"))
    show.press(verb)
    assert show.layer(None).takes == 2
    assert (show.content(None) == before) == (verb == "exactly")


@pytest.mark.parametrize("verb", ["little", "again", "exactly", "variation", "generate"])
def test_take_when_the_project_was_moved_then_the_copy_is_found_again(show: Table, outside, verb: str) -> None:
    show.change(selected=outside)
    show.press("reference")
    show.press("place")
    before = show.content(None)
    moved = show.folder.parent / "moved"
    shutil.move(show.folder, moved)
    view = show.host.view
    (item,) = view.foley_items
    show.change(
        selected=None,
        path=str(moved / "show.rpp"),
        media_dir=str(moved),
        items=(replace(view.items[0], source_path=str(moved / "clip.mp4")),),
        videos=(replace(view.items[0], source_path=str(moved / "clip.mp4")),),
        foley_items=(replace(item, audio_path=str(moved / "Foley" / Path(item.audio_path).name)),),
    )
    show.mark((10.25, "foley"), (10.8, "foley"))
    show.press(verb)
    if verb == "exactly":
        assert show.content(None) == before
    if verb == "generate":
        assert show.request().reference is not None


@pytest.mark.parametrize(
    "text", [r"C:\Show\Foley\References\{}\door knock.wav", "/Users/me/Foley/References/{}/door knock.wav"]
)
def test_reference_when_it_was_chosen_on_another_system_then_the_copy_is_found(show: Table, outside, text: str) -> None:
    show.change(selected=outside)
    show.press("reference")
    copy = Path(remembered(show)["path"])
    show.change(selected=None, reference=json.dumps({**remembered(show), "path": text.format(copy.parent.name)}))
    assert "placed" in show.press("place")
    assert Path(show.request(None).reference.path) == copy  # pyright: ignore[reportOptionalMemberAccess]
    show.change(reference=json.dumps({**remembered(show), "path": text.format("0" * 8)}))
    show.fails("place", "The reference")


def test_reference_when_its_copy_is_another_file_by_now_then_not_taken_for_it(show: Table, outside) -> None:
    show.change(selected=outside)
    show.press("reference")
    Path(remembered(show)["path"]).write_bytes(b"other")
    show.change(selected=None)
    show.fails("place", "not the file that it was")


def test_reference_when_the_project_was_never_saved_then_a_sentence(show: Table, outside) -> None:
    show.change(selected=outside, path="")
    show.fails("reference", "door knock.wav", "never been saved", "Save the project")


def test_reference_when_the_project_refuses_then_its_copy_stays_and_every_later_key_press_uses_it(
    show: Table, outside
) -> None:
    show.change(selected=outside)
    for verb in ("reference", "place"):
        show.host.refuse = "REAPER is busy"
        with pytest.raises(Exception, match="REAPER is busy"):
            show.press(verb)
        (kept,) = (show.folder / "Foley").rglob("*.wav")
    show.host.refuse = ""
    show.press("reference")
    assert list((show.folder / "Foley").rglob("*.wav")) == [kept]


def test_reference_when_nobody_knows_whether_it_was_taken_then_the_copy_stays(show: Table, outside) -> None:
    def silent(change: object) -> None:
        raise HostUnsure("REAPER went away while it was asked", hint="Look whether the change is there")

    show.change(selected=outside)
    show.host.write = silent  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(HostUnsure):
        show.press("reference")
    assert list((show.folder / "Foley" / "References").rglob("door knock.wav"))


# -- what only stands as text is not followed --------------------------------------------------------------------------


@pytest.mark.parametrize("verb", ["generate", "place", "variation"])
def test_remembered_reference_when_it_leads_outside_then_one_sentence_and_choosing_it_helps(
    show: Table, outside, verb: str
) -> None:
    show.press("generate")
    named = sounds.named(outside.source_path)
    show.change(reference=json.dumps(asdict(named)))
    show.fails(verb, "door knock.wav", "outside the project's folders", "Use selected item as reference")
    show.change(selected=outside)
    show.press("reference")
    assert show.press(verb)


@pytest.mark.parametrize("verb", ["again", "little", "exactly"])
def test_recipe_when_it_leads_outside_then_one_sentence_and_an_item_with_the_sound_helps(
    show: Table, sound, verb: str
) -> None:
    show.change(selected=sound(show.folder / "knock.wav"))
    show.press("place")
    show.change(selected=None)
    shutil.move(show.folder / "knock.wav", library(show) / "knock.wav")
    renamed_in_recipe(show, None, str(library(show) / "knock.wav"))
    show.mark((10.25, "foley"), (10.8, "foley"))
    show.fails(verb, "knock.wav", "outside the project's folders", "select that item")
    item = SelectedView(
        name="knock", source_path=str(library(show) / "knock.wav"), start_s=0.0, length_s=0.1, offline=False
    )
    show.change(selected=item)
    assert show.press(verb)


def test_project_when_it_lies_in_the_home_folder_then_home_is_no_projects_folder(
    show: Table, sound, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(show.folder))
    item = sound(show.folder / "private.wav")
    show.change(reference=json.dumps(asdict(sounds.named(item.source_path))))
    show.fails("place", "private.wav", "outside the project's folders")
    show.change(selected=item)
    assert "copied into the project" in show.press("reference")
    show.change(selected=None)
    assert show.press("place")


@posix_only
@pytest.mark.parametrize("where", ["pipe", "link to a device", "link out", "device", "another computer"])
def test_recipe_when_it_names_what_is_no_sound_of_the_project_then_no_waiting(show: Table, sound, where: str) -> None:
    show.change(selected=sound(show.folder / "knock.wav"))
    show.press("place")
    show.change(selected=None)
    os.mkfifo(show.folder / "pipe")
    (show.folder / "link to a device").symlink_to("/dev/zero")
    (library(show) / "knock.wav").write_bytes((show.folder / "knock.wav").read_bytes())
    (show.folder / "link out").symlink_to(library(show) / "knock.wav")
    texts = {"device": "/dev/zero", "another computer": "//evil.example/share/knock.wav"}
    renamed_in_recipe(show, None, texts.get(where, str(show.folder / where)))
    with pytest.raises((RequestError, MediaError), match="The reference") as caught:
        show.press("exactly")
    assert "select that item" in caught.value.hint


@posix_only
def test_recipe_when_it_tells_of_another_video_then_that_is_never_opened(show: Table, sound) -> None:
    show.change(selected=sound(show.folder / "knock.wav"))
    show.press("place")
    before = show.content(None)
    os.mkfifo(show.folder / "film.mp4")
    item = show.layer(None)
    table = {**json.loads(item.recipe), "source_path": str(show.folder / "film.mp4")}
    show.change(foley_items=(replace(item, recipe=json.dumps(table)),), items=(), videos=())
    show.press("exactly")  # opening the pipe would wait for ever
    assert len(show.content(None)) > len(before) // 2


# -- where sound is put ------------------------------------------------------------------------------------------------


@posix_only
def test_sound_when_foley_is_a_link_out_then_nothing_is_made(show: Table) -> None:
    (show.folder / "Foley").symlink_to(library(show), target_is_directory=True)
    show.fails("generate", "Foley", "link that leads out of the project", "library", kind=MediaError)
    assert not list(library(show).iterdir())


@posix_only
def test_sound_when_a_link_takes_the_folders_place_meanwhile_then_nothing_is_made(show: Table) -> None:
    engine = show.engine

    def swapped(prompt: str) -> tuple[str, ...]:
        if not (show.folder / "Foley").is_symlink():
            (show.folder / "Foley").symlink_to(library(show), target_is_directory=True)
        return ()

    engine.check_prompt = swapped  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(MediaError, match="link that leads out"):
        show.press("generate")
    assert not list(library(show).iterdir())


@pytest.mark.parametrize("media_dir", ["", "Media", "a\0b"])
def test_sound_when_reaper_names_no_media_folder_then_a_sentence(
    show: Table, media_dir: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    show.change(media_dir=media_dir)
    show.fails("generate", "clip.mp4", "names no folder", "Project Settings", kind=MediaError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["library", "show"]


def test_sound_when_the_media_lie_on_another_disk_then_it_goes_there(show: Table, tmp_path: Path) -> None:
    (tmp_path / "audio drive").mkdir()
    show.change(media_dir=str(tmp_path / "audio drive"))
    show.press("generate")
    assert Path(show.layer().audio_path).parent == tmp_path / "audio drive" / "Foley"


def test_sound_when_the_disk_of_the_media_is_away_then_no_folders_are_made_in_its_place(
    show: Table, tmp_path: Path
) -> None:
    for gone in (tmp_path / "mnt" / "nas" / "audio", tmp_path / "mnt" / "nas" / "deep" / "audio"):
        show.change(media_dir=str(gone))
        show.fails("generate", "audio", "is not there", "Bring its disk back", kind=MediaError)
    show.change(media_dir=str(tmp_path / "gone" / "Media"), path=str(tmp_path / "gone" / "show.rpp"))
    show.fails("generate", "is not there", kind=MediaError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["library", "show"]


@pytest.mark.parametrize("media_dir", ["show/Media", "show/Audio/2026/May", "recordings"])
def test_sound_when_the_media_folder_was_never_used_then_it_is_made(
    show: Table, tmp_path: Path, media_dir: str
) -> None:
    show.change(media_dir=str(tmp_path / media_dir))
    show.press("generate")
    assert Path(show.layer().audio_path).parent == tmp_path / media_dir / "Foley"


def test_sound_when_the_clip_has_a_devices_name_then_the_file_has_none(show: Table) -> None:
    film = show.folder / "CON.scene.mp4"
    film.write_bytes(b"picture")
    show.change(items=(replace(show.host.view.items[0], source_path=str(film)),))
    show.press("generate")
    assert Path(show.layer().audio_path).name.startswith("_CON.scene ")
