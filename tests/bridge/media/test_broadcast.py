"""What a broadcast WAV tells other tools, read here without the code that wrote it."""

from __future__ import annotations

import struct
from dataclasses import fields, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import soundfile

from bridge.domain.audio import Audio
from bridge.errors import MediaError, RequestError
from bridge.media import wav
from bridge.media.broadcast import Broadcast, read_broadcast

from .walker import one, walk

TOLD = Broadcast(
    description="Metal plate, three hits",
    originator="Foley Bridge",
    originator_reference="take-0001",
    date="2026-01-31",
    time="23:59:58",
    time_reference_samples=3_600 * 48_000 + 12_345,
    project="Reel 3",
    scene="12A",
    take="4",
    note="metal & <wood>",
    timecode_rate="24000/1001",
    track_names=("Foley L", "Foley R"),
)


def sound(*, channels: int = 2, length: int = 101) -> Audio:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (channels, length)).astype(np.float32)
    return Audio(samples=samples, rate_hz=48_000)


def written(folder: Path, broadcast: Broadcast = TOLD, **how) -> Path:
    return wav.write(folder / "a.wav", how.pop("audio", sound()), broadcast=broadcast, **how)


def field(body: bytes, at: int, size: int) -> str:
    """A text field as the standard has it: up to the first zero, and nothing but zeros after it."""
    text, _, rest = body[at : at + size].partition(b"\0")
    assert not rest.strip(b"\0")
    return text.decode("ascii")


