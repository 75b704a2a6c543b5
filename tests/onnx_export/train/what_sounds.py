"""One-shots and an embedder that are made in a moment, for tests of the generator's training."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from onnx_export.nets.embed import CLIP_SAMPLES, DIM
from onnx_export.train.what_data import RATE_HZ, Shot, align

VOCABULARY = ("wood", "hit", "knock")


class ToyEmbedder:
    """Hears how bright a sound is, reads how a text is spelled."""

    def __init__(self) -> None:
        self.vocabulary = VOCABULARY
        self.clips = 0

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        return _unit(
            np.stack([np.random.default_rng(zlib.crc32(text.encode())).standard_normal(DIM) for text in texts])
        )

    def of_clips(self, clips: np.ndarray) -> np.ndarray:
        assert clips.shape[1:] == (CLIP_SAMPLES,)
        self.clips += len(clips)
        spectrum = np.abs(np.fft.rfft(clips, axis=1))[:, : DIM * 300].reshape(len(clips), DIM, 300).mean(axis=2)
        return _unit(np.log(spectrum + 1e-3))


def knock(*, attack_s: float = 0.1, decay_s: float = 0.04, level: float = 0.3, again_s: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    sound = rng.standard_normal(round(0.6 * RATE_HZ)) * 1e-4
    for start_s in [attack_s, again_s] if again_s else [attack_s]:
        start = round(start_s * RATE_HZ)
        t = np.arange(len(sound) - start) / RATE_HZ
        sound[start:] += level * rng.standard_normal(len(t)) * np.exp(-t / decay_s)
    return sound.astype(np.float32)


def shot(family: str, *, decay_s: float = 0.04, category: str = "wood", action: str = "hit") -> Shot:
    samples = align(knock(decay_s=decay_s), slow=False)
    assert samples is not None
    row = {"category": category, "action": action, "detail": "", "original_path": f"{family}.wav", "file": family}
    return Shot(samples=samples, row=row, family=family, held_out=False)


def write_sounds(folder: Path, names: Sequence[str]) -> Path:
    rows = []
    folder.mkdir(exist_ok=True)
    for index, name in enumerate(names):
        soundfile.write(folder / name, knock(level=0.2 + 0.01 * index), RATE_HZ)
        row = {"file": name, "category": "wood", "action": "hit", "detail": "", "original_path": name}
        rows.append({**row, "original_sha256": f"{index * 60:02x}" + "0" * 62})
    rows.append({**rows[0], "detail": "door (several hits)"})
    with (folder / "manifest.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
