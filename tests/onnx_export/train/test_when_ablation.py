"""What each source of examples is worth: rows learn from what they say, and are judged fairly."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.dsp.motion import MotionSettings
from bridge.dsp.peaks import Peak
from bridge.errors import RequestError
from onnx_export.checkpoints import read_facts
from onnx_export.nets.onset import OnsetNet
from onnx_export.train import quiet, scenes, when, when_ablation, when_score
from onnx_export.train.clips import Example
from onnx_export.train.run import Run
from onnx_export.train.when_ablation import CSV, FALSE, TABLE, Folds, ablate
from onnx_export.train.when_fit import Answer, Data, Plan
from onnx_export.train.when_score import Held
from tests.onnx_export.train.toys import clips_folder, small, still, toy

SETTINGS = MotionSettings(rows=4, columns=6)
PLAN = Plan(steps=1, batch=3, window_steps=16)


def _data() -> Data:
    clips = [toy(str(i), seed=i) for i in range(3)]
    return Data(
        clips=clips,
        variants=[replace(clip, name=f"{clip.name}-variant-0") for clip in clips],
        scenes=[toy("scene-0", seed=7)],
        quiet=[still("quiet-0")],
    )


def _rows(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((out / CSV).read_text(encoding="utf-8").splitlines()))


def test_ablate_when_each_source_is_there_then_each_row_learns_from_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.set_num_threads(1)
    seen: list[tuple[str, list[str]]] = []
    usual = when_score.train

    def watched(data: Data, plan: Plan, *, settings: MotionSettings, out: Path) -> OnsetNet:
        names = [one.name for one in (*data.clips, *data.variants, *data.scenes, *data.quiet)]
        seen.append((str(out.relative_to(tmp_path)), names))
        return usual(data, plan, settings=settings, out=out)

    monkeypatch.setattr(when_score, "train", watched)
    held = Folds(count=3, only=(0, 2))
    table = ablate(_data(), PLAN, held, settings=SETTINGS, still=[still("quiet-3")], out=tmp_path)
    assert dict(seen) == {
        f"{row}/folds/{fold}/0": [*left, *(f"{one}-variant-0" for one in left if variants), *more]
        for row, variants, more in (
            ("clips", False, ()),
            ("clips-variants", True, ()),
            ("clips-scenes", False, ("scene-0",)),
            ("clips-quiet", False, ("quiet-0",)),
            ("all", True, ("scene-0", "quiet-0")),
        )
        for fold, left in ((0, ("1", "2")), (2, ("0", "1")))
    }
    rows = _rows(tmp_path)
    assert [row["learned from"] for row in rows] == list(when_ablation.ROWS)
    assert [(row["variants"], row["scenes"], row["quiet films"]) for row in rows] == [
        ("0", "0", "0"), ("3", "0", "0"), ("0", "1", "0"), ("0", "0", "1"), ("3", "1", "1")
    ]  # fmt: skip
    assert {(row["clips"], row["folds"]) for row in rows} == {("2", "0 2")}
    assert all(0 <= float(row["F within 50 ms"]) <= 1 and float(row[FALSE]) >= 0 for row in rows)
    assert (tmp_path / TABLE).read_text(encoding="utf-8") == table
    assert table.count("\n") == 2 + len(rows)


def _answered(monkeypatch: pytest.MonkeyPatch, clips: Sequence[Example], peaks: Sequence[tuple[Peak, ...]]) -> None:
    """Nets that say so of the clips, each its own fold."""
    answers = [Answer(peaks=found, strengths=np.zeros(len(found))) for found in peaks]
    held = Held(
        clips=clips, answers=answers, division=[[i] for i in range(len(clips))], nets=[[]] * len(clips), steps="1"
    )
    monkeypatch.setattr(when_ablation, "cross_validate", lambda *_, **__: held)


def test_ablate_when_a_clip_would_like_another_threshold_then_that_of_the_other_folds_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [toy(str(i), seed=i) for i in range(2)]
    soft, loud = (
        tuple(Peak(time_s=float(t), height=height) for t in clip.onsets_s)
        for clip, height in zip(clips, (0.3, 0.9), strict=True)
    )
    wrong = tuple(Peak(time_s=t, height=0.5) for t in np.arange(0.65, 9.5, 0.6))
    _answered(monkeypatch, clips, [soft, (*loud, *wrong)])
    loudest = Answer(peaks=(Peak(time_s=1.0, height=0.4),), strengths=np.zeros(1))
    monkeypatch.setattr(when_ablation, "predict", lambda *_: loudest)
    data = Data(clips=clips)
    ablate(data, PLAN, Folds(count=2, only=(0, 1)), settings=SETTINGS, still=[still("quiet-0")], out=tmp_path)
    (row,) = _rows(tmp_path)
    assert row["learned from"] == "clips"
    assert float(row["F within 50 ms"]) < 0.6
    assert float(row[FALSE]) == 0.5


def test_main_when_an_ablation_is_asked_for_again_then_nothing_is_trained_or_rendered_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small(monkeypatch)
    clips, out, cache = clips_folder(tmp_path, 2), tmp_path / "out", tmp_path / "cache"
    sources = f"--clips {clips} --onsets times --cache {cache} --scenes 1 --quiet 1 --variants 1 --judges 1"
    usual = f"{sources} --out {tmp_path / 'usual'} --steps 1 --folds 0 --seeds 1"
    words = f"{sources} --ablation --out {out} --folds 0 1 --of 2 --steps 1 --seeds 1"
    assert when.main(usual.split()) == 0
    kept = sorted(cache.iterdir())
    with monkeypatch.context() as patch:
        for module in (scenes, quiet):
            patch.setattr(module, "grid", _never)
        assert when.main(words.split()) == 0
    assert sorted(cache.iterdir()) == kept
    first = (out / CSV).read_bytes()
    assert [row["learned from"] for row in _rows(out)] == list(when_ablation.ROWS)
    assert not (out / "checkpoint.safetensors").exists()

    (out / CSV).unlink()
    monkeypatch.setattr(Run, "update", _never)
    capsys.readouterr()
    assert when.main(words.split()) == 0
    assert (out / CSV).read_bytes() == first
    assert capsys.readouterr().out == (out / TABLE).read_text(encoding="utf-8")

    shipped = f"{usual} --table {out / TABLE}"
    assert when.main(shipped.split()) == 0
    assert read_facts(tmp_path / "usual" / "checkpoint.safetensors")["ablation"].startswith("| learned from |")


def _never(*_: object, **__: object) -> None:
    raise AssertionError("this is done already")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ("--ablation --folds 0", "no other fold"),
        ("--ablation --folds 1 5", "0 to 4"),
        ("--ablation --folds 1 1", "each once"),
        ("--ablation --clean", "recordings"),
        ("--folds 0 1", "one number"),
    ],
)
def test_main_when_folds_make_no_sense_then_refused_before_anything_is_measured(
    words: str, match: str, tmp_path: Path
) -> None:
    with pytest.raises(RequestError, match=match):
        when.main(["--clips", str(tmp_path / "none"), "--out", str(tmp_path / "out"), *words.split()])
    assert not (tmp_path / "out").exists()
