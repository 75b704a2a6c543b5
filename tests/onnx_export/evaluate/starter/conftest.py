"""Two small annotated clips, and a stand-in for the command line that answers at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from bridge.packs.manifest import Manifest
from onnx_export.evaluate.starter.box import Box, Peaks, Sound
from tests import packs
from tests.onnx_export.evaluate.conftest import bursts, film

HITS = {"2015-01-01-10-00-00": (1.2, 2.0, 2.6, 3.4, 4.4, 5.0), "2015-02-02-11-00-00": (1.5, 2.5, 3.5)}


@pytest.fixture(scope="session")
def clips_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two clips of 6.4 s with pictures that stop and sound that begins at known times. Do not write into it."""
    folder = tmp_path_factory.mktemp("clips")
    rows = ["id,path,split,eval_start,eval_end,demo_text"]
    for name, times_s in HITS.items():
        film(folder / f"{name}.mp4", times_s)
        rows.append(f"{name},{name}.mp4,dev,1.0,6.0,wood hit static")
        for kind in ("onsets", "onsets_visual"):
            lines = [f"{time_s},{0.2 + 0.1 * number}" for number, time_s in enumerate(times_s)]
            (folder / kind).mkdir(exist_ok=True)
            (folder / kind / f"{name}.csv").write_text("\n".join(["time_s,peak_amplitude", *lines]) + "\n")
    (folder / "clips.csv").write_text("\n".join([*rows, "other,other.mp4,gen,1,2,glass hit"]) + "\n")
    return folder


class FakeBox:
    """Gives stored peaks by the video's name, and bursts at the onsets that it was asked for."""

    def __init__(self, found: Mapping[str, Peaks], manifest: Manifest) -> None:
        self.found, self.manifest = found, manifest
        self.asked: list[Mapping[str, object]] = []

    def peaks(self, video: Path) -> Peaks:
        return self.found[video.stem]

    def sound(
        self, video: Path, *, name: str, onsets: list[tuple[float, float]], end_s: float, **rest: object
    ) -> Sound:
        self.asked.append({"name": name, "onsets": onsets, **rest})
        samples = bursts([time_s for time_s, _ in onsets])[: round(end_s * 48_000)]
        path = video.with_name("never written")
        return Sound(samples=samples * np.float32(1 + 0.1 * int(str(rest.get("seed", 0)))), rate_hz=48_000, path=path)


def box_of(found: Mapping[str, Peaks]) -> Box:
    """A stand-in with the tiny pack's manifest (threshold 0.3)."""
    draft = packs.draft()
    manifest = type("Manifest", (), {"training_data": draft.training_data, "what": draft.what, "graphs": draft.graphs})
    manifest.require_when = staticmethod(lambda: draft.when)  # type: ignore[attr-defined]
    return cast(Box, FakeBox(found, cast(Manifest, manifest)))


def peaks_at(times_s: object, *, confidence: object = None, strength: object = None) -> Peaks:
    """Peaks that are all sure and of strength 1 unless told otherwise."""
    times = np.asarray(times_s, np.float64)
    ones = np.ones(len(times))
    return Peaks(
        times_s=times,
        confidence=ones if confidence is None else np.asarray(confidence, np.float64),
        strength=ones if strength is None else np.asarray(strength, np.float64),
    )
