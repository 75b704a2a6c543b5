"""The judge tells unheard hits apart, whatever their level and however often a clip repeats them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bridge.engine.tokens import clip_of_reference
from bridge.errors import PackError, RequestError
from onnx_export.nets.embed import CLIP_SAMPLES
from onnx_export.train.embed import main
from onnx_export.train.embed_judge import JUDGED, JudgePlan, accuracy, heard, load_judge, train_judge
from tests.onnx_export.embed_data import struck, write_sounds


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> JudgePlan:
    folder = tmp_path_factory.mktemp("judge")
    return JudgePlan(sounds=write_sounds(folder / "sounds"), out=folder / "out")


def test_judge_when_trained_then_it_tells_unheard_sounds_apart_and_is_on_disk(plan: JudgePlan) -> None:
    judge = train_judge(plan)
    right = {"all": 1.0, "mean of materials": 1.0, "metal": 1.0, "wood": 1.0}
    assert accuracy(judge, plan.sounds) == {**right, "count": 8.0}
    clips = np.concatenate([clip_of_reference(struck(kind, seed=99), CLIP_SAMPLES) for kind in ("wood", "metal")])
    again = load_judge(plan.out / "checkpoint.safetensors").of_clips(clips)
    assert [JUDGED[place] for place in again.argmax(axis=1)] == ["wood", "metal"]
    assert np.allclose(again.sum(axis=1), 1.0, atol=1e-5)
    assert np.allclose(again, judge.of_clips(clips), atol=1e-5)


def test_judge_when_trained_again_then_it_is_the_same(plan: JudgePlan) -> None:
    first, again = train_judge(plan).state_dict(), train_judge(plan).state_dict()
    assert all(np.array_equal(first[name], again[name]) for name in first)


def test_hit_when_louder_or_repeated_then_it_is_heard_the_same() -> None:
    hit = np.round(struck("metal", seed=5) * 8000) / 32767
    alone = np.zeros(CLIP_SAMPLES, np.float32)
    alone[: len(hit)] = hit
    repeated = clip_of_reference(hit.astype(np.float32), CLIP_SAMPLES)[0]
    assert np.abs(repeated[len(hit) :]).max() > 0.1
    assert np.allclose(heard(alone), heard(alone * 2.0), atol=0.05)
    assert np.abs(heard(alone) - heard(repeated)).mean() < 0.5


def test_hit_when_the_clip_is_silent_or_begins_late_then_it_is_finite() -> None:
    silent = np.zeros(CLIP_SAMPLES, np.float32)
    assert np.isfinite(heard(silent)).all()
    late = silent.copy()
    late[90_000:] = 0.1
    assert np.isfinite(heard(late)).all()


def test_judge_when_nothing_is_there_then_says_so(plan: JudgePlan, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="manifest"):
        train_judge(JudgePlan(sounds=tmp_path, out=tmp_path))
    with pytest.raises(PackError, match="there is no checkpoint"):
        load_judge(tmp_path / "checkpoint.safetensors")


def test_judge_command_when_run_then_tells_its_share_on_held_out_originals(
    plan: JudgePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--judge", "--sounds", str(plan.sounds), "--out", str(plan.out)]) == 0
    told = capsys.readouterr().out
    assert "all held-out: all 1, " in told
    assert "all held-out, of things no take of which was heard: all 1, " in told
