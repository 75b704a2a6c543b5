"""Another sampling rate, block by block: the bytes of converting everything at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from bridge.engine.rates import Rates

RATE_HZ = 48_000
SOUND = np.random.default_rng(1).standard_normal(150_000).astype(np.float32)


@pytest.mark.parametrize("to_hz", [44_100, 96_000, 48_000, 8_000, 88_200, 47_999])
def test_converted_when_it_comes_in_blocks_then_the_bytes_of_all_at_once(to_hz: int) -> None:
    down, up = (rate // np.gcd(RATE_HZ, to_hz) for rate in (RATE_HZ, to_hz))
    wanted = SOUND if up == down else signal.resample_poly(SOUND, int(up), int(down)).astype(np.float32)
    span = (0, len(wanted))
    cuts = np.sort(np.random.default_rng(2).integers(0, len(SOUND), 40))
    blocks = list(Rates(RATE_HZ, to_hz).converted(np.split(SOUND, cuts), 0, span))
    got = np.concatenate(blocks)
    assert got.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("to_hz", [44_100, 96_000, 48_000, 8_000])
@pytest.mark.parametrize("part", [(0.0, 0.01), (0.4, 0.40005), (0.313, 0.77), (0.9, 1.0)])
def test_converted_when_a_part_is_wanted_then_its_bytes_and_little_around_it_is_needed(
    to_hz: int, part: tuple[float, float]
) -> None:
    down, up = (rate // np.gcd(RATE_HZ, to_hz) for rate in (RATE_HZ, to_hz))
    whole = SOUND if up == down else signal.resample_poly(SOUND, int(up), int(down)).astype(np.float32)
    start, stop = (round(at * len(whole)) for at in part)
    rates = Rates(RATE_HZ, to_hz)
    first, last = rates.needed((start, stop))
    assert last - first <= (stop - start) * RATE_HZ / to_hz + 1000
    begin = max(0, first)
    got = np.concatenate(list(rates.converted([SOUND[begin:last]], begin, (start, stop))))
    assert got.tobytes() == whole[start:stop].tobytes()
