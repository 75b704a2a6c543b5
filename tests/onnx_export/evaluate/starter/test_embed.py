"""Words and sounds: what is known beforehand and what is fresh are told apart, in figures and in words."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import soundfile

from onnx_export.evaluate import retrieval
from onnx_export.evaluate.phrases import load_phrases
from onnx_export.evaluate.retrieval import STRANGERS, unit
from onnx_export.evaluate.starter import embed
from onnx_export.train.captions import MATERIALS
from onnx_export.train.embed_data import load_sounds, strangers

RATE_HZ = 48_000


class Learned:
    """Knows the first list by heart, and nothing else; hears nothing."""

    def __init__(self, files: object, *, threads: int) -> None:
        self.vocabulary = tuple({word for phrase, _ in load_phrases() for word in phrase.replace("'", " ").split()})
        self._right = dict(load_phrases())

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        rows = []
        for text in texts:
            seed = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)
            row = 0.01 * np.random.default_rng(seed).standard_normal(16)
            named = [material for material in MATERIALS if set(material.split("_")) & set(text.split())]
            for material in [self._right[text]] if text in self._right else named:
                row[MATERIALS.index(material)] = 1.0
            rows.append(row)
        return unit(np.asarray(rows, np.float32))

    def of_clips(self, clips: np.ndarray) -> np.ndarray:
        return unit(np.ones((len(clips), 16), np.float32))


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each material a thing in training, another take of it and a thing by itself held out."""
    folder = tmp_path_factory.mktemp("sounds")
    rows = []
    for material in MATERIALS:
        for name, digest in (("thing_1", "ff"), ("thing_2", "00"), ("other_1", "01")):
            file = f"{material}_{name}.wav"
            soundfile.write(folder / file, np.full(480, 0.1, np.float32), RATE_HZ)
            whole = digest + hashlib.sha256(file.encode()).hexdigest()[2:]
            row = {"file": file, "category": material, "action": "hit", "detail": "", "original_path": file}
            rows.append({**row, "original_sha256": whole})
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_strangers_when_a_take_of_the_thing_trains_then_it_is_none(sounds: Path) -> None:
    found = strangers(load_sounds(sounds, frozenset()))
    assert len(found) == len(MATERIALS)
    assert all(one.held_out and "other" in one.family for one in found)


def test_part_when_the_net_knows_the_first_list_alone_then_the_fresh_one_gives_it_away(
    sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "PackEmbedder", Learned)
    part = embed.part(cast(Any, None), sounds)
    assert part.figures["phrase to material, by text prototype"].value > 0.9
    assert part.figures["fresh phrase to material, by text prototype"].value < 0.3
    notes = " ".join(part.notes)
    assert "written after training by somebody who had not made the net" in notes
    assert "(0 have an unknown one)" in notes
    assert "put together after the list was written" in notes
    assert "12 of them are of things no take of which was heard" in notes
    assert part.figures["sound to material, by text prototype" + STRANGERS].count == len(MATERIALS)


def test_part_when_counting_words_finds_more_than_the_net_then_the_report_says_so_plainly(
    sounds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrieval, "PackEmbedder", Learned)
    told = " ".join(embed.part(cast(Any, None), sounds).notes)
    assert "To find a recording by words, keywords are better" in told
