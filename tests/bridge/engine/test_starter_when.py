"""The shipped onset graph on pictures whose contacts are known, through the whole *when* stage."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from bridge.demo_scene import scene
from bridge.domain.clip import Clip
from bridge.dsp.matching import f_score, match
from bridge.dsp.peaks import pick
from bridge.engine.loader import load
from bridge.engine.when import Detector
from bridge.media import mux, video
from bridge.media.video import Frame
from bridge.packs import contract
from bridge.packs.store import SHIPPED_FOLDER, STARTER, Store


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(load(Store([SHIPPED_FOLDER]), STARTER, provider="cpu", threads=1))


def test_starter_when_the_demo_is_played_then_its_contacts_are_found_in_time(
    detector: Detector, tmp_path: Path
) -> None:
    demo = scene()
    path = tmp_path / "demo.mp4"
    mux.encode_frames(path, demo.frames(), demo.rate_hz)
    found = detector.detect(Clip.whole(str(path), video.probe(path).duration_s))
    times = np.array([onset.time_s for onset in found.onsets])
    assert f_score(demo.contacts_s, times, 0.05) >= 0.85
    errors = [times[j] - demo.contacts_s[i] for i, j in match(demo.contacts_s, times, 0.05)]
    assert np.mean(np.abs(errors)) < 0.02
    outputs = Store([SHIPPED_FOLDER]).open(STARTER).manifest.entry(contract.ONSET).outputs
    told = contract.STRENGTH in [tensor.name for tensor in outputs]
    strengths = [onset.strength for onset in found.onsets]
    assert (len(set(strengths)) > 3 and min(strengths) > 0.0) if told else set(strengths) == {1.0}


def _wandering(kind: str, *, seconds: float) -> Iterator[Frame]:
    random = np.random.default_rng(1)
    coarse = random.standard_normal((30, 50)).astype(np.float32) * 30 + 120
    fine = random.standard_normal((200, 340)).astype(np.float32) * 15
    size = (900, 520)
    world = np.clip(sum(cv2.resize(part, size, interpolation=cv2.INTER_CUBIC) for part in (coarse, fine)), 0, 255)
    for number in range(int(seconds * 30)):
        time_s = number / 30
        x, y = {"still": (50.0, 50.0), "pan": (20 + 50 * time_s, 50.0), "shake": (60 + 9 * np.sin(7 * time_s), 50.0)}[
            kind
        ]
        view = cv2.warpAffine(world.astype(np.float32), np.array([[1, 0, -x], [0, 1, -y]]), (480, 270))
        noisy = view + random.standard_normal(view.shape) * 3
        yield Frame(time_s=time_s, image=np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, 2))


@pytest.mark.parametrize("kind", ["still", "pan", "shake"])
def test_starter_when_only_the_camera_moves_then_there_are_no_onsets(detector: Detector, kind: str) -> None:
    answer = detector.activation(_wandering(kind, seconds=5), start_s=0, end_s=5)
    threshold = Store([SHIPPED_FOLDER]).open(STARTER).manifest.require_when().threshold
    assert pick(answer.values, rate_hz=answer.rate_hz, threshold=threshold) == ()


@pytest.mark.clips
def test_starter_when_a_real_clip_is_read_then_most_contacts_are_found(detector: Detector, clips: Path) -> None:
    """The graph was trained on this clip too: this checks the way from file to onsets, not the net's worth."""
    name, low, high = "2015-09-23-15-41-10-638", 1.0, 19.283
    rows = csv.DictReader((clips / "onsets_visual" / f"{name}.csv").read_text().splitlines())
    truth = np.array([float(row["time_s"]) for row in rows])
    path = clips / "greatest_hits" / f"{name}.mp4"
    found = detector.detect(Clip.whole(str(path), video.probe(path).duration_s))
    times = np.array([onset.time_s for onset in found.onsets])
    assert f_score(truth[(truth >= low) & (truth <= high)], times[(times >= low) & (times <= high)], 0.05) > 0.7
