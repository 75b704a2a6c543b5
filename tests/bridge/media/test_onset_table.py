"""Onset tables: what is written reads back; what is wrong is named with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.domain.onsets import Onset
from bridge.errors import MediaError
from bridge.media import onset_table

SIX_DB = 10.0 ** (-6 / 20)


def test_write_when_read_back_then_the_same_onsets_in_order(tmp_path: Path) -> None:
    path = tmp_path / "onsets.csv"
    written = (Onset(time_s=0.125, confidence=1.0, strength=0.5), Onset(time_s=2.5, confidence=0.25))
    onset_table.write(path, reversed(written))
    assert path.read_text().splitlines()[0] == "time_s,confidence,strength"
    assert onset_table.read(path) == written
    assert [p.name for p in tmp_path.iterdir()] == ["onsets.csv"]


def test_read_when_no_header_and_times_alone_then_confidence_is_one(tmp_path: Path) -> None:
    path = tmp_path / "typed.csv"
    path.write_text("3\n\n1.5,0.5\n")
    assert [(o.time_s, o.confidence) for o in onset_table.read(path)] == [(1.5, 0.5), (3.0, 1.0)]


@pytest.mark.parametrize(
    ("content", "strengths"),
    [
        ("time_s,confidence\n1,0.5\n", [1.0]),
        ("time_s,confidence,strength\n1,0.5,0.25\n2,0.5,\n3,0.5\n", [0.25, 1.0, 1.0]),
        ("1,0.5,0.25\n2,1\n", [0.25, 1.0]),
        ("time_s,strength\n1,-6dB\n2,-6 dB\n3,\u22126 dBFS\n4,@-6\n5,0dB\n6,-inf dB\n", [*[SIX_DB] * 4, 1.0, 0.0]),
        ('time_s,strength\n1,"0,5"\n2,5e-1\n', [0.5, 0.5]),
    ],
)
def test_read_when_strengths_are_given_or_not_then_they_count_or_are_full(
    tmp_path: Path, content: str, strengths: list[float]
) -> None:
    path = tmp_path / "strengths.csv"
    path.write_text(content, encoding="utf-8")
    assert [onset.strength for onset in onset_table.read(path)] == strengths


def test_read_when_the_header_names_other_places_then_it_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("Confidence, who, Time_s, Strength\n0.5, me, 2.5, 0.75\n")
    assert onset_table.read(path) == (Onset(time_s=2.5, confidence=0.5, strength=0.75),)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("time_s,confidence,strength\n1,1,1\n", []),
        ("time_s,\n1,\n", []),
        ("#,Name,time_s,End,Length\nM1,door,1,,\n", ["'#', 'Name', 'End', 'Length'"]),
        ("time_s,level,strength\n1,9,0.5\n", ["'level'"]),
        ("1,1,1,note\n", ["number 4"]),
        ("time_s,\n1,note\n", ["number 2"]),
    ],
)
def test_read_when_columns_are_not_ours_then_they_are_told_once_with_the_known_ones(
    tmp_path: Path, content: str, told: list[str]
) -> None:
    path = tmp_path / "more.csv"
    path.write_text(content)
    said: list[str] = []
    assert [onset.time_s for onset in onset_table.read(path, say=said.append)] == [1.0]
    assert len(said) == len(told)
    for sentence, words in zip(said, told, strict=True):
        for word in ("more.csv", words, "known are time_s, confidence, strength"):
            assert word in sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("time_s,confidence,stregth\n1,1,0.5\n", ["line 1", "'stregth'", "known are time_s", "Did you mean strength?"]),
        ("\nTime,confidence\n1,1\n", ["line 2", "'Time'", "Did you mean time_s?"]),
        ("time_s,level\n1,0.5\n", ["'level'", "Did you mean strength?"]),
        ("note\nx\n", ["'note'", "known are time_s, confidence, strength"]),
        ("#,Name,Start,End,Length\nM1,foley,1.1.00,,\n", ["REAPER", "Start as time_s"]),
        ("time_s;strength\n1,5;0,5\n", ["semicolons", "commas"]),
        ("1.0\t1.0\tdoor\n", ["tabs", "commas"]),
        ("time_s,strength,strength\n1,1,0.5\n", ["column strength twice"]),
        ("time_s\n1,5\n", ["line 2", "2 values", "1 columns"]),
    ],
)
def test_read_when_columns_are_not_understood_then_one_sentence_says_what_to_do(
    tmp_path: Path, content: str, words: list[str]
) -> None:
    path = tmp_path / "odd.csv"
    path.write_text(content)
    with pytest.raises(MediaError) as caught:
        onset_table.read(path)
    for word in ["odd.csv", *words]:
        assert word in caught.value.sentence


def test_write_when_the_name_is_taken_then_what_is_there_stays(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"picture")
    with pytest.raises(MediaError, match=r"film\.mp4 exists"):
        onset_table.write(path, [Onset(time_s=1.0)])
    assert path.read_bytes() == b"picture"
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"time_s,confidence\n1.0,0.5\nsoon,1\n", ["line 3", "column time_s", "'soon'", "0 or more"]),
        (b"soon,1\n", ["line 1", "column time_s", "'soon'"]),
        (b"time_s,confidence\n,1\n", ["line 2", "column time_s", "''"]),
        (b"-1\n", ["line 1", "column time_s", "'-1'"]),
        (b"1,7\n", ["line 1", "column confidence", "'7'", "0..1"]),
        (b"1,-6dB\n", ["line 1", "column confidence", "'-6dB'", "0..1"]),
        (b"1,1,7\n", ["line 1", "column strength", "'7'", "0..1", "-6dB"]),
        (b"1,1,3dB\n", ["line 1", "column strength", "'3dB'", "at or below 0"]),
        (b"1.5,0.5,soft\n", ["line 1", "column strength", "'soft'"]),
        (b"time_s,confidence,strength\n\n1,1,hard\n", ["line 3", "column strength", "'hard'"]),
        (b"time_s,strength\n1,nan\n", ["line 2", "column strength", "'nan'"]),
        (b"nan\n", ["line 1", "column time_s", "'nan'"]),
        (b"inf\n", ["line 1", "column time_s", "'inf'"]),
        (b"\xff\xfe\x00\x01", ["no table"]),
    ],
)
def test_read_when_a_line_is_wrong_then_it_is_named(tmp_path: Path, content: bytes, words: list[str]) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(MediaError) as caught:
        onset_table.read(path)
    for word in ["bad.csv", *words]:
        assert word in caught.value.sentence


def test_write_when_the_folder_is_missing_then_an_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="nowhere"):
        onset_table.write(tmp_path / "nowhere" / "o.csv", [])
