"""What a training of onset nets may not do: mix up times, strengths, folds or seeds, and judge by what it learned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bridge.dsp.motion import CHANNELS, MotionSettings
from bridge.dsp.peaks import Peak
from onnx_export.checkpoints import read_facts
from onnx_export.nets.onset import OnsetNet
from onnx_export.train import clips as clips_module
from onnx_export.train import when, when_fit, when_score
from onnx_export.train.augment import Batch, Sampler
from onnx_export.train.clips import Example, load
from onnx_export.train.run import CHECKPOINT, Run
from onnx_export.train.when_data import UNSEEN_SEED, Source
from onnx_export.train.when_fit import Answer, Data, Plan, predict, train
from onnx_export.train.when_score import Held, cross_validate, rank_correlation, train_seeds
from onnx_export.train.when_strength import amplitudes
from tests.onnx_export.train.toys import clips_folder, small, still, toy

SETTINGS = MotionSettings(rows=4, columns=6)
PLAN = Plan(steps=1, batch=3, window_steps=16)
RATE_HZ = 30.0
FIRST, SECOND = 60, 240
"""Steps of the two contacts of ``_two``."""


def _two() -> Example:
    """All is still but for one step at a soft contact (something changes) and one at a hard one (something moves)."""
    motion = np.zeros((300, CHANNELS, 8, 12), np.float16)
    motion[FIRST, 2] = 50.0
    motion[SECOND, :2] = 50.0
    times = (np.array([FIRST, SECOND]) + 0.5) / RATE_HZ
    return Example(
        name="two", group="two", motion=motion, start_s=0.5 / RATE_HZ, rate_hz=RATE_HZ, onsets_s=times,
        valid_s=(0.2, 9.8), strength=np.array([0.25, 1.0]),
    )  # fmt: skip


def _windows() -> Batch:
    return Sampler([_two()], shape=(96, 4, 6)).batch(48, np.random.default_rng(3))


def _weights(net: torch.nn.Module) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in net.parameters()])


def test_sampler_when_a_window_has_a_contact_then_target_and_strength_are_those_of_its_motion() -> None:
    batch = _windows()
    seen = []
    for motion, target, strength in zip(batch.motion, batch.target, batch.strength, strict=True):
        if float(target.max()) < 0.8:
            continue
        by_channel = motion.abs().sum((2, 3))
        moves, changes = by_channel[:, :2].sum(1), by_channel[:, 2]
        at = int(target.argmax())
        assert at == int((moves + changes).argmax())
        hard = bool(moves[at] > 2 * changes[at])
        assert float(strength[at]) == (1.0 if hard else 0.25)
        seen.append(hard)
    assert 0 < sum(seen) < len(seen)


def test_sampler_when_windows_are_drawn_then_they_are_mirrored_louder_and_faster_than_each_other() -> None:
    example = _two()
    motion = np.zeros_like(example.motion)
    motion[:, 0], motion[:, 2] = 4.0, np.linspace(0.0, 8.0, 12)
    windows = Sampler([replace(example, motion=motion)], shape=(48, 4, 6)).batch(48, np.random.default_rng(3)).motion
    right = windows[:, 20:28, 0].mean((1, 2, 3)).numpy()
    assert 10 < int((right > 0).sum()) < 38
    assert np.std(np.abs(right)) > 0.1
    slope = windows[:, 20:28, 2].mean((1, 2))
    assert 10 < int((slope[:, -1] > slope[:, 0]).sum()) < 38


@pytest.mark.parametrize("source", ["clips", "variants"])
def test_train_when_strengths_were_recorded_then_learned_only_if_the_plan_says_so(source: str, tmp_path: Path) -> None:
    told = toy("a-variant-1" if source == "variants" else "a", hard=True)
    untold = replace(told, strength=None)
    base = Data(clips=[] if source == "clips" else [toy("a", seed=2)], scenes=[toy("s", seed=7, hard=True)])

    def trained(example: Example, *, recorded: bool) -> torch.Tensor:
        plan = replace(PLAN, steps=2, batch=6, window_steps=64, recorded_strengths=recorded)
        out = tmp_path / f"{example.strength is not None}{recorded}"
        return _weights(train(replace(base, **{source: [example]}), plan, settings=SETTINGS, out=out))

    assert torch.equal(trained(told, recorded=False), trained(untold, recorded=False))
    assert not torch.equal(trained(told, recorded=True), trained(untold, recorded=True))
    about = json.loads(read_facts(tmp_path / "TrueFalse" / CHECKPOINT)["plan"])
    assert about["recorded_strengths"] is False


def test_train_when_scenes_tell_forces_then_they_are_learned(tmp_path: Path) -> None:
    scene = toy("s", hard=True)
    plan = replace(PLAN, steps=2, window_steps=64)
    one, other = (
        train(Data(scenes=[example]), plan, settings=SETTINGS, out=tmp_path / str(number))
        for number, example in enumerate((scene, replace(scene, strength=None)))
    )
    assert not torch.equal(_weights(one), _weights(other))


def test_train_when_every_source_is_there_then_each_is_drawn_from_as_the_plan_shares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: dict[str, int] = {}

    class Watched(Sampler):
        def __init__(self, examples: Sequence[Example], *, shape: tuple[int, int, int]) -> None:
            super().__init__(examples, shape=shape)
            self.names = " ".join(example.name for example in examples)

        def batch(self, size: int, draw: np.random.Generator) -> Batch:
            drawn[self.names] = size
            return super().batch(size, draw)

    monkeypatch.setattr(when_fit, "Sampler", Watched)
    data = Data(
        clips=[toy("a")], variants=[toy("a-variant-0", seed=1)], scenes=[toy("s", seed=2)], quiet=[still("quiet-0")]
    )
    train(data, replace(PLAN, batch=12), settings=SETTINGS, out=tmp_path)
    assert drawn == {"a a-variant-0": 7, "s": 4, "quiet-0": 1}


def test_train_when_done_then_the_running_average_is_what_it_gives(tmp_path: Path) -> None:
    net = train(Data(clips=[toy("a")]), replace(PLAN, steps=3), settings=SETTINGS, out=tmp_path)
    stored = load_file(tmp_path / CHECKPOINT)
    names = [name for name, _ in net.named_parameters()]
    assert all(torch.equal(net.state_dict()[name], stored[f"average.{name}"]) for name in names)
    assert not all(torch.equal(stored[f"model.{name}"], stored[f"average.{name}"]) for name in names)


def test_train_seeds_when_nets_are_averaged_then_each_begins_and_draws_by_its_own_seed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []
    usual = Run.draws
    monkeypatch.setattr(Run, "draws", lambda run, seed: (seeds.append(seed), usual(run, seed))[1])
    data = Data(clips=[toy("a")])
    one, two = train_seeds(data, replace(PLAN, seed=5), settings=SETTINGS, count=2, out=tmp_path)
    assert seeds == [5, 6]
    assert not torch.equal(_weights(one), _weights(two))


def test_cross_validate_when_folds_differ_then_other_seeds_and_no_clip_is_judged_by_nets_that_learned_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [toy(name, seed=seed, group=name[0]) for seed, name in enumerate(("a1", "a2", "b1", "b2"))]
    learned: dict[int, set[str]] = {}
    judged: dict[str, list[int]] = {}

    def trains(data: Data, plan: Plan, *, settings: MotionSettings, out: Path) -> OnsetNet:
        learned[plan.seed] = {one.name for one in (*data.clips, *data.variants)}
        out.mkdir(parents=True)
        net = OnsetNet()
        net.seed = plan.seed  # type: ignore[assignment]
        return net

    def answers(nets: Sequence[Any], clip: Example) -> Answer:
        judged[clip.name] = [net.seed for net in nets]
        return Answer(peaks=(), strengths=np.zeros(0))

    monkeypatch.setattr(when_score, "train", trains)
    monkeypatch.setattr(when_score, "predict", answers)
    monkeypatch.setattr(when_score, "steps_told", lambda folders: str(len(folders)))
    data = Data(clips=clips, variants=[replace(clip, name=f"{clip.name}-variant-0") for clip in clips])
    held = cross_validate(data, PLAN, settings=SETTINGS, count=2, seeds=2, by="group", out=tmp_path)
    assert sorted(learned) == [0, 1, 10, 11]
    assert sorted(judged) == [clip.name for clip in held.clips] == ["a1", "a2", "b1", "b2"]
    for name, seeds in judged.items():
        assert len(seeds) == 2
        assert not any(other.startswith(name[0]) for seed in seeds for other in learned[seed])
        assert all(len(learned[seed]) == 4 for seed in seeds)
    assert held.steps == "4"


class _Knows(OnsetNet):
    """Sure of one step, and how hard that was."""

    def forward(self, motion: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        contact, strength = (torch.full(motion.shape[:2], -20.0) for _ in range(2))
        contact[:, FIRST] = 20.0
        strength[:, FIRST] = 20.0
        return contact, strength


def test_predict_when_a_net_is_sure_of_a_step_then_the_peak_is_at_that_steps_source_time_with_its_strength() -> None:
    answer = predict([_Knows()], replace(_two(), start_s=2.0))
    surest = int(np.argmax([peak.height for peak in answer.peaks]))
    assert answer.peaks[surest].time_s == pytest.approx(2.0 + FIRST / RATE_HZ, abs=0.002)
    assert answer.strengths[surest] > 0.9


def test_rank_correlation_when_false_onsets_lie_between_then_only_found_contacts_are_compared() -> None:
    clip = toy("a")
    clip = replace(clip, strength=np.linspace(0.1, 1.0, len(clip.onsets_s)))
    right = [(float(t), hard) for t, hard in zip(clip.onsets_s, clip.strengths, strict=True)]
    false = [(float(t) + 0.1, 1.0 - hard) for t, hard in right]
    unsure = [(float(t) + 0.02, 1.0 - hard) for t, hard in right]

    def told(sign: float) -> float:
        found = [(t, 0.9, 0.5 + sign * (hard - 0.5)) for t, hard in right]
        found += [(t, 0.8, hard) for t, hard in false] + [(t, 0.1, hard) for t, hard in unsure]
        found.sort()
        peaks = tuple(Peak(time_s=t, height=height) for t, height, _ in found)
        answer = Answer(peaks=peaks, strengths=np.array([hard for _, _, hard in found]))
        return rank_correlation(clip, answer, 0.5)

    assert told(1.0) == pytest.approx(1.0)
    assert told(-1.0) == pytest.approx(-1.0)


def test_digest_when_motion_times_or_strengths_change_then_it_is_other_data() -> None:
    one = toy("a", hard=True)
    louder = replace(one, strength=one.strengths * 0.5)
    later = replace(one, onsets_s=one.onsets_s + 0.01)
    faster = replace(one, motion=one.motion * np.float16(2))
    shorter = replace(one, valid_s=(0.2, 5.0))
    every = [Data(clips=[each]).digest for each in (one, louder, later, faster, shorter)]
    every += [Data(scenes=[one]).digest, Data(quiet=[one]).digest, Data(variants=[one]).digest]
    assert len(set(every)) == len(every)


def test_load_when_contacts_come_after_their_sounds_then_strength_is_heard_where_the_sound_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = clips_folder(tmp_path, 1)
    table = (folder / "clips.csv").read_text().splitlines()
    (folder / "clips.csv").write_text(f"{table[0]},av_offset_ms\n{table[1]},30\n")
    heard: list[float] = []
    monkeypatch.setattr(
        clips_module, "strengths_of_file", lambda _, times: (heard.extend(times), np.full(len(times), 0.5))[1]
    )
    (clip,) = load(folder, cache=tmp_path / "c", settings=SETTINGS, onsets="times")
    assert heard == pytest.approx([0.37, 1.17])
    assert list(clip.onsets_s) == [0.4, 1.2]


def test_amplitudes_when_a_sound_is_just_before_or_well_after_then_only_the_near_one_counts() -> None:
    samples = np.zeros(16000 * 3, np.float32)
    for time_s in (0.985, 2.1):
        at = round(time_s * 16000)
        samples[at : at + 80] = 0.5 * np.sin(0.5 * np.arange(80))
    near, after = amplitudes(samples, 16000, np.array([1.0, 2.0]))
    assert near > 0.2
    assert after < 0.01


def _answered(clips: Sequence[Example]) -> Held:
    """The first clip's contacts are found softly; the second's loudly, with false ones in between."""
    soft, loud = (
        tuple(Peak(time_s=float(t), height=height) for t in clip.onsets_s)
        for clip, height in zip(clips, (0.3, 0.9), strict=True)
    )
    wrong = tuple(Peak(time_s=t, height=0.5) for t in np.arange(0.65, 9.5, 0.6))
    answers = [Answer(peaks=peaks, strengths=np.zeros(len(peaks))) for peaks in (soft, (*loud, *wrong))]
    return Held(clips=clips, answers=answers, division=[[0], [1]], nets=[], steps="1")


def test_main_when_cross_validated_then_figures_are_at_thresholds_of_the_other_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = [toy(str(i), seed=i) for i in range(2)]
    monkeypatch.setattr(Source, "recordings", lambda _: clips)
    monkeypatch.setattr(when, "cross_validate", lambda *_, **__: _answered(clips))
    words = f"--clips {tmp_path} --out {tmp_path} --scenes 0 --quiet 0 --variants 0 --judges 0 --steps 1 --seeds 1"
    usual = Plan.__init__
    monkeypatch.setattr(Plan, "__init__", lambda plan, **given: usual(plan, **{**given, "batch": 1}))
    assert when.main([*words.split(), "--folds", "2"]) == 0
    facts = read_facts(tmp_path / CHECKPOINT)
    assert json.loads(facts["cross-validation"])["F within 50 ms"] < 0.6
    assert json.loads(facts["at the shipped threshold"])["F within 50 ms"] > 0.7


def test_main_when_clean_then_scenes_and_films_that_judge_trained_nothing_and_choosers_do_not_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch)
    asked: dict[str, list[str]] = {}

    def watch(module: Any, name: str) -> None:
        usual = getattr(module, name)

        def watched(examples: Any, *rest: Any, **more: Any) -> Any:
            held = (*examples.scenes, *examples.quiet) if isinstance(examples, Data) else examples
            asked[name] = [one.name for one in held]
            return usual(examples, *rest, **more)

        monkeypatch.setattr(module, name, watched)

    watch(when_score, "train")
    for name in ("best_threshold", "quiet_threshold", "false_per_10_s"):
        watch(when, name)
    words = f"--clean --clips {clips_folder(tmp_path, 1)} --onsets times --out {tmp_path / 'out'} --scenes 2 --quiet 3"
    words += " --judges 2 --steps 1 --seeds 1"
    assert when.main(words.split()) == 0
    first = UNSEEN_SEED
    assert asked["train"] == ["scene-0", "scene-1", "quiet-0", "quiet-1", "quiet-2"]
    assert asked["best_threshold"] == [f"scene-{first}", f"scene-{first + 1}"]
    assert asked["quiet_threshold"] == [f"quiet-{first}", f"quiet-{first + 1}"]
    assert asked["false_per_10_s"] == [f"quiet-{first + 2}", f"quiet-{first + 3}"]
