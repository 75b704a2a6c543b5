"""Training of the onset net, on toys: it learns, it is honest, and what it leaves becomes a pack's stage."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from bridge.dsp.motion import CHANNELS, MotionSettings
from bridge.dsp.peaks import Peak
from bridge.errors import MediaError, PackError, RequestError
from bridge.media.mux import encode_frames
from onnx_export.convert import export
from onnx_export.nets.onset import CONTEXT_STEPS, OnsetGraph, OnsetNet, mirror
from onnx_export.parity import check_parity
from onnx_export.recipes.when import stage
from onnx_export.train import when
from onnx_export.train.augment import Sampler
from onnx_export.train.clips import Example, folds, load
from onnx_export.train.when_fit import Plan, onset_loss, train
from onnx_export.train.when_score import best_threshold, f_measure, fair_thresholds

SETTINGS = MotionSettings(rows=4, columns=6)


def _toy(name: str, *, seed: int = 0, group: str = "", onsets: int = 12) -> Example:
    """Ten seconds in which something is fast right before each onset."""
    random = np.random.default_rng(seed)
    times = np.sort(random.choice(np.arange(0.5, 9.5, 0.3), onsets, replace=False))
    motion = np.abs(random.standard_normal((300, CHANNELS, 8, 12))) * 0.05
    for time_s in times:
        motion[int(time_s * 30) - 3 : int(time_s * 30), 1:] += 6
    return Example(
        name=name,
        group=group or name,
        motion=motion.astype(np.float16),
        start_s=1 / 60,
        rate_hz=30.0,
        onsets_s=times,
        valid_s=(0.2, 9.8),
    )


def test_train_when_the_task_is_easy_then_loss_falls_and_onsets_are_found() -> None:
    torch.set_num_threads(1)
    clips = [_toy(str(i), seed=i) for i in range(4)]
    plan = Plan(steps=60, batch=4, window_steps=64, ema=0.9)
    net = train(clips, [], plan, settings=SETTINGS)
    motion, target, weight = Sampler(clips, shape=(64, 4, 6), seed=9).batch(8)
    with torch.no_grad():
        before = float(onset_loss(OnsetNet().eval()(motion), target, weight))
        after = float(onset_loss(net(motion), target, weight))
    assert np.isfinite(after)
    assert after < 0.6 * before


def test_train_when_seeded_then_repeatable_and_scenes_take_their_share() -> None:
    clips, plan = [_toy("a")], Plan(steps=2, batch=3, window_steps=16)
    one, two, mixed = (train(clips, s, plan, settings=SETTINGS) for s in ([], [], [_toy("s", seed=7)]))
    weights = [torch.cat([p.flatten() for p in net.parameters()]) for net in (one, two, mixed)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_onset_loss_when_steps_are_not_annotated_then_they_do_not_count() -> None:
    target, weight = torch.zeros(1, 4), torch.tensor([[1.0, 1.0, 0.0, 0.0]])
    wrong_outside = torch.tensor([[-9.0, -9.0, 9.0, 9.0]])
    wrong_inside = torch.tensor([[9.0, -9.0, -9.0, -9.0]])
    assert float(onset_loss(wrong_outside, target, weight)) < 0.01
    assert float(onset_loss(wrong_inside, target, weight)) > 1


def test_sampler_when_windows_are_drawn_then_targets_peak_at_onsets_and_weights_end_with_the_annotation() -> None:
    sampler = Sampler([_toy("a")], shape=(96, 4, 6), seed=1)
    motion, target, weight = sampler.batch(16)
    assert motion.shape == (16, 96, CHANNELS, 4, 6)
    assert target.shape == weight.shape == (16, 96)
    assert 0.8 < float(target.max()) <= 1.0
    assert set(weight.unique().tolist()) == {0.0, 1.0}
    assert torch.isfinite(motion).all()


def test_sampler_when_seeded_then_repeatable() -> None:
    one, two, other = (Sampler([_toy("a")], shape=(16, 4, 6), seed=s).batch(2)[0] for s in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


def test_folds_when_clips_were_recorded_together_then_on_one_side() -> None:
    clips = [_toy(str(i), seed=i, group=g, onsets=5 + i) for i, g in enumerate("aabbbcdee")]
    division = folds(clips, 3)
    assert sorted(i for fold in division for i in fold) == list(range(9))
    for fold in division:
        outside = {clips[i].group for i in range(9) if i not in fold}
        assert not outside & {clips[i].group for i in fold}
    assert len(folds(clips, 9, by="name")) == 9
    with pytest.raises(RequestError, match="folds"):
        folds(clips, 6)


def test_f_measure_when_peaks_lie_outside_the_annotation_then_they_do_not_count() -> None:
    clip = _toy("a")
    right = [Peak(time_s=float(t), height=0.9) for t in clip.onsets_s]
    assert f_measure(clip, [*right, Peak(time_s=9.95, height=0.9)], 0.5) == 1.0
    assert f_measure(clip, [*right, Peak(time_s=9.7, height=0.9)], 0.5) < 1.0
    assert f_measure(clip, right, 0.95) == 0.0


def test_fair_thresholds_when_a_clip_is_tested_then_its_own_answer_has_no_say() -> None:
    clips = [_toy(str(i), seed=i) for i in range(3)]
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
        same = (net(motion) == net(changed))[0]
    assert same[: -CONTEXT_STEPS - 1].all()
    assert not same[-CONTEXT_STEPS - 1 :].all()


def test_graph_when_the_picture_is_mirrored_then_the_same_answer() -> None:
    graph = OnsetGraph(OnsetNet().eval())
    motion = torch.randn(2, 12, CHANNELS, 4, 6)
    with torch.no_grad():
        assert torch.allclose(graph(motion), graph(mirror(motion)), atol=1e-6)
    rightward_on_the_left = torch.zeros(1, 1, CHANNELS, 1, 2)
    rightward_on_the_left[..., :, 0, 0] = 1
    assert mirror(rightward_on_the_left).flatten().tolist() == [0, -1, 0, 1, 0, 1, 0, 1]


def _clips_folder(folder: Path, count: int) -> Path:
    rows = []
    for number in range(count):
        pictures = (np.full((36, 64, 3), 40 + 20 * ((k // 5 + number) % 2), np.uint8) for k in range(45))
        encode_frames(folder / f"clip{number}.mp4", pictures, 25.0)
        rows.append([f"clip{number}", f"clip{number}.mp4", "0.1", "1.7"])
        (folder / "times").mkdir(exist_ok=True)
        (folder / "times" / f"clip{number}.csv").write_text("time_s,material\n0.4,wood\n1.2,metal\n")
    with (folder / "clips.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "path", "eval_start", "eval_end"], *rows])
    return folder


def test_main_when_run_on_a_folder_of_clips_then_predictions_and_a_checkpoint_that_becomes_a_stage(
    tmp_path: Path,
) -> None:
    clips = _clips_folder(tmp_path, 2)
    words = f"--clips {clips} --onsets times --out {tmp_path / 'out'} --scenes 1 --steps 1 --folds 2"
    assert when.main(words.split()) == 0
    rows = list(csv.DictReader((tmp_path / "out" / "predictions" / "clip0.csv").read_text().splitlines()))
    assert all(0 <= float(row["confidence"]) <= 1 and 0 <= float(row["time_s"]) <= 2 for row in rows)

    made = stage(tmp_path / "out" / when.WEIGHTS_NAME)
    assert made.when is not None
    assert made.when.overlap_steps == 2 * CONTEXT_STEPS
    assert MotionSettings.from_manifest(made.when.frontend.to_wire()) == MotionSettings()
    (recipe,) = made.recipes
    assert max(parity.error for parity in check_parity(recipe, export(recipe))) < 1e-4


def test_load_when_there_is_no_table_or_a_broken_video_then_an_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=r"clips\.csv"):
        load(tmp_path, cache=tmp_path / "c", settings=SETTINGS, onsets="times")
    folder = _clips_folder(tmp_path, 1)
    (folder / "clip0.mp4").write_bytes(b"no video")
    with pytest.raises(MediaError, match="clip0"):
        load(folder, cache=tmp_path / "c", settings=SETTINGS, onsets="times")


def test_load_when_done_twice_then_the_second_comes_from_the_cache(tmp_path: Path) -> None:
    folder, cache = _clips_folder(tmp_path, 1), tmp_path / "c"
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
