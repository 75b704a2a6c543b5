"""The shipped starter pack on real video: onsets from the picture, sound that starts where it was asked to."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import numpy as np
import pytest

from bridge import app
from bridge.__main__ import main
from bridge.config import Settings
from bridge.domain.onsets import Onset
from bridge.domain.request import Request
from bridge.dsp.attacks import attacks
from bridge.dsp.matching import f_score
from bridge.engine.engine import Engine
from bridge.media import onset_table

pytestmark = pytest.mark.clips

TOLERANCE_S = 0.05
WINDOW_S = 5.46
SEEN = ("2015-02-16-17-35-07", "2015-09-29-15-17-35-554")
RHYTHMS = (
    "2015-02-16-17-35-07",
    "2015-02-22-14-24-52",
    "2015-03-28-18-39-43",
    "2015-09-23-16-13-51-97",
    "2015-10-06-19-12-12-54",
)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return app.open_engine(Settings(provider="cpu"))


def times_of(path: Path) -> np.ndarray:
    with path.open(newline="") as file:
        return np.array([float(row["time_s"]) for row in csv.DictReader(file)])


def span_of(clips: Path, name: str) -> tuple[float, float]:
    with (clips / "clips.csv").open(newline="") as file:
        row = next(row for row in csv.DictReader(file) if row["id"] == name)
    return float(row["eval_start"]), float(row["eval_end"])


@pytest.mark.parametrize("name", SEEN)
def test_detect_when_a_real_clip_then_its_onsets_are_found_and_the_file_is_untouched(
    clips: Path, tmp_path: Path, name: str
) -> None:
    path = clips / "greatest_hits" / f"{name}.mp4"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    few, every = tmp_path / "onsets.csv", tmp_path / "all.csv"
    start_s, end_s = span_of(clips, name)
    span = ["--start", f"{start_s}", "--end", f"{min(end_s, start_s + 12)}"]
    assert main(["detect", str(path), "--out", str(few), *span]) == 0
    assert main(["detect", str(path), "--out", str(every), "--all", *span]) == 0
    found = np.array([onset.time_s for onset in onset_table.read(few)])
    assert len({onset.strength for onset in onset_table.read(few)}) > 1, "hard and soft hits are told apart"
    known = times_of(clips / "onsets_visual" / f"{name}.csv")
    known = known[(known >= start_s) & (known < min(end_s, start_s + 12))]
    assert f_score(known, found, TOLERANCE_S) > 0.5
    assert len(onset_table.read(every)) > len(found)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


@pytest.mark.parametrize("name", RHYTHMS)
def test_render_when_a_real_rhythm_is_asked_then_the_sound_starts_there(clips: Path, engine: Engine, name: str) -> None:
    known = times_of(clips / "onsets" / f"{name}.csv")
    known = known - max(0.0, known[0] - 0.3)
    known = known[known < WINDOW_S - 0.1]
    request = Request(
        length_samples=round(WINDOW_S * engine.rate_hz),
        rate_hz=engine.rate_hz,
        onsets=tuple(Onset(time_s=float(time), strength=0.6 + 0.4 * (place % 2)) for place, time in enumerate(known)),
        prompt="knocking on a wooden door",
        seed=3,
    )
    audio = engine.render(request)
    assert f_score(known, attacks(audio.samples[0], rate_hz=audio.rate_hz), TOLERANCE_S) >= 0.8
    assert np.abs(audio.samples).max() < 1.0
