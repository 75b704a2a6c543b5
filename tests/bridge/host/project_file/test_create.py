"""A project file as a host: new projects, by an independent reader's eyes."""

from __future__ import annotations

import json
import logging
import re

import pytest
import rpp

from bridge.domain.clip import Clip, Section
from bridge.errors import HostError
from bridge.host.base import Change, NewMarker, NewTake
from bridge.host.rpp import RppHost
from tests.bridge.host.project_file.show import new_item, sound


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
