"""A scene tells the truth about itself: where, how hard, which takes; rooms leave attacks where they were."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.dsp.attacks import attacks
from bridge.errors import RequestError
from onnx_export.nets.mdct import HOP
from onnx_export.train.what_data import LEAD_SAMPLES, RATE_HZ
from onnx_export.train.what_room import impulse_response, in_room
from onnx_export.train.what_scenes import VARIANTS, WEAKEST, SceneMaker, variant
from tests.onnx_export.train.what_sounds import shot

RHYTHMS = [np.arange(0.0, 30.0, 0.7)]


def maker(*names: str, frames: int = 512) -> SceneMaker:
    shots = [shot(name) for name in names]
    return SceneMaker(shots, range(len(shots)), RHYTHMS, frames=frames)


def test_scene_has_its_attacks_where_its_track_says_and_silence_before() -> None:
    draw, rng = maker("a", "a", "b").draw, np.random.default_rng(0)
    for _ in range(8):
        scene = draw(rng)
        frames = np.flatnonzero(scene.onset_track)
        assert scene.audio.shape == (512 * HOP,)
        if not len(frames):
            assert not scene.audio.any()
            continue
        assert np.abs(scene.audio[: frames[0] * HOP - LEAD_SAMPLES]).max() == 0.0
        first = scene.audio[frames[0] * HOP :]
        assert np.abs(first[:32]).max() > 0.2 * np.abs(first[:4800]).max()
        settled = frames[frames < 500] * HOP / RATE_HZ
        found = attacks(scene.audio, rate_hz=RATE_HZ)
        assert all(np.abs(found - time).min() < 0.004 for time in settled)


def test_scene_is_as_loud_as_its_strengths_say_and_strengths_spread_widely() -> None:
    draw, rng = maker("a").draw, np.random.default_rng(1)
    strengths, peaks = [], []
    for _ in range(40):
        scene = draw(rng)
        for frame in np.flatnonzero(scene.onset_track[:480]):
            strengths.append(scene.onset_track[frame])
            peaks.append(np.abs(scene.audio[frame * HOP : frame * HOP + 960]).max())
    ratio = np.asarray(peaks) / np.asarray(strengths)
    assert np.corrcoef(strengths, peaks)[0, 1] > 0.95
    assert ratio.std() < 0.2 * ratio.mean()
    assert WEAKEST - 1e-6 <= min(strengths) < 0.2
    assert 0.8 < max(strengths) <= 1.0


def test_scenes_take_turns_among_takes_of_one_family_and_do_not_cut_tails() -> None:
    shots = [shot("a", decay_s=0.3), shot("a", decay_s=0.3), shot("b")]
    draw = SceneMaker(shots, [0, 1], [np.arange(0.0, 30.0, 0.25)], frames=512).draw
    rng = np.random.default_rng(0)
    scenes = [draw(rng) for _ in range(12)]
    assert any(set(scene.takes) == {0, 1} for scene in scenes)
    assert all(2 not in scene.takes for scene in scenes)
    assert {scene.variant for scene in scenes} == set(range(VARIANTS))


def test_scenes_are_the_same_for_the_same_seed_and_differ_for_another() -> None:
    one, same, other = (maker("a").draw(np.random.default_rng(seed)) for seed in (4, 4, 5))
    assert np.array_equal(one.audio, same.audio)
    assert not np.array_equal(one.onset_track, other.onset_track)


def test_scene_maker_when_nothing_is_left_says_so() -> None:
    with pytest.raises(RequestError, match="0 usable one-shots, 1 usable rhythms"):
        SceneMaker([shot("a")], [], RHYTHMS, frames=64)


def test_variants_keep_the_attack_where_it_was_and_takes_of_a_family_share_them() -> None:
    dry = shot("a")
    assert variant(dry, 0) is dry.samples
    for number in range(1, VARIANTS):
        made = variant(dry, number)
        assert np.array_equal(made, variant(shot("a"), number))
        assert not np.array_equal(made[:4800], variant(shot("b"), number)[:4800])
        assert abs(int(np.argmax(np.abs(made) > 0.05)) - int(np.argmax(np.abs(dry.samples) > 0.05))) <= 24
        assert np.abs(made).max() <= 0.96


def test_room_adds_a_tail_and_leaves_what_comes_first() -> None:
    click = np.zeros(4800, np.float32)
    click[100] = 1.0
    for seed in range(6):
        response = impulse_response(np.random.default_rng(seed), rate_hz=RATE_HZ)
        wet = in_room(click, response)
        assert len(wet) > len(click)
        assert np.abs(wet[:100]).max() < 1e-5
        assert wet[100] == pytest.approx(1.0, abs=1e-4)
        assert 1e-4 < np.sqrt(np.sum(wet[101:].astype(np.float64) ** 2)) < 1.0
