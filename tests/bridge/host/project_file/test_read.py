"""A project file as a host: read as REAPER reads it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.errors import HostError
from bridge.host.rpp import RppHost
from tests.bridge.host.project_file.show import VIDEO_GUID


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
