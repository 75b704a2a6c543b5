"""A project file as a host: read like REAPER, changed as little as possible, never at the cost of what was there."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import rpp

from bridge.domain.audio import Audio
from bridge.domain.clip import Clip, Section
from bridge.errors import HostError
from bridge.host.base import Change, NewItem, NewMarker, NewTake, ProjectView
from bridge.host.rpp import RppHost
from bridge.media import wav
from tests.bridge.media.clips import at_rate, render

VIDEO_GUID = "{11111111-0000-0000-0000-000000000001}"
PROJECT = r"""<REAPER_PROJECT 0.1 "7.78/linux-x86_64" 1700000000 0
  <NOTES 0 2
    |do not touch
    |<TRACK not a track
  >
  RECORD_PATH "Audio Files" ""
  CURSOR 11.25
  SAMPLERATE 44100 1 0
  <RENDER_CFG
    ZXZhdxgAAQ==
  >
  MARKER 1 2 "my own" 0 0 1 B {AAAAAAAA-0000-0000-0000-000000000001} 0
  MARKER 1 5.5 "a region" 1 0 1 R {AAAAAAAA-0000-0000-0000-000000000002} 0
  MARKER 1 9 "" 1
  MARKER 7 20 foley 0 0 1 B {AAAAAAAA-0000-0000-0000-000000000003} 0
  <PROJBAY
  >
  <TRACK {CCCCCCCC-0000-0000-0000-000000000001}
    NAME Folder
    MUTESOLO 0 0 0
    ISBUS 1 1
    AUXRECV 2 0 1 0 0 0 0 0 0 -1:U 0 -1 ''
    AUXRECV 1 0 1 0 0 0 0 0 0 -1:U 0 -1 ''
  >
  <TRACK {CCCCCCCC-0000-0000-0000-000000000002}
    NAME "Picture track"
    MUTESOLO 0 0 0
    ISBUS 2 -1
    <VOLENV2
      ACT 1 -1
      PT 0 1 0
    >
    <ITEM
      POSITION 10
      SNAPOFFS 0
      LENGTH 2
      LOOP 1
      MUTE 0 0
      SEL 0
      IGUID {11111111-0000-0000-0000-000000000001}
      NAME "the stick"
      VOLPAN 1 0 1 -1
      SOFFS 0.5
      PLAYRATE 1.25 1 0 -1 0 0.0025
      CHANMODE 0
      GUID {11111111-0000-0000-0000-000000000002}
      <SOURCE SECTION
        LENGTH 1.5
        MODE 2
        STARTPOS 0.25
        OVERLAP 0.01
        <SOURCE VIDEO
          FILE "Video Files\stick one.mp4"
        >
      >
      <TAKEFX
        WNDRECT 0 0 0 0
      >
    >
  >
  <TRACK {CCCCCCCC-0000-0000-0000-000000000003}
    NAME Last
    MUTESOLO 0 0 0
    ISBUS 0 0
  >
  <EXTSTATE
    <SOMEBODY_ELSE
      key value
    >
  >
