"""A project file as a host: changed as little as possible, never at the cost of what was there."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host.base import Change, NewMarker, NewTake
from bridge.host.rpp import RppHost
from tests.bridge.host.project_file.show import VIDEO_GUID, lines, new_item, sound


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


def test_write_when_the_foley_item_was_trimmed_then_a_new_takes_sound_stays_where_it_belongs(show):
    host = RppHost(show)
    view = host.read()
    report = host.write(Change(token=view.token, undo_title="x", new_items=(new_item(view, sound(show.parent)),)))
    (foley,) = host.read().foley_items
    take = NewTake(
        item_guid=report.item_guids[0],
        audio_path=sound(show.parent, "two.wav"),
        take_name="two",
        recipe="{}",
        position_s=foley.position_s - 0.25,
    )
    host.write(Change(token=host.read(project="any").token, undo_title="y", new_takes=(take,)))
    assert re.findall(r" SOFFS (.*)\r", show.read_bytes().decode())[-2:] == ["0", "0.25"]


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