def replaced(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert data.count(old) == 1
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("provenance", [None, {"seed": 1}])
def test_broadcast_when_written_then_chunks_before_the_samples_and_the_sound_still_reads(tmp_path, subtype, provenance):
    path = written(tmp_path, subtype=subtype, provenance=provenance)
    names = [name for name, _ in walk(path)]
    assert names.index("bext") < names.index("data")
    assert names.index("iXML") < names.index("data")
    samples = soundfile.read(str(path), dtype="float64", always_2d=True)[0].T
    assert np.abs(samples - sound().samples).max() <= 2**-16
    assert wav.read_provenance(path) == provenance
    with wav.Reader(path) as reader:
        assert np.array_equal(reader.read(50, 60), samples[:, 50:60].astype(np.float32))


def test_bext_when_written_then_every_field_lies_where_tech_3285_has_it(tmp_path):
    body = one(written(tmp_path), "bext")
    assert [field(body, at, size) for at, size in ((0, 256), (256, 32), (288, 32), (320, 10), (330, 8))] == [
        "Metal plate, three hits",
        "Foley Bridge",
        "take-0001",
        "2026-01-31",
        "23:59:58",
    ]
    assert struct.unpack("<II", body[338:346]) == (3_600 * 48_000 + 12_345, 0)
    assert struct.unpack("<H", body[346:348]) == (1,)
    assert not any(body[348:602])
    assert body[602:] == b"A=PCM,F=48000,W=24,M=stereo,T=integer\r\n"


def test_bext_when_the_loudness_is_known_then_version_2_in_hundredths(tmp_path):
    body = one(written(tmp_path, replace(TOLD, loudness_lufs=-23.04, true_peak_db=-1.15)), "bext")
    assert struct.unpack("<H", body[346:348]) == (2,)
    assert struct.unpack("<5h", body[412:422]) == (-2304, 0x7FFF, -115, 0x7FFF, 0x7FFF)
    assert not any(body[422:602])


@pytest.mark.parametrize(
    ("loudness", "peak", "version"),
    [(None, None, 1), (-np.inf, -np.inf, 1), (np.nan, None, 1), (-23.0, None, 2), (None, -1.0, 2), (-120.0, 0.0, 2)],
)
def test_bext_when_some_of_it_is_not_known_then_marked_as_unknown(tmp_path, loudness, peak, version):
    path = written(tmp_path, replace(TOLD, loudness_lufs=loudness, true_peak_db=peak))
    assert struct.unpack("<H", one(path, "bext")[346:348]) == (version,)
    if version == 2:
        assert struct.unpack("<h", one(path, "bext")[412:414]) == (-2300 if loudness == -23.0 else 0x7FFF,)
    told = read_broadcast(path)
    assert told is not None
    assert told.loudness_lufs == (-23.0 if loudness == -23.0 else None)
    assert told.true_peak_db == (peak if version == 2 and peak is not None else None)


def test_time_reference_when_beyond_32_bits_then_whole_in_both_chunks(tmp_path):
    at = 5 * 2**32 + 7
    path = written(tmp_path, replace(TOLD, time_reference_samples=at))
    assert struct.unpack("<II", one(path, "bext")[338:346]) == (7, 5)
    speed = ElementTree.fromstring(one(path, "iXML")).find("SPEED")
    assert speed is not None
    assert speed.findtext("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI") == "5"
    assert speed.findtext("TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO") == "7"
    assert read_broadcast(path) == replace(TOLD, time_reference_samples=at)
    told = read_broadcast(replaced(path, b"bext", b"junk"))
    assert told is not None
    assert told.time_reference_samples == at


def test_ixml_when_written_then_the_tags_that_other_tools_look_for(tmp_path):
    body = one(written(tmp_path, replace(TOLD, drop_frame=True)), "iXML")
    assert body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    root = ElementTree.fromstring(body)
    assert root.tag == "BWFXML"
    expected = {
        "IXML_VERSION": "1.61",
        "PROJECT": "Reel 3",
        "SCENE": "12A",
        "TAKE": "4",
        "NOTE": "metal & <wood>",
        "SPEED/TIMECODE_RATE": "24000/1001",
        "SPEED/TIMECODE_FLAG": "DF",
        "SPEED/FILE_SAMPLE_RATE": "48000",
        "SPEED/AUDIO_BIT_DEPTH": "24",
        "SPEED/TIMESTAMP_SAMPLE_RATE": "48000",
        "SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_HI": "0",
        "SPEED/TIMESTAMP_SAMPLES_SINCE_MIDNIGHT_LO": str(3_600 * 48_000 + 12_345),
        "TRACK_LIST/TRACK_COUNT": "2",
        "BEXT/BWF_DESCRIPTION": "Metal plate, three hits",
    }
    assert {tag: root.findtext(tag) for tag in expected} == expected
    tags = ("CHANNEL_INDEX", "INTERLEAVE_INDEX", "NAME")
    tracks = [[track.findtext(tag) for tag in tags] for track in root.iter("TRACK")]
    assert tracks == [["1", "1", "Foley L"], ["2", "2", "Foley R"]]


@pytest.mark.parametrize(
    "text",
    ["", "plain", "métal & <wood> \"x\" ]]> 'y'", "stähl ☃ 雪 𝄞", "two\nlines\tand a tab", "x" * 256, "long " * 1000],
)
def test_text_when_of_any_kind_then_read_back_whole(tmp_path, text):
    told = Broadcast(
        description=text,
        originator=text,
        originator_reference=text,
        project=text,
        scene=text,
        take=text,
        note=text,
        track_names=(text, "end"),
    )
    path = written(tmp_path, told)
    assert read_broadcast(path) == told
    body = one(path, "bext")
    body[:602].decode("ascii")
    assert wav.read(path).length_samples == 101


@pytest.mark.parametrize("text", ["a\x00b\x07c", "caf\udce9", "end\ufffe"])
def test_text_when_xml_cannot_hold_it_then_a_space_instead_and_both_chunks_valid(tmp_path, text):
    path = written(tmp_path, replace(TOLD, description=text, note=text))
    said = "".join(" " if letter in "\x00\x07\udce9\ufffe" else letter for letter in text)
    assert ElementTree.fromstring(one(path, "iXML")).findtext("NOTE") == said
    told = read_broadcast(path)
    assert told is not None
    assert (told.description, told.note) == (said, said)


def test_lines_when_they_end_as_on_other_systems_then_as_xml_reads_them_in_both_chunks(tmp_path):
    told = read_broadcast(written(tmp_path, replace(TOLD, description="a\r\nb\rc", note="a\r\nb\rc")))
    assert told is not None
    assert (told.description, told.note) == ("a\nb\nc", "a\nb\nc")
    assert field(one(tmp_path / "a.wav", "bext"), 0, 256) == "a\nb\nc"


def test_accents_when_ascii_has_no_such_letter_then_the_plain_one_in_bext(tmp_path):
    body = one(written(tmp_path, replace(TOLD, description="métal ☃")), "bext")
    assert field(body, 0, 256) == "metal ?"


def test_write_when_done_twice_with_broadcast_then_the_same_bytes(tmp_path):
    paths = [wav.write(tmp_path / n, sound(), broadcast=TOLD, subtype="FLOAT") for n in ("a.wav", "b.wav")]
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_patched_when_broadcast_is_given_then_that_and_not_the_old_ones(tmp_path):
    old = written(tmp_path)
    now = replace(TOLD, take="5")
    assert read_broadcast(wav.patched(old, [], tmp_path / "b.wav", broadcast=now)) == now
    assert read_broadcast(wav.patched(old, [], tmp_path / "c.wav")) is None


def test_read_broadcast_when_there_is_none_then_none(tmp_path):
    assert read_broadcast(wav.write(tmp_path / "a.wav", sound())) is None
    soundfile.write(str(tmp_path / "b.flac"), np.zeros(100), 48_000)
    assert read_broadcast(tmp_path / "b.flac") is None
    with pytest.raises(MediaError, match=r"gone\.wav does not exist"):
        read_broadcast(tmp_path / "gone.wav")


def test_read_broadcast_when_another_tool_changed_bext_then_that_and_the_rest_of_ixml(tmp_path):
    path = written(tmp_path)
    data = path.read_bytes()
    at = data.index(b"Metal plate")
    path.write_bytes(data[:at] + b"WOODE" + data[at + 5 :])
    assert read_broadcast(path) == replace(TOLD, description="WOODE plate, three hits")


def test_read_broadcast_when_there_is_only_one_chunk_then_what_it_tells(tmp_path):
    only_bext = read_broadcast(replaced(written(tmp_path), b"iXML", b"junk"))
    assert only_bext == replace(TOLD, project="", scene="", take="", note="", timecode_rate="", track_names=())
    only_ixml = read_broadcast(replaced(written(tmp_path), b"bext", b"junk"))
    assert only_ixml == replace(TOLD, date="", time="")


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"</BWFXML>", b"</BWFXM!>"), (b"<BWFXML>", b"<\xff\xfeFXML>"), (b'encoding="UTF-8"', b'encoding="UTF-7"')],
)
def test_read_broadcast_when_ixml_is_damaged_then_bext_alone_and_a_warning(tmp_path, caplog, old, new):
    told = read_broadcast(replaced(written(tmp_path), old, new))
    assert told is not None
    assert (told.description, told.scene) == (TOLD.description, "")
    assert "a.wav: its iXML chunk is damaged" in caplog.text


