"""A project file as a host: lines that nobody can read, and names that no project can hold."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.domain.clip import Clip
from bridge.errors import HostError
from bridge.host.base import Change, NewMarker, NewTake
from bridge.host.rpp import RppHost
from bridge.media.rpp import tokens
from tests.bridge.host.project_file.show import lines, new_item, sound

ALL_QUOTES = """a "b" c's `d`"""
HELD = """a "b" c's 'd'"""
"""The same as REAPER writes it."""
NOT_READ = [
    "MARKER",
    "MARKER 3",
    "MARKER 3 soon",
    'MARKER 3 nan "x" 0',
    'MARKER 3 1e999 "x" 0',
    "MARKER three 4",
    "MARKER 2.5 4",
    "MARKER 99999999999999999999999999 4",
    'MARKER 3 4 "x" maybe',
    'MARKER "3',
    "MARKER\u00a03\u00a04",
]


def put(show: Path, old: str, new: str) -> None:
    text = show.read_bytes().decode()
    assert text.count(old) == 1, old
    show.write_bytes(text.replace(old, new).encode())


def change(host: RppHost, **what: object) -> Change:
    return replace(Change(token=host.read().token, undo_title="x"), **what)


@pytest.mark.parametrize("odd", NOT_READ)
def test_marker_when_its_line_cannot_be_read_then_passed_over_and_kept_byte_for_byte(show, odd):
    put(show, "  MARKER 7 20", f"  {odd}\r\n  MARKER 7 20")
    host = RppHost(show)
    assert [m.name for m in host.read().markers] == ["my own", "foley"]
    before = lines(show)
    report = host.write(change(host, add_markers=(NewMarker(position_s=15.0, name="foley"),)))
    assert [(m.name, m.position_s) for m in host.read().markers] == [("my own", 2), ("foley", 15), ("foley", 20)]
    host.write(change(host, delete_markers=report.marker_guids))
    notes = before.index("  <EXTSTATE")
    assert lines(show)[:notes] == before[:notes]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ('MARKER 3 4 "x" 0.0', ["my own", "x", "foley"]),
        ("MARKER 3 4", ["my own", "", "foley"]),
        ('MARKER 3.0 4. "x"', ["my own", "x", "foley"]),
        ('MARKER 3 4 "x" 1.0', ["my own", "foley"]),
    ],
)
def test_marker_when_written_by_another_program_then_read(show, line, names):
    put(show, "  MARKER 7 20", f"  {line}\r\n  MARKER 7 20")
    host = RppHost(show)
    assert [m.name for m in host.read().markers] == names
    host.write(change(host, add_markers=(NewMarker(position_s=3.0, name="foley"),)))
    assert f"  {line}" in lines(show)


@pytest.mark.parametrize("rate", ["nan", "inf", "-inf", "x", "", "-48000", "1e300", "0.5"])
def test_read_when_the_sample_rate_makes_no_sense_then_the_usual_one(show, rate):
    put(show, "SAMPLERATE 44100 1 0", f"SAMPLERATE {rate}")
    view = RppHost(show).read()
    assert view.sample_rate_hz == 48_000
    assert len(view.items) == 1


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "x", "1e999", "1_1"])
def test_read_when_numbers_make_no_sense_then_as_if_they_were_not_there(show, value):
    for line in ("CURSOR 11.25", "SOFFS 0.5", "PLAYRATE 1.25", "MODE 2", "STARTPOS 0.25"):
        put(show, line, f"{line.split()[0]} {value}")
    view = RppHost(show).read()
    assert view.cursor_s == 0.0
    (item,) = RppHost(show).read(cursor_s=11.25).items
    assert (item.start_offset_s, item.play_rate) == (0.0, 1.0)
    assert (item.section_offset_s, item.section_length_s, item.reverse) == (0.0, 1.5, False)


@pytest.mark.parametrize(
    ("solo", "place", "count"),
    [
        ("x", "0 0.5", 1),
        ("inf", "0 0.5", 1),
        ("2", "x y", 1),
        ("2", "0 nan", 1),
        ("2", "-0.5 0.5", 0),
        ("2", "0.5 1e-320", 0),
        ("2.0", "0.5 0.5", 1),
    ],
)
def test_read_when_the_lanes_make_no_sense_then_no_error(show, solo, place, count):
    put(show, "    ISBUS 2 -1", f"    ISBUS 2 -1\r\n    FREEMODE 2\r\n    LANESOLO {solo} 0")
    put(show, "SEL 0\r\n      IGUID", f"SEL 0\r\n      YPOS {place} 2\r\n      IGUID")
    assert len(RppHost(show).read().items) == count


@pytest.mark.parametrize("odd", ["AUXRECV", "AUXRECV x 0", "AUXRECV -1 0", "AUXRECV inf", "AUXRECV 2.5", "AUXRECV ''"])
def test_write_when_a_receive_cannot_be_read_then_left_alone_and_the_others_move(show, odd):
    put(show, "    AUXRECV 1 0", f"    {odd}\r\n    AUXRECV 1 0")
    host = RppHost(show)
    host.write(change(host, new_items=(new_item(host.read(), sound(show.parent)),)))
    receives = [line for line in lines(show) if "AUXRECV" in line]
    assert [receives[0][:13], receives[1], receives[2][:13]] == ["    AUXRECV 3", f"    {odd}", "    AUXRECV 1"]


