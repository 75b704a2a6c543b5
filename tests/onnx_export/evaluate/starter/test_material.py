"""Materials: the judge hears each hit, and what it hears is counted as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from bridge.errors import RequestError
from onnx_export.evaluate.starter import material
from onnx_export.train.captions import Known
from onnx_export.train.embed_data import Sound
from onnx_export.train.embed_judge import JUDGED
from tests.onnx_export.evaluate.starter.conftest import box_of


@dataclass
class Judge:
    """Always says the same material."""

    says: str

    def of_clips(self, clips: NDArray[np.float32]) -> NDArray[np.float32]:
        shares = np.full((len(clips), len(JUDGED)), 0.1, np.float32)
        shares[:, JUDGED.index(self.says)] = 0.3
        return shares


def shot(kind: str, original: str, *, held_out: bool = True) -> Sound:
    samples = np.random.default_rng(0).standard_normal(4800).astype(np.float32) * 0.1
    known = Known(material=kind, action="hit", detail=(), name=())
    return Sound(samples=samples, known=known, family=original, original=original, held_out=held_out)


SHOTS = [shot(kind, f"{kind}{number}") for kind in JUDGED for number in range(5)]


def test_prompts_when_listed_then_the_judges_eight_materials_thrice_each() -> None:
    assert set(material.PROMPTS) == set(JUDGED)
    asked = material.by_words()
    assert len(asked) == 8 * 3 * len(material.RHYTHMS)
    assert len({(one.material, one.seed) for one in asked}) == len(asked)


def test_hits_when_cut_then_each_by_itself_and_not_beyond_the_next() -> None:
    samples = np.zeros(round(2.4 * 48_000), np.float32)
    samples[round(0.2 * 48_000)] = 0.5
    samples[round(0.9 * 48_000)] = -0.5
    clips = material.hits(samples, (0.2, 0.9, 1.6))
    assert clips.shape == (3, 96_000)
    assert clips[0].max() > 0.4
    assert clips[0].min() == 0.0, "the second hit is not in the first clip"
    assert clips[1].min() < -0.4
    assert not clips[2].any()


def test_part_when_the_judge_hears_metal_everywhere_then_an_eighth_is_right_and_the_table_says_which(
    tmp_path: Path,
) -> None:
    asked = material.by_words() + material.by_examples(SHOTS, tmp_path, seed=0)
    part = material.part(box_of({}), tmp_path / "any.mp4", Judge("metal"), SHOTS, asked, seed=0)
    for name in ("in words", "by an example"):
        found = part.figures[f"right material of eight, asked {name}"]
        assert found.value == pytest.approx(1 / 8)
        assert found.reached is False
    assert part.figures["the judge itself on held-out originals, mean of materials"].value == pytest.approx(1 / 8)
    rows = {row[0]: row[1:] for row in part.tables[0].rows}
    assert rows["metal"] == ("6 of 6", "4 of 4")
    assert rows["wood"] == ("0 of 6", "0 of 4")
    heard = {row[0]: dict(zip(part.tables[1].columns[1:], row[1:], strict=True)) for row in part.tables[1].rows}
    assert heard["wood"] == {**dict.fromkeys(JUDGED, 0), "metal": 10}


def test_by_examples_when_made_then_held_out_originals_each_once(tmp_path: Path) -> None:
    heard = [shot("wood", f"heard in training {number}", held_out=False) for number in range(40)]
    more = [*SHOTS, shot("metal", "metal0"), *heard]
    asked = material.by_examples(more, tmp_path, seed=0)
    assert len({one.example for one in asked}) == len(asked) == 8 * material.EXAMPLES
    assert not any("heard in train" in one.words for one in asked)
    with pytest.raises(RequestError, match="no held-out water"):
        material.by_examples([one for one in SHOTS if one.known.material != "water"], tmp_path, seed=0)


def test_part_when_most_held_out_sounds_are_takes_of_known_things_then_the_others_are_counted_apart(
    tmp_path: Path,
) -> None:
    takes = [replace(shot(kind, f"{kind} again", held_out=False), family=f"{kind}0") for kind in JUDGED]
    asked = material.by_words()[:1]
    part = material.part(box_of({}), tmp_path / "any.mp4", Judge("metal"), [*SHOTS, *takes], asked, seed=0)
    whole = "the judge itself on held-out originals, mean of materials"
    assert part.figures[whole].count == 8 * 5
    assert part.figures[f"{whole}, of things no take of which was heard"].count == 8 * 4
    assert "knows the very recordings" in " ".join(part.notes)


def test_trusted_when_one_material_has_many_then_each_material_counts_the_same() -> None:
    many = [*SHOTS, *(shot("metal", f"more{number}") for number in range(95))]
    assert material.trusted(Judge("metal"), many).value == pytest.approx(1 / 8)
