"""Levels as people write them."""

from __future__ import annotations

import pytest

from bridge.domain import level


@pytest.mark.parametrize(
    ("text", "amplitude"),
    [
        ("0.5", 0.5),
        ("0,5", 0.5),
        (".5", 0.5),
        ("+0.5", 0.5),
        ("0", 0.0),
        ("1", 1.0),
        (" @ 0.5 ", 0.5),
        ("-6", 0.501187),
        ("-6dB", 0.501187),
        ("- 6 dBFS", 0.501187),
        ("-6,0 db fs", 0.501187),
        ("\u22126 dB", 0.501187),
        ("\u20136", 0.501187),
        ("-20dB", 0.1),
        ("-0", 1.0),
        ("0 dB", 1.0),
        ("-inf", 0.0),
        ("- inf dB", 0.0),
    ],
)
def test_read_when_it_is_a_level_then_linear_amplitude(text: str, amplitude: float) -> None:
    assert level.read(text) == pytest.approx(amplitude, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["", "7", "1.5", "1.001", "3 dB", "0.5dB", "loud", "0.5 loud", "inf", "--6", "6 m", "@"]
)
def test_read_when_it_is_none_then_none(text: str) -> None:
    assert level.read(text) is None
