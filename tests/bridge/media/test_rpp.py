"""Project files give back every byte that was not changed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import MediaError
from bridge.media.rpp import block, name_of, number, parse, quote, real, storable, tokens, whole, words

STRANGE = (
    b'\xef\xbb\xbf<REAPER_PROJECT 0.1 "7.78/win64" 1700000000 0\r\n'
    b'  <NOTES 0 2\r\n    |a note with < and > and "quotes"\r\n    |>\r\n    |<LOOKS LIKE A BLOCK\r\n  >\r\n'
    b"  RIPPLE 0\r\n\r\n"
    b"  <RENDER_CFG\r\n    ZXZhdxgAAQ==\r\n  >\r\n"
    b'\t<UNKNOWN_THING of "the future" \'with "both"\' `and \'all\' "three"`\r\n'
    b"      <DEEPER\r\n   <DEEPER_STILL 1\r\n oddly   indented  \t \r\n   >\r\n      >\r\n\t>\r\n"
    b'  TITLE "caf\xe9 in Latin-1"\r\n'
    b'  AUTHOR "line separator \xe2\x80\xa8 and next line \xc2\x85 and \xe2\x80\xa8<inside"\r\n'
    b"  mixed line end\n"
    b'  <VST "VSTi: x (y)" x.dll 0 "" 1<5653>\r\n'
    b"    bGlnaHQgd29yay4=\r\n    AAAQAAAA\r\n  >\r\n"
    b">\r\n"
    b"trailing bytes\x00\xff without a line end"
)


def test_parse_when_the_file_is_strange_then_given_back_byte_for_byte():
    assert parse(STRANGE).encode() == STRANGE


def test_parse_when_a_line_is_added_then_nothing_else_changes_and_it_fits_its_place():
    document = parse(STRANGE)
    document.root.append("MARKER 1 2.5", block("EXTSTATE", block("FOLEY", words("prompt", "a b"))))
    added = b'  MARKER 1 2.5\r\n  <EXTSTATE\r\n    <FOLEY\r\n      prompt "a b"\r\n    >\r\n  >\r\n'
    at = STRANGE.rindex(b">\r\ntrailing")
    assert document.encode() == STRANGE[:at] + added + STRANGE[at:]


def test_parse_when_a_line_is_replaced_then_its_indentation_and_line_end_stay():
    data = b"<REAPER_PROJECT 0.1\r\n   \tRIPPLE 0  \r\n>\r\n"
    document = parse(data)
    document.root.replace(0, "RIPPLE 1")
    assert document.encode() == b"<REAPER_PROJECT 0.1\r\n   \tRIPPLE 1  \r\n>\r\n"


def test_parse_when_blocks_lie_very_deep_in_each_other_then_given_back():
    data = b"<REAPER_PROJECT 0.1\n" + b"<A\nB\n" * 2000 + b">\n" * 2000 + b"C\n>\n"
    assert parse(data).encode() == data


def test_blocks_when_looked_up_then_names_and_arguments_are_read():
    root = parse(STRANGE).root
    assert root.name == "REAPER_PROJECT"
    assert root.args[1:] == ["0.1", "7.78/win64", "1700000000", "0"]
    (unknown,) = root.blocks("UNKNOWN_THING")
    assert unknown.args[1:] == ["of", "the future", 'with "both"', "and 'all' \"three\""]
    assert root.blocks("VST")[0].args[1] == "VSTi: x (y)", "only a line feed ends a line"
    assert root.line("RIPPLE") == ["RIPPLE", "0"]
    assert root.line("NOT_THERE") == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is not a REAPER project"),
        (b"hello\n", "is not a REAPER project"),
        (b"\x00\x01\x02", "is not a REAPER project"),
        (b"<?xml version='1.0'?>\n", "is not a REAPER project"),
        (b"<REAPER_PROJECT 0.1\n  <TRACK\n    NAME x\n", "block <TRACK is never closed"),
    ],
)
def test_parse_when_it_is_no_whole_project_then_error_names_the_file(data, says):
    with pytest.raises(MediaError, match=says) as caught:
        parse(data, "show.RPP")
    assert "show.RPP" in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("  NAME plain", ["NAME", "plain"]),
        ('NAME "two words" 3', ["NAME", "two words", "3"]),
        ("NAME 'he said \"hi\"'", ["NAME", 'he said "hi"']),
        ('NAME `it\'s "so"`', ["NAME", 'it\'s "so"']),
        ('NAME "" x', ["NAME", "", "x"]),
        ('NAME "never closed', ["NAME", "never closed"]),
        ('A\tb\t"c d"\r\n', ["A", "b", "c d"]),
        ('NAME in"side', ["NAME", 'in"side']),
    ],
)
def test_tokens_when_quoted_as_reaper_does_then_words(line, expected):
    assert tokens(line) == expected


@pytest.mark.parametrize(
    ("word", "whole_is", "real_is"),
    [
        ("7", 7, 7.0),
        ("-1", -1, -1.0),
        ("+2", 2, 2.0),
        ("0.0", 0, 0.0),
        ("3.", 3, 3.0),
        (".5", None, 0.5),
        ("2.5", None, 2.5),
        ("1e3", None, 1000.0),
        ("-2.5E-3", None, -0.0025),
        ("1" * 30, None, float("1" * 30)),
        *((word, None, None) for word in ("", "x", "nan", "inf", "-Infinity", "1e999", "1_0", "0x10", "\u0661", "7 ")),
    ],
)
def test_numbers_when_read_then_finite_or_the_default(word, whole_is, real_is):
    assert whole(["KEY", word], default=-9) == (-9 if whole_is is None else whole_is)
    assert real(["KEY", word], default=-9.0) == (-9.0 if real_is is None else real_is)
    assert (whole(["KEY"], 1, 4), real(["KEY"], 1, 4.5)) == (4, 4.5)


def test_name_of_when_blanks_are_not_reapers_then_part_of_the_word():
    assert name_of(" \tNAME\tx y\r\n") == "NAME"
    assert name_of("NAME\u00a0x y") == "NAME\u00a0x" == tokens("NAME\u00a0x y")[0]
    assert name_of("\r\n") == ""


@settings(deadline=None, derandomize=True)
@given(st.text(st.sampled_from("ab \"'`\r\n\0\ud800\udcff<>")))
def test_quote_when_any_text_then_one_line_that_reads_back_as_what_a_project_can_hold(text):
    line = words("NAME", text, 1)
    assert "\n" not in line
    assert tokens(line) == ["NAME", storable(text), "1"]
    line.encode("utf-8", "surrogateescape")


@settings(deadline=None, derandomize=True)
@given(st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"])))
def test_quote_when_read_again_then_the_same_but_for_all_three_quotes(text):
    expected = text.replace("`", "'") if all(mark in text for mark in "\"'`") else text
    assert tokens("NAME " + quote(text)) == ["NAME", expected]


@settings(deadline=None, derandomize=True)
@given(st.floats(-1e6, 1e6))
def test_number_when_read_again_then_the_same_without_exponent(value):
    assert float(number(value)) == value
    assert "e" not in number(value)


@settings(deadline=None, derandomize=True)
@given(st.lists(st.binary(max_size=40).map(lambda b: b.replace(b"\n", b"").replace(b"<", b"").replace(b">", b""))))
def test_parse_when_lines_are_arbitrary_bytes_then_given_back(lines):
    data = b"<REAPER_PROJECT 0.1\n" + b"".join(line + b"\n" for line in lines) + b">\n"
    assert parse(data).encode() == data