def test_read_broadcast_when_ixml_would_grow_without_end_then_left_out(tmp_path, caplog):
    path = written(tmp_path, replace(TOLD, note="x" * 200))
    root = b"<BWFXML>\n  <IXML_VERSION>"
    bomb = b'<!DOCTYPE a [<!ENTITY b "b'
    told = read_broadcast(replaced(path, root[: len(bomb)], bomb[: len(root)]))
    assert told is not None
    assert told.scene == ""
    assert "defines words of its own" in caplog.text


def test_read_broadcast_when_bext_is_too_short_then_ixml_alone_and_a_warning(tmp_path, caplog):
    path = wav.write(tmp_path / "a.wav", sound())
    data = path.read_bytes() + b"bext" + struct.pack("<I", 10) + bytes(10)
    path.write_bytes(data[:4] + struct.pack("<I", len(data) - 8) + data[8:])
    assert read_broadcast(path) == Broadcast(originator="")
    assert "too short" in caplog.text


@pytest.mark.parametrize(
    ("old", "new", "date"),
    [(b"2026-01-31", b"2026:01:31", "2026-01-31"), (b"2026-01-31", b"31.01.2026", ""), (b"2026-01-31", bytes(10), "")],
)
def test_read_broadcast_when_a_date_is_written_otherwise_then_ours_or_none(tmp_path, old, new, date):
    told = read_broadcast(replaced(written(tmp_path), old, new))
    assert told is not None
    assert told.date == date


def test_read_broadcast_when_text_is_not_ascii_then_read_as_what_it_is(tmp_path):
    for said in ("Ünit 1".encode(), "Ünit 12".encode("latin-1")):
        path = written(tmp_path)
        data = bytearray(path.read_bytes())
        at = data.index(b"bext") + 8 + 256
        data[at : at + 32] = said.ljust(32, b"\0")
        path.write_bytes(bytes(data))
        told = read_broadcast(path)
        assert told is not None
        assert told.originator.startswith("Ünit 1")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"date": "31.1.2026"}, "the date of a broadcast file cannot be '31.1.2026'"),
        ({"date": "٢٠٢٦-01-31"}, "the date"),
        ({"time": "9:00"}, "the time of a broadcast file cannot be '9:00'"),
        ({"timecode_rate": "25"}, "the timecode_rate"),
        ({"timecode_rate": "25/0"}, "the timecode_rate"),
        ({"time_reference_samples": -1}, "cannot begin -1 samples after midnight"),
        ({"time_reference_samples": 2**64}, "samples after midnight"),
    ],
)
def test_broadcast_when_a_field_is_wrong_then_error_names_it_and_how_to_write_it(wrong, says):
    with pytest.raises(RequestError, match=says) as caught:
        Broadcast(**wrong)
    assert caught.value.hint


def test_broadcast_when_any_field_changes_then_so_does_the_file(tmp_path):
    before = written(tmp_path).read_bytes()
    others = {
        "date": "2026-02-01",
        "time": "00:00:00",
        "time_reference_samples": 1,
        "timecode_rate": "25/1",
        "drop_frame": True,
        "track_names": ("L",),
        "loudness_lufs": -23.0,
        "true_peak_db": -1.0,
    }
    for one_field in fields(Broadcast):
        value = others.get(one_field.name, "other")
        path = written(tmp_path, replace(TOLD, **{one_field.name: value}))
        assert path.read_bytes() != before, one_field.name
        assert read_broadcast(path) == replace(TOLD, **{one_field.name: value})