>
"""


@pytest.fixture(scope="module")
def stick(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return render(tmp_path_factory.mktemp("v") / "v.mp4", times_s=at_rate(Fraction(25), 100))


@pytest.fixture
def show(tmp_path: Path, stick: Path) -> Path:
    """A project with a strange video item, and its media."""
    (tmp_path / "Video Files").mkdir()
    (tmp_path / "Video Files" / "stick one.mp4").write_bytes(stick.read_bytes())
    path = tmp_path / "show.RPP"
    path.write_bytes(PROJECT.replace("\n", "\r\n").encode())
    return path


def sound(folder: Path, name: str = "take.wav") -> str:
    return str(wav.write(folder / name, Audio.silence(length_samples=88_200, rate_hz=44_100)))


def new_item(view: ProjectView, path: str, **changes: Any) -> NewItem:
    item = view.items[0]
    given: dict[str, Any] = {
        "below_track_guid": item.track_guid,
        "track_name": "Foley: wood",
        "video_item_guid": item.guid,
        "position_s": item.position_s,
        "length_s": item.length_s,
        "audio_path": path,
        "take_name": "stick wood 1",
        "recipe": json.dumps({"prompt": "wood"}),
    }
    return NewItem(**(given | changes))


def lines(path: Path) -> list[str]:
    return path.read_bytes().decode().split("\r\n")


# --- reading ---------------------------------------------------------------------------------------------------------


def test_read_when_a_video_item_lies_under_the_cursor_then_everything_about_it(show):
    view = RppHost(show).read()
    (item,) = view.items
    assert (view.cursor_s, view.sample_rate_hz, view.path) == (11.25, 44_100, str(show))
    assert Path(view.media_dir) == show.parent / "Audio Files"
    assert (item.guid, item.name, item.track_index) == (VIDEO_GUID, "the stick", 1)
    assert (item.position_s, item.length_s, item.start_offset_s, item.play_rate, item.loop) == (10, 2, 0.5, 1.25, True)
    assert (item.section_offset_s, item.section_length_s, item.reverse) == (0.25, 1.5, True)
    assert item.source_length_s == pytest.approx(4.0, abs=0.05)
    assert Path(item.source_path) == show.parent / "Video Files" / "stick one.mp4"
    assert not item.offline
    assert [(m.name, m.position_s, m.ours) for m in view.markers] == [("my own", 2, False), ("foley", 20, False)]


@pytest.mark.parametrize(("cursor_s", "count"), [(9.9, 0), (10.0, 1), (11.9999, 1), (12.0, 0)])
def test_read_when_the_cursor_is_at_an_edge_then_half_open(show, cursor_s, count):
    assert len(RppHost(show).read(cursor_s=cursor_s).items) == count


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        ("      MUTE 0 0", "      MUTE 1 0", 0),
        ("      MUTE 0 0\r\n      SEL 0", "      MUTE 1 0\r\n      SEL 1", 1),
        ('NAME "Picture track"\r\n    MUTESOLO 0', 'NAME "Picture track"\r\n    MUTESOLO 1', 0),
        ("SOURCE VIDEO", "SOURCE WAVE", 0),
    ],
)
def test_read_when_muted_or_no_video_then_left_out_unless_selected(show, old, new, count):
    data = show.read_bytes()
    assert old.encode() in data
    show.write_bytes(data.replace(old.encode(), new.encode()))
    assert len(RppHost(show).read().items) == count


@pytest.mark.parametrize(("lane", "count"), [(0, 0), (1, 1)])
def test_read_when_the_track_has_lanes_then_only_those_that_play(show, lane, count):
    data = show.read_bytes().decode()
    data = data.replace("ISBUS 2 -1\r\n", "ISBUS 2 -1\r\n    FREEMODE 2\r\n    LANESOLO 2 0 0 0 0 0 0 0\r\n")
    data = data.replace("SEL 0\r\n      IGUID", f"SEL 0\r\n      YPOS {lane * 0.5} 0.5 2\r\n      IGUID")
    show.write_bytes(data.encode())
    assert len(RppHost(show).read().items) == count


def two_videos(show: Path) -> None:
    text = show.read_bytes().decode()
    item = text[
        text.index("    <ITEM") : text.index("  <TRACK {CCCCCCCC-0000-0000-0000-000000000003}") - len("  >\r\n")
    ]
    other = item.replace("11111111-", "22222222-").replace("the stick", "another")
    at = text.index("ISBUS 0 0\r\n") + len("ISBUS 0 0\r\n")
    show.write_bytes((text[:at] + other + text[at:]).encode())


def test_read_when_two_videos_lie_there_then_topmost_first_and_said_so(show):
    two_videos(show)
    view = RppHost(show).read()
    assert ([item.name for item in view.items], view.chosen) == (["the stick", "another"], "topmost")


def test_read_when_the_mouse_or_a_selection_points_then_that_one_first(show):
    two_videos(show)
    view = RppHost(show).read(mouse_track_guid="{CCCCCCCC-0000-0000-0000-000000000003}")
    assert ([item.name for item in view.items], view.chosen) == (["another", "the stick"], "track")
    text = show.read_bytes().decode()
    at = text.index("IGUID {22222222")
    show.write_bytes((text[:at] + text[at:].replace("IGUID", "SEL 1\r\n      IGUID", 1)).replace("SEL 0", "").encode())
    view = RppHost(show).read()
    assert ([item.name for item in view.items], view.chosen) == (["another", "the stick"], "selected")


def test_read_when_the_file_is_missing_then_offline(show):
    (show.parent / "Video Files" / "stick one.mp4").unlink()
    (item,) = RppHost(show).read().items
    assert item.offline
    assert item.source_length_s == 0.0


def test_read_when_there_are_stretch_markers_then_counted(show):
    data = show.read_bytes().replace(
        b"      <SOURCE SECTION", b"      SM 0 0 + 1 1.5 + 2 2.5 0.1\r\n      <SOURCE SECTION"
    )
    show.write_bytes(data)
    assert RppHost(show).read().items[0].stretch_markers == 3


@pytest.mark.parametrize(("data", "says"), [(None, "does not exist"), (b"hello", "is not a REAPER project")])
def test_host_when_the_file_is_no_project_then_error_names_it(tmp_path, data, says):
    path = tmp_path / "x.RPP"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(HostError, match=says) as caught:
        RppHost(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


# --- writing ---------------------------------------------------------------------------------------------------------


def test_write_when_markers_are_added_and_deleted_then_no_other_byte_changes(show):
    host = RppHost(show)
    before = lines(show)
    added = (NewMarker(position_s=11.125, name="foley"), NewMarker(position_s=5.6, name="foley: metal plate"))
    report = host.write(Change(token=host.read().token, undo_title="Foley: find onsets", add_markers=added))
    view = host.read()
    assert [(m.name, m.position_s) for m in view.markers if m.ours] == [("foley: metal plate", 5.6), ("foley", 11.125)]
    assert {m.guid for m in view.markers if m.ours} == set(report.marker_guids)
    after = lines(show)
    notes = after.index("    <FOLEY")
    rest = [
        line for line in after[:notes] + after[notes + 3 :] if not any(guid in line for guid in report.marker_guids)
    ]
    assert rest == before
    starts = [float(line.split()[2]) for line in after if line.startswith("  MARKER") and '""' not in line]
    assert starts == [2, 5.5, 5.6, 11.125, 20], "markers stand in time order"
    assert '"a region" 1 ' in after[after.index('  MARKER 1 9 "" 1') - 1], "and no region was torn apart"
    host.write(Change(token=view.token, undo_title="again", delete_markers=report.marker_guids))
    assert [line for line in lines(show) if "MARKER" in line] == [line for line in before if "MARKER" in line]
    assert not [m for m in host.read().markers if m.ours]


def test_write_when_a_marker_stands_there_already_then_not_doubled(show):
    host = RppHost(show)
    change = Change(
        token=host.read().token,
        undo_title="x",
        delete_markers=("{AAAAAAAA-0000-0000-0000-000000000003}",),
        add_markers=(NewMarker(position_s=20.0, name="foley"), NewMarker(position_s=2.0, name="my own")),
    )
    report = host.write(change)
    assert report.marker_guids == (
        "{AAAAAAAA-0000-0000-0000-000000000003}",
        "{AAAAAAAA-0000-0000-0000-000000000001}",
    )
    assert [(m.name, m.ours) for m in host.read().markers] == [("my own", False), ("foley", True)]


def test_write_when_an_item_is_new_then_its_track_lies_directly_below_inside_the_folder(show):
    host = RppHost(show)
    view = host.read()
    recipe = json.dumps({"prompt": 'it\'s "wood" `here`', "seed": 3})
    path = sound(show.parent)
    report = host.write(Change(token=view.token, undo_title="x", new_items=(new_item(view, path, recipe=recipe),)))
    text = show.read_bytes().decode()
    names = re.findall(r"<TRACK .*\r\n    NAME (.*)\r", text)
    assert names == ["Folder", '"Picture track"', '"Foley: wood"', "Last"]
    assert re.findall(r"ISBUS (.*)\r", text) == ["1 1", "0 0", "2 -1", "0 0"], "the folder still ends below its last"
    assert re.findall(r"AUXRECV (\d+)", text) == ["3", "1"], "receives still name the same tracks"
    (foley,) = host.read().foley_items
    assert (foley.guid, foley.video_item_guid, foley.takes) == (report.item_guids[0], VIDEO_GUID, 1)
    assert (foley.position_s, foley.length_s, foley.audio_path) == (10.0, 2.0, path)
    assert json.loads(foley.recipe) == json.loads(recipe)
    assert "FILE take.wav" in text, "a file inside the project's folder is named relative to it"


def test_write_when_takes_are_added_then_one_item_whose_last_take_plays(show):
    host = RppHost(show)
    view = host.read()
    report = host.write(Change(token=view.token, undo_title="x", new_items=(new_item(view, sound(show.parent)),)))
    for name in ("two.wav", "three.wav"):
        take = NewTake(
            item_guid=report.item_guids[0],
            audio_path=sound(show.parent, name),
            take_name=name,
            recipe=f'{{"n": "{name}"}}',
        )
        host.write(Change(token=host.read().token, undo_title="y", new_takes=(take,)))
    (foley,) = host.read().foley_items
    assert foley.takes == 3
    assert Path(foley.audio_path).name == "three.wav"
    assert json.loads(foley.recipe) == {"n": "three.wav"}
    assert re.findall(r" (TAKE\b.*)\r", show.read_bytes().decode()) == ["TAKE", "TAKE SEL"]


def test_write_when_several_items_are_new_then_each_below_the_one_before(show):
    host = RppHost(show)
    view = host.read()
    path = sound(show.parent)
    new = tuple(new_item(view, path, track_name=name) for name in ("one", "two"))
    host.write(Change(token=view.token, undo_title="x", new_items=new))
    assert re.findall(r"<TRACK .*\r\n    NAME (.*)\r", show.read_bytes().decode())[1:4] == [
        '"Picture track"',
        "one",
        "two",
    ]


def test_write_when_a_prompt_is_set_then_remembered_and_replaced(show):
    host = RppHost(show)
    for prompt in ("a wooden stick", "it's metal", ""):
        host.write(Change(token=host.read().token, undo_title="x", prompt=prompt))
        assert host.read().prompt == prompt
    assert "      key value" in lines(show), "other programs' notes stay"


def test_write_when_the_file_changed_in_between_then_error_and_untouched(show):
    host = RppHost(show)
    view = host.read()
    show.write_bytes(show.read_bytes().replace(b"CURSOR 11.25", b"CURSOR 11.5"))
    before = show.read_bytes()
    with pytest.raises(HostError, match=r"show\.RPP was changed by another program") as caught:
        host.write(Change(token=view.token, undo_title="x", prompt="wood"))
    assert caught.value.hint
    assert show.read_bytes() == before
    assert sorted(p.name for p in show.parent.iterdir()) == ["Video Files", "show.RPP"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda c, v: replace(c, new_items=(new_item(v, "/nowhere/x.wav"),)), "/nowhere/x.wav cannot be opened"),
        (lambda c, v: replace(c, new_items=(new_item(v, v.path),)), "cannot be opened"),
        (lambda c, v: replace(c, token="/other.RPP\n0"), "is for /other.RPP"),
        (lambda c, v: replace(c, expect_item=replace(v.items[0], guid="{gone}")), '"the stick" is gone'),
        (lambda c, v: replace(c, expect_item=replace(v.items[0], position_s=9.0)), '"the stick" was changed'),
        (
            lambda c, v: replace(c, new_takes=(NewTake(item_guid="{x}", audio_path="OK", take_name="t", recipe=""),)),
            "gone",
        ),
        (lambda c, v: replace(c, new_items=(new_item(v, "OK", below_track_guid="{x}"),)), "track of the video is gone"),
        (lambda c, v: replace(c, new_items=(new_item(v, "OK", length_s=0.0),)), "of no length"),
    ],
)
def test_write_when_it_cannot_be_done_then_error_and_nothing_changed(show, change, says):
    host = RppHost(show)
    view = host.read()
    good = sound(show.parent)
    before, names = show.read_bytes(), sorted(p.name for p in show.parent.iterdir())
    wanted = change(Change(token=view.token, undo_title="x", prompt="glass"), view)
    wanted = replace(
        wanted,
        new_items=tuple(replace(n, audio_path=n.audio_path.replace("OK", good)) for n in wanted.new_items),
        new_takes=tuple(replace(n, audio_path=n.audio_path.replace("OK", good)) for n in wanted.new_takes),
    )
    with pytest.raises(HostError, match=says) as caught:
        host.write(wanted)
    assert caught.value.hint
    assert show.read_bytes() == before
    assert sorted(p.name for p in show.parent.iterdir()) == names


def test_write_when_the_file_was_somebody_elses_then_kept_beside_it_once(show):
    host = RppHost(show)
    original = show.read_bytes()
    for prompt in ("wood", "metal"):
        host.write(Change(token=host.read().token, undo_title="x", prompt=prompt))
    backups = list(show.parent.glob("*-bak"))
    assert [b.name for b in backups] == ["show before foley.RPP-bak"]
    assert backups[0].read_bytes() == original
    edited = show.read_bytes().replace(b"CURSOR 11.25", b"CURSOR 11.5")
    show.write_bytes(edited)
    host.write(Change(token=host.read().token, undo_title="x", prompt="glass"))
    assert (show.parent / "show before foley 2.RPP-bak").read_bytes() == edited


def test_write_when_the_disk_takes_no_more_then_error_and_untouched(show):
    resource = pytest.importorskip("resource")
    host = RppHost(show)
    token, before = host.read().token, show.read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(HostError, match="was not written"):
            host.write(Change(token=token, undo_title="x", prompt="wood"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert show.read_bytes() == before
    assert sorted(p.name for p in show.parent.iterdir()) == ["Video Files", "show.RPP"]


# --- a new project ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("section", [None, Section(offset_s=0.5, length_s=2.0, reverse=True)])
def test_create_when_read_again_then_the_same_clip(tmp_path, stick, section):
    source = tmp_path / "a clip.mp4"
    source.write_bytes(stick.read_bytes())
    clip = Clip(
        source_path=str(source),
        source_length_s=4.0,
        position_s=3.1,
        length_s=1.7,
        start_offset_s=0.3,
        play_rate=0.9,
        loop=True,
        section=section,
        name="my 'clip'",
    )
    view = RppHost.create(tmp_path / "project.RPP", clip).read()
    (item,) = view.items
    assert view.chosen == "track"
    assert (item.position_s, item.length_s, item.start_offset_s, item.play_rate) == (3.1, 1.7, 0.3, 0.9)
    assert (item.loop, item.name, item.source_path) == (True, "my 'clip'", str(source))
    assert (item.section_length_s, item.reverse) == ((2.0, True) if section else (None, False))
    assert 'FILE "a clip.mp4"' in (tmp_path / "project.RPP").read_text()
    assert view.media_dir == str(tmp_path)


def test_create_when_the_name_is_taken_then_error_and_untouched(tmp_path, stick):
    (tmp_path / "p.RPP").write_text("precious")
    with pytest.raises(HostError, match="exists already"):
        RppHost.create(tmp_path / "p.RPP", Clip.whole(str(stick), 4.0))
    assert (tmp_path / "p.RPP").read_text() == "precious"


def test_create_when_the_demo_is_written_then_an_independent_reader_finds_one_item_of_two_takes(tmp_path, stick):
    host = RppHost.create(tmp_path / "p.RPP", Clip.whole(str(stick), 4.0))
    view = host.read()
    path = sound(tmp_path, "one.wav")
    host.write(
        Change(
            token=view.token,
            undo_title="x",
            add_markers=tuple(NewMarker(position_s=t, name="foley") for t in (0.5, 1.5)),
            new_items=(new_item(view, path, recipe=json.dumps({"prompt": 'it\'s "a" test'})),),
            prompt="wood",
        )
    )
    (foley,) = host.read().foley_items
    take = NewTake(item_guid=foley.guid, audio_path=sound(tmp_path, "two.wav"), take_name="two", recipe="{}")
    host.write(Change(token=host.read().token, undo_title="y", new_takes=(take,)))
    assert not list(tmp_path.glob("*-bak")), "a project that this host made itself is not kept twice"
    root = rpp.loads((tmp_path / "p.RPP").read_text())
    tracks = root.findall("TRACK")
    assert [track.find("NAME")[1] for track in tracks] == ["Video", "Foley: wood"]
    (item,) = tracks[1].findall("ITEM")
    assert [float(item.find(key)[1]) for key in ("POSITION", "LENGTH")] == [0.0, 4.0]
    assert [child[0] for child in item if isinstance(child, list) and child[0] == "TAKE"] == ["TAKE"]
    assert [source.find("FILE")[1] for source in item.findall("SOURCE")] == ["one.wav", "two.wav"]
    assert [float(marker[2]) for marker in root.findall("MARKER")] == [0.5, 1.5]
    video_source = tracks[0].find("ITEM").find("SOURCE")
    assert (video_source.attrib, video_source.find("FILE")[1]) == (["VIDEO"], str(stick))
    guids = re.findall(r"\{[0-9A-F-]{36}\}", (tmp_path / "p.RPP").read_text())
    assert len(guids) >= 10


def test_tell_when_called_then_logged_by_kind(show, caplog):
    host = RppHost(show)
    with caplog.at_level(logging.DEBUG):
        host.tell("halfway", kind="progress")
        host.tell("it broke", kind="error")
        host.tell("odd", kind="never heard of")
    host.close()
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("DEBUG", "halfway"),
        ("ERROR", "it broke"),
        ("INFO", "odd"),
    ]
