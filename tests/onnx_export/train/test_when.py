"""Training of the onset net, on toys: it learns, it is honest, and what it leaves becomes a pack's stage."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bridge.dsp.motion import CHANNELS, MotionSettings
from bridge.dsp.peaks import Peak
from bridge.errors import MediaError, PackError, RequestError
from onnx_export.checkpoints import read_facts
from onnx_export.convert import export
from onnx_export.nets.onset import CONTEXT_STEPS, OnsetGraph, OnsetNet, mirror
from onnx_export.parity import check_parity
from onnx_export.recipes.when import stage
from onnx_export.train import quiet, when, when_fit, when_score
from onnx_export.train.augment import Batch, Sampler
from onnx_export.train.clips import folds, load
from onnx_export.train.run import CHECKPOINT, Run
from onnx_export.train.when_data import kind_of_quiet
from onnx_export.train.when_fit import Answer, Data, Plan, onset_loss, predict, strength_loss, train
from onnx_export.train.when_report import false_per_10_s
from onnx_export.train.when_score import (
    best_threshold,
    counted,
    f_measure,
    fair_thresholds,
    precision,
    rank_correlation,
)
from onnx_export.train.when_strength import FLOOR, amplitudes, relative
from tests.onnx_export.train.toys import clips_folder, small, still, toy

SETTINGS = MotionSettings(rows=4, columns=6)


def _weights(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_train_when_the_task_is_easy_then_loss_falls_and_hard_contacts_are_called_hard(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    data = Data(scenes=[toy(str(i), seed=i, hard=True) for i in range(4)])
    plan = Plan(steps=50, batch=3, window_steps=64, average_half_steps=7, half=False)
    net = train(data, plan, settings=SETTINGS, out=tmp_path)
    batch = Sampler(data.scenes, shape=(64, 4, 6)).batch(8, np.random.default_rng(9))
    with torch.no_grad():
        before = float(onset_loss(OnsetNet().eval()(batch.motion)[0], batch))
        after = float(onset_loss(net(batch.motion)[0], batch))
    assert np.isfinite(after)
    assert after < 0.6 * before

    clip = toy("new", seed=50, hard=True)
    answer = predict([net], clip)
    at = [int(np.argmin([abs(peak.time_s - t) for peak in answer.peaks])) for t in clip.onsets_s]
    loud = answer.strengths[at][clip.strengths == 1.0]
    soft = answer.strengths[at][clip.strengths < 1.0]
    assert loud.mean() > soft.mean() + 0.2
    assert rank_correlation(clip, answer, 0.0) > 0.4


def test_train_when_seeded_then_repeatable_and_scenes_take_their_share(tmp_path: Path) -> None:
    plan, clips = Plan(steps=2, batch=3, window_steps=16), [toy("a")]
    kinds = (Data(clips=clips), Data(clips=clips), Data(clips=clips, scenes=[toy("s", seed=7)]))
    one, two, mixed = (
        _weights(train(data, plan, settings=SETTINGS, out=tmp_path / str(i))) for i, data in enumerate(kinds)
    )
    assert torch.equal(one, two)
    assert not torch.equal(one, mixed)


def test_train_when_interrupted_then_the_same_as_in_one_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, plan = Data(clips=[toy("a")]), Plan(steps=4, batch=2, window_steps=16)
    whole = train(data, plan, settings=SETTINGS, out=tmp_path / "whole")
    monkeypatch.setattr(when_fit, "_SAVE_STEPS", 2)
    usual, calls = Run.update, []

    def stops_at_the_third(run: Run, loss: torch.Tensor, *, done: float) -> None:
        calls.append(done)
        if len(calls) == 3:
            raise KeyboardInterrupt
        usual(run, loss, done=done)

    monkeypatch.setattr(Run, "update", stops_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        train(data, plan, settings=SETTINGS, out=tmp_path / "parts")
    resumed = train(data, plan, settings=SETTINGS, out=tmp_path / "parts")
    assert len(calls) == 3 + 2
    assert torch.equal(_weights(whole), _weights(resumed))
    with pytest.raises(PackError, match="another run"):
        train(Data(clips=[toy("b", seed=3)]), plan, settings=SETTINGS, out=tmp_path / "parts")


def test_shares_when_a_source_is_missing_then_others_fill_the_batch() -> None:
    clip, scene, film = [toy("a")], [toy("s")], [still("q")]
    plan = Plan(batch=12)
    assert plan.shares(Data(clips=clip, scenes=scene, quiet=film)) == (7, 4, 1)
    assert plan.shares(Data(clips=clip)) == (12, 0, 0)
    assert plan.shares(Data(scenes=scene, quiet=film)) == (0, 11, 1)
    with pytest.raises(RequestError, match="nothing to learn"):
        train(Data(quiet=film), plan, settings=SETTINGS, out=Path("nowhere"))
    with pytest.raises(RequestError, match="end"):
        Plan(steps=0)


def test_data_without_when_clips_are_held_out_then_their_variants_are_too() -> None:
    clips = [toy(name, group=name[0]) for name in ("a1", "a2", "b1")]
    variants = [replace(clip, name=f"{clip.name}-variant-7") for clip in clips]
    data = Data(clips=clips, variants=variants, scenes=[toy("s")])
    left = data.without(clips[:1], by="group")
    assert [one.name for one in (*left.clips, *left.variants, *left.scenes)] == ["b1", "b1-variant-7", "s"]
    assert [one.name for one in data.without(clips[:1], by="name").variants] == ["a2-variant-7", "b1-variant-7"]
    assert data.digest != left.digest
    assert data.digest == replace(data, clips=[toy(name, group=name[0]) for name in ("a1", "a2", "b1")]).digest


def _batch(target: torch.Tensor, weight: torch.Tensor, near: torch.Tensor | None = None) -> Batch:
    empty = torch.zeros_like(target)
    return Batch(motion=empty, target=target, weight=weight, strength=target, near=empty if near is None else near)


def test_losses_when_steps_are_not_annotated_then_they_do_not_count() -> None:
    batch = _batch(torch.zeros(1, 4), torch.tensor([[1.0, 1.0, 0.0, 0.0]]), torch.tensor([[0.0, 1.0, 0.0, 0.0]]))
    wrong_outside = torch.tensor([[-9.0, -9.0, 9.0, 9.0]])
    wrong_inside = torch.tensor([[9.0, -9.0, -9.0, -9.0]])
    wrong_near = torch.tensor([[-9.0, 9.0, -9.0, -9.0]])
    assert float(onset_loss(wrong_outside, batch)) < 0.01
    assert float(onset_loss(wrong_inside, batch)) > 1
    assert float(strength_loss(wrong_inside, batch)) < 0.01
    assert float(strength_loss(wrong_near, batch)) > 1


def test_sampler_when_windows_are_drawn_then_targets_peak_at_onsets_and_weights_end_with_the_annotation() -> None:
    batch = Sampler([toy("a", hard=True)], shape=(96, 4, 6)).batch(16, np.random.default_rng(1))
    assert batch.motion.shape == (16, 96, CHANNELS, 4, 6)
    assert batch.target.shape == batch.weight.shape == batch.strength.shape == batch.near.shape == (16, 96)
    assert 0.8 < float(batch.target.max()) <= 1.0
    assert set(batch.weight.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(batch.near, batch.target * batch.weight)
    assert set(batch.strength[batch.near > 0.9].unique().tolist()) == {float(np.float32(0.1)), 1.0}
    assert torch.isfinite(batch.motion).all()


def test_sampler_when_strengths_are_unknown_or_nothing_happens_then_none_is_learned() -> None:
    unknown = Sampler([toy("a")], shape=(96, 4, 6)).batch(4, np.random.default_rng(1))
    assert float(unknown.near.max()) == 0.0
    assert float(unknown.target.max()) > 0.5
    nothing = Sampler([still("q")], shape=(96, 4, 6)).batch(4, np.random.default_rng(1))
    assert float(nothing.target.max()) == float(nothing.near.max()) == 0.0
    assert float(nothing.weight.max()) == 1.0


def test_sampler_when_seeded_then_repeatable() -> None:
    sampler = Sampler([toy("a")], shape=(16, 4, 6))
    one, two, other = (sampler.batch(2, np.random.default_rng(s)).motion for s in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_folds_when_clips_were_recorded_together_then_on_one_side() -> None:
    clips = [toy(str(i), seed=i, group=g, onsets=5 + i) for i, g in enumerate("aabbbcdee")]
    division = folds(clips, 3)
    assert sorted(i for fold in division for i in fold) == list(range(9))
    for fold in division:
        outside = {clips[i].group for i in range(9) if i not in fold}
        assert not outside & {clips[i].group for i in fold}
    assert len(folds(clips, 9, by="name")) == 9
    with pytest.raises(RequestError, match="folds"):
        folds(clips, 6)


def test_f_measure_when_peaks_lie_outside_the_annotation_then_they_do_not_count() -> None:
    clip = toy("a")
    right = [Peak(time_s=float(t), height=0.9) for t in clip.onsets_s]
    assert f_measure(clip, [*right, Peak(time_s=9.95, height=0.9)], 0.5) == 1.0
    assert f_measure(clip, [*right, Peak(time_s=9.7, height=0.9)], 0.5) < 1.0
    assert f_measure(clip, right, 0.95) == 0.0


def test_fair_thresholds_when_a_clip_is_tested_then_its_own_answer_has_no_say() -> None:
    clips = [toy(str(i), seed=i) for i in range(3)]
    heights = (0.2, 0.5, 0.5)
    right = [tuple(Peak(time_s=float(t), height=h) for t in c.onsets_s) for c, h in zip(clips, heights, strict=True)]
    wrong = tuple(Peak(time_s=t, height=0.3) for t in np.arange(0.65, 9.5, 0.6))
    peaks = [right[0], (*right[1], *wrong), (*right[2], *wrong)]
    assert best_threshold(clips, peaks)[1] <= 0.2
    assert 0.3 < fair_thresholds(clips, peaks, [[0], [1], [2]])[0] <= 0.5


def test_net_when_a_step_is_far_then_it_has_no_say() -> None:
    net = OnsetNet().eval()
    motion = torch.randn(1, 2 * CONTEXT_STEPS + 41, CHANNELS, 4, 6)
    changed = motion.clone()
    changed[:, -1] += 5
    with torch.no_grad():
        same = (net(motion)[0] == net(changed)[0])[0]
    assert same[: -CONTEXT_STEPS - 1].all()
    assert not same[-CONTEXT_STEPS - 1 :].all()


class _Knows(OnsetNet):
    """Sure of one step, and that there is nothing in any other."""

    def __init__(self, *, step: int) -> None:
        super().__init__()
        self.step = step

    def forward(self, motion: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = torch.full(motion.shape[:2], -20.0)
        logits[:, self.step] = 20.0
        return logits, logits


def test_graph_when_mirrored_then_the_same_answer_and_chance_is_summed_over_its_neighbourhood() -> None:
    nets = [OnsetNet().eval(), OnsetNet().eval()]
    motion = torch.randn(2, 12, CHANNELS, 4, 6)
    with torch.no_grad():
        both, one, other = (OnsetGraph(chosen)(motion) for chosen in (nets, nets[:1], nets[1:]))
        for here, there in zip(both, OnsetGraph(nets)(mirror(motion)), strict=True):
            assert torch.allclose(here, there, atol=1e-6)
            assert here.shape == (2, 12)
    joint, left, right = (torch.logit(answer[1]) for answer in (both, one, other))
    assert torch.allclose(joint, (left + right) / 2, atol=1e-5)
    sure = OnsetGraph([_Knows(step=6)])(torch.zeros(1, 13, CHANNELS, 1, 2))[0][0]
    assert int(sure.argmax()) == 6
    assert float(sure.sum()) == pytest.approx(1.0, abs=0.01)
    assert float(sure[5]) > 0.2
    rightward_on_the_left = torch.zeros(1, 1, CHANNELS, 1, 2)
    rightward_on_the_left[..., :, 0, 0] = 1
    assert mirror(rightward_on_the_left).flatten().tolist() == [0, -1, 0, 1, 0, 1, 0, 1]


def test_main_when_run_on_a_folder_of_clips_then_predictions_and_a_checkpoint_that_becomes_a_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    clips, out = clips_folder(tmp_path, 2), tmp_path / "out"
    words = (
        f"--clips {clips} --onsets times --out {out} --scenes 1 --quiet 1 --variants 1 --judges 0 "
        "--steps 1 --final-steps 2 --folds 2"
    )
    assert when.main(words.split()) == 0
    rows = list(csv.DictReader((out / "predictions" / "clip0.csv").read_text().splitlines()))
    assert all(0 <= float(row["confidence"]) <= 1 and 0 <= float(row["time_s"]) <= 2 for row in rows)
    assert all(0 <= float(row["strength"]) <= 1 for row in rows)
    assert sorted(str(path.parent.relative_to(out)) for path in out.rglob("log.csv")) == [
        "folds/0/0", "folds/0/1", "folds/1/0", "folds/1/1", "nets/0", "nets/1"
    ]  # fmt: skip

    made = stage(out / CHECKPOINT)
    assert made.when is not None
    assert made.when.overlap_steps == 2 * CONTEXT_STEPS
    assert MotionSettings.from_manifest(made.when.frontend.to_wire()) == MotionSettings()
    assert {one.commercial_use for one in made.training_data} == {"unknown", "yes"}
    assert made.training_data[0].name.endswith(", 2 clips: motion of the picture, contact times")
    (recipe,) = made.recipes
    assert [tensor.name for tensor in recipe.spec.outputs] == ["activation", "strength"]
    assert max(parity.error for parity in check_parity(recipe, export(recipe))) < 1e-4
    facts = read_facts(out / CHECKPOINT)
    assert json.loads(facts["plan"])["variants"] == 2
    assert json.loads(facts["plan"])["steps"] == "2"
    assert json.loads(facts["cross-validation"])["steps"] == "1"
    assert (facts["device"], facts["threads"]) == ("cpu", "1")
    assert 0 <= json.loads(facts["cross-validation"])["F within 50 ms"] <= 1

    weights = load_file(out / CHECKPOINT)
    monkeypatch.setattr(Run, "update", _never)
    assert when.main(words.split()) == 0
    assert read_facts(out / CHECKPOINT) == facts
    assert all(torch.equal(value, weights[name]) for name, value in load_file(out / CHECKPOINT).items())


def _never(*_: object, **__: object) -> None:
    raise AssertionError("a fold that was done is done again")


def test_main_when_clean_then_recordings_train_nothing_and_use_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    seen: list[Data] = []
    usual = when_score.train
    monkeypatch.setattr(when_score, "train", lambda data, *a, **k: (seen.append(data), usual(data, *a, **k))[1])
    clips, out = clips_folder(tmp_path, 1), tmp_path / "out"
    words = f"--clean --clips {clips} --onsets times --out {out} --scenes 1 --quiet 1 --judges 2 --steps 1 --seeds 1"
    assert when.main(words.split()) == 0
    assert [one.name for data in seen for one in (*data.clips, *data.variants)] == []
    assert (out / "predictions" / "clip0.csv").is_file()
    made = stage(out / CHECKPOINT)
    assert {one.commercial_use for one in made.training_data} == {"yes"}
    facts = read_facts(out / CHECKPOINT)
    assert json.loads(facts["recordings that trained nothing"])["clips"] == 1
    assert "all" in json.loads(facts["false onsets per 10 s without action"])
    with pytest.raises(RequestError, match="recordings"):
        when.main(["--out", str(out)])


def test_false_onsets_when_nothing_happens_then_counted_by_kind() -> None:
    films = [still("quiet-0"), still("quiet-1")]
    loud = Answer(peaks=(Peak(time_s=1.0, height=0.9), Peak(time_s=2.0, height=0.2)), strengths=np.zeros(2))
    none = Answer(peaks=(), strengths=np.zeros(0))
    told = false_per_10_s(films, [loud, none], 0.5, kind=kind_of_quiet)
    assert told == {"all": 0.5, quiet.KINDS[0]: 1.0, quiet.KINDS[1]: 0.0}


def test_counted_when_a_stretch_has_one_too_many_then_it_is_wrong() -> None:
    clip = toy("a")
    right = [Peak(time_s=float(t), height=0.9) for t in clip.onsets_s]
    assert counted(clip, right, 0.5) == 1.0
    assert counted(clip, [*right, Peak(time_s=1.0, height=0.9)], 0.5) == pytest.approx(0.75)
    assert precision(clip, right) == pytest.approx(1.0)


def test_strengths_when_hits_differ_by_6_db_then_their_order_and_ratio_are_kept(tmp_path: Path) -> None:
    times = np.array([0.5, 1.0, 1.5, 2.0])
    samples = np.zeros(16000 * 2 + 500, np.float32)
    for time_s, level in zip(times, (0.8, 0.4, 0.001, 0.8), strict=True):
        at = int(time_s * 16000)
        samples[at : at + 400] = level * np.sin(0.5 * np.arange(400))[: len(samples[at : at + 400])]
    found = relative(amplitudes(samples, 16000, times))
    assert found[0] == pytest.approx(1.0, abs=0.02)
    loud = 0.8 - 0.1 * (0.8 - 0.4)  # 95th percentile of three
    assert found[1] == pytest.approx(0.4 / loud, abs=0.01)
    assert found[2] == FLOOR
    assert np.isnan(found[3])
    assert np.isnan(relative(np.zeros(3))).all()
    (silent,) = load(clips_folder(tmp_path, 1), cache=tmp_path / "c", settings=SETTINGS, onsets="times")
    assert np.isnan(silent.strengths).all()


def test_load_when_there_is_no_table_or_a_broken_video_then_an_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"clips\.csv"):
        load(tmp_path, cache=tmp_path / "c", settings=SETTINGS, onsets="times")
    folder = clips_folder(tmp_path, 1)
    (folder / "clip0.mp4").write_bytes(b"no video")
    with pytest.raises(MediaError, match="clip0"):
        load(folder, cache=tmp_path / "c", settings=SETTINGS, onsets="times")


def test_load_when_done_twice_then_the_second_comes_from_the_cache(tmp_path: Path) -> None:
    folder, cache = clips_folder(tmp_path, 1), tmp_path / "c"
    (first,) = load(folder, cache=cache, settings=SETTINGS, onsets="times")
    kept = sorted(cache.iterdir())
    (again,) = load(folder, cache=cache, settings=SETTINGS, onsets="times")
    assert sorted(cache.iterdir()) == kept
    np.testing.assert_array_equal(first.motion, again.motion)
    assert first.motion.shape[1:] == (CHANNELS, 8, 12)
    assert list(first.onsets_s) == [0.4, 1.2]


def test_stage_when_the_checkpoint_is_missing_then_a_pack_error(tmp_path: Path) -> None:
    with pytest.raises(PackError, match="checkpoint"):
        stage(tmp_path / "none.safetensors")
