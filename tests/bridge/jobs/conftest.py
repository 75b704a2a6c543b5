"""Sounds that the tests of the verbs may select, and a table whose film can be read."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bridge.domain.audio import Audio
from bridge.host.base import SelectedView
from bridge.media import wav
from tests.bridge.jobs.table import Table
from tests.bridge.media import clips


@pytest.fixture
def sound() -> Callable[[Path], SelectedView]:
    """Writes a knock of 0.4 s at a path; gives the item that shows all of it."""

    def write(path: Path, **fields) -> SelectedView:
        times = np.arange(19200) / 48000
        samples = np.sin(2000 * times) * np.exp(-30 * times) * 0.5
        wav.write(path, Audio(samples=samples[None].astype(np.float32), rate_hz=48000))
        given = {"name": path.stem, "source_path": str(path), "start_s": 0.0, "length_s": 0.4}
        return SelectedView(**{**given, **fields})

    return write


@pytest.fixture
def screening(tmp_path: Path) -> Table:
    """A table with a film of four seconds, which is looked at where no model is opened, and three markers."""
    table = Table(tmp_path)
    clips.render(table.video, times_s=clips.at_rate(Fraction(10), 40))
    table.mark((10.25, "foley"), (10.75, "foley @0.5"), (11.25, "foley: metal"))
    return table
