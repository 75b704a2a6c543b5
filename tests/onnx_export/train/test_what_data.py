"""One-shots are aligned and levelled, rhythms kept apart, scenes say the truth about themselves."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.dsp.attacks import attacks
from onnx_export.nets.mdct import HOP
from onnx_export.train.what_data import (
    LEAD_SAMPLES,
    RATE_HZ,
    SceneMaker,
    Shot,
    align,
    family_of,
    load_rhythms,
    load_shots,
    timbre_of,
)
from onnx_export.train.what_tags import TAGS, tags_of


def knock(*, attack_s: float = 0.1, decay_s: float = 0.04, level: float = 0.3, again_s: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(0)
    sound = rng.standard_normal(round(0.6 * RATE_HZ)) * 1e-4
    for start_s in [attack_s, again_s] if again_s else [attack_s]:
        start = round(start_s * RATE_HZ)
        t = np.arange(len(sound) - start) / RATE_HZ
        sound[start:] += level * rng.standard_normal(len(t)) * np.exp(-t / decay_s)
    return sound.astype(np.float32)


@pytest.mark.parametrize("attack_s", [0.0, 0.013, 0.3])
@pytest.mark.parametrize("level", [0.01, 0.5])
def test_align_puts_the_attack_at_the_lead_and_levels_it(attack_s: float, level: float) -> None:
    aligned = align(knock(attack_s=attack_s, level=level), slow=False)
    assert aligned is not None
    loud = int(np.argmax(np.abs(aligned) > 0.05))
    assert abs(loud - LEAD_SAMPLES) <= 48
    assert 0.3 < np.abs(aligned).max() <= 0.8001


def test_align_refuses_silence_crumbs_slow_rises_and_second_hits() -> None:
    assert align(np.zeros(48000, np.float32), slow=False) is None
    assert align(knock()[:500], slow=False) is None
    ramp = (np.random.default_rng(0).standard_normal(24000) * np.linspace(0, 0.3, 24000)).astype(np.float32)
    assert align(ramp, slow=False) is None
    assert align(knock(again_s=0.35), slow=False) is None
    assert align(knock(), slow=False) is not None


def test_timbre_is_measured() -> None:
    names = {TAGS[i].name for i in timbre_of(shot("a", decay_s=0.2).samples)}
    assert names == {"bright", "long"}
    t = np.arange(9600) / RATE_HZ
    low = (np.sin(2 * np.pi * 150 * t) * np.exp(-t / 0.01)).astype(np.float32)
    assert {TAGS[i].name for i in timbre_of(low)} == {"dull", "short"}


def test_tags_of_reads_material_action_and_object() -> None:
    assert {TAGS[i].name for i in tags_of(category="rock_gravel", action="footstep", detail="")} == {"rock", "footstep"}
    assert {TAGS[i].name for i in tags_of(category="wood", action="hit", detail="cajon (box drum)")} == {
        "wood",
        "hit",
        "box",
    }
    assert tags_of(category="generic", action="other", detail="") == ()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("cc0/wood/cajon_sr2_vl4_rr5_cnd.flac", "cc0/wood/cajon_sr2_vl1_rr2_cnd.flac", True),
        ("ccby/metal/aluminum1_s02.flac", "ccby/metal/aluminum2_s01.flac", True),
        ("cc0/wood/knock_000.flac", "cc0/wood/slam_000.flac", False),
        ("cc0/wood/knock_000.flac", "cc0/metal/knock_000.flac", False),
    ],
)
def test_family_of_joins_takes_of_one_thing(one: str, other: str, same: bool) -> None:
    assert (family_of(one) == family_of(other)) is same


def shot(family: str, *, decay_s: float = 0.04) -> Shot:
    samples = align(knock(decay_s=decay_s), slow=False)
    assert samples is not None
    return Shot(samples=samples, tags=(0, 12), family=family, category="wood", action="hit", held_out=False)


def test_scene_has_its_attacks_where_its_track_says_and_silence_before() -> None:
    maker = SceneMaker([shot("a"), shot("a"), shot("b")], [np.arange(0.0, 30.0, 0.7)], frames=1024)
    rng = np.random.default_rng(0)
    for _ in range(8):
        scene = maker.draw(rng)
        frames = np.flatnonzero(scene.onset_track)
        assert scene.audio.shape == (1024 * HOP,)
        assert np.all(scene.onset_track[frames] <= 1.0)
        if not len(frames):
            assert not scene.audio.any()
            continue
        assert np.abs(scene.audio[: frames[0] * HOP - 64]).max() < 1e-3
        settled = frames[frames < 1000] * HOP / RATE_HZ
        found = attacks(scene.audio, rate_hz=RATE_HZ)
        assert all(np.abs(found - time).min() < 0.004 for time in settled)


def test_scenes_are_the_same_for_the_same_seed_and_sometimes_without_tags() -> None:
    maker = SceneMaker([shot("a")], [np.arange(0.0, 30.0, 0.7)], frames=256)
    one, other = (maker.draw(np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one.audio, other.audio)
    rng = np.random.default_rng(0)
    tagged = [maker.draw(rng).tags.any() for _ in range(100)]
    assert 70 < sum(tagged) < 98


def test_load_rhythms_leaves_out_the_named_recordings(tmp_path: Path) -> None:
    table = tmp_path / "onsets.csv"
    lines = [f"{name},{time_s}" for name in ("keep", "test") for time_s in (2.0, 1.0, 3.5)]
    table.write_text("\n".join(["id,time_s", *lines, "few,1.0", ""]))
    rhythms = load_rhythms(table, leave_out=["test"])
    assert [list(times) for times in rhythms] == [[1.0, 2.0, 3.5]]


def write_sounds(folder: Path, names: list[str]) -> Path:
    rows = []
    for index, name in enumerate(names):
        soundfile.write(folder / name, knock(level=0.2 + 0.01 * index), RATE_HZ)
        row = {"file": name, "category": "wood", "action": "hit", "detail": ""}
        rows.append({**row, "original_sha256": f"{index * 60:02x}" + "0" * 62})
    rows.append({**rows[0], "detail": "door (several hits)"})
    with (folder / "manifest.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return folder


def test_load_shots_reads_the_manifest_and_holds_some_originals_out(tmp_path: Path) -> None:
    shots = load_shots(write_sounds(tmp_path, ["a_1.wav", "a_2.wav", "b_1.wav"]))
    assert len(shots) == 3
    assert [one.held_out for one in shots] == [True, False, False]
    assert shots[0].family == shots[1].family != shots[2].family
