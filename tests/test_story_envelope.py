"""Draw level from picture: a volume envelope that is seen, played and edited, and that tells the net of force."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.story import Studio, tiny_studio


@pytest.fixture(params=["7.78", "7.30", "6.80"])
def desk(tmp_path: Path, film: Path, request: pytest.FixtureRequest) -> Iterator[Studio]:
    with tiny_studio(tmp_path, film, strength=True, profile=request.param) as desk:
        yield desk


def foley_track(desk: Studio) -> dict[str, Any]:
    return next(track for track in desk.reaper.tracks() if track["name"] == "Foley: wood")


def envelope(desk: Studio) -> dict[str, Any]:
    (found,) = [one for one in foley_track(desk)["envelopes"] if one["name"] == "Volume"]
    return found


def level_db(desk: Studio, at_s: float) -> float:
    """What REAPER plays at a time: straight lines between the points, in fader positions."""
    points = envelope(desk)["points"]
    return 20 * math.log10(max(1e-9, np.interp(at_s, [p[0] for p in points], [p[1] for p in points])))
