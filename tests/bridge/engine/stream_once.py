"""Streams sparse onsets over some seconds, in a process of its own; prints by how many bytes its peak memory grew.

Usage: python -m tests.bridge.engine.stream_once PACKS LENGTH_S RATE_HZ
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.engine.what import Generator
from tests.bridge.engine.waves import alone_in

KEEP_BYTES = 4 << 20


def main(folder: str, length_s: str, rate_hz: str) -> None:
    """See the module."""
    generator = Generator(alone_in(Path(folder)), keep_bytes=KEEP_BYTES)

    def asked(length: float) -> Request:
        onsets = tuple(Onset(time_s=float(time)) for time in range(0, int(length), 5))
        return Request(
            length_samples=round(length * int(rate_hz)), rate_hz=int(rate_hz), onsets=onsets, prompt="wood", steps=1
        )

    for _ in generator.stream(asked(30.0)):
        pass
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    count = sum(len(block) for block in generator.stream(asked(float(length_s))))
    assert count == round(float(length_s) * int(rate_hz))
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)


if __name__ == "__main__":
    main(*sys.argv[1:])
