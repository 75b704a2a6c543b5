"""Where nobody reads on, as behind ``| head``, every command ends without a word."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.__main__ import NOBODY_READS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [
        (["packs", "show", "starter", "--cards"], False),
        (["packs"], False),
        (["packs"], True),
        (["--help"], False),
    ],
)
def test_command_when_nobody_reads_its_output_then_it_ends_silently(arguments: list[str], unbuffered: bool) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "bridge", *arguments],
            stdout=writing,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1" if unbuffered else ""},
            check=False,
        )
    finally:
        os.close(writing)
    assert ended.stderr == b""
    assert ended.returncode == NOBODY_READS
