"""Small or endless files that would take all memory or all time: each ends in one sentence, soon."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.config import load
from bridge.errors import BridgeError, MediaError
from bridge.host.rpp import RppHost
from bridge.jobs.choose import clip_of
from bridge.media import onset_table, rpp
from tests.fuzz.rpp import GOOD
from tests.fuzz.target import Target, judge

SOON_S = 10.0
"""Processor time: a hundred times what it takes, on a machine that does ten other things."""


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    began = time.process_time()
    yield
    assert time.process_time() - began < SOON_S


def said(case: bytes, path: Path | str = "show.rpp") -> str:
    with pytest.raises(MediaError) as caught:
        rpp.parse(case, path)
    assert caught.value.hint
    assert len(caught.value.sentence) < 500
    assert "\n" not in caught.value.sentence
    return caught.value.sentence


def test_project_when_blocks_lie_endlessly_in_each_other_then_a_sentence() -> None:
    assert "in each other" in said(b"<REAPER_PROJECT 0.1\n" + b"<A\n" * 200_000)
    assert "in each other" in said(b"<REAPER_PROJECT 0.1\n" + b"<A\n" * 200_000 + b">\n" * 200_001)


def test_project_when_there_are_endless_blocks_or_lines_then_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rpp.MOST_BLOCKS <= 1_000_000
    assert rpp.MOST_LINES <= 8_000_000
    monkeypatch.setattr(rpp, "MOST_BLOCKS", 1000)
    assert "more than 1000 blocks" in said(b"<REAPER_PROJECT 0.1\n" + b"<A\n>\n" * 1001 + b">\n")
    monkeypatch.setattr(rpp, "MOST_LINES", 1000)
    assert "1000 lines" in said(b"<REAPER_PROJECT 0.1\n" + b"\n" * 1000)


def test_project_when_it_is_gigantic_then_it_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "show.rpp"
    with path.open("wb") as file:
        file.write(GOOD)
        file.truncate(rpp.LARGEST_BYTES + 1)
    with pytest.raises(BridgeError, match="larger than 512 MB"):
        RppHost(path)


@pytest.mark.parametrize(
    "line",
    [
        b"X" * 5_000_000,
        b"MARKER 1 " + b"9" * 2_000_000,
        b'MARKER 1 2 "' + b"x" * 5_000_000,
        b"MARKER " + b"1 " * 1_000_000,
        b" " * 10_000_000,
        b"<" + b"y" * 5_000_000 + b"\n>",
        b"'\"`" * 2_000_000,
    ],
    ids=lambda line: line[:9].decode(),
)
def test_project_when_a_line_is_gigantic_then_it_is_read_and_given_back(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "show.rpp"
    path.write_bytes(GOOD.replace(b"  RIPPLE 0\n", line + b"\n"))
    assert RppHost(path).read().cursor_s == 10.5
    assert rpp.parse(path.read_bytes()).encode() == path.read_bytes()


def test_project_when_sources_lie_deep_in_each_other_then_the_item_is_read(tmp_path: Path) -> None:
    path = tmp_path / "show.rpp"
    head = b"<SOURCE SECTION\nLENGTH 1e308\nSTARTPOS -1e308\nMODE 2\n"
    path.write_bytes(GOOD.replace(b"<SOURCE VIDEO\n", head * 2000 + b"<SOURCE VIDEO\n" + b">\n" * 2000, 1))
    for item in RppHost(path).read().items:
        with pytest.raises(BridgeError):
            clip_of(item)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000,
        "a = " + "[" * 9_000,
        "a" + ".a" * 7_900 + " = 1",
        "osc_port = " + "9" * 15_000,
        "[a]\n" * 3_900,
    ],
    ids=lambda text: text[:9],
)
def test_config_file_when_it_is_a_bomb_then_a_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)

    def check(case: bytes) -> bool:
        load(path=path, environment={})
        return True

    with pytest.raises(BridgeError):
        check(b"")
    judge(Target(name="config", check=check, hostile=None), b"")  # pyright: ignore[reportArgumentType]


def test_config_file_when_it_is_larger_than_any_then_it_is_not_even_parsed(tmp_path: Path) -> None:
    """A dotted key of 80 kB takes the reader of TOML 16 s."""
    path = tmp_path / "config.toml"
    path.write_text("# x\n" * 5_000)
    with pytest.raises(BridgeError, match="too large"):
        load(path=path, environment={})


@pytest.mark.parametrize(
    "text", ["time_s" + ",x" * 200_000, "time_s\n" + "1," * 100_000, "1\n" * 2_001], ids=["header", "row", "rows"]
)
def test_table_when_it_has_endless_columns_or_rows_then_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    assert onset_table.MOST_ROWS <= 500_000
    monkeypatch.setattr(onset_table, "MOST_ROWS", 2_000)
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(MediaError) as caught:
        onset_table.read(path)
    assert caught.value.hint
    assert len(caught.value.sentence) < 500
