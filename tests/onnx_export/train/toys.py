"""Ten seconds of motion that a net can learn from, a folder of tiny films, and trainings that are soon over."""

from __future__ import annotations

import csv
import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bridge.dsp.motion import CHANNELS
from bridge.media.mux import encode_frames
from onnx_export.train import quiet, scenes
from onnx_export.train.clips import Example
from onnx_export.train.when_fit import Plan


def toy(name: str, *, seed: int = 0, group: str = "", onsets: int = 12, hard: bool = False) -> Example:
    """Something is fast right before each onset; with ``hard``, the faster the stronger."""
    random = np.random.default_rng(seed)
    times = np.sort(random.choice(np.arange(0.5, 9.5, 0.3), onsets, replace=False))
    strength = random.choice([0.1, 1.0], onsets) if hard else np.full(onsets, np.nan)
    motion = np.abs(random.standard_normal((300, CHANNELS, 8, 12))) * 0.05
    for time_s, force in zip(times, np.nan_to_num(strength, nan=1.0), strict=True):
        motion[int(time_s * 30) - 3 : int(time_s * 30), 1:] += 2 + 10 * force
    return Example(
        name=name,
        group=group or name,
        motion=motion.astype(np.float16),
        start_s=1 / 60,
        rate_hz=30.0,
        onsets_s=times,
        valid_s=(0.2, 9.8),
        strength=strength if hard else None,
    )


def still(name: str) -> Example:
    """Nothing happens."""
    example = toy(name, onsets=1)
    return Example(
        name=name,
        group=name,
        motion=np.zeros_like(example.motion),
        start_s=example.start_s,
        rate_hz=30.0,
        onsets_s=np.zeros(0),
        valid_s=example.valid_s,
    )


def clips_folder(folder: Path, count: int, *, columns: Sequence[str] = ()) -> Path:
    """Films of 1.8 s in which a picture changes every five frames, with their table."""
    rows = []
    for number in range(count):
        pictures = (np.full((36, 64, 3), 40 + 20 * ((k // 5 + number) % 2), np.uint8) for k in range(45))
        encode_frames(folder / f"clip{number}.mp4", pictures, 25.0)
        rows.append([f"clip{number}", f"clip{number}.mp4", "0.1", "1.7", *columns])
        (folder / "times").mkdir(exist_ok=True)
        (folder / "times" / f"clip{number}.csv").write_text("time_s,material\n0.4,wood\n1.2,metal\n")
    with (folder / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "path", "eval_start", "eval_end"], *rows])
    return folder


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short films, and few windows."""
    for module in (scenes, quiet):
        monkeypatch.setattr(module, "example", functools.partial(module.example, length_s=1.5))
    usual = Plan.__init__
    monkeypatch.setattr(
        Plan, "__init__", lambda plan, **given: usual(plan, **{"batch": 3, "window_steps": 16, **given})
    )