@pytest.mark.parametrize("odd", ["ISBUS", "ISBUS 1", "ISBUS 1 x", "ISBUS 2 -inf", "ISBUS 2 -1.5"])
def test_write_when_the_folder_state_cannot_be_read_then_left_alone(show, odd):
    put(show, "    ISBUS 2 -1", f"    {odd}")
    host = RppHost(show)
    host.write(change(host, new_items=(new_item(host.read(), sound(show.parent)),)))
    assert [line.strip() for line in lines(show) if "ISBUS" in line] == ["ISBUS 1 1", odd, "ISBUS 0 0", "ISBUS 0 0"]


@pytest.mark.parametrize("folder", ["//evil.example/share", r"\\evil.example\share"])
def test_read_when_the_file_leads_to_another_computer_then_that_is_never_asked(show, folder, monkeypatch):
    put(show, "Video Files", folder)
    put(show, 'RECORD_PATH "Audio Files"', f'RECORD_PATH "{folder}"')
    asked = []
    isfile, stat = os.path.isfile, os.stat
    monkeypatch.setattr(os.path, "isfile", lambda path: asked.append(str(path)) or isfile(path))
    monkeypatch.setattr(os, "stat", lambda path, **more: asked.append(str(path)) or stat(path, **more))
    view = RppHost(show).read()
    assert [item.offline for item in view.items] == [True]
    assert view.media_dir == ""
    assert not [path for path in asked if "evil" in path]


@pytest.mark.parametrize("name", ['a "b" c\'s `d`.mp4', "two\nlines.mp4", "two\rlines.mp4"])
def test_create_when_no_project_can_hold_the_file_name_then_error_says_why_and_nothing_is_left(tmp_path, name, stick):
    path = tmp_path / name
    path.write_bytes(stick.read_bytes())
    with pytest.raises(HostError, match=r"""has a line break, or all three of ", ' and `""") as caught:
        RppHost.create(tmp_path / "p.RPP", Clip.whole(str(path), 4.0))
    assert name in caught.value.message
    assert "Rename" in caught.value.hint
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("quotes", ["\"'", "'`", '"`', "\"\"''"])
def test_create_when_the_file_name_holds_two_kinds_of_quotes_then_found(tmp_path, stick, quotes):
    path = tmp_path / f"a {quotes[0]}b{quotes[1:]}.mp4"
    path.write_bytes(stick.read_bytes())
    (item,) = RppHost.create(tmp_path / "p.RPP", Clip.whole(str(path), 4.0)).read().items
    assert (item.source_path, item.offline) == (str(path), False)


def test_create_when_the_project_lies_beside_the_file_then_its_folder_may_be_called_anything(tmp_path, stick):
    folder = tmp_path / ALL_QUOTES
    folder.mkdir()
    (folder / "v.mp4").write_bytes(stick.read_bytes())
    (item,) = RppHost.create(folder / "p.RPP", Clip.whole(str(folder / "v.mp4"), 4.0)).read().items
    assert not item.offline


@pytest.mark.parametrize("kind", ["item", "take"])
def test_write_when_no_project_can_hold_the_sound_files_name_then_error_and_nothing_changed(show, kind):
    host = RppHost(show)
    report = host.write(change(host, new_items=(new_item(host.read(), sound(show.parent)),)))
    odd = sound(show.parent, f"{ALL_QUOTES}.wav")
    before, names = show.read_bytes(), sorted(show.parent.iterdir())
    take = NewTake(item_guid=report.item_guids[0], audio_path=odd, take_name="t", recipe="{}")
    what = {"new_takes": (take,)} if kind == "take" else {"new_items": (new_item(host.read(), odd),)}
    with pytest.raises(HostError, match="No project can name the file") as caught:
        host.write(change(host, **what))
    assert "Rename" in caught.value.hint
    assert (show.read_bytes(), sorted(show.parent.iterdir())) == (before, names)


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (ALL_QUOTES, HELD),
        ("two\r\nlines\n>", "two lines >"),
        ("nul\0here", "nul here"),
        ("half \ud83d a character", "half \ufffd a character"),
        ("<TRACK", "<TRACK"),
    ],
)
def test_write_when_texts_hold_what_no_line_can_then_the_nearest_that_one_can(show, text, held):
    host = RppHost(show)
    item = new_item(host.read(), sound(show.parent), track_name=text, take_name=text)
    marker = NewMarker(position_s=12.0, name=text)
    report = host.write(change(host, prompt=text, new_items=(item,), add_markers=(marker,)))
    view = RppHost(show).read()
    assert view.prompt == held
    assert [m.name for m in view.markers if m.ours] == [held]
    (foley,) = view.foley_items
    assert foley.guid == report.item_guids[0]
    names = [line[1] for line in map(tokens, lines(show)) if line[:1] == ["NAME"]]
    assert names == ["Folder", "Picture track", "the stick", held, held, "Last"]
    again = host.write(change(host, prompt=text, add_markers=(marker,)))
    assert again.marker_guids == report.marker_guids, "the same marker is not made twice"


def test_create_when_the_clips_name_has_line_ends_then_one_line(tmp_path, stick):
    clip = Clip.whole(str(stick), 4.0, name=f"two\n>\n{ALL_QUOTES}")
    (item,) = RppHost.create(tmp_path / "p.RPP", clip).read().items
    assert item.name == f"two > {HELD}"
